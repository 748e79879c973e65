// Many robots under one controller, and what became of them: what eval and compare measure. docs/programs.md, "eval".
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/controller_time.hpp"
#include "cli/options.hpp"

namespace tandem {

struct EvaluationOptions {
  std::vector<double> command;     // forward, left, yaw rate for all; empty: drawn per world
  std::vector<double> vx, vy, wz;  // {low, high} instead of the settings' range
  int worlds = 100;
  double seconds = 20;
  double start_scale = 0.5;
  double push = 0;                  // impulse [N s]; 0: none
  double push_angle = 0;            // of its direction from forward, to the left [degrees]
  std::optional<double> push_time;  // [s]; none: in the middle
  std::string push_body;
};

// --command --vx --vy --wz --worlds --seconds --start-scale --push --push-angle --push-time --push-body
void add_evaluation_options(CLI::App& app, EvaluationOptions& options);

// --vx, --vy, --wz become settings.task.command.
void override_ranges(const EvaluationOptions& options, RunSettings& settings);
// Starts, commands and pushes of all worlds: functions of (options, seed), the same for every controller.
Scenario make_scenario(const EvaluationOptions& options, const RunSettings& settings, std::uint64_t seed);

struct Evaluation {
  Scenario scenario;
  std::vector<WorldResult> results;
  ControllerTimes times;  // of the controller of one world
};

// Runs make_scenario after override_ranges.
//   progress: called with the share of the work that is done
Evaluation evaluate(const EvaluationOptions& options, const CommonOptions& common, RunSettings& settings,
                    const std::function<void(double)>& progress);

// {"worlds": 100, "survival": ..., "reward": ..., ...}, and one object per world. Reorders evaluation.times.
Json summarise(Evaluation& evaluation);
Json describe_worlds(const Evaluation& evaluation);
// The options for a report.
Json describe(const EvaluationOptions& options, const RunSettings& settings);

}  // namespace tandem
