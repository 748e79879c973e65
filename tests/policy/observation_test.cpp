// Each group of the observation against numbers computed by hand.
#include "policy/observation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.hpp"

namespace tandem {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// The MIT Humanoid turned by 90 degrees about x (left), which maps its y axis onto the world's z axis.
class Observation : public testing::Test {
 protected:
  Observation() : q(robot.stand), v(robot.model.nv) {
    q[2] = 0.55;
    q[3] = q[4] = std::sqrt(0.5);
    q[5] = q[6] = 0;
    for (int j = 0; j < robot.model.njnt; ++j) q[7 + j] = robot.nominal[j] + 0.01 * j;
    for (int i = 0; i < robot.model.nv; ++i) v[i] = 1 + 0.5 * i;
  }
  // The numbers of one group.
  std::vector<float> group(const std::string& name) const {
    std::vector<float> obs(layout.size + 1, NAN);
    observe(layout, {q.data(), v.data(), command, phase, value}, obs.data());
    EXPECT_TRUE(std::isnan(obs.back())) << "wrote more than layout.size numbers";
    const float* at = obs.data();
    for (const ObservationGroup& g : layout.groups) {
      if (g.name == name) return {at, at + g.size};
      at += g.size;
    }
    ADD_FAILURE() << "no group " << name;
    return {};
  }
  void expect(const std::string& name, const std::vector<double>& expected) const {
    const std::vector<float> got = group(name);
    ASSERT_EQ(got.size(), expected.size()) << name;
    for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-6) << name << "[" << i << "]";
  }

  const Robot robot = load_robot("mit_humanoid");
  const ObservationLayout layout = make_observation_layout(robot, true, 2);
  std::vector<double> q, v;
  double command[4] = {0.6, 0.7, -0.2, 0.4};
  double phase = 0.25, value = 2 * (std::exp(3.0) - 1);
};

TEST_F(Observation, HasTheFiftyFourNumbersOfThePaper) {
  EXPECT_EQ(layout.size, 54);
  EXPECT_EQ(make_observation_layout(robot, false, 1).size, 53);
  EXPECT_EQ(make_observation_layout(load_robot("unitree_go2"), true, 1).size, 1 + 3 + 12 + 3 + 3 + 12 + 8 + 1 + 3);
}

TEST_F(Observation, HeightIsTheBases) { expect("height", {0.55}); }

// R' (0, 0, -1) for a turn by +90 degrees about x: the base's y axis points up, its z axis to the right
TEST_F(Observation, GravityIsInTheBaseFrame) { expect("gravity", {0, -1, 0}); }

TEST_F(Observation, JointPositionsAreFromTheNominalPose) {
  std::vector<double> expected(18);
  for (int j = 0; j < 18; ++j) expected[j] = 0.01 * j;
  expect("joint_position", expected);
}

TEST_F(Observation, AngularVelocityIsAsItIs) { expect("angular_velocity", {2.5, 3, 3.5}); }

// world (1, 1.5, 2): x stays, the base's y is the world's z, its z the world's -y
TEST_F(Observation, LinearVelocityIsTurnedIntoTheBaseFrame) { expect("linear_velocity", {1, 2, -1.5}); }

TEST_F(Observation, JointVelocitiesAreAsTheyAre) {
  std::vector<double> expected(18);
  for (int j = 0; j < 18; ++j) expected[j] = 4 + 0.5 * j;
  expect("joint_velocity", expected);
}

// a quarter of the period: the right foot's angle is 90 degrees, the left one's 270
TEST_F(Observation, PhaseIsSineAndCosineOfEachFoot) { expect("phase", {1, 0, -1, 0}); }

TEST_F(Observation, ValueIsALogarithmBoundedByTen) {
  expect("value", {3});
  value = 0;
  expect("value", {0});
  for (const double bad : {1e30, std::numeric_limits<double>::infinity(), kNan}) {
    value = bad;
    expect("value", {10});
  }
}

TEST_F(Observation, CommandIsForwardLeftAndYawRate) { expect("command", {0.7, -0.2, 0.4}); }

TEST_F(Observation, WithoutValueTheCommandFollowsThePhase) {
  const ObservationLayout without = make_observation_layout(robot, false, 1);
  std::vector<float> with_value(layout.size), obs(without.size);
  observe(layout, {q.data(), v.data(), command, phase, 0}, with_value.data());
  observe(without, {q.data(), v.data(), command, phase, kNan}, obs.data());
  with_value.erase(with_value.end() - 4);
  EXPECT_EQ(obs, with_value);
}

TEST_F(Observation, RefusesAFixedBaseAndAScaleThatIsNotPositive) {
  Robot fixed = robot;
  fixed.model.floating = false;
  EXPECT_THROW(make_observation_layout(fixed, true, 1), Error);
  EXPECT_THROW(make_observation_layout(robot, true, 0), Error);
}

}  // namespace
}  // namespace tandem
