// Trials that were run, kept on disk one by one, so that a run that was stopped at any moment goes on where it was; and what pairs of them say.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/parallel.hpp"
#include "cli/fit_subject.hpp"
#include "cli/report.hpp"

namespace tandem {

// Results by name in a file of one line each. A line that was cut off is forgotten.
class OutcomeStore {
 public:
  // Opens the file, which need not exist. Throws Error if it cannot be written.
  explicit OutcomeStore(const std::string& path);
  bool has(const std::string& key) const { return found_.contains(key); }
  const Json& at(const std::string& key) const { return found_.at(key); }
  // Appends a result; by several threads at once. Throws Error when the disk is full.
  void add(const std::string& key, const Json& value);

 private:
  std::string path_;
  std::map<std::string, Json> found_;
  std::mutex mutex_;
};

// One result to work out.
struct Job {
  std::string key;
  std::function<Json(int thread)> work;
};
// Works out all that the store does not have.
//   progress  called with the share that is done
void work_through(OutcomeStore& store, ThreadPool& pool, const std::vector<Job>& jobs, const std::function<void(double)>& progress);

// A short name of a theta: the same for the same numbers.
std::string theta_key(const std::vector<double>& theta);

Json to_json(const TrialMeasures& measures);
TrialMeasures measures_from(const Json& json);

// How much larger `second` is than `first` over pairs in which both are finite.
struct PairedDifference {
  int pairs = 0;
  double first = 0, second = 0;                     // means
  double difference = 0, low = 0, high = 0;         // mean of second - first, and its 95 % interval
  double ratio = 0, ratio_low = 0, ratio_high = 0;  // geometric mean of second / first, and its 95 % interval; NaN unless all are positive
};
// Intervals by the bootstrap: percentiles over 10,000 resamplings of the pairs, drawn with `seed`.
PairedDifference compare_pairs(const std::vector<double>& first, const std::vector<double>& second, std::uint64_t seed = 0);
Json to_json(const PairedDifference& difference);

}  // namespace tandem
