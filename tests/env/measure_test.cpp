// Noise of the measured state, and the height of the ground under the feet.
#include "env/measure.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "dynamics/dynamics.hpp"
#include "math/so3.hpp"

namespace tandem {
namespace {

struct State {
  std::vector<double> q, v;
};

class NoiseTest : public testing::Test {
 protected:
  Robot robot = load_robot("mit_humanoid");
  State still{robot.stand, std::vector<double>(robot.model.nv, 0.0)};
  NoiseSettings noise;

  State measured(double scale, std::uint64_t first) const {
    State state = still;
    add_noise(noise, scale, Rng{1, 2, 3, first}, robot.model, state.q.data(), state.v.data());
    return state;
  }
};

TEST_F(NoiseTest, NoneLeavesTheStateBitForBit) {
  EXPECT_EQ(measured(0, 0).q, still.q);
  noise.scale = 0;
  EXPECT_EQ(measured(1, 0).q, still.q);
  EXPECT_EQ(measured(1, 0).v, still.v);
}

// The largest of many draws of each quantity comes close to its half-width and does not pass it.
TEST_F(NoiseTest, FillsItsHalfWidths) {
  noise.scale = 2;
  double height = 0, tilt[3] = {}, linear = 0, angular = 0, position = 0, velocity = 0;
  const int draws = noise_draws(robot.model);
  for (int i = 0; i < 2000; ++i) {
    const State s = measured(0.5, static_cast<std::uint64_t>(i) * draws);
    height = std::max(height, std::abs(s.q[2] - still.q[2]));
    const Vec3<double> turn = quat_difference(&still.q[3], &s.q[3]);
    tilt[0] = std::max(tilt[0], std::abs(turn.x)), tilt[1] = std::max(tilt[1], std::abs(turn.y)), tilt[2] = std::max(tilt[2], std::abs(turn.z));
    for (int k = 0; k < 3; ++k) linear = std::max(linear, std::abs(s.v[k])), angular = std::max(angular, std::abs(s.v[3 + k]));
    for (int j = 0; j < robot.model.njnt; ++j) {
      position = std::max(position, std::abs(s.q[7 + j] - still.q[7 + j]));
      velocity = std::max(velocity, std::abs(s.v[6 + j]));
    }
  }
  const auto fills = [](double largest, double half_width) { return largest <= half_width * (1 + 1e-9) && largest > 0.98 * half_width; };
  EXPECT_TRUE(fills(height, noise.height)) << height;
  EXPECT_TRUE(fills(tilt[0], noise.tilt)) << tilt[0];
  EXPECT_TRUE(fills(tilt[1], noise.tilt)) << tilt[1];
  EXPECT_LT(tilt[2], 1e-12);
  EXPECT_TRUE(fills(linear, noise.linear_velocity)) << linear;
  EXPECT_TRUE(fills(angular, noise.angular_velocity)) << angular;
  EXPECT_TRUE(fills(position, noise.joint_position)) << position;
  EXPECT_TRUE(fills(velocity, noise.joint_velocity)) << velocity;
}

TEST_F(NoiseTest, LeavesPlaceAndLengthOfTheQuaternion) {
  const State s = measured(1, 0);
  EXPECT_EQ(s.q[0], still.q[0]);
  EXPECT_EQ(s.q[1], still.q[1]);
  EXPECT_NEAR(std::hypot(std::hypot(s.q[3], s.q[4]), std::hypot(s.q[5], s.q[6])), 1, 1e-14);
}

// All numbers that one measurement takes: with the next ones it is another measurement, and no number is used twice.
TEST_F(NoiseTest, TakesTheNumbersItSays) {
  const State a = measured(1, 0), b = measured(1, 1);
  const int last = robot.model.nv - 1;
  // the last number of a is the last but one of b
  EXPECT_EQ(a.v[last], b.v[last - 1]);
  Rng rng{1, 2, 3, static_cast<std::uint64_t>(noise_draws(robot.model)) - 1};
  EXPECT_EQ(a.v[last], rng.uniform(-noise.joint_velocity, noise.joint_velocity));
}

// A ramp along x: the ground under a point is its x times the slope.
Terrain ramp(double slope) {
  Terrain terrain{41, 41, 0.1, {}};
  for (int row = 0; row < 41; ++row)
    for (int column = 0; column < 41; ++column) terrain.height.push_back(static_cast<float>(slope * 0.1 * (column - 20)));
  return terrain;
}

class GroundTest : public testing::Test {
 protected:
  GroundTest() : robot(load_robot("unitree_go2")), sensor(robot.model, robot.gait, 2) {}
  // x of the contact points of foot f
  double foot_x(int f) {
    RobotDynamics dynamics = make_dynamics(robot.model);
    set_state(dynamics, robot.stand.data(), std::vector<double>(robot.model.nv, 0.0).data());
    double p[3], v[3];
    contact_state(dynamics, f, p, v);
    return p[0];
  }
  Robot robot;
  GroundSensor sensor;
};

TEST_F(GroundTest, IsExactlyZeroOnFlatGround) { EXPECT_EQ(sensor.height({}, robot.stand.data(), 0.3, 1), 0.0); }

TEST_F(GroundTest, IsTheMeanUnderTheFeetInStance) {
  const Terrain terrain = ramp(0.3);
  for (const double phase : {0.0, 0.2, 0.4, 0.7, 1.3}) {
    double sum = 0, count = 0;
    for (int f = 0; f < 4; ++f) {
      const double p = std::fmod(phase + robot.gait.offset[f], 1.0);
      if (p < robot.gait.stance_fraction) sum += 0.3 * foot_x(f), ++count;
    }
    ASSERT_GT(count, 0);
    EXPECT_NEAR(sensor.height(terrain, robot.stand.data(), phase, 0), sum / count, 1e-7) << "phase " << phase;
  }
}

TEST_F(GroundTest, IsTheMeanUnderAllFeetInFlight) {
  GaitSettings flying = robot.gait;
  flying.stance_fraction = 0.1;
  flying.offset = {0, 0, 0, 0};
  GroundSensor flight(robot.model, flying, 1);
  double mean = 0;
  for (int f = 0; f < 4; ++f) mean += 0.3 * foot_x(f) / 4;
  EXPECT_NEAR(flight.height(ramp(0.3), robot.stand.data(), 0.5, 0), mean, 1e-7);
}

}  // namespace
}  // namespace tandem
