#include "sim/randomise.hpp"

#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "dynamics/kinematics_kernel.hpp"
#include "sim/simulator.hpp"

namespace tandem {
namespace {

// Known answers of Philox 4x32-10, published with the Random123 library.
TEST(Rng, PhiloxGivesThePublishedNumbers) {
  using Words = std::array<std::uint32_t, 4>;
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}), (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Rng, UniformNumbersHaveTheRightMoments) {
  Rng rng{42, 3, 1};
  constexpr int n = 200000;
  double m1 = 0, m2 = 0, m4 = 0;
  for (int i = 0; i < n; ++i) {
    const double x = rng.uniform(-1, 1);
    ASSERT_TRUE(x >= -1 && x < 1);
    m1 += x / n;
    m2 += x * x / n;
    m4 += x * x * x * x / n;
  }
  // five standard errors each
  EXPECT_NEAR(m1, 0, 5 * std::sqrt(1.0 / 3 / n));
  EXPECT_NEAR(m2, 1.0 / 3, 5 * std::sqrt((1.0 / 5 - 1.0 / 9) / n));
  EXPECT_NEAR(m4, 1.0 / 5, 5 * std::sqrt((1.0 / 9 - 1.0 / 25) / n));
}

TEST(Rng, NormalNumbersHaveTheRightMoments) {
  Rng rng{43, 0, 0};
  constexpr int n = 200000;
  double m1 = 0, m2 = 0, m4 = 0;
  for (int i = 0; i < n; ++i) {
    const double x = rng.normal();
    m1 += x / n;
    m2 += x * x / n;
    m4 += x * x * x * x / n;
  }
  EXPECT_NEAR(m1, 0, 5 * std::sqrt(1.0 / n));
  EXPECT_NEAR(m2, 1, 5 * std::sqrt(2.0 / n));
  EXPECT_NEAR(m4, 3, 5 * std::sqrt(96.0 / n));
}

// Neighbouring worlds, streams and seeds must not be correlated.
TEST(Rng, StreamsAreIndependent) {
  constexpr int n = 100000;
  Rng base{7, 0, 0};
  Rng others[3] = {{8, 0, 0}, {7, 1, 0}, {7, 0, 1}};
  double product[3] = {0, 0, 0};
  for (int i = 0; i < n; ++i) {
    const double x = base.uniform(-1, 1);
    for (int k = 0; k < 3; ++k) product[k] += x * others[k].uniform(-1, 1) / n;
  }
  for (double p : product) EXPECT_NEAR(p, 0, 5 / 3.0 / std::sqrt(double(n)));
}

class Randomise : public testing::TestWithParam<const char*> {
 protected:
  Robot robot = load_robot(GetParam());
  double lowest(const double* q) const {
    const ModelArrays<double> arrays = make_arrays<double>(robot.model);
    std::vector<double> memory(kinematics_size<double>(robot.model.nbody));
    const auto kin = kinematics_at(memory.data(), robot.model.nbody);
    forward_kinematics(SerialTeam{}, arrays.view, Pose<double>{quat_to_rotation(q + 3), load3<double>(q)}, q + 7, kin);
    double z = 1e9;
    for (int c = 0; c < arrays.view.ncon; ++c) z = std::min(z, contact_position<double>(arrays.view, kin, c).z);
    return z;
  }
};

TEST_P(Randomise, LowestContactPointTouchesTheFloor) {
  const InitialStates states = sample_initial_states(robot, 50, 1.0, 11);
  const double floor = lowest(robot.stand.data());
  EXPECT_NEAR(floor, 0, 0.025);  // the point, or the centre of a ball foot
  for (int w = 0; w < 50; ++w) EXPECT_NEAR(lowest(&states.q[size_t(w) * robot.model.nq]), floor, 1e-12) << "world " << w;
}

TEST_P(Randomise, StaysInsideTheScaledRange) {
  const double scale = 0.5, angle = scale * 0.31415926535897932;
  const InitialStates states = sample_initial_states(robot, 400, scale, 12);
  double largest_roll = 0, largest_v = 0;
  for (int w = 0; w < 400; ++w) {
    const double *q = &states.q[size_t(w) * robot.model.nq], *v = &states.v[size_t(w) * robot.model.nv];
    EXPECT_NEAR(q[3] * q[3] + q[4] * q[4] + q[5] * q[5] + q[6] * q[6], 1, 1e-12);
    const double roll = std::atan2(2 * (q[3] * q[4] + q[5] * q[6]), 1 - 2 * (q[4] * q[4] + q[5] * q[5]));
    const double pitch = std::asin(2 * (q[3] * q[5] - q[6] * q[4]));
    const double yaw = std::atan2(2 * (q[3] * q[6] + q[4] * q[5]), 1 - 2 * (q[5] * q[5] + q[6] * q[6]));
    for (double a : {roll, pitch, yaw}) EXPECT_LE(std::abs(a), angle + 1e-12);
    for (int i = 0; i < 6; ++i) EXPECT_LE(std::abs(v[i]), scale * 0.5);
    for (int i = 6; i < robot.model.nv; ++i) EXPECT_EQ(v[i], 0);
    largest_roll = std::max(largest_roll, std::abs(roll));
    largest_v = std::max(largest_v, std::abs(v[0]));
  }
  // and fills it
  EXPECT_GT(largest_roll, 0.95 * angle);
  EXPECT_GT(largest_v, 0.95 * scale * 0.5);
}

TEST_P(Randomise, DependsOnSeedAndWorldOnly) {
  const InitialStates few = sample_initial_states(robot, 3, 1.0, 13), many = sample_initial_states(robot, 9, 1.0, 13),
                      other = sample_initial_states(robot, 3, 1.0, 14);
  EXPECT_TRUE(std::equal(few.q.begin(), few.q.end(), many.q.begin()));
  EXPECT_NE(few.q, other.q);
}

TEST_P(Randomise, ScaleZeroIsTheStanceAtRest) {
  const InitialStates states = sample_initial_states(robot, 1, 0.0, 15);
  for (int i = 0; i < robot.model.nq; ++i) EXPECT_NEAR(states.q[i], robot.stand[i], 1e-15);
  for (double v : states.v) EXPECT_EQ(v, 0);
}

TEST_P(Randomise, CommandsFillTheRobotsRange) {
  double low[3] = {9, 9, 9}, high[3] = {-9, -9, -9}, command[3];
  for (int w = 0; w < 1000; ++w) {
    sample_command(robot.commands, 16, w, command);
    for (int i = 0; i < 3; ++i) {
      low[i] = std::min(low[i], command[i]);
      high[i] = std::max(high[i], command[i]);
    }
  }
  int i = 0;
  for (const double* range : {robot.commands.vx, robot.commands.vy, robot.commands.wz}) {
    const double slack = 0.01 * (range[1] - range[0]);
    EXPECT_TRUE(low[i] >= range[0] && low[i] <= range[0] + slack) << i;
    EXPECT_TRUE(high[i] <= range[1] && high[i] >= range[1] - slack) << i;
    ++i;
  }
}

// The robots themselves: held up by stiff joints they stand for a moment, and the floor carries their weight.
TEST_P(Randomise, StandingRobotIsCarriedByTheFloor) {
  const auto sim = make_simulator(robot, 1);
  const std::vector<int> worlds = {0};
  sim->set_state(worlds, robot.stand, std::vector<double>(robot.model.nv, 0.0));
  for (int j = 0; j < robot.model.njnt; ++j) {
    sim->input.kp[j] = 20 * robot.kp[j];
    sim->input.kd[j] = 5 * robot.kd[j];
    sim->input.q_des[j] = robot.nominal[j];
  }
  double force = 0, weight = 0;
  for (int k = 0; k < 60; ++k) {
    sim->step();
    for (size_t f = 0; f < robot.model.foot_name.size(); ++f) force += sim->output.foot_force[3 * f + 2] / 60;
    ASSERT_EQ(sim->output.floor_contact[0], 0) << "step " << k;
    ASSERT_EQ(sim->output.self_collision[0], 0) << "step " << k;
  }
  for (double mass : robot.model.mass) weight += 9.81 * mass;
  // mean force over .6 s = weight + m dv / t, and the base hardly moves
  EXPECT_NEAR(force, weight, 0.03 * weight);
}

INSTANTIATE_TEST_SUITE_P(Robots, Randomise, testing::Values("mit_humanoid", "unitree_go2", "unitree_g1"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace tandem
