#include "cli/player.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/check.hpp"
#include "cli/motion_recorder.hpp"
#include "cli/progress.hpp"

namespace tandem {

Played play_one(const RunSettings& settings, const Scenario& scenario, const std::string& folder) {
  ClosedLoop loop(settings, 1, 1);
  const Model& model = loop.robot().model;
  Played played{settings, {}, {}, std::vector<double>(model.njnt, 0.0)};
  const int steps = step_count(loop, scenario.seconds);
  played.step_us.reserve(steps);
  MotionRecorder recorder(folder, loop, cat(settings.robot.name, ", ", settings.pilot.label));
  Progress progress("walking");
  const auto observe = [&](Moment moment, int step, const std::vector<unsigned char>&) {
    if (moment == Moment::kPrepared) return recorder.keep_ground(loop);
    played.step_us.push_back(1e6 * loop.step_seconds);
    for (int j = 0; j < model.njnt; ++j) played.peak[j] = std::max(played.peak[j], std::abs(loop.sim().output.tau[j]));
    recorder.append(loop, (step + 1) * loop.control.control_dt());
    progress.update((step + 1.0) / steps);
  };
  played.result = run(loop, scenario, observe)[0];
  recorder.finish(loop);
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
          {"failed_solves", r.failed_solves},
          {"reward", r.reward},
          {"reward_of_run", r.reward_of_run},
          {"step_us_median", number(percentile(played.step_us, 0.5))},
          {"step_us_p99", number(percentile(played.step_us, 0.99))}};
}

}  // namespace tandem
