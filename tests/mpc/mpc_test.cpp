// The controller as its users see it: what a plan must satisfy, and what one world may never do to another.
#include "mpc/mpc.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "base/check.hpp"
#include "dynamics/dynamics.hpp"
#include "tests/mpc/fixture.hpp"
#include "tests/support/message_of.hpp"
#include "tests/support/mirrored.hpp"

namespace tandem {
namespace {

class MpcTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    robot = load_robot(GetParam());
    settings = make_mpc_settings(robot);
  }
  Horizon converged_plan(const States& s) {
    const Mpc mpc = converged(robot, settings, s);
    tau_ff = mpc.output.tau_ff;
    value = mpc.output.value[0];
    return mpc.horizon(0);
  }
  Robot robot;
  MpcSettings settings;
  std::vector<double> tau_ff;
  double value = 0;
};

// Independent of the MPC's own derivatives: inverse dynamics of the whole robot must ask nothing of the unactuated base.
TEST_P(MpcTest, ConvergedPlanObeysTheEquationsOfMotion) {
  const States s = disturbed_states(robot, 1, 3);
  const Horizon plan = converged_plan(s);
  const int nq = robot.model.nq, nv = robot.model.nv, ncon = static_cast<int>(robot.model.contacts.size());
  RobotDynamics dynamics = make_dynamics(robot.model);
  for (int k = 0; k < settings.nodes - 1; ++k) {
    std::vector<double> a(nv), tau(nv);
    for (int i = 0; i < nv; ++i) a[i] = (plan.v[(k + 1) * nv + i] - plan.v[k * nv + i]) / settings.dt[0];
    set_state(dynamics, &plan.q[k * nq], &plan.v[k * nv]);
    inverse_dynamics(dynamics, a.data(), &plan.force[k * 3 * ncon], tau.data());
    for (int i = 0; i < 6; ++i) EXPECT_NEAR(tau[i], 0, 0.05) << "node " << k << ", base row " << i;  // [N, N m], single precision
  }
}

TEST_P(MpcTest, FeedForwardIsInverseDynamicsOfTheFirstInterval) {
  const States s = disturbed_states(robot, 1, 4);
  const Horizon plan = converged_plan(s);
  const int nv = robot.model.nv;
  std::vector<double> a(nv), tau(nv);
  for (int i = 0; i < nv; ++i) a[i] = (plan.v[nv + i] - plan.v[i]) / settings.dt[0];
  RobotDynamics dynamics = make_dynamics(robot.model);
  set_state(dynamics, plan.q.data(), plan.v.data());
  inverse_dynamics(dynamics, a.data(), plan.force.data(), tau.data());
  for (int j = 0; j < robot.model.njnt; ++j) EXPECT_NEAR(tau_ff[j], tau[6 + j] + robot.model.damping[j] * plan.v[6 + j], 0.02) << "joint " << j;
}

TEST_P(MpcTest, ConvergedPlanKeepsStandingFeetStillAndForcesInTheCone) {
  const Horizon plan = converged_plan(disturbed_states(robot, 1, 5));
  const int nq = robot.model.nq, nv = robot.model.nv, ncon = static_cast<int>(robot.model.contacts.size()),
            nfoot = static_cast<int>(robot.model.foot_name.size());
  RobotDynamics dynamics = make_dynamics(robot.model);
  for (int k = 0; k < settings.nodes; ++k) {
    set_state(dynamics, &plan.q[k * nq], &plan.v[k * nv]);
    for (int c = 0; c < ncon; ++c) {
      const bool stands = plan.stance[k * nfoot + robot.model.contacts[c].foot] > 0;
      double p[3], v[3];
      contact_state(dynamics, c, p, v);
      for (int r = 0; stands && k > 0 && r < 3; ++r) EXPECT_NEAR(v[r], 0, 0.02) << "node " << k << ", point " << c;
      if (k == settings.nodes - 1) continue;
      const double* f = &plan.force[(k * ncon + c) * 3];
      const double limit = stands ? settings.friction * f[2] + 0.5 : 0.0;
      EXPECT_LE(std::hypot(f[0], f[1]), limit);
      EXPECT_TRUE(stands || f[2] == 0);
    }
  }
}

TEST_P(MpcTest, ValueIsTheCostOfThePlan) {
  States s = disturbed_states(robot, 1, 6);
  s.command = {robot.base_height, 0, 0, 0};
  const Horizon plan = converged_plan(s);
  const Model& m = robot.model;
  const MpcWeights& w = settings.weights;
  double expected = 0;
  double mass = 0;
  for (double part : m.mass) mass += part;
  const double yaw_0 = std::atan2(2 * (plan.q[3] * plan.q[6] + plan.q[4] * plan.q[5]), 1 - 2 * (plan.q[5] * plan.q[5] + plan.q[6] * plan.q[6]));
  const int nfoot = static_cast<int>(m.foot_name.size()), ncon = static_cast<int>(m.contacts.size());
  for (int k = 0; k < settings.nodes; ++k) {
    const double *q = &plan.q[k * m.nq], *v = &plan.v[k * m.nv];
    expected += w.base_position[2] * std::pow(q[2] - robot.base_height, 2);
    // rotation vector of Rz(-yaw_0) R
    const double c = std::cos(yaw_0 / 2), z = -std::sin(yaw_0 / 2);
    const double d[4] = {c * q[3] - z * q[6], c * q[4] - z * q[5], c * q[5] + z * q[4], c * q[6] + z * q[3]};
    const double n = std::sqrt(d[1] * d[1] + d[2] * d[2] + d[3] * d[3]), angle = 2 * std::atan2(n, d[0]);
    for (int i = 0; i < 3; ++i) {
      expected += w.base_orientation[i] * std::pow(n > 0 ? angle * d[1 + i] / n : 0, 2);
      expected += w.base_linear_velocity[i] * v[i] * v[i] + w.base_angular_velocity[i] * v[3 + i] * v[3 + i];
    }
    for (int j = 0; j < m.njnt; ++j)
      expected += w.joint_position[j] * std::pow(q[7 + j] - robot.nominal[j], 2) + w.joint_velocity[j] * v[6 + j] * v[6 + j];
    double standing = 0;
    for (int f = 0; f < nfoot; ++f) standing += plan.stance[k * nfoot + f] * ncon / nfoot;
    for (int i = 0; k < settings.nodes - 1 && i < 3 * ncon; ++i) {
      const double stance = plan.stance[k * nfoot + m.contacts[i / 3].foot];
      expected += w.force[i % 3] * std::pow(plan.force[k * 3 * ncon + i] - (i % 3 == 2 ? stance * mass * 9.81 / standing : 0), 2);
    }
  }
  EXPECT_NEAR(value, expected, 2e-3 * expected);
}

TEST_P(MpcTest, WorldsDoNotKnowOfEachOtherOrOfThreads) {
  const int nworld = 21;
  const States s = disturbed_states(robot, nworld, 8);
  Mpc batch(robot.model, settings, nworld, 2), serial(robot.model, settings, nworld, 1), alone(robot.model, settings, 1);
  for (int w = 0; w < nworld; ++w) batch.reset(w, 0.04 * w), serial.reset(w, 0.04 * w);
  alone.reset(0, 0.04 * 13);
  const int nq = robot.model.nq, nv = robot.model.nv, nj = robot.model.njnt;
  for (int i = 0; i < 3; ++i) {
    batch.step(s.q, s.v, s.command), serial.step(s.q, s.v, s.command);
    alone.step(row(s.q, 13, nq), row(s.v, 13, nv), row(s.command, 13, 4));
  }
  EXPECT_EQ(batch.output.tau_ff, serial.output.tau_ff);
  EXPECT_EQ(batch.output.value, serial.output.value);
  EXPECT_EQ(row(batch.output.tau_ff, 13, nj), alone.output.tau_ff);
}

// Half a gait period later the other feet do what these did. The robots' links differ a little between left and right.
TEST_P(MpcTest, AMirroredStateGetsTheMirroredPlan) {
  const States s = disturbed_states(robot, 1, 12);
  const Mirror mirror = mirror_of(robot.model);
  Mpc here(robot.model, settings, 1), there(robot.model, settings, 1);
  here.reset(0, 0.1), there.reset(0, 0.6);
  for (int i = 0; i < 3; ++i) {
    here.step(s.q, s.v, s.command);
    there.step(mirrored_q(mirror, s.q), mirrored_v(mirror, s.v), std::vector{s.command[0], s.command[1], -s.command[2], -s.command[3]});
    for (const auto& [a, b] : {std::pair{&here.output.tau_ff, &there.output.tau_ff}, {&here.output.q_des, &there.output.q_des}}) {
      const std::vector<double> expected = image(mirror.joint, *a);
      double largest = 0, difference = 0;
      for (size_t j = 0; j < expected.size(); ++j) {
        largest = std::max(largest, std::abs(expected[j]));
        difference = std::max(difference, std::abs(expected[j] - (*b)[j]));
      }
      EXPECT_LT(difference, 0.02 * largest) << "step " << i;
    }
  }
}

// A turn of the world changes rounding only; also when feet land and lift off.
TEST_P(MpcTest, WhereTheRobotHeadsDoesNotMatter) {
  const double angle = 0.7, c = std::cos(angle), s = std::sin(angle), half_c = std::cos(angle / 2), half_s = std::sin(angle / 2);
  const States ahead = disturbed_states(robot, 1, 11);
  States turned = ahead;
  const double *w = &ahead.q[3],
               turn[4] = {half_c * w[0] - half_s * w[3], half_c * w[1] - half_s * w[2], half_c * w[2] + half_s * w[1], half_c * w[3] + half_s * w[0]};
  std::copy_n(turn, 4, &turned.q[3]);
  for (auto [to, from] : {std::pair{&turned.q[0], &ahead.q[0]}, std::pair{&turned.v[0], &ahead.v[0]}})
    to[0] = c * from[0] - s * from[1], to[1] = s * from[0] + c * from[1];
  Mpc here(robot.model, settings, 1), there(robot.model, settings, 1);
  for (int i = 0; i < 80; ++i) {
    here.step(ahead.q, ahead.v, ahead.command), there.step(turned.q, turned.v, turned.command);
    for (int j = 0; j < robot.model.njnt; ++j) ASSERT_NEAR(there.output.tau_ff[j], here.output.tau_ff[j], 0.005) << "step " << i << ", joint " << j;
  }
}

TEST_P(MpcTest, BrokenStateGetsTheSafeOutputAndDisturbsNobody) {
  const int nworld = 5, bad = 2, nj = robot.model.njnt;
  States s = disturbed_states(robot, nworld, 9);
  Mpc good(robot.model, settings, nworld), hurt(robot.model, settings, nworld);
  good.step(s.q, s.v, s.command);
  States broken = s;
  broken.v[bad * robot.model.nv + 7] = NAN;
  hurt.step(broken.q, broken.v, broken.command);
  for (int w = 0; w < nworld; ++w) {
    if (w == bad) continue;
    EXPECT_EQ(row(hurt.output.tau_ff, w, nj), row(good.output.tau_ff, w, nj)) << "world " << w;
  }
  EXPECT_EQ(hurt.output.info[bad].status, Status::kNotFinite);
  EXPECT_EQ(row(hurt.output.tau_ff, bad, nj), std::vector<double>(nj, 0.0));
  for (int j = 0; j < nj; ++j) EXPECT_FLOAT_EQ(hurt.output.q_des[bad * nj + j], robot.nominal[j]);
  // and it is a normal world again at the next call
  hurt.step(s.q, s.v, s.command);
  EXPECT_TRUE(usable(hurt.output.info[bad].status));
}

TEST_P(MpcTest, APlanThatRunsAwayIsNotFollowed) {
  const int nj = robot.model.njnt;
  for (const double velocity : {1.0, 10 * robot.model.v_max[0], 1e6}) {
    States s = disturbed_states(robot, 2, 9);
    Mpc mpc(robot.model, settings, 2);
    s.v[6] = velocity;
    mpc.step(s.q, s.v, s.command);
    EXPECT_TRUE(usable(mpc.output.info[1].status));
    if (velocity == 1.0) {
      EXPECT_TRUE(usable(mpc.output.info[0].status));
    } else {
      EXPECT_EQ(mpc.output.info[0].status, Status::kNotFinite) << velocity;
      EXPECT_EQ(row(mpc.output.tau_ff, 0, nj), std::vector<double>(nj, 0.0));
    }
  }
}

TEST_P(MpcTest, QuaternionsOfOtherLengthsAreTheSameRotationAndZeroIsNone) {
  const States s = disturbed_states(robot, 3, 9);
  Mpc unit(robot.model, settings, 3), other(robot.model, settings, 3);
  unit.step(s.q, s.v, s.command);
  States longer = s;
  const double length[3] = {2, 0.3, 0};
  for (int w = 0; w < 3; ++w)
    for (int i = 3; i < 7; ++i) longer.q[w * robot.model.nq + i] *= length[w];
  other.step(longer.q, longer.v, longer.command);
  const int nj = robot.model.njnt;
  for (int i = 0; i < 2 * nj; ++i) EXPECT_NEAR(other.output.tau_ff[i], unit.output.tau_ff[i], 0.01 + 1e-3 * std::abs(unit.output.tau_ff[i])) << i;
  EXPECT_EQ(other.output.info[2].status, Status::kNotFinite);
  EXPECT_EQ(row(other.output.tau_ff, 2, nj), std::vector<double>(nj, 0.0));
}

TEST_P(MpcTest, InactiveWorldIsLeftAlone) {
  const States s = disturbed_states(robot, 3, 10);
  Mpc mpc(robot.model, settings, 3);
  mpc.step(s.q, s.v, s.command);
  const std::vector<double> before = mpc.output.tau_ff;
  const std::vector<unsigned char> active = {1, 0, 1};
  mpc.step(s.q, s.v, s.command, active);
  EXPECT_EQ(row(mpc.output.tau_ff, 1, robot.model.njnt), row(before, 1, robot.model.njnt));
  EXPECT_NE(row(mpc.output.tau_ff, 0, robot.model.njnt), row(before, 0, robot.model.njnt));
}

INSTANTIATE_TEST_SUITE_P(Robots, MpcTest, testing::Values("mit_humanoid", "unitree_g1", "unitree_go2"));

TEST(MpcErrors, NameValueAndExpectation) {
  const Robot robot = load_robot("unitree_go2");
  const auto message = [&](auto&& change) -> std::string {
    MpcSettings settings = make_mpc_settings(robot);
    change(settings);
    return message_of([&] { Mpc(robot.model, settings, 1).step(std::vector<double>(3), {}, {}); });
  };
  EXPECT_NE(message([](MpcSettings& s) { s.nodes = 1; }).find("nodes = 1"), std::string::npos);
  EXPECT_NE(message([](MpcSettings& s) { s.dt = {0.001}; }).find("dt = 0.001"), std::string::npos);
  EXPECT_NE(message([](MpcSettings& s) { s.nominal.pop_back(); }).find("nominal has 11 values, expected 12"), std::string::npos);
  EXPECT_NE(message([](MpcSettings& s) { s.gait.period = 0; }).find("gait.period = 0"), std::string::npos);
  // a gait time that is not finite would stay so, and every later step have no plan
  Mpc mpc(robot.model, make_mpc_settings(robot), 1);
  EXPECT_NE(message_of([&] { mpc.reset(0, NAN); }).find("phase = nan, expected a number of periods"), std::string::npos);
  EXPECT_NE(message([](MpcSettings&) {}).find("q has 3 values, expected nworld x nq = 19"), std::string::npos);
}

}  // namespace
}  // namespace tandem
