// Every robot walks in the physics engine under the MPC: the shortest test of the whole chain.
#include <gtest/gtest.h>

#include <cmath>

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

Walk walk(const char* name, double vx, double seconds) {
  const Robot robot = load_robot(name);
  Mpc mpc(robot.model, make_mpc_settings(robot), 1);
  SimSettings sim_settings;
  sim_settings.foot_geoms = robot.foot_geoms;
  const auto sim = make_mujoco_simulator(robot.model_path, robot.model, 1, sim_settings);
  const std::vector<int> world = {0};
  sim->set_state(world, robot.stand, std::vector<double>(robot.model.nv, 0.0));
  sim->input.kp = robot.kp, sim->input.kd = robot.kd;
  const std::vector<double> command = {robot.base_height, vx, 0, 0};
  Walk result;
  const int steps = static_cast<int>(seconds * 100);
  for (int t = 0; t < steps && result.upright; ++t) {
    const std::size_t before = allocations;
    mpc.step(sim->output.q, sim->output.v, command);
    result.allocations += allocations - before;
    sim->input.tau_ff = mpc.output.tau_ff, sim->input.q_des = mpc.output.q_des, sim->input.v_des = mpc.output.v_des;
    sim->step();
    const std::vector<double>&q = sim->output.q, &v = sim->output.v;
    result.upright = !sim->output.floor_contact[0] && !sim->output.fault[0] && q[2] > robot.limits.min_base_height;
    const double yaw = std::atan2(2 * (q[3] * q[6] + q[4] * q[5]), 1 - 2 * (q[5] * q[5] + q[6] * q[6]));
    if (t >= steps / 2) result.vx += (std::cos(yaw) * v[0] + std::sin(yaw) * v[1]) / (steps - steps / 2);
  }
  return result;
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
