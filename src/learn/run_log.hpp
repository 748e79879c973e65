// The scalars of a run, as progress.csv and as TensorBoard events.
#pragma once

#include <functional>

#include "learn/csv_log.hpp"
#include "learn/events.hpp"
#include "learn/run_folder.hpp"

namespace tandem {

class RunLog {
 public:
  // Goes on after `iteration`; what the logs hold of later ones is dropped. Throws Error if they cannot be written.
  RunLog(const RunFolder& folder, std::int64_t iteration)
      : folder_(folder.path()), csv_(folder.file("progress.csv"), iteration), events_(folder.path(), iteration + 1) {}

  // Appends the scalars of one iteration. A disk that is full costs one warning, until there is space again.
  void write(std::int64_t iteration, std::span<const NamedNumber> scalars, const std::function<void(const std::string&)>& warn) {
    const bool in_csv = csv_.write(iteration, scalars), in_events = events_.write(iteration, scalars), failed = !(in_csv && in_events);
    if (failed && !failed_ && warn) warn(folder_ + ": the logs cannot be written; is the disk full? Training goes on");
    failed_ = failed;
  }

 private:
  std::string folder_;
  CsvLog csv_;
  EventFile events_;
  bool failed_ = false;
};

}  // namespace tandem
