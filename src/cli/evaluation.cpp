#include "cli/evaluation.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/check.hpp"
#include "cli/controller_time.hpp"
#include "cli/push_search.hpp"

namespace tandem {
namespace {

constexpr int kTimedSteps = 5000;  // single steps to time, at least, where the run has that many

void override_range(const std::vector<double>& given, const char* option, double (&range)[2]) {
  if (given.empty()) return;
  check(given[0] <= given[1], option, " ", given[0], ",", given[1], ": expected the lower value first");
  range[0] = given[0], range[1] = given[1];
}

// Mean over the worlds where the value is known, and its 95 % interval.
void add_mean(const std::vector<WorldResult>& results, const std::string& key, double WorldResult::* field, Json& json) {
  std::vector<double> values;
  for (const WorldResult& r : results) values.push_back(r.*field);
  const ConfidenceInterval interval = mean_interval(values);
  json[key] = number(finite_mean(values));
  json[key + "_interval"] = {number(interval.low), number(interval.high)};
}

Json mean_terms(const std::vector<WorldResult>& results) {
  Json terms;
  for (int t = 0; t < kRewardTerms; ++t) {
    double sum = 0;
    for (const WorldResult& r : results) sum += r.reward_terms[t];
    terms[reward_names()[t]] = sum / static_cast<double>(results.size());
  }
  return terms;
}

}  // namespace

void add_evaluation_options(CLI::App& app, EvaluationOptions& o) {
  CLI::Option* command =
      add_numbers(app, "--command", 3, o.command, "vx,vy,wz [m/s, m/s, rad/s] for every world; default: drawn per world from the robot's range");
  add_numbers(app, "--vx", 2, o.vx, "low,high [m/s] of the forward velocity, instead of the robot's range")->excludes(command);
  add_numbers(app, "--vy", 2, o.vy, "low,high [m/s] of the velocity to the left")->excludes(command);
  add_numbers(app, "--wz", 2, o.wz, "low,high [rad/s] of the yaw rate")->excludes(command);
  app.add_option("--worlds", o.worlds, "robots")->check(CLI::Range(1, 100000))->capture_default_str();
  app.add_option("--seconds", o.seconds, "how long each walks [s]")->check(within(0.01, 3600))->capture_default_str();
  app.add_option("--start-scale", o.start_scale,
                 "random start: 1 is 18 degrees about each axis, 0.5 m/s, 0.5 rad/s; 0 is at rest, with a random gait time")
      ->check(within(0, 10))
      ->capture_default_str();
  CLI::Option* push = app.add_option("--push", o.push, "impulse [N s] of a push of 0.1 s on every robot")->check(within(0, 1000));
  app.add_option("--push-angle", o.push_angle, "of its direction in the world, 0 is x, 90 is y [degrees]")
      ->check(within(-360, 360))
      ->needs(push)
      ->capture_default_str();
  app.add_option("--push-time", o.push_time, "when it starts [s]; default: in the middle")->check(within(0, 3600))->needs(push);
  app.add_option("--push-body", o.push_body, "what it acts on; default: the torso, or else the base")->needs(push);
}

void override_ranges(const EvaluationOptions& o, RunSettings& settings) {
  override_range(o.vx, "--vx", settings.task.command.vx);
  override_range(o.vy, "--vy", settings.task.command.vy);
  override_range(o.wz, "--wz", settings.task.command.wz);
}

Scenario make_scenario(const EvaluationOptions& o, const RunSettings& settings, std::uint64_t seed) {
  const Robot& robot = settings.robot;
  Scenario scenario = standing_start(robot, settings.task, o.worlds, o.seconds, seed);
  draw_states(robot, {}, o.start_scale, scenario);
  draw_commands(settings.task.command, scenario);
  for (int w = 0; w < o.worlds && !o.command.empty(); ++w) set_command(scenario, w, {o.command[0], o.command[1], o.command[2]});
  if (o.push == 0) return scenario;
  const int body = push_body(robot.model, o.push_body);
  const double start = o.push_time.value_or(o.seconds / 2);
  check(start + kPushDuration <= o.seconds, "--push-time ", start, ": a push takes ", kPushDuration, " s and the run ends after ", o.seconds,
        " s; push sooner or raise --seconds");
  for (int w = 0; w < o.worlds; ++w) scenario.pushes.push_back(make_push(w, body, o.push, o.push_angle * M_PI / 180, start));
  return scenario;
}

Evaluation evaluate(const EvaluationOptions& o, const CommonOptions& common, RunSettings& settings, const std::function<void(double)>& progress) {
  override_ranges(o, settings);
  ClosedLoop loop(settings, o.worlds, common.threads);
  Evaluation found{make_scenario(o, settings, common.seed), {}, {}};
  const int steps = step_count(loop, o.seconds), timed = std::min(o.worlds, (kTimedSteps + steps - 1) / steps);
  StateRecording recording = make_recording(loop, found.scenario, timed, steps);
  found.results = run(loop, found.scenario, [&](Moment moment, int step, const std::vector<unsigned char>& active) {
    if (moment == Moment::kPrepared) append(recording, loop, active);
    progress((step + 1.0) / steps);
  });
  found.times = time_controller(settings, recording);
  return found;
}

Json summarise(Evaluation& evaluation) {
  const std::vector<WorldResult>& results = evaluation.results;
  std::vector<double>& step_us = evaluation.times.us;
  std::vector<double>& best = evaluation.times.best;
  int upright = 0, causes[kFallCauses] = {};
  for (const WorldResult& r : results) ++causes[static_cast<int>(r.cause)], upright += r.cause == FallCause::kNone;
  const int n = static_cast<int>(results.size());
  const ConfidenceInterval interval = wilson_interval(upright, n);
  Json json;
  json["worlds"] = n;
  json["survival"] = static_cast<double>(upright) / n;
  json["survival_interval"] = {interval.low, interval.high};
  add_mean(results, "reward", &WorldResult::reward, json);
  add_mean(results, "reward_of_run", &WorldResult::reward_of_run, json);
  json["reward_terms"] = mean_terms(results);
  add_mean(results, "velocity_error", &WorldResult::velocity_error, json);
  add_mean(results, "yaw_rate_error", &WorldResult::yaw_rate_error, json);
  add_mean(results, "mean_squared_torque", &WorldResult::mean_squared_torque, json);
  add_mean(results, "positive_power", &WorldResult::positive_power, json);
  add_mean(results, "cost_of_transport", &WorldResult::cost_of_transport, json);
  add_mean(results, "foot_slip", &WorldResult::foot_slip, json);
  json["failed_solves"] = std::accumulate(results.begin(), results.end(), 0, [](int sum, const WorldResult& r) { return sum + r.failed_solves; });
  json["step_us_median"] = number(percentile(step_us, 0.5));
  json["step_us_p99"] = number(percentile(step_us, 0.99));
  json["step_us_p999"] = number(percentile(step_us, 0.999));
  std::vector<double> constant = time_constant_work(percentile(step_us, 0.5), static_cast<int>(step_us.size()));
  json["step_us_tail"] = number(percentile(step_us, 0.999) / percentile(step_us, 0.5));
  json["step_us_own_tail"] = number(percentile(best, 0.999) / percentile(best, 0.5));
  json["step_us_machine_tail"] = number(percentile(constant, 0.999) / percentile(constant, 0.5));
  json["failures"] = Json::object();
  for (int c = 1; c < kFallCauses; ++c) json["failures"][name(static_cast<FallCause>(c))] = causes[c];
  return json;
}

Json describe_worlds(const Evaluation& evaluation) {
  Json worlds = Json::array();
  for (size_t w = 0; w < evaluation.results.size(); ++w) {
    const WorldResult& r = evaluation.results[w];
    const double* c = evaluation.scenario.world[w].command;
    Json terms;
    for (int t = 0; t < kRewardTerms; ++t) terms[reward_names()[t]] = r.reward_terms[t];
    worlds.push_back({{"command", {c[1], c[2], c[3]}},
                      {"survived", r.survived},
                      {"failure", r.cause == FallCause::kNone ? Json(nullptr) : Json(name(r.cause))},
                      {"reward", r.reward},
                      {"reward_of_run", r.reward_of_run},
                      {"velocity_error", number(r.velocity_error)},
                      {"yaw_rate_error", number(r.yaw_rate_error)},
                      {"mean_squared_torque", number(r.mean_squared_torque)},
                      {"positive_power", number(r.positive_power)},
                      {"cost_of_transport", number(r.cost_of_transport)},
                      {"foot_slip", number(r.foot_slip)},
                      {"reward_terms", terms}});
  }
  return worlds;
}

Json describe(const EvaluationOptions& o, const RunSettings& settings) {
  const CommandRange& range = settings.task.command;
  return {{"command", o.command.empty() ? Json(nullptr) : Json(o.command)},
          {"command_range", {{"vx", range.vx}, {"vy", range.vy}, {"wz", range.wz}}},
          {"worlds", o.worlds},
          {"seconds", o.seconds},
          {"start_scale", o.start_scale},
          {"push", {{"impulse", o.push}, {"angle", o.push_angle}, {"time", o.push_time ? Json(*o.push_time) : Json(nullptr)}}}};
}

}  // namespace tandem
