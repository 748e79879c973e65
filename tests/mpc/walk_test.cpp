// Every robot walks in the physics engine under the MPC: the shortest test of the whole chain.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "mpc/mpc.hpp"
#include "sim/simulator.hpp"
#include "tests/support/allocations.hpp"

namespace tandem {
namespace {

struct Walk {
  bool upright = true;
  double vx = 0;                // mean over the second half, in the heading frame [m/s]
  std::size_t allocations = 0;  // inside Mpc::step
};

// Robots that stand, with the gains of their joints.
std::unique_ptr<Simulator> standing_robots(const Robot& robot, int n) {
  SimSettings settings;
  settings.foot_geoms = robot.foot_geoms;
  auto sim = make_mujoco_simulator(robot.model_path, robot.model, n, settings);
  for (int w = 0; w < n; ++w) {
    sim->set_state(std::vector<int>{w}, robot.stand, std::vector<double>(robot.model.nv, 0.0));
    std::copy(robot.kp.begin(), robot.kp.end(), sim->input.kp.begin() + w * robot.model.njnt);
    std::copy(robot.kd.begin(), robot.kd.end(), sim->input.kd.begin() + w * robot.model.njnt);
  }
  return sim;
}

// What Mpc::step allocated in a control step of all robots.
std::size_t control_step(Mpc& mpc, Simulator& sim, const std::vector<double>& command) {
  const std::size_t before = allocations;
  mpc.step(sim.output.q, sim.output.v, command);
  const std::size_t allocated = allocations - before;
  sim.input.tau_ff = mpc.output.tau_ff, sim.input.q_des = mpc.output.q_des, sim.input.v_des = mpc.output.v_des;
  sim.step();
  return allocated;
}

Walk walk(const char* name, double vx, double seconds) {
  const Robot robot = load_robot(name);
  Mpc mpc(robot.model, make_mpc_settings(robot), 1);
  const auto sim = standing_robots(robot, 1);
  const std::vector<double> command = {robot.base_height, vx, 0, 0};
  Walk result;
  const int steps = static_cast<int>(seconds * 100);
  for (int t = 0; t < steps && result.upright; ++t) {
    result.allocations += control_step(mpc, *sim, command);
    const std::vector<double>&q = sim->output.q, &v = sim->output.v;
    result.upright = !sim->output.floor_contact[0] && !sim->output.fault[0] && q[2] > robot.limits.min_base_height;
    const double yaw = std::atan2(2 * (q[3] * q[6] + q[4] * q[5]), 1 - 2 * (q[5] * q[5] + q[6] * q[6]));
    if (t >= steps / 2) result.vx += (std::cos(yaw) * v[0] + std::sin(yaw) * v[1]) / (steps - steps / 2);
  }
  return result;
}

// How many of eight humanoids, walking at 0.3 m/s with the gait phase spread evenly, stand 3 s after a push to the left of 40 N s.
int standing_after_push(double step_rate) {
  constexpr int n = 8;
  const Robot robot = load_robot("mit_humanoid");
  MpcSettings settings = make_mpc_settings(robot);
  settings.step_rate = step_rate;
  Mpc mpc(robot.model, settings, n);
  const auto sim = standing_robots(robot, n);
  std::vector<double> command;
  std::vector<bool> standing(n, true);
  for (int w = 0; w < n; ++w) {
    command.insert(command.end(), {robot.base_height, 0.3, 0, 0});
    mpc.reset(w, w / double(n));
  }
  for (int t = 0; t < 400; ++t) {
    for (int w = 0; w < n && t == 100; ++w) sim->set_push({w, 0, {0, 400, 0}, 10});
    control_step(mpc, *sim, command);
    for (int w = 0; w < n; ++w)
      if (sim->output.floor_contact[w] || sim->output.q[w * robot.model.nq + 2] < robot.limits.min_base_height) standing[w] = false;
  }
  return static_cast<int>(std::count(standing.begin(), standing.end(), true));
}

TEST(StepRate, QuickerStepsCatchALargerPush) {
  EXPECT_LE(standing_after_push(1), 5);
  EXPECT_GE(standing_after_push(1.7), 7);
}

class WalkTest : public testing::TestWithParam<const char*> {};

TEST_P(WalkTest, FollowsHalfAMetrePerSecondUpright) {
  const Walk result = walk(GetParam(), 0.5, 4);
  EXPECT_TRUE(result.upright);
  EXPECT_NEAR(result.vx, 0.5, 0.1);
}

TEST_P(WalkTest, AllocatesNothingInAControlStep) { EXPECT_EQ(walk(GetParam(), 0.2, 0.5).allocations, 0u); }

INSTANTIATE_TEST_SUITE_P(Robots, WalkTest, testing::Values("mit_humanoid", "unitree_g1", "unitree_go2"));

}  // namespace
}  // namespace tandem
