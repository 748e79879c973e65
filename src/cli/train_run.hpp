// A training as it appears on the disk and on the screen, whoever computes it: train.cpp, or python/tandem/device_train.py through the Python module.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "cli/train_settings.hpp"
#include "learn/checkpoint.hpp"
#include "learn/network_shape.hpp"
#include "learn/train_result.hpp"

namespace tandem {

struct TrainRun {
  TrainSetup setup;
  RunFolder folder;
  ObservationLayout layout;
  Blending blending;
  Symmetry symmetry;
  std::string revision;  // of the program
  bool learns;           // whether there is a policy to learn

  // Makes the folder of a new run and writes config.toml and run.json, or opens the one to go on with. Throws Error, and then leaves nothing behind where
  // the options or files are wrong.
  explicit TrainRun(const TrainOptions& options);

  std::vector<std::string> action_joints() const;
  // What a checkpoint must have in common with the run that loads it.
  Identity identity() const;
  PpoSizes sizes() const;

 private:
  explicit TrainRun(std::pair<TrainSetup, RunFolder> parts);
};

// The part of a policy that is learnt.
struct LearntPolicy {
  std::vector<Layer> layers;
  std::vector<float> mean, std;  // of the observations
};
// Writes the policy of an iteration, policy_<iteration>.safetensors, and makes it the latest, policy.safetensors. Throws Error.
void export_policy(const TrainRun& run, LearntPolicy learnt, std::int64_t iteration);

// One line on stderr about something that training survives.
void warn(const std::string& line);

// Where a training stands: on a terminal always the same line, elsewhere one every ten seconds.
class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  void show(const TrainStatus& status);

 private:
  bool terminal_;
  std::optional<std::chrono::steady_clock::time_point> shown_;
};

// Prints what came of it, and writes the report that --json asks for. Throws Error if that cannot be written.
//   not_finite  episodes that ended because a number was not finite
void report(TrainRun& run, const TrainOptions& options, const TrainResult& result, long not_finite);

}  // namespace tandem
