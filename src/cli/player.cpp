#include "cli/player.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "base/check.hpp"
#include "cli/body_maths.hpp"
#include "cli/progress.hpp"
#include "sim/trajectory.hpp"

namespace tandem {
namespace {

// Appends every control step to the trajectory: state and forces after it, and the plan that led there.
class Recorder {
 public:
  Recorder(const std::string& folder, ClosedLoop& loop, const std::string& title)
      : loop_(loop), maths_(loop.robot().model), writer_(folder, loop.robot().model, info(loop, title)) {
    base_.resize(3 * nodes());
    points_.resize(base_.size() * loop.robot().model.contacts.size());
  }
  // To be called when the plan has been made, before the robot moves on.
  void keep_ground() { ground_ = loop_.control.ground[0]; }
  void append(int step) {
    const SimOutput& out = loop_.sim().output;
    TrajectoryRow row;
    row.time = (step + 1) * loop_.control.control_dt();
    row.q = out.q, row.v = out.v, row.tau = out.tau, row.tau_ff = loop_.sim().input.tau_ff, row.foot_force = out.foot_force;
    row.command = std::span(loop_.control.command).subspan(1, 3);
    row.solve_us = 1e6 * loop_.step_seconds;
    if (nodes() > 0) append_plan(row);
    writer_.append(row);
  }
  void finish() { writer_.finish(); }

 private:
  size_t nodes() const { return loop_.control.mpc() ? loop_.mpc().settings().nodes : 0; }
  void append_plan(TrajectoryRow& row) {
    const Model& model = loop_.robot().model;
    const size_t ncon = model.contacts.size();
    plan_ = loop_.mpc().horizon(0);
    for (size_t k = 0; k < nodes(); ++k) {
      std::copy_n(&plan_.q[k * model.nq], 3, &base_[3 * k]);
      base_[3 * k + 2] += ground_;
      maths_.contact_points(&plan_.q[k * model.nq], std::span(points_).subspan(3 * k * ncon, 3 * ncon));
    }
    for (size_t i = 2; i < points_.size(); i += 3) points_[i] += ground_;
    row.planned_force = std::span(plan_.force).first(3 * ncon);
    row.value = loop_.mpc().output.value[0];
    row.predicted_base = base_, row.predicted_point = points_;
  }
  TrajectoryInfo info(const ClosedLoop& loop, const std::string& title) const {
    TrajectoryInfo info;
    info.xml = std::filesystem::absolute(loop.robot().model_path).string();
    info.control_dt = loop.control.control_dt();
    info.base_height = loop.robot().base_height;
    info.horizon = static_cast<int>(nodes());
    info.title = title;
    return info;
  }
  ClosedLoop& loop_;
  BodyMaths maths_;
  TrajectoryWriter writer_;
  Horizon plan_;
  std::vector<double> base_, points_;
  double ground_ = 0;  // what the plan counts heights from [m]
};

// The ground as python/tandem/trajectory.py reads it; nothing, and nothing of an earlier run, if it is flat.
void write_terrain(const Terrain& terrain, const std::string& folder) {
  const std::string shape = folder + "/terrain.json", heights = folder + "/terrain.f32";
  std::filesystem::remove(shape);
  std::filesystem::remove(heights);
  if (terrain.height.empty()) return;
  std::ofstream(shape) << Json{{"rows", terrain.rows}, {"columns", terrain.columns}, {"cell", terrain.cell}} << '\n';
  std::ofstream file(heights, std::ios::binary);
  file.write(reinterpret_cast<const char*>(terrain.height.data()), static_cast<long>(terrain.height.size() * sizeof(float)));
  check(bool(file.flush()), heights, ": cannot be written; is the disk full?");
}

}  // namespace

Played play_one(const RunSettings& settings, const Scenario& scenario, const std::string& folder) {
  ClosedLoop loop(settings, 1, 1);
  const Model& model = loop.robot().model;
  Played played{settings, {}, {}, std::vector<double>(model.njnt, 0.0)};
  const int steps = step_count(loop, scenario.seconds);
  played.step_us.reserve(steps);
  Recorder recorder(folder, loop, cat(settings.robot.name, ", ", settings.pilot.label));
  Progress progress("walking");
  const auto observe = [&](Moment moment, int step, const std::vector<unsigned char>&) {
    if (moment == Moment::kPrepared) return recorder.keep_ground();
    played.step_us.push_back(1e6 * loop.step_seconds);
    for (int j = 0; j < model.njnt; ++j) played.peak[j] = std::max(played.peak[j], std::abs(loop.sim().output.tau[j]));
    recorder.append(step);
    progress.update((step + 1.0) / steps);
  };
  played.result = run(loop, scenario, observe)[0];
  write_terrain(loop.control.terrain(), folder);
  recorder.finish();
  return played;
}

void print(Played& played, const std::vector<double>& command) {
  const WorldResult& r = played.result;
  const Robot& robot = played.settings.robot;
  if (r.cause == FallCause::kNone) {
    std::printf("%s walked %.1f s\n\n", robot.name.c_str(), r.survived);
    Table tracking({"", "forward [m/s]", "left [m/s]", "turning [rad/s]"});
    tracking.add({"commanded", fixed(command[0], 3), fixed(command[1], 3), fixed(command[2], 3)});
    tracking.add({"measured", fixed(r.velocity.forward, 3), fixed(r.velocity.left, 3), fixed(r.velocity.yaw_rate, 3)});
    tracking.print();
    std::printf("\n");
  } else {
    std::printf("%s fell after %.2f s: %s\n\n", robot.name.c_str(), r.survived, name(r.cause));
  }
  const int hardest = static_cast<int>(std::max_element(played.peak.begin(), played.peak.end()) - played.peak.begin());
  Table table({"", "value"});
  table.add({"root mean square torque [N m]", fixed(std::sqrt(r.mean_squared_torque), 2)});
  table.add({"largest torque [N m]", cat(fixed(played.peak[hardest], 1), " (", robot.model.joint_name[hardest], ")")});
  table.add({"positive mechanical power [W]", fixed(r.positive_power, 1)});
  table.add({"cost of transport", fixed(r.cost_of_transport, 2)});
  table.add({"reward per control step", fixed(r.reward, 4)});
  table.add({"controller's step, median [us]", fixed(percentile(played.step_us, 0.5), 0)});
  table.add({"controller's step, 99 % [us]", fixed(percentile(played.step_us, 0.99), 0)});
  table.print();
  std::printf("\n");
}

void print_beside(std::vector<Played>& all) {
  std::vector<std::vector<std::string>> rows = {{""},
                                                {"stood [s]"},
                                                {"forward velocity [m/s]"},
                                                {"root mean square torque [N m]"},
                                                {"largest torque [N m]"},
                                                {"positive mechanical power [W]"},
                                                {"reward per control step of the run"},
                                                {"controller's step, median [us]"}};
  for (Played& played : all) {
    const WorldResult& r = played.result;
    const bool fell = r.cause != FallCause::kNone;
    const std::string values[] = {played.settings.pilot.label,  fixed(r.survived, 2) + (fell ? cat(" (", name(r.cause), ")") : ""),
                                  fixed(r.velocity.forward, 3), fixed(std::sqrt(r.mean_squared_torque), 2),
                                  fixed(r.peak_torque, 1),      fixed(r.positive_power, 1),
                                  fixed(r.reward_of_run, 4),    fixed(percentile(played.step_us, 0.5), 0)};
    for (size_t i = 0; i < rows.size(); ++i) rows[i].push_back(values[i]);
  }
  Table table(rows[0]);
  for (size_t i = 1; i < rows.size(); ++i) table.add(rows[i]);
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
          {"reward", r.reward},
          {"reward_of_run", r.reward_of_run},
          {"step_us_median", number(percentile(played.step_us, 0.5))},
          {"step_us_p99", number(percentile(played.step_us, 0.99))}};
}

}  // namespace tandem
