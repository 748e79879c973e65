// All that a training can be told: options, files, and what a run folder holds of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "cli/report.hpp"
#include "env/settings.hpp"
#include "learn/run_folder.hpp"
#include "learn/settings.hpp"

namespace tandem {

// As typed; empty: not given.
struct TrainOptions {
  std::vector<std::string> argv;
  std::string robot, controller, blend;
  std::optional<int> worlds, iterations;
  std::optional<std::uint64_t> seed;
  std::vector<std::string> configs, overrides;
  std::string name, logs, resume, json;
  std::string device;      // "cuda", "cpu": on Torch tensors, by python/tandem/device_train.py
  bool any_order = false;  // there: MuJoCo Warp and Torch need not repeat themselves bit by bit
  int threads = 0;
};

// Reads a command line, { program, "train", options ... }. Returns the exit code of the program instead where there is nothing to train: 0 after --help,
// 2 for a wrong option; what is to be said of it has been printed.
std::variant<TrainOptions, int> parse_train_options(const std::vector<std::string>& argv);

// Settings of a training, resolved.
struct TrainSetup {
  std::string controller;  // as typed: "mpc", "residual", "rl", "zero", "random"
  Robot robot;
  TaskSettings task;
  PpoSettings ppo;
  TrainSettings train;
};

// Everything that has a name: the task's fields, ppo.*, train.*.
Fields fields(TrainSetup& setup);

// A new training: defaults, the robot's, files, --set, the other options, in that order. Throws Error.
TrainSetup new_setup(const TrainOptions& options);
// That of a run folder; options may only change the number of iterations. Throws Error if they say more, or if the folder's files are not of a run.
TrainSetup resumed_setup(const TrainOptions& options, const RunFolder& folder);

// Writes config.toml and run.json, once, at the start. Throws Error.
void write_setup(TrainSetup& setup, const TrainOptions& options, const RunFolder& folder);

}  // namespace tandem
