// The scalars of every iteration as a table, progress.csv.
#pragma once

#include <cstdint>
#include <cstdio>
#include <span>
#include <string>

#include "learn/events.hpp"

namespace tandem {

class CsvLog {
 public:
  // Opens `path`, which may exist; its rows beyond `iteration` are dropped, since they will be written again. Throws Error if it cannot be written.
  CsvLog(const std::string& path, std::int64_t iteration);
  ~CsvLog();
  CsvLog(const CsvLog&) = delete;

  // Appends a row; the first one also the heading. A NaN is an empty field. Returns whether all is with the system; false on a full disk.
  bool write(std::int64_t iteration, std::span<const NamedNumber> scalars);

 private:
  std::FILE* file_;
  bool has_heading_;
};

}  // namespace tandem
