// `tandem sweep tracking`: commands drawn far beyond the usual range, and which of them the MPC alone and policies follow.
#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/check.hpp"
#include "cli/sweep.hpp"

namespace tandem {
namespace {

struct TrackingOptions {
  ComparisonOptions base;
  double range_scale = 3;
};

constexpr double kOuter = 0.025;  // share of the tracked commands beyond each end of what is called their range

CommandRange scaled(const CommandRange& range, double scale) {
  CommandRange out = range;
  for (auto* axis : {&out.vx, &out.vy, &out.wz})
    for (double& end : *axis) end *= scale;
  return out;
}

Json measure(const TrackingOptions& o, const RunSettings& settings, const std::function<void(double)>& progress) {
  ComparisonRun walk(o.base, settings, o.base.sweep.common.seed);
  draw_commands(scaled(walk.loop.task().command, o.range_scale), walk.scenario);
  const auto results =
      run(walk.loop, walk.scenario, [&](Moment, int step, const std::vector<unsigned char>&) { progress((step + 1.0) / walk.steps); });
  std::vector<double> followed[3];
  Json row = name_controller(settings), worlds = Json::array();
  for (int w = 0; w < o.base.worlds; ++w) {
    const WorldResult& r = results[w];
    const double* command = walk.scenario.world[w].command + 1;
    const bool tracked = r.cause == FallCause::kNone && r.velocity_error <= kTracked && r.yaw_rate_error <= kTracked;
    for (int a = 0; a < 3 && tracked; ++a) followed[a].push_back(command[a]);
    worlds.push_back({{"command", {command[0], command[1], command[2]}},
                      {"upright", r.cause == FallCause::kNone},
                      {"tracked", tracked},
                      {"velocity_error", number(r.velocity_error)},
                      {"yaw_rate_error", number(r.yaw_rate_error)}});
  }
  const int n = static_cast<int>(followed[0].size());
  const ConfidenceInterval interval = wilson_interval(n, o.base.worlds);
  row["survival"] = double(count_upright(results, 0, results.size())) / o.base.worlds;
  row["tracked"] = double(n) / o.base.worlds;
  row["tracked_interval"] = {interval.low, interval.high};
  int a = 0;
  for (const char* axis : {"vx", "vy", "wz"}) {
    row["range"][axis] = {number(percentile(followed[a], kOuter)), number(percentile(followed[a], 1 - kOuter))};
    ++a;
  }
  row["per_world"] = worlds;
  return row;
}

void print(const TrackingOptions& o, const std::string& robot, const Json& rows) {
  std::printf("%s, %d commands from %.1f times the usual range, %.1f s; tracked within %.2f m/s and rad/s; range of 95 %% of those\n\n",
              robot.c_str(), o.base.worlds, o.range_scale, o.base.seconds, kTracked);
  Table table({"controller", "survival", "tracked (95 %)", "vx [m/s]", "vy [m/s]", "wz [rad/s]"});
  for (const Json& row : rows) {
    const Json& interval = row["tracked_interval"];
    std::vector<std::string> line{row["controller"], fixed(row["survival"], 2),
                                  cat(fixed(row["tracked"], 2), " (", fixed(interval[0], 2), " .. ", fixed(interval[1], 2), ")")};
    for (const Json& range : row["range"])
      line.push_back(range[0].is_null() ? std::string("-") : cat(fixed(range[0], 2), " .. ", fixed(range[1], 2)));
    table.add(line);
  }
  table.print();
}

void sweep_tracking(const TrackingOptions& o) {
  std::vector<RunSettings> controllers = resolve_controllers(o.base);
  const Json rows =
      measure_each("sweep tracking", controllers, [&](const auto& settings, const auto& progress) { return measure(o, settings, progress); });
  print(o, controllers[0].robot.name, rows);
  Json described = describe(o.base);
  described["range_scale"] = o.range_scale;
  finish_sweep(o.base.sweep, controllers[0], {described, {{"kind", "tracking"}, {"tracked_within", kTracked}, {"rows", rows}}});
}

}  // namespace

void add_sweep_tracking(CLI::App& sweep, const std::vector<std::string>& argv) {
  CLI::App* sub = sweep.add_subcommand("tracking", "Random commands beyond the usual range: which of them the MPC alone and policies follow");
  const auto o = std::make_shared<TrackingOptions>();
  o->base.worlds = 300, o->base.start_scale = 0.2;
  add_comparison_options(*sub, o->base, argv);
  sub->add_option("--range-scale", o->range_scale, "of the robot's range of commands")->check(within(0.1, 100))->capture_default_str();
  sub->callback([o] { sweep_tracking(*o); });
}

}  // namespace tandem
