// The scalars of every iteration as a table, progress.csv.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/append_file.hpp"
#include "learn/events.hpp"

namespace tandem {

class CsvLog {
 public:
  // Opens `path`, which may exist; its rows beyond `iteration` are dropped, since they will be written again. Throws Error if it cannot be written.
  CsvLog(const std::string& path, std::int64_t iteration);

  // Appends a row; the first one also the heading. A NaN is an empty field. Returns whether all is with the system; on a full disk nothing is added.
  bool write(std::int64_t iteration, std::span<const NamedNumber> scalars);

 private:
  bool has_heading_ = false;
  std::optional<AppendFile> file_;
};

}  // namespace tandem
