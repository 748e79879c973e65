// `tandem sweep`: how far the controller carries.
#include "cli/sweep.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/check.hpp"
#include "cli/progress.hpp"
#include "cli/python.hpp"

namespace tandem {

constexpr const char* kOutHelp = "folder of report and plot; default out/sweep-<kind>-<robot>";

void add_sweep_options(CLI::App& app, SweepOptions& options, const std::vector<std::string>& argv) {
  options.common.argv = argv;
  add_common_options(app, options.common);
  add_controller_options(app, options.common);
  app.add_option("--out", options.out, kOutHelp);
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

void add_comparison_options(CLI::App& app, ComparisonOptions& o, const std::vector<std::string>& argv) {
  o.sweep.common.argv = argv;
  add_common_options(app, o.sweep.common);
  add_task_options(app, o.sweep.common);
  app.add_option("--out", o.sweep.out, kOutHelp);
  app.add_option("--policy", o.policies, "file that training wrote, to compare with the MPC alone; repeatable")->allow_extra_args(false);
  app.add_option("--worlds", o.worlds, "robots for each controller and condition")->check(CLI::Range(1, 100000))->capture_default_str();
  app.add_option("--seconds", o.seconds, "how long each walks [s]")->check(within(0.01, 3600))->capture_default_str();
  app.add_option("--start-scale", o.start_scale, "random start: 1 is 18 degrees, 0.5 m/s, 0.5 rad/s")->check(within(0, 10))->capture_default_str();
}

std::vector<RunSettings> resolve_controllers(const ComparisonOptions& o) {
  std::vector<RunSettings> controllers{resolve(o.sweep.common, "mpc", "")};
  for (const std::string& policy : o.policies) controllers.push_back(resolve(o.sweep.common, "", policy));
  return controllers;
}

ComparisonRun::ComparisonRun(const ComparisonOptions& o, const RunSettings& settings, std::uint64_t seed)
    : loop(settings, o.worlds, o.sweep.common.threads),
      scenario(standing_start(loop.robot(), loop.task(), o.worlds, o.seconds, seed)),
      steps(step_count(loop, o.seconds)),
      steady(steady_state_start(steps, loop.task().mpc.gait.period, loop.control.control_dt())) {
  draw_states(loop.robot(), {}, o.start_scale, scenario);
  draw_commands(loop.task().command, scenario);
}

Json measure_each(const char* sweep, const std::vector<RunSettings>& controllers, const MeasureController& measure) {
  Json rows = Json::array();
  Progress progress(sweep);
  for (const RunSettings& settings : controllers) {
    const double done = double(rows.size());
    rows.push_back(measure(settings, [&](double part) { progress.update((done + part) / double(controllers.size())); }));
  }
  return rows;
}

Json describe(const ComparisonOptions& o) {
  return {{"policies", o.policies}, {"worlds", o.worlds}, {"seconds", o.seconds}, {"start_scale", o.start_scale}};
}

Json name_controller(const RunSettings& settings) {
  const Pilot& pilot = settings.pilot;
  return {{"controller", pilot.policy ? short_name(pilot.file) : pilot.label}, {"policy", pilot.policy ? Json(pilot.file) : Json(nullptr)}};
}

void add_sweep(CLI::App& app, const std::vector<std::string>& argv) {
  CLI::App* sweep = app.add_subcommand("sweep", "How far the controller carries, and what a policy changes");
  sweep->require_subcommand(1);
  add_sweep_iterations(*sweep, argv);
  add_sweep_commands(*sweep, argv);
  add_sweep_conditions(*sweep, argv);
  add_sweep_loads(*sweep, argv);
  add_sweep_pushes(*sweep, argv);
  add_sweep_states(*sweep, argv);
  add_sweep_stride(*sweep, argv);
  add_sweep_tracking(*sweep, argv);
}

}  // namespace tandem
