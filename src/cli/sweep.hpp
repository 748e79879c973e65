// What the sweeps share: options, one table of results for print and JSON, and the plot of it. docs/programs.md, "sweep".
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/closed_loop.hpp"
#include "cli/options.hpp"
#include "cli/report.hpp"

namespace tandem {

struct SweepOptions {
  CommonOptions common;
  std::string out;  // folder of report.json and the plot; empty: out/sweep-<kind>-<robot>
};

// What a sweep found.
struct SweepResult {
  Json settings;  // beyond those of controller and simulator
  Json results;   // results["kind"] names the sweep; python/tandem/sweep_plots.py draws it
};

// Adds the shared options, with those of the controller.
void add_sweep_options(CLI::App& app, SweepOptions& options, const std::vector<std::string>& argv);
// Writes <out>/report.json, --json, and the plot beside it; says where they are.
void finish_sweep(const SweepOptions& options, RunSettings& settings, const SweepResult& found);

constexpr double kLoaded = 1;      // a foot with more than this on it stands [N]
constexpr double kTracked = 0.25;  // a command is followed with errors up to this [m/s], and [rad/s] for the turning rate

// Worlds that did not fall among results [begin, end).
int count_upright(const std::vector<WorldResult>& results, size_t begin, size_t end);

// Sweeps that show the MPC alone and policies in the same worlds.
struct ComparisonOptions {
  SweepOptions sweep;
  std::vector<std::string> policies;
  int worlds = 64;
  double seconds = 5, start_scale = 0.5;
};
// Those of every sweep, --policy (repeatable), --worlds, --seconds, --start-scale.
void add_comparison_options(CLI::App& app, ComparisonOptions& options, const std::vector<std::string>& argv);
// The MPC alone and each of the policies. Throws Error as resolve() does.
std::vector<RunSettings> resolve_controllers(const ComparisonOptions& options);
// The robots of a comparison under one controller; the same random starts and commands (of the robot's range) for every controller.
struct ComparisonRun {
  ClosedLoop loop;
  Scenario scenario;
  int steps, steady;  // control steps: in all, before the steady state

  ComparisonRun(const ComparisonOptions& options, const RunSettings& settings, std::uint64_t seed);
};
// One row per controller under a line of progress.   measure: of a controller; it calls its second argument with the share of its work that is done
using MeasureController = std::function<Json(const RunSettings&, const std::function<void(double)>&)>;
Json measure_each(const char* sweep, const std::vector<RunSettings>& controllers, const MeasureController& measure);
// The options for a report.
Json describe(const ComparisonOptions& options);
// {"controller": short name, "policy": file or null}
Json name_controller(const RunSettings& settings);

void add_sweep_iterations(CLI::App& sweep, const std::vector<std::string>& argv);
void add_sweep_conditions(CLI::App& sweep, const std::vector<std::string>& argv);
void add_sweep_commands(CLI::App& sweep, const std::vector<std::string>& argv);
void add_sweep_loads(CLI::App& sweep, const std::vector<std::string>& argv);
void add_sweep_tracking(CLI::App& sweep, const std::vector<std::string>& argv);
void add_sweep_states(CLI::App& sweep, const std::vector<std::string>& argv);
void add_sweep_stride(CLI::App& sweep, const std::vector<std::string>& argv);
void add_sweep_pushes(CLI::App& sweep, const std::vector<std::string>& argv);

}  // namespace tandem
