// Every term of the reward against a case computed by hand.
#include "env/reward.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace tandem {
namespace {

constexpr double kDt = 0.01;

// A robot of two joints at rest, upright, at its commanded height, in its nominal pose: every penalty 0, every reward at its weight.
class RewardTest : public testing::Test {
 protected:
  RewardTest() {
    robot.model.njnt = 2;
    robot.model.nq = 9;
    robot.model.nv = 8;
    robot.nominal = {0.3, -0.5};
    for (double* weight : {&settings.slip, &settings.power}) *weight = -1;
  }

  // The term, without control_dt and its weight.
  double term(RewardTerm which, double weight) {
    float terms[kRewardTerms];
    compute_reward(settings, robot,
                   {.q = q,
                    .v = v,
                    .height = height,
                    .command = command,
                    .tau = tau,
                    .action = action[0],
                    .previous = action[1],
                    .before_previous = action[2],
                    .naction = 2,
                    .slip = slip,
                    .power = power,
                    .self_collision = self_collision,
                    .terminated = terminated},
                   kDt, terms);
    return terms[which] / (kDt * weight);
  }
  void turn(double roll, double pitch, double yaw) {  // one of them not zero
    const double half = 0.5 * (roll + pitch + yaw), s = std::sin(half);
    q[3] = std::cos(half), q[4] = roll != 0 ? s : 0, q[5] = pitch != 0 ? s : 0, q[6] = yaw != 0 ? s : 0;
  }

  Robot robot{};
  RewardSettings settings;
  double q[9] = {1, 2, 0.6, 1, 0, 0, 0, 0.3, -0.5};
  double v[8] = {};
  double height = 0.6;
  double command[4] = {0.6, 0, 0, 0};
  double tau[2] = {};
  float action[3][2] = {};
  double slip = 0, power = 0;
  bool self_collision = false, terminated = false;
};

TEST_F(RewardTest, AtRestInTheNominalPoseRewardsAreTheirWeightsAndPenaltiesZero) {
  for (const auto& [which, weight] :
       {std::pair{kTermLinearVelocity, 10.0}, {kTermYawRate, 5.0}, {kTermOrientation, 1.0}, {kTermHeight, 1.0}, {kTermJoint, 1.0}})
    EXPECT_FLOAT_EQ(term(which, weight), 1) << reward_names()[which];
  for (const RewardTerm which : {kTermActionRate, kTermActionRate2, kTermTorque, kTermSelfCollision, kTermTermination, kTermSlip, kTermPower})
    EXPECT_EQ(term(which, 1), 0) << reward_names()[which];
}

// c = (1, -0.5), v = (0.5, 0.25) forward and left: ((0.5 / 2)^2 + (0.75 / 1.5)^2) / 0.5 = 0.625.
TEST_F(RewardTest, LinearVelocityErrorIsScaledByEachCommand) {
  command[1] = 1, command[2] = -0.5;
  v[0] = 0.5, v[1] = 0.25;
  EXPECT_NEAR(term(kTermLinearVelocity, 10), std::exp(-0.625), 1e-6);
}

// Turned left by 90 degrees, forward is the world's y and left its -x.
TEST_F(RewardTest, LinearVelocityIsInTheHeadingFrame) {
  command[1] = 1, command[2] = 0.5;
  turn(0, 0, M_PI / 2);
  v[0] = -0.5, v[1] = 1;
  EXPECT_NEAR(term(kTermLinearVelocity, 10), 1, 1e-6);
}

TEST_F(RewardTest, YawRateErrorIsSquaredOverSigma) {
  command[3] = 1;
  v[5] = 0.5;
  EXPECT_NEAR(term(kTermYawRate, 5), std::exp(-0.5), 1e-6);
}

// Rolled by 60 degrees, a turn of 1 rad/s about the base's z axis is one of 0.5 about the vertical.
TEST_F(RewardTest, YawRateIsAboutTheVertical) {
  turn(M_PI / 3, 0, 0);
  command[3] = 0.5;
  v[5] = 1;
  EXPECT_NEAR(term(kTermYawRate, 5), 1, 1e-6);
}

// (0.1^2 + 0.2^2) / 0.01 = 5
TEST_F(RewardTest, ActionRateIsTheSquaredFirstDifference) {
  action[0][0] = 0.4f, action[1][0] = 0.3f;
  action[0][1] = -0.1f, action[1][1] = 0.1f;
  EXPECT_NEAR(term(kTermActionRate, -1e-3), 5, 1e-5);
}

// 0.4 - 2 0.3 + 0.1 = -0.1;  -0.1 - 2 0.1 + 0.2 = -0.1:  (0.01 + 0.01) / 0.01 = 2
TEST_F(RewardTest, SecondActionRateIsTheSquaredSecondDifference) {
  action[0][0] = 0.4f, action[1][0] = 0.3f, action[2][0] = 0.1f;
  action[0][1] = -0.1f, action[1][1] = 0.1f, action[2][1] = 0.2f;
  EXPECT_NEAR(term(kTermActionRate2, -1e-4), 2, 1e-5);
}

TEST_F(RewardTest, TorqueIsTheSquaredNorm) {
  tau[0] = 3, tau[1] = -4;
  EXPECT_NEAR(term(kTermTorque, -1e-4), 25, 1e-5);
}

// Pitched by 30 degrees, gravity has 0.5 along the base's x axis: 0.25 / 0.5.
TEST_F(RewardTest, OrientationFallsWithTheHorizontalPartOfGravity) {
  turn(0, M_PI / 6, 0);
  EXPECT_NEAR(term(kTermOrientation, 1), std::exp(-0.5), 1e-6);
}

TEST_F(RewardTest, OrientationCountsRollAsPitchAndNotYaw) {
  turn(M_PI / 6, 0, 0);
  EXPECT_NEAR(term(kTermOrientation, 1), std::exp(-0.5), 1e-6);
  turn(0, 0, 1);
  EXPECT_NEAR(term(kTermOrientation, 1), 1, 1e-6);
}

// The height is that above the ground, whatever q says: (0.6 - 0.5)^2 / 0.5 = 0.02.
TEST_F(RewardTest, HeightIsAboveTheGround) {
  height = 0.5;
  EXPECT_NEAR(term(kTermHeight, 1), std::exp(-0.02), 1e-6);
}

// One joint 0.5 off, the other in place: (exp(-0.25 / 0.5) + 1) / 2.
TEST_F(RewardTest, JointRewardIsAMeanOverJoints) {
  q[8] = 0;
  EXPECT_NEAR(term(kTermJoint, 1), 0.5 * (std::exp(-0.5) + 1), 1e-6);
}

TEST_F(RewardTest, SelfCollisionCountsOnce) {
  self_collision = true;
  EXPECT_FLOAT_EQ(term(kTermSelfCollision, -1), 1);
}

TEST_F(RewardTest, TerminationCountsOnce) {
  terminated = true;
  EXPECT_FLOAT_EQ(term(kTermTermination, -100), 1);
}

TEST_F(RewardTest, SlipAndPowerAreTakenAsTheyAre) {
  slip = 0.25, power = 80;
  EXPECT_FLOAT_EQ(term(kTermSlip, -1), 0.25);
  EXPECT_FLOAT_EQ(term(kTermPower, -1), 80);
}

TEST_F(RewardTest, SigmaWidensTheBells) {
  settings.sigma = 2;
  height = 0.4;
  EXPECT_NEAR(term(kTermHeight, 1), std::exp(-0.02), 1e-6);
}

TEST(RewardNames, NameEveryTerm) { EXPECT_EQ(reward_names().size(), static_cast<size_t>(kRewardTerms)); }

}  // namespace
}  // namespace tandem
