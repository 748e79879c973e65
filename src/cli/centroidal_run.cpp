#include "cli/centroidal_run.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/check.hpp"
#include "base/parallel.hpp"
#include "cli/progress.hpp"
#include "sim/trajectory.hpp"

namespace tandem {
namespace {

// Appends every control step to a motion.
class MotionWriter {
 public:
  MotionWriter(const std::string& folder, CentroidalLoop& loop, const std::string& title)
      : loop_(loop), writer_(folder, loop.robot().model, info(loop, title)) {}
  void append(double time, const std::array<double, 4>& command, double controller_seconds) {
    const SimOutput& out = loop_.sim().output;
    TrajectoryRow row;
    row.time = time;
    row.q = out.q, row.v = out.v, row.tau = out.tau, row.tau_ff = loop_.sim().input.tau_ff, row.foot_force = out.foot_force;
    row.command = std::span(command).subspan(1, 3);
    row.solve_us = 1e6 * controller_seconds;
    row.value = loop_.mpc().output.cost[0];
    writer_.append(row);
  }
  void finish() { writer_.finish(); }

 private:
  static TrajectoryInfo info(CentroidalLoop& loop, const std::string& title) {
    TrajectoryInfo info;
    info.xml = std::filesystem::absolute(loop.robot().model_path).string();
    info.control_dt = loop.mpc().settings().control_dt;
    info.base_height = loop.robot().base_height;
    info.title = title;
    return info;
  }
  CentroidalLoop& loop_;
  TrajectoryWriter writer_;
};

}  // namespace

void add_centroidal_options(CLI::App& app, CentroidalOptions& options) {
  app.add_option("--theta", options.theta, "of --controller centroidal: multipliers that `tandem fit` wrote (theta.json); default: all 1");
  app.add_option(
         "--plant", options.plant,
         "of --controller centroidal: nominal, or how the robot differs from the controller's model: torso_heavy, friction_low, delay_10ms, ...")
      ->capture_default_str();
  app.add_option("--gait", options.gait, "of --controller centroidal: stance, slow_walk, walk, quick_walk, brisk_walk, trot, run")
      ->capture_default_str();
}

void refuse_centroidal_options(const CentroidalOptions& options) {
  const CentroidalOptions left_out;
  const auto refuse = [](const char* name, const std::string& value, const std::string& usual) {
    check(value == usual, name, " ", value, ": only --controller centroidal takes it");
  };
  refuse("--theta", options.theta, left_out.theta);
  refuse("--plant", options.plant, left_out.plant);
  refuse("--gait", options.gait, left_out.gait);
}

Fields fields(CentroidalSetup& run) {
  Fields out = fields(run.loop);
  for (const Field& field : fields(run.plants)) out.push_back(field);
  CommandRange& range = run.settings.task.command;
  out.insert(out.end(), {{"command.vx", Interval{range.vx}},
                         {"command.vy", Interval{range.vy}},
                         {"command.wz", Interval{range.wz}},
                         {"robot.base_height", &run.settings.robot.base_height, more_than(0)},
                         {"robot.kp", &run.settings.robot.kp, at_least(0)},
                         {"robot.kd", &run.settings.robot.kd, at_least(0)},
                         {"robot.min_base_height", &run.settings.robot.limits.min_base_height},
                         {"robot.max_tilt", &run.settings.robot.limits.max_tilt}});
  return out;
}

ThetaOwner theta_owner(const Robot& robot, const CentroidalSettings& settings) {
  const CentroidalMpc mpc(robot, settings, 1);
  ThetaOwner owner{robot.name, "centroidal", {}};
  for (const ThetaBlock& block : theta_blocks(mpc.joints())) owner.groups.push_back({block.name, block.first, block.size});
  return owner;
}

CentroidalSetup resolve_centroidal(const CommonOptions& common, const CentroidalOptions& options) {
  check_report_path(common.json);
  check(common.policy.empty(), "--policy ", common.policy, ": --controller centroidal takes no policy; leave one of them out");
  check(common.disturbances == "none", "--disturbances ", common.disturbances, ": --controller centroidal has --plant instead; leave it out");
  CentroidalSetup run{load_settings(common.robot), {}, standard_plants(), {}, {}};
  run.settings.pilot.label = "centroidal";
  run.loop.mpc.gait = centroidal_gait(options.gait);
  run.loop.simulator = simulator_command(common);
  for (const std::string& path : common.configs) read_fields(path, fields(run), "", {"trial", "fit", "features", "returns", "adam", "cost", "round"});
  for (const std::string& assignment : common.overrides) apply_assignment(fields(run), assignment);
  run.plant = find_plant(run.plants, options.plant);
  if (!options.theta.empty()) run.theta = load_theta(options.theta, theta_owner(run.settings.robot, run.loop.mpc));
  return run;
}

Json describe_centroidal(const CommonOptions& common, const CentroidalOptions& options, CentroidalSetup& run) {
  Json json = {{"robot", run.settings.robot.name}};
  json.update(to_json(fields(run)));
  json["controller"] = run.settings.pilot.label;
  json["theta"] = options.theta.empty() ? Json(nullptr) : Json(options.theta);
  json["plant"] = options.plant;
  json["gait"] = options.gait;
  json["simulator"] = common.simulator;
  json["seed"] = common.seed;
  return json;
}

Trial trial_of(const Scenario& scenario, int world) {
  const Episode& episode = scenario.world.at(world);
  Trial trial;
  trial.seconds = scenario.seconds;
  trial.q = episode.q, trial.v = episode.v, trial.phase = episode.phase;
  trial.commands = {{0, {episode.command[1], episode.command[2], episode.command[3]}}};
  for (TimedPush push : scenario.pushes)
    if (push.world == world) push.world = 0, trial.pushes.push_back(push);
  return trial;
}

Evaluation evaluate_centroidal(const EvaluationOptions& o, const CommonOptions& common, CentroidalSetup& run,
                               const std::function<void(double)>& progress) {
  override_ranges(o, run.settings);
  Evaluation found{make_scenario(o, run.settings, common.seed), {}, {}};
  found.results.resize(o.worlds);
  ThreadPool pool(common.threads);
  std::vector<std::vector<double>> times(o.worlds);
  std::atomic<int> done = 0;
  std::vector<std::unique_ptr<CentroidalLoop>> loops(pool.size());
  run_tasks(pool, o.worlds, [&](int w, int thread) {
    auto& loop = loops[thread];
    if (!loop) {
      loop = std::make_unique<CentroidalLoop>(run.settings.robot, run.loop, run.plant);
      if (!run.theta.empty()) loop->mpc().set_theta(run.theta);
    }
    const auto stepped = [&](double, double seconds) { times[w].push_back(1e6 * seconds); };
    found.results[w] = loop->run(trial_of(found.scenario, w), {.stepped = stepped});
    ++done;
    if (thread == 0) progress(static_cast<double>(done) / o.worlds);
  });
  for (const auto& some : times) found.times.us.insert(found.times.us.end(), some.begin(), some.end());
  return found;
}

Played play_centroidal(const CentroidalSetup& run, const Scenario& scenario, const std::string& folder) {
  CentroidalLoop loop(run.settings.robot, run.loop, run.plant);
  if (!run.theta.empty()) loop.mpc().set_theta(run.theta);
  Played played{run.settings, {}, {}, std::vector<double>(run.settings.robot.model.njnt, 0.0)};
  MotionWriter writer(folder, loop, cat(run.settings.robot.name, ", centroidal", run.theta.empty() ? "" : ", fitted"));
  const Trial trial = trial_of(scenario, 0);
  Progress progress("walking");
  CentroidalObserver observer;
  observer.measured = [&](const Simulator& sim) {
    for (size_t j = 0; j < played.peak.size(); ++j) played.peak[j] = std::max(played.peak[j], std::abs(sim.output.tau[j]));
  };
  observer.stepped = [&](double time, double seconds) {
    played.step_us.push_back(1e6 * seconds);
    writer.append(time, command_at(trial, run.settings.robot.base_height, time - run.loop.mpc.control_dt), seconds);
    progress.update(time / trial.seconds);
  };
  played.result = loop.run(trial, observer);
  writer.finish();
  return played;
}

}  // namespace tandem
