// The G1 in the physics engine under the centroidal MPC and its tracker: what the walking tests and the benchmark run.
#pragma once

#include <cmath>
#include <functional>
#include <memory>

#include "centroidal/tracker.hpp"
#include "sim/simulator.hpp"

namespace tandem {

struct CentroidalRun {
  bool upright = true;
  double seconds = 0;             // until the fall, or all
  double vx = 0, vy = 0, wz = 0;  // means over the second half, heading frame
  double velocity_error = 0;      // root mean square of (vx, vy) against the command over the second half [m/s]
  double height = 0;              // mean of the base
  double worst_tilt = 0;
  int bad_solves = 0;
};

struct CentroidalScenario {
  std::vector<double> command;  // height, vx, vy, wz
  double seconds = 5;
  bool standing = false;
  double push_start = -1, push_duration = 0.1;
  double push[3] = {0, 0, 0};
  double friction = -1;  // of every contact; negative: the model's
};

// observe is called every joint control step.
inline CentroidalRun run_centroidal(const Robot& robot, const CentroidalSettings& settings, const CentroidalScenario& scenario,
                                    const std::function<void(const CentroidalMpc&, const Simulator&, const Tracker&, double)>& observe = {}) {
  const double track_dt = 0.002;
  CentroidalMpc mpc(robot, settings, 1);
  Tracker tracker(mpc);
  SimSettings sim_settings;
  sim_settings.control_dt = track_dt;
  const auto sim = make_simulator(robot, 1, sim_settings);
  WorldParameters parameters;
  parameters.friction = scenario.friction;
  sim->set_parameters(0, parameters);
  const std::vector<int> world = {0};
  sim->set_state(world, robot.stand, std::vector<double>(robot.model.nv, 0.0));
  mpc.stand(0, scenario.standing);
  CentroidalRun result;
  const int steps = static_cast<int>(std::lround(scenario.seconds / track_dt)), every = static_cast<int>(std::lround(settings.control_dt / track_dt));
  int counted = 0;
  for (int t = 0; t < steps; ++t) {
    const std::vector<double>&q = sim->output.q, &v = sim->output.v;
    if (t % every == 0) {
      mpc.step(q, v, scenario.command);
      result.bad_solves += !usable(mpc.output.info[0].status);
    }
    tracker.follow(mpc.plan(0), (t % every) * track_dt, q.data(), v.data());
    sim->input.tau_ff = tracker.output.tau_ff, sim->input.q_des = tracker.output.q_des, sim->input.v_des = tracker.output.v_des;
    if (t == static_cast<int>(std::lround(scenario.push_start / track_dt)))
      sim->set_push({0, 0, {scenario.push[0], scenario.push[1], scenario.push[2]}, static_cast<int>(std::lround(scenario.push_duration / track_dt))});
    sim->step();
    if (observe) observe(mpc, *sim, tracker, (t + 1) * track_dt);
    const double up = 1 - 2 * (q[4] * q[4] + q[5] * q[5]);
    result.worst_tilt = std::max(result.worst_tilt, std::acos(std::min(1.0, up)));
    result.seconds = (t + 1) * track_dt;
    result.upright = !sim->output.floor_contact[0] && !sim->output.fault[0] && q[2] > robot.limits.min_base_height;
    if (!result.upright) break;
    if (t < steps / 2) continue;
    const double yaw = std::atan2(2 * (q[3] * q[6] + q[4] * q[5]), 1 - 2 * (q[5] * q[5] + q[6] * q[6]));
    const double vx = std::cos(yaw) * v[0] + std::sin(yaw) * v[1], vy = std::cos(yaw) * v[1] - std::sin(yaw) * v[0];
    result.vx += vx, result.vy += vy, result.wz += v[5], result.height += q[2];
    result.velocity_error += std::pow(vx - scenario.command[1], 2) + std::pow(vy - scenario.command[2], 2);
    ++counted;
  }
  if (counted > 0) {
    for (double* mean : {&result.vx, &result.vy, &result.wz, &result.height, &result.velocity_error}) *mean /= counted;
    result.velocity_error = std::sqrt(result.velocity_error);
  }
  return result;
}

}  // namespace tandem
