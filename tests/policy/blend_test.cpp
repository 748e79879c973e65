// The torque that the blended set points give, against the formulas of docs/training.md, eq. (2)-(5), at random states.
#include "policy/blend.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace tandem {
namespace {

constexpr unsigned kSeed = 11;

struct Case {
  Robot robot = load_robot("mit_humanoid");
  Blending blending;
  std::vector<double> q, v, tau_rnea, q_mpc, v_mpc;
  std::vector<float> action;

  explicit Case(Blend blend) : blending(make_blending(robot, blend, 0.3, 0.7)) {
    std::mt19937 rng(kSeed);
    std::normal_distribution<double> normal;
    for (auto* x : {&q, &v, &tau_rnea, &q_mpc, &v_mpc}) {
      x->resize(robot.model.njnt);
      for (double& number : *x) number = normal(rng);
    }
    action.resize(blending.joint.size());
    for (float& a : action) a = static_cast<float>(normal(rng));
  }

  // tau_ff + kp (q_des - q) + kd (v_des - v) of the blended set points
  std::vector<double> torque() const {
    std::vector<double> ff = tau_rnea, qd = q_mpc, vd = v_mpc, kp(ff.size(), NAN), kd(ff.size(), NAN), tau(ff.size());
    if (blending.blend == Blend::kDirect) ff = qd = vd = std::vector<double>(ff.size(), NAN);
    blend(blending, action.data(), {ff.data(), qd.data(), vd.data(), kp.data(), kd.data()});
    for (size_t j = 0; j < tau.size(); ++j) tau[j] = ff[j] + kp[j] * (qd[j] - q[j]) + kd[j] * (vd[j] - v[j]);
    return tau;
  }
  // tau_MPC of joint j
  double tau_mpc(int j) const { return tau_rnea[j] + robot.kp[j] * (q_mpc[j] - q[j]) + robot.kd[j] * (v_mpc[j] - v[j]); }
  // which action moves joint j; -1: none
  int action_of(int j) const {
    for (size_t i = 0; i < robot.action_joint.size(); ++i)
      if (robot.action_joint[i] == j) return static_cast<int>(i);
    return -1;
  }
};

// Expects the formula on the acting joints and `otherwise` on the others.
template <class Formula, class Otherwise>
void expect_torques(const Case& c, Formula formula, Otherwise otherwise) {
  const std::vector<double> tau = c.torque();
  int acting = 0;
  for (int j = 0; j < c.robot.model.njnt; ++j) {
    const int i = c.action_of(j);
    acting += i >= 0;
    EXPECT_NEAR(tau[j], i >= 0 ? formula(j, i) : otherwise(j), 1e-10) << c.robot.model.joint_name[j] << ", seed " << kSeed;
  }
  EXPECT_EQ(acting, 10);
}

TEST(Blend, JointTorqueAddsAShareOfThePolicysTorque) {
  const Case c(Blend::kJointTorque);
  const auto formula = [&](int j, int i) { return c.tau_mpc(j) + 0.3 * (30 * (c.robot.nominal[j] + 0.7 * c.action[i] - c.q[j]) - 5 * c.v[j]); };
  expect_torques(c, formula, [&](int j) { return c.tau_mpc(j); });
}

TEST(Blend, JointJointMovesTheSetPoints) {
  const Case c(Blend::kJointJoint);
  const auto formula = [&](int j, int i) {
    return c.tau_rnea[j] + 30 * (c.q_mpc[j] + 0.3 * 0.7 * c.action[i] - c.q[j]) + 1.5 * (c.v_mpc[j] - c.v[j]);
  };
  expect_torques(c, formula, [&](int j) { return c.tau_mpc(j); });
}

TEST(Blend, TorqueTorqueAddsTheActionItself) {
  const Case c(Blend::kTorqueTorque);
  expect_torques(c, [&](int j, int i) { return c.tau_mpc(j) + 0.3 * 0.7 * c.action[i]; }, [&](int j) { return c.tau_mpc(j); });
}

TEST(Blend, DirectIgnoresTheMpc) {
  const Case c(Blend::kDirect);
  const auto formula = [&](int j, int i) { return 30 * (c.robot.nominal[j] + 0.7 * c.action[i] - c.q[j]) - 5 * c.v[j]; };
  expect_torques(c, formula, [&](int j) { return 30 * (c.robot.nominal[j] - c.q[j]) - 1.5 * c.v[j]; });
}

TEST(Blend, GainsOfZeroAreFine) {
  Case c(Blend::kJointTorque);
  for (auto* gains : {&c.blending.kp, &c.blending.kd, &c.blending.kp_a, &c.blending.kd_a}) gains->assign(gains->size(), 0);
  EXPECT_EQ(c.torque(), c.tau_rnea);
}

TEST(Blend, NamesFollowTheEnum) {
  EXPECT_STREQ(name(Blend::kJointTorque), "joint_torque");
  EXPECT_STREQ(name(Blend::kJointJoint), "joint_joint");
  EXPECT_STREQ(name(Blend::kTorqueTorque), "torque_torque");
  EXPECT_STREQ(name(Blend::kDirect), "direct");
}

}  // namespace
}  // namespace tandem
