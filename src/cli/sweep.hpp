// What the sweeps share: options, one table of results for print and JSON, and the plot of it. docs/programs.md, "sweep".
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

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

// Worlds that did not fall among results [begin, end).
int count_upright(const std::vector<WorldResult>& results, size_t begin, size_t end);

void add_sweep_iterations(CLI::App& sweep, const std::vector<std::string>& argv);
void add_sweep_conditions(CLI::App& sweep, const std::vector<std::string>& argv);
void add_sweep_commands(CLI::App& sweep, const std::vector<std::string>& argv);
void add_sweep_pushes(CLI::App& sweep, const std::vector<std::string>& argv);

}  // namespace tandem
