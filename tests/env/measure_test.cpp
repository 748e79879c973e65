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
  EXPECT_NEAR(a.v[last], rng.uniform(-noise.joint_velocity, noise.joint_velocity), 1e-15);  // its sums may be fused here and not there
}

class GroundTest : public testing::TestWithParam<const char*> {
 protected:
  GroundTest() : robot(load_robot(GetParam())), sensor(robot.model, 2) {}
  Robot robot;
  GroundSensor sensor;
};

TEST_P(GroundTest, IsExactlyZeroOnFlatGround) {
  const GroundPlane ground = sensor.under({}, robot.stand.data(), 1);
  EXPECT_EQ(ground.height, 0.0);
  double plane[3] = {0, 0, 0};
  follow_ground(ground, 0.5, plane);
  for (double number : plane) EXPECT_EQ(number, 0.0);
}

// The feet are 8 to 30 cm apart, so that kFootSpread hides up to a tenth of a slope.
TEST_P(GroundTest, FeelsTheSlopeOfAPlane) {
  const Terrain terrain = make_terrain({.kind = TerrainKind::kSlope, .extent = 20, .angle = 0.2});
  std::vector<double> q = robot.stand;
  for (const double yaw : {0.0, 0.7, 2.0}) {
    q[0] = 1.3, q[1] = 0.4, q[3] = std::cos(yaw / 2), q[6] = std::sin(yaw / 2);
    const GroundPlane ground = sensor.under(terrain, q.data(), 0);
    EXPECT_NEAR(ground.slope[0], std::tan(0.2), 0.1 * std::tan(0.2)) << "yaw " << yaw;
    EXPECT_NEAR(ground.slope[1], 0, 0.1 * std::tan(0.2));
    double plane[3] = {0, 0, 7};
    follow_ground(ground, 0.25, plane);
    EXPECT_NEAR(plane[0], 0.25 * ground.slope[0], 1e-12);
    std::fill_n(plane, 3, std::nan(""));  // left by a world that was not finite
    follow_ground(ground, 1, plane);
    EXPECT_NEAR(ground.height + plane[2], terrain_height(terrain, q[0], q[1]), 0.005);
  }
}

TEST_P(GroundTest, IsTheMeanUnderTheContactPoints) {
  const Terrain terrain = make_terrain({.kind = TerrainKind::kRough, .amplitude = 0.1, .cell = 0.05, .extent = 4, .seed = 5});
  std::vector<double> q = robot.stand;
  q[0] = 0.37, q[1] = -0.21;
  RobotDynamics dynamics = make_dynamics(robot.model);
  set_state(dynamics, q.data(), std::vector<double>(robot.model.nv, 0.0).data());
  double sum = 0;
  const int ncon = static_cast<int>(robot.model.contacts.size());
  for (int c = 0; c < ncon; ++c) {
    double p[3], v[3];
    contact_state(dynamics, c, p, v);
    sum += terrain_height(terrain, p[0], p[1]);
  }
  EXPECT_NEAR(sensor.under(terrain, q.data(), 0).height, sum / ncon, 1e-7);
}

INSTANTIATE_TEST_SUITE_P(Robots, GroundTest, testing::Values("mit_humanoid", "unitree_go2"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace tandem
