// Plans on ground that slopes: feet, base and set points against those on level ground.
#include <gtest/gtest.h>

#include <cmath>

#include "base/check.hpp"
#include "dynamics/dynamics.hpp"
#include "tests/mpc/fixture.hpp"
#include "tests/support/message_of.hpp"

namespace tandem {
namespace {

class MpcGround : public testing::TestWithParam<const char*> {
 protected:
  Robot robot = load_robot(GetParam());
  MpcSettings settings = make_mpc_settings(robot);

  // Of each node and contact point: height above the plane through `base` (x, y) and `ground`.
  std::vector<double> heights(const Horizon& plan, const double* base, const std::vector<double>& ground) const {
    RobotDynamics dynamics = make_dynamics(robot.model);
    std::vector<double> out;
    for (int k = 0; k < settings.nodes; ++k) {
      set_state(dynamics, &plan.q[k * robot.model.nq], &plan.v[k * robot.model.nv]);
      for (int c = 0; c < static_cast<int>(robot.model.contacts.size()); ++c) {
        double p[3], v[3];
        contact_state(dynamics, c, p, v);
        out.push_back(p[2] - ground[2] - ground[0] * (p[0] - base[0]) - ground[1] * (p[1] - base[1]));
      }
    }
    return out;
  }
};
INSTANTIATE_TEST_SUITE_P(Robots, MpcGround, testing::Values("mit_humanoid", "unitree_g1", "unitree_go2"));

// Swing feet follow the same curve above the slope as above level ground, and soles and lines lie along it; the base climbs.
TEST_P(MpcGround, FeetAndBaseFollowTheSlope) {
  States s = disturbed_states(robot, 1, 5);
  s.q[0] = 3, s.q[1] = -2;
  s.command = {robot.base_height, 0.5, 0, 0};
  const std::vector<double> level{0, 0, 0}, slope{0.2, 0.05, 0.01};
  const Horizon flat = converged(robot, settings, s).horizon(0), tilted = converged(robot, settings, s, slope).horizon(0);
  ASSERT_EQ(flat.stance, tilted.stance);
  const std::vector<double> on_level = heights(flat, s.q.data(), level), on_slope = heights(tilted, s.q.data(), slope);
  const int ncon = static_cast<int>(robot.model.contacts.size()), nfoot = static_cast<int>(robot.model.foot_name.size()), nq = robot.model.nq;
  int swinging = 0;
  for (int k = 1; k < settings.nodes; ++k)
    for (int c = 0; c < ncon; ++c) {
      if (flat.stance[k * nfoot + robot.model.contacts[c].foot] > 0) continue;
      EXPECT_NEAR(on_slope[k * ncon + c], on_level[k * ncon + c], 0.004) << "node " << k << ", " << robot.model.contacts[c].name;
      ++swinging;
    }
  EXPECT_GT(swinging, 10);
  const auto climbed = [&](const Horizon& plan) { return plan.q[(settings.nodes - 1) * nq + 2] - plan.q[2]; };
  const double* end = &tilted.q[(settings.nodes - 1) * nq];
  const double rise = slope[2] + slope[0] * (end[0] - s.q[0]) + slope[1] * (end[1] - s.q[1]);
  EXPECT_GT(rise, 0.015);
  EXPECT_NEAR(climbed(tilted) - climbed(flat), rise, 0.012);
}

TEST_P(MpcGround, ARobotOnATableWalksAsOnTheFloor) {
  const States s = disturbed_states(robot, 1, 6);
  States raised = s;
  raised.q[2] += 0.5;
  Mpc floor(robot.model, settings, 1), table(robot.model, settings, 1), level(robot.model, settings, 1);
  for (int i = 0; i < 4; ++i) {
    floor.step(s.q, s.v, s.command);
    level.step(s.q, s.v, s.command, {}, std::vector{0.0, 0.0, 0.0});
    table.step(raised.q, raised.v, raised.command, {}, std::vector{0.0, 0.0, 0.5});
    EXPECT_EQ(floor.output.tau_ff, level.output.tau_ff);
    for (int j = 0; j < robot.model.njnt; ++j)
      EXPECT_NEAR(table.output.tau_ff[j], floor.output.tau_ff[j], 0.02 + 1e-3 * std::abs(floor.output.tau_ff[j]));
    EXPECT_NEAR(table.output.value[0], floor.output.value[0], 1e-3 * floor.output.value[0]);
  }
}

TEST_P(MpcGround, ThatIsNotFiniteGivesTheSafeOutput) {
  const States s = disturbed_states(robot, 2, 7);
  Mpc mpc(robot.model, settings, 2);
  mpc.step(s.q, s.v, s.command, {}, std::vector{0.0, 0.0, 0.0, 0.0, std::nan(""), 0.0});
  EXPECT_TRUE(usable(mpc.output.info[0].status));
  EXPECT_EQ(mpc.output.info[1].status, Status::kNotFinite);
  const std::string message = message_of([&] { mpc.step(s.q, s.v, s.command, {}, std::vector{0.0, 0.0}); });
  EXPECT_EQ(message, "MPC step: ground has 2 values, expected nworld x 3 = 6");
}

}  // namespace
}  // namespace tandem
