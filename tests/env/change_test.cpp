// Other controllers, gaits and gains for robots that are under way: the state goes on, and the plan where it can.
#include <gtest/gtest.h>

#include <memory>

#include "tests/env/support.hpp"

namespace tandem {
namespace {

class ChangeTest : public testing::Test {
 protected:
  const Robot robot = load_robot("mit_humanoid");

  TaskSettings settings(Controller controller) const {
    TaskSettings s = quick_settings(robot, controller);
    s.noise.scale = 0;
    s.blend = Blend::kTorqueTorque;
    return s;
  }
  std::unique_ptr<ControlLoop> walking(Controller controller, int steps = 30) const {
    auto loop = std::make_unique<ControlLoop>(robot, settings(controller), 2, 1);
    for (int w = 0; w < 2; ++w) loop->command[4 * w + 1] = 0.3 * w;
    go_on(*loop, steps);
    return loop;
  }
  static void go_on(ControlLoop& loop, int steps) {
    for (int k = 0; k < steps; ++k) {
      loop.prepare();
      loop.advance({});
    }
  }
};

// Zero actions on torques are the MPC: the switch must leave no mark, in the plan's warm start either.
TEST_F(ChangeTest, ToZeroActionsGoesOnBitForBit) {
  const auto stays_owner = walking(Controller::kMpc), changes_owner = walking(Controller::kMpc);
  ControlLoop &stays = *stays_owner, &changes = *changes_owner;
  changes.change(robot, settings(Controller::kResidual));
  go_on(stays, 20), go_on(changes, 20);
  EXPECT_EQ(changes.settings().controller, Controller::kResidual);
  EXPECT_EQ(changes.simulator().output.q, stays.simulator().output.q);
  EXPECT_EQ(changes.mpc()->output.tau_ff, stays.mpc()->output.tau_ff);
}

TEST_F(ChangeTest, LeavesTheStateAndTheGaitTime) {
  const auto owner = walking(Controller::kRl, 10);
  ControlLoop& loop = *owner;
  const std::vector<double> q = loop.simulator().output.q, phase = loop.phase;
  TaskSettings next = settings(Controller::kMpc);
  next.mpc.nodes = 8;
  loop.change(robot, next);
  EXPECT_EQ(loop.simulator().output.q, q);
  loop.prepare();
  for (int w = 0; w < 2; ++w) EXPECT_NEAR(loop.phase[w], phase[w], 1e-6);
  EXPECT_EQ(loop.layout().size, 54);
  EXPECT_EQ(loop.observation.size(), 2u * 54);
}

TEST_F(ChangeTest, TakesOtherGains) {
  const auto owner = walking(Controller::kMpc, 5);
  ControlLoop& loop = *owner;
  Robot stiffer = robot;
  for (double& kp : stiffer.kp) kp *= 2;
  loop.change(stiffer, settings(Controller::kMpc));
  go_on(loop, 1);
  for (int j = 0; j < robot.model.njnt; ++j) EXPECT_EQ(loop.simulator().input.kp[j], 2 * robot.kp[j]);
}

TEST_F(ChangeTest, RefusesWhatTheSimulatorWasMadeWith) {
  const auto owner = walking(Controller::kMpc, 5);
  ControlLoop& loop = *owner;
  TaskSettings other = settings(Controller::kMpc);
  other.terrain.kind = TerrainKind::kRough;
  EXPECT_THROW(loop.change(robot, other), Error);
  other = settings(Controller::kMpc), other.physics_dt = 0.001;
  EXPECT_THROW(loop.change(robot, other), Error);
  other = settings(Controller::kMpc), other.randomise.delay[1] = 0.05;
  EXPECT_THROW(loop.change(robot, other), Error);
  EXPECT_THROW(loop.change(load_robot("unitree_go2"), settings(Controller::kMpc)), Error);
  go_on(loop, 5);
  EXPECT_EQ(loop.simulator().output.fault[0], kFaultNone);
}

}  // namespace
}  // namespace tandem
