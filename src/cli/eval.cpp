// `tandem eval`: many robots under one controller; survival, errors, torques, step times.
#include <cmath>
#include <cstdio>
#include <memory>

#include "base/check.hpp"
#include "cli/options.hpp"
#include "cli/progress.hpp"
#include "cli/recording.hpp"
#include "cli/report.hpp"

namespace tandem {
namespace {

struct EvalOptions {
  CommonOptions common;
  std::string controller = "mpc";
  std::vector<double> command;     // empty: drawn per world
  std::vector<double> vx, vy, wz;  // {low, high} instead of the robot's range
  int worlds = 100;
  double seconds = 20;
  double start_scale = 0.5;
  double push = 0;        // impulse [N s]; 0: none
  double push_angle = 0;  // of its direction from forward, to the left [degrees]
  double push_time = -1;  // [s]; negative: in the middle
  std::string push_body;
};

constexpr double kPushDuration = 0.1;  // [s]
constexpr int kTimedSteps = 5000;      // single steps to time, at least, where the run has that many

Scenario make_scenario(const EvalOptions& o, const Robot& robot) {
  Scenario scenario = standing_start(robot, o.worlds, o.seconds);
  draw_states(robot, {}, o.start_scale, o.common.seed, scenario);
  draw_commands(robot.commands, o.common.seed, scenario);
  for (int w = 0; w < o.worlds && !o.command.empty(); ++w) set_command(scenario, w, {o.command[0], o.command[1], o.command[2]});
  if (o.push == 0) return scenario;
  const int body = push_body(robot.model, o.push_body);
  const double force = o.push / kPushDuration, angle = o.push_angle * M_PI / 180, start = o.push_time < 0 ? o.seconds / 2 : o.push_time;
  for (int w = 0; w < o.worlds; ++w)
    scenario.pushes.push_back({w, body, {force * std::cos(angle), force * std::sin(angle), 0}, start, kPushDuration});
  return scenario;
}

double mean(const std::vector<WorldResult>& results, double WorldResult::* field) {
  std::vector<double> values;
  for (const WorldResult& r : results) values.push_back(r.*field);
  return finite_mean(values);
}

Json summarise(const std::vector<WorldResult>& results, std::vector<double>& step_us) {
  int upright = 0, causes[kFallCauses] = {};
  for (const WorldResult& r : results) ++causes[static_cast<int>(r.cause)], upright += r.cause == FallCause::kNone;
  const int n = static_cast<int>(results.size());
  const Interval interval = wilson_interval(upright, n);
  Json json;
  json["worlds"] = n;
  json["survival"] = static_cast<double>(upright) / n;
  json["survival_interval"] = {interval.low, interval.high};
  json["velocity_error"] = number(mean(results, &WorldResult::velocity_error));
  json["yaw_rate_error"] = number(mean(results, &WorldResult::yaw_rate_error));
  json["mean_squared_torque"] = number(mean(results, &WorldResult::mean_squared_torque));
  json["positive_power"] = number(mean(results, &WorldResult::positive_power));
  json["cost_of_transport"] = number(mean(results, &WorldResult::cost_of_transport));
  json["foot_slip"] = number(mean(results, &WorldResult::foot_slip));
  json["step_us_median"] = number(percentile(step_us, 0.5));
  json["step_us_p99"] = number(percentile(step_us, 0.99));
  json["step_us_p999"] = number(percentile(step_us, 0.999));
  std::vector<double> constant = time_constant_work(percentile(step_us, 0.5), static_cast<int>(step_us.size()));
  json["step_us_tail"] = number(percentile(step_us, 0.999) / percentile(step_us, 0.5));
  json["step_us_machine_tail"] = number(percentile(constant, 0.999) / percentile(constant, 0.5));
  json["failures"] = Json::object();
  for (int c = 1; c < kFallCauses; ++c) json["failures"][name(static_cast<FallCause>(c))] = causes[c];
  return json;
}

Json describe_worlds(const std::vector<WorldResult>& results, const Scenario& scenario) {
  Json worlds = Json::array();
  for (size_t w = 0; w < results.size(); ++w) {
    const WorldResult& r = results[w];
    const double* c = &scenario.command[4 * w];
    worlds.push_back({{"command", {c[1], c[2], c[3]}},
                      {"survived", r.survived},
                      {"failure", r.cause == FallCause::kNone ? Json(nullptr) : Json(name(r.cause))},
                      {"velocity_error", number(r.velocity_error)},
                      {"yaw_rate_error", number(r.yaw_rate_error)}});
  }
  return worlds;
}

void print(const std::string& robot, const EvalOptions& options, const Json& r) {
  const auto value = [&](const char* key, int digits) { return fixed(r[key].is_null() ? NAN : r[key].get<double>(), digits); };
  std::printf("%s, %d worlds, %.1f s\n\n", robot.c_str(), options.worlds, options.seconds);
  Table table({"", "value"});
  table.add(
      {"survival", cat(value("survival", 3), "  (95 %: ", fixed(r["survival_interval"][0], 3), " .. ", fixed(r["survival_interval"][1], 3), ")")});
  table.add({"velocity error [m/s]", value("velocity_error", 3)});
  table.add({"yaw rate error [rad/s]", value("yaw_rate_error", 3)});
  table.add({"mean squared torque [N^2 m^2]", value("mean_squared_torque", 1)});
  table.add({"positive mechanical power [W]", value("positive_power", 1)});
  table.add({"cost of transport", value("cost_of_transport", 2)});
  table.add({"foot slip [m/s]", value("foot_slip", 4)});
  table.add({"MPC step, median [us]", value("step_us_median", 0)});
  table.add({"MPC step, 99 % [us]", value("step_us_p99", 0)});
  table.add({"MPC step, 99.9 % [us]", value("step_us_p999", 0)});
  table.add({"99.9 % over median", cat(value("step_us_tail", 2), "  (constant work on this machine: ", value("step_us_machine_tail", 2), ")")});
  for (const auto& [cause, count] : r["failures"].items())
    if (count.get<int>() > 0) table.add({"fell: " + cause, cat(count.get<int>())});
  table.print();
}

void override_range(const std::vector<double>& given, const char* option, double (&range)[2]) {
  if (given.empty()) return;
  check(given[0] <= given[1], option, " ", given[0], ",", given[1], ": expected the lower value first");
  range[0] = given[0], range[1] = given[1];
}

void eval(const EvalOptions& options) {
  RunSettings settings = resolve(options.common);
  override_range(options.vx, "--vx", settings.robot.commands.vx);
  override_range(options.vy, "--vy", settings.robot.commands.vy);
  override_range(options.wz, "--wz", settings.robot.commands.wz);
  ClosedLoop loop(settings.robot, settings.mpc, settings.sim, options.worlds, options.common.threads);
  const Scenario scenario = make_scenario(options, loop.robot);
  const int steps = step_count(loop, options.seconds), timed = std::min(options.worlds, (kTimedSteps + steps - 1) / steps);
  Recording recording = make_recording(loop, scenario, timed, steps);
  std::vector<WorldResult> results;
  {
    Progress progress("walking");
    results = run(loop, scenario, [&](Moment moment, int step, const std::vector<unsigned char>& active) {
      if (moment == Moment::kBeforeControl) append(recording, loop, active);
      progress.update((step + 1.0) / steps);
    });
  }
  Mpc single(loop.robot.model, settings.mpc, 1);
  std::vector<double> step_us;
  for (const StepTime& time : replay_single(single, recording)) step_us.push_back(time.us);
  Json summary = summarise(results, step_us);
  print(loop.robot.name, options, summary);
  summary["per_world"] = describe_worlds(results, scenario);
  Json described = to_json(settings);
  described["controller"] = options.controller;
  described["command"] = options.command.empty() ? Json(nullptr) : Json(options.command);
  const CommandRange& range = settings.robot.commands;
  described["command_range"] = {{"vx", range.vx}, {"vy", range.vy}, {"wz", range.wz}};
  described["worlds"] = options.worlds;
  described["seconds"] = options.seconds;
  described["start_scale"] = options.start_scale;
  described["seed"] = options.common.seed;
  described["push"] = {{"impulse", options.push}, {"angle", options.push_angle}, {"time", options.push_time}};
  write_report(options.common.json, options.common.argv, described, summary);
}

}  // namespace

void add_eval(CLI::App& app, const std::vector<std::string>& argv) {
  CLI::App* sub = app.add_subcommand("eval", "Many robots under one controller: survival, errors, torques, step times");
  const auto o = std::make_shared<EvalOptions>();
  o->common.argv = argv;
  add_common_options(*sub, o->common);
  sub->add_option("--controller", o->controller, "what controls the robots")->check(CLI::IsMember({"mpc"}))->capture_default_str();
  CLI::Option* command =
      add_numbers(*sub, "--command", 3, o->command, "vx,vy,wz [m/s, m/s, rad/s] for every world; default: drawn per world from the robot's range");
  add_numbers(*sub, "--vx", 2, o->vx, "low,high [m/s] of the forward velocity, instead of the robot's range")->excludes(command);
  add_numbers(*sub, "--vy", 2, o->vy, "low,high [m/s] of the velocity to the left")->excludes(command);
  add_numbers(*sub, "--wz", 2, o->wz, "low,high [rad/s] of the yaw rate")->excludes(command);
  sub->add_option("--worlds", o->worlds, "robots")->check(CLI::Range(1, 100000))->capture_default_str();
  sub->add_option("--seconds", o->seconds, "how long each walks [s]")->check(CLI::Range(0.01, 3600.0))->capture_default_str();
  sub->add_option("--start-scale", o->start_scale,
                  "random start: 1 is 18 degrees about each axis, 0.5 m/s, 0.5 rad/s; 0 is at rest, with a random gait time")
      ->check(CLI::Range(0.0, 10.0))
      ->capture_default_str();
  sub->add_option("--push", o->push, "impulse [N s] of a push of 0.1 s on every robot")->check(CLI::Range(0.0, 1000.0));
  sub->add_option("--push-angle", o->push_angle, "of its direction in the world, 0 is x, 90 is y [degrees]")->capture_default_str();
  sub->add_option("--push-time", o->push_time, "when it starts [s]; default: in the middle");
  sub->add_option("--push-body", o->push_body, "what it acts on; default: the torso, or else the base");
  sub->callback([o] { eval(*o); });
}

}  // namespace tandem
