// `tandem sweep`: how far the controller carries.
#include "cli/sweep.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/check.hpp"
#include "cli/python.hpp"

namespace tandem {

void add_sweep_options(CLI::App& app, SweepOptions& options, const std::vector<std::string>& argv) {
  options.common.argv = argv;
  add_common_options(app, options.common);
  add_controller_options(app, options.common);
  app.add_option("--out", options.out, "folder of report and plot; default out/sweep-<kind>-<robot>");
}

void finish_sweep(const SweepOptions& options, RunSettings& settings, const SweepResult& found) {
  const std::string kind = found.results["kind"];
  const std::string folder = options.out.empty() ? "out/sweep-" + kind + "-" + settings.robot.name : options.out;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  check(!error, "cannot make the folder ", folder, ": ", error.message(), "; give another one with --out");
  Json described = describe(options.common, settings);
  described.update(found.settings);
  const std::string report = folder + "/report.json";
  write_report(report, options.common.argv, described, found.results);
  write_report(options.common.json, options.common.argv, described, found.results);
  std::printf("\nreport: %s\n", report.c_str());
  draw_report("tandem.sweep_plots", report, "sweep");
}

int count_upright(const std::vector<WorldResult>& results, size_t begin, size_t end) {
  const auto upright = [](const WorldResult& r) { return r.cause == FallCause::kNone; };
  return static_cast<int>(std::count_if(results.begin() + static_cast<long>(begin), results.begin() + static_cast<long>(end), upright));
}

void add_sweep(CLI::App& app, const std::vector<std::string>& argv) {
  CLI::App* sweep = app.add_subcommand("sweep", "How far the controller carries: iterations, commands, pushes or conditions");
  sweep->require_subcommand(1);
  add_sweep_iterations(*sweep, argv);
  add_sweep_commands(*sweep, argv);
  add_sweep_conditions(*sweep, argv);
  add_sweep_pushes(*sweep, argv);
}

}  // namespace tandem
