// Each way to fail, on either side of its limit, and which one is named when there are several.
#include "env/termination.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace tandem {
namespace {

class TerminationTest : public testing::Test {
 protected:
  TerminationTest() {
    model.nq = 7, model.nv = 6;
    output.q = {0, 0, 0.6, 1, 0, 0, 0};
    output.v.assign(6, 0);
    output.fault = {0}, output.floor_contact = {0};
  }
  Termination detect() const { return detect_failure(settings, model, output, 0, height, command); }
  void tilt(int axis, double angle) { output.q[3] = std::cos(angle / 2), output.q[4 + axis] = std::sin(angle / 2); }

  TaskSettings settings;
  Model model{};
  SimOutput output;
  double height = 0.6;
  double command[4] = {0.6, 1, 0, 0};
};

TEST_F(TerminationTest, StandingIsNoFailure) { EXPECT_EQ(detect(), kRunning); }

TEST_F(TerminationTest, FaultsThatStopAWorldAreNotFinite) {
  for (const int fault : {kFaultSetPoint, kFaultState}) {
    output.fault[0] = static_cast<std::uint8_t>(fault);
    EXPECT_EQ(detect(), kEndNotFinite);
  }
  output.fault[0] = kFaultCapacity;
  EXPECT_EQ(detect(), kRunning);
}

TEST_F(TerminationTest, ACommandMustBeFinite) {
  command[2] = std::numeric_limits<double>::infinity();
  EXPECT_EQ(detect(), kEndNotFinite);
}

TEST_F(TerminationTest, AnyLinkOnTheGroundIsAFall) {
  output.floor_contact[0] = 1;
  EXPECT_EQ(detect(), kEndFallContact);
}

// 0.49 x 0.6 = 0.294
TEST_F(TerminationTest, HeightIsComparedWithTheCommand) {
  height = 0.295;
  EXPECT_EQ(detect(), kRunning);
  height = 0.293;
  EXPECT_EQ(detect(), kEndHeight);
}

// sin(44.3 deg) = 0.698, sin(44.6 deg) = 0.702, in any of four directions
TEST_F(TerminationTest, TiltIsRollOrPitch) {
  for (const int axis : {0, 1})
    for (const double sign : {-1, 1}) {
      tilt(axis, sign * 44.3 * M_PI / 180);
      EXPECT_EQ(detect(), kRunning);
      tilt(axis, sign * 44.6 * M_PI / 180);
      EXPECT_EQ(detect(), kEndTilt);
      output.q[4 + axis] = 0;
    }
}

TEST_F(TerminationTest, YawIsNoTilt) {
  tilt(2, 2);
  EXPECT_EQ(detect(), kRunning);
}

// |(6, 6, 6)| = 10.39
TEST_F(TerminationTest, VelocityIsANorm) {
  output.v = {5.7, 5.7, 5.7, 0, 0, 0};
  EXPECT_EQ(detect(), kRunning);
  output.v = {6, 6, 6, 0, 0, 0};
  EXPECT_EQ(detect(), kEndVelocity);
}

// |(3, 3, 3)| = 5.196
TEST_F(TerminationTest, AngularVelocityIsANorm) {
  output.v = {0, 0, 0, 2.8, 2.8, 2.8};
  EXPECT_EQ(detect(), kRunning);
  output.v = {0, 0, 0, 3, 3, 3};
  EXPECT_EQ(detect(), kEndVelocity);
}

TEST_F(TerminationTest, TheFirstCauseIsNamed) {
  tilt(0, 2);
  output.v[0] = 20, height = 0.1;
  EXPECT_EQ(detect(), kEndHeight);
  output.floor_contact[0] = 1;
  EXPECT_EQ(detect(), kEndFallContact);
  output.fault[0] = kFaultState;
  EXPECT_EQ(detect(), kEndNotFinite);
}

TEST(EpisodeEndNames, NameEveryEndAndTimeOutLast) {
  EXPECT_EQ(episode_end_names().size(), static_cast<size_t>(kTerminations));
  EXPECT_EQ(episode_end_names().back(), "time_out");
}

}  // namespace
}  // namespace tandem
