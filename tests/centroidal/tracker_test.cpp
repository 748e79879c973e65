// What the tracker makes of a plan that the ground cannot follow.
#include "centroidal/tracker.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace tandem {
namespace {

// The G1 stands on flat soles along the axes of the world, so that those of a sole are the world's.
class StandingTracker : public testing::Test {
 protected:
  const Robot robot = load_robot("unitree_g1");
  CentroidalMpc mpc{robot, {}, 1};
  Tracker tracker{mpc};
  const std::vector<double> v = std::vector<double>(robot.model.nv, 0.0);
  std::vector<CentroidalNodeInput<float>> plan;

  void SetUp() override {
    mpc.stand(0, true);
    mpc.step(robot.stand, v, std::vector<double>{robot.base_height, 0, 0, 0});
    plan.assign(mpc.plan(0).begin(), mpc.plan(0).end());
  }
  // Torques while the left sole is to pass on this wrench.
  std::vector<double> torques(std::array<double, 6> wrench) {
    for (CentroidalNodeInput<float>& node : plan) std::copy(wrench.begin(), wrench.end(), node.u + kWrench);
    tracker.follow(plan, 0, robot.stand.data(), v.data());
    return tracker.output.tau_ff;
  }
  void expect_same(std::array<double, 6> asked, std::array<double, 6> feasible) {
    const std::vector<double> given = torques(asked), expected = torques(feasible);
    for (size_t j = 0; j < given.size(); ++j) EXPECT_NEAR(given[j], expected[j], 1e-2) << robot.model.joint_name[j];
  }
  const double mu = mpc.settings().friction, length = mpc.settings().sole[0], width = mpc.settings().sole[1];
};

TEST_F(StandingTracker, ForceIsShortenedToTheFrictionCone) {
  expect_same({120, -160, 200, 0, 0, 0}, {0.6 * mu * 200, -0.8 * mu * 200, 200, 0, 0, 0});
}

TEST_F(StandingTracker, CentreOfPressureStaysInTheSole) { expect_same({0, 0, 200, 50, -50, 0}, {0, 0, 200, width * 200, -length * 200, 0}); }

TEST_F(StandingTracker, SoleDoesNotTwistHarderThanItGrips) {
  expect_same({0, 0, 200, 0, 0, -90}, {0, 0, 200, 0, 0, -mu * 200 * std::hypot(length, width)});
}

TEST_F(StandingTracker, SoleDoesNotPull) { expect_same({30, 0, -100, 5, 5, 5}, {0, 0, 0, 0, 0, 0}); }

TEST_F(StandingTracker, TorquesAreLinearInFeasibleWrenches) {
  const std::array<double, 6> whole = {0.9 * mu * 200, 0, 200, 0.9 * width * 200, -0.9 * length * 200, 0.9 * mu * width * 200};
  std::array<double, 6> half = whole;
  for (double& value : half) value /= 2;
  const std::vector<double> at_zero = torques({}), at_half = torques(half), at_whole = torques(whole);
  for (size_t j = 0; j < at_zero.size(); ++j) EXPECT_NEAR(at_whole[j] - at_half[j], at_half[j] - at_zero[j], 1e-2) << robot.model.joint_name[j];
}

}  // namespace
}  // namespace tandem
