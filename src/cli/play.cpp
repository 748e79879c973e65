// `tandem play`: one robot in closed loop; prints tracking, torques and times of the controller, writes its motion, and has Python draw it.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "base/check.hpp"
#include "cli/body_maths.hpp"
#include "cli/options.hpp"
#include "cli/progress.hpp"
#include "cli/python.hpp"
#include "cli/report.hpp"
#include "sim/trajectory.hpp"

namespace tandem {
namespace {

struct PlayOptions {
  CommonOptions common;
  std::vector<double> command = {0.5, 0, 0};
  double seconds = 10;
  std::string out;
  double start_scale = 0;
  std::string push, push_body;
  bool no_film = false;
};

constexpr double kPushDuration = 0.1;  // [s]

// "fx,fy,fz@t"
TimedPush parse_push(const std::string& text, int body) {
  const size_t at = text.find('@');
  check(at != std::string::npos, "--push ", text, ": expected fx,fy,fz@t: a force in N in the world, and when it starts in s");
  const std::vector<double> force = parse_numbers(text.substr(0, at), 3, "--push"), start = parse_numbers(text.substr(at + 1), 1, "--push");
  check(start[0] >= 0, "--push ", text, ": starts at ", start[0], " s, expected 0 or later");
  return {0, body, {force[0], force[1], force[2]}, start[0], kPushDuration};
}

// Appends every control step to the trajectory: state and forces after it, and the plan that led there.
class Recorder {
 public:
  Recorder(const std::string& folder, const ClosedLoop& loop, const Scenario& scenario)
      : loop_(loop), command_(scenario.command), maths_(loop.robot.model), writer_(folder, loop.robot.model, info(loop)) {
    const size_t nodes = loop.mpc.settings().nodes, ncon = loop.robot.model.contacts.size();
    base_.resize(3 * nodes);
    points_.resize(3 * nodes * ncon);
  }
  void append(int step) {
    const Model& model = loop_.robot.model;
    const Horizon plan = loop_.mpc.horizon(0);
    const size_t nodes = loop_.mpc.settings().nodes, ncon = model.contacts.size();
    for (size_t k = 0; k < nodes; ++k) {
      std::copy_n(&plan.q[k * model.nq], 3, &base_[3 * k]);
      maths_.contact_points(&plan.q[k * model.nq], std::span(points_).subspan(3 * k * ncon, 3 * ncon));
    }
    const SimOutput& out = loop_.sim->output;
    TrajectoryRow row;
    row.time = (step + 1) * loop_.sim->settings().control_dt;
    row.q = out.q, row.v = out.v, row.tau = out.tau, row.tau_ff = loop_.mpc.output.tau_ff, row.foot_force = out.foot_force;
    row.planned_force = std::span(plan.force).first(3 * ncon);
    row.command = std::span(command_).subspan(1, 3);
    row.solve_us = 1e6 * loop_.step_seconds;
    row.value = loop_.mpc.output.value[0];
    row.predicted_base = base_, row.predicted_point = points_;
    writer_.append(row);
  }
  void finish() { writer_.finish(); }

 private:
  static TrajectoryInfo info(const ClosedLoop& loop) {
    TrajectoryInfo info;
    info.xml = std::filesystem::absolute(loop.robot.model_path).string();
    info.control_dt = loop.sim->settings().control_dt;
    info.base_height = loop.robot.base_height;
    info.horizon = loop.mpc.settings().nodes;
    return info;
  }
  const ClosedLoop& loop_;
  std::vector<double> command_;
  BodyMaths maths_;
  TrajectoryWriter writer_;
  std::vector<double> base_, points_;
};

// What one run gave.
struct Played {
  WorldResult result;
  std::vector<double> step_us, peak;  // controller's step; largest |torque| per joint
  double weight;
};

Played walk(ClosedLoop& loop, const Scenario& scenario, const std::string& folder) {
  const Model& model = loop.robot.model;
  Played played{{}, {}, std::vector<double>(model.njnt, 0.0), 9.81 * total_mass(model)};
  const int steps = step_count(loop, scenario.seconds);
  played.step_us.reserve(steps);
  Recorder recorder(folder, loop, scenario);
  Progress progress("walking");
  const auto observe = [&](Moment moment, int step, const std::vector<unsigned char>&) {
    if (moment == Moment::kBeforeControl) return;
    played.step_us.push_back(1e6 * loop.step_seconds);
    for (int j = 0; j < model.njnt; ++j) played.peak[j] = std::max(played.peak[j], std::abs(loop.sim->output.tau[j]));
    recorder.append(step);
    progress.update((step + 1.0) / steps);
  };
  played.result = run(loop, scenario, observe)[0];
  recorder.finish();
  return played;
}

void print(const PlayOptions& options, const ClosedLoop& loop, Played& played) {
  const WorldResult& r = played.result;
  const Model& model = loop.robot.model;
  if (r.cause == FallCause::kNone) {
    std::printf("%s walked %.1f s\n\n", loop.robot.name.c_str(), r.survived);
    Table tracking({"", "forward [m/s]", "left [m/s]", "turning [rad/s]"});
    tracking.add({"commanded", fixed(options.command[0], 3), fixed(options.command[1], 3), fixed(options.command[2], 3)});
    tracking.add({"measured", fixed(r.velocity.forward, 3), fixed(r.velocity.left, 3), fixed(r.velocity.yaw_rate, 3)});
    tracking.print();
    std::printf("\n");
  } else {
    std::printf("%s fell after %.2f s: %s\n\n", loop.robot.name.c_str(), r.survived, name(r.cause));
  }
  const int hardest = static_cast<int>(std::max_element(played.peak.begin(), played.peak.end()) - played.peak.begin());
  Table table({"", "value"});
  table.add({"root mean square torque [N m]", fixed(std::sqrt(r.mean_squared_torque), 2)});
  table.add({"largest torque [N m]", cat(fixed(played.peak[hardest], 1), " (", model.joint_name[hardest], ")")});
  table.add({"positive mechanical power [W]", fixed(r.positive_power, 1)});
  table.add({"cost of transport", fixed(r.cost_of_transport, 2)});
  table.add({"MPC step, median [us]", fixed(percentile(played.step_us, 0.5), 0)});
  table.add({"MPC step, 99 % [us]", fixed(percentile(played.step_us, 0.99), 0)});
  table.print();
  std::printf("\n");
}

Json results(Played& played) {
  const WorldResult& r = played.result;
  return {{"survived", r.survived},
          {"failure", r.cause == FallCause::kNone ? Json(nullptr) : Json(name(r.cause))},
          {"velocity", {number(r.velocity.forward), number(r.velocity.left), number(r.velocity.yaw_rate)}},
          {"velocity_error", number(r.velocity_error)},
          {"yaw_rate_error", number(r.yaw_rate_error)},
          {"mean_squared_torque", number(r.mean_squared_torque)},
          {"peak_torque", played.peak},
          {"positive_power", number(r.positive_power)},
          {"cost_of_transport", number(r.cost_of_transport)},
          {"foot_slip", number(r.foot_slip)},
          {"step_us_median", number(percentile(played.step_us, 0.5))},
          {"step_us_p99", number(percentile(played.step_us, 0.99))}};
}

void draw(const std::string& folder, bool film) {
  std::printf("motion: %s\n", folder.c_str());
  if (!film) return;
  std::printf("drawing the pictures ...\n");
  std::fflush(stdout);
  const int status = run_python("tandem.figures", {folder}, kInherit).status;
  if (status == 127)
    std::printf("no pictures: there is no Python in %s/.venv; ./tandem play installs it\n", project_root().c_str());
  else if (status != 0)
    std::printf("pictures are missing: tandem.figures ended with %d; the line above says why\n", status);
}

void play(const PlayOptions& options) {
  RunSettings settings = resolve(options.common);
  const std::string folder = options.out.empty() ? "out/play-" + settings.robot.name : options.out;
  ClosedLoop loop(settings.robot, settings.mpc, settings.sim, 1, 1);
  Scenario scenario = standing_start(loop.robot, 1, options.seconds);
  if (options.start_scale > 0) draw_states(loop.robot, {}, options.start_scale, options.common.seed, scenario);
  set_command(scenario, 0, {options.command[0], options.command[1], options.command[2]});
  if (!options.push.empty()) scenario.pushes.push_back(parse_push(options.push, push_body(loop.robot.model, options.push_body)));
  Played played = walk(loop, scenario, folder);
  print(options, loop, played);
  Json described = to_json(settings);
  described["command"] = options.command;
  described["seconds"] = options.seconds;
  described["seed"] = options.common.seed;
  described["start_scale"] = options.start_scale;
  described["push"] = options.push;
  Json found = results(played);
  found["folder"] = folder;
  write_report(options.common.json, options.common.argv, described, found);
  draw(folder, !options.no_film);
}

}  // namespace

void add_play(CLI::App& app, const std::vector<std::string>& argv) {
  CLI::App* sub = app.add_subcommand("play", "A robot walks in closed loop: tracking, torques, times; film, pictures and plot of the motion");
  const auto options = std::make_shared<PlayOptions>();
  options->common.argv = argv;
  add_common_options(*sub, options->common);
  add_numbers(*sub, "--command", 3, options->command, "vx,vy,wz: forward and left [m/s], turning left [rad/s]; default 0.5,0,0");
  sub->add_option("--seconds", options->seconds, "how long [s]")->check(CLI::Range(0.01, 3600.0))->capture_default_str();
  sub->add_option("--out", options->out, "folder for motion and pictures; default out/play-<robot>");
  sub->add_option("--start-scale", options->start_scale,
                  "random start, as a share of the usual one (10 degrees x 1.8, 0.5 m/s, 0.5 rad/s); 0: at rest")
      ->check(CLI::Range(0.0, 10.0))
      ->capture_default_str();
  sub->add_option("--push", options->push, "fx,fy,fz@t: a force [N, world] for 0.1 s from time t [s]");
  sub->add_option("--push-body", options->push_body, "what the push acts on; default: the torso, or else the base");
  sub->add_flag("--no-film", options->no_film, "write the motion only, no pictures");
  sub->callback([options] { play(*options); });
}

}  // namespace tandem
