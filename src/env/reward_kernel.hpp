// The reward of one world, in any precision, on the processor or a device. docs/training.md, eq. (6)-(18).
#pragma once

#include <cmath>

#include "math/so3.hpp"

namespace tandem {

// Weights of the terms, and the width of those of the form exp(-error^2 / sigma). Every term is multiplied by control_dt.
struct RewardSettings {
  double sigma = 0.5;
  double linear_velocity = 10;    // exp(-|(c_xy - v_xy) / (1 + |c_xy|)|^2 / sigma), heading frame
  double yaw_rate = 5;            // exp(-(c_wz - w_z)^2 / sigma), w_z about the vertical
  double action_rate = -1e-3;     // |a_t - a_{t-1}|^2 / action_rate_dt2
  double action_rate_2 = -1e-4;   // |a_t - 2 a_{t-1} + a_{t-2}|^2 / action_rate_dt2
  double action_rate_dt2 = 0.01;  // what squared differences of actions are divided by
  double torque = -1e-4;          // |tau|^2 [N m]
  double orientation = 1;         // exp(-|g_xy|^2 / sigma), g: direction of gravity in the base frame
  double height = 1;              // exp(-(c_h - p_z)^2 / sigma)
  double joint = 1;               // mean over joints of exp(-(q - q_nominal)^2 / sigma)
  double self_collision = -1;     // two links touch
  double termination = -100;      // the episode ended by a failure
  double slip = 0;                // speed at which loaded feet slide, summed over feet [m/s]
  double power = 0;               // positive mechanical power [W]
};

// Terms in the order that compute_reward writes them.
enum RewardTerm : int {
  kTermLinearVelocity,
  kTermYawRate,
  kTermActionRate,
  kTermActionRate2,
  kTermTorque,
  kTermOrientation,
  kTermHeight,
  kTermJoint,
  kTermSelfCollision,
  kTermTermination,
  kTermSlip,
  kTermPower,
  kRewardTerms
};
// What the reward of one world is computed from: the true state after the step, not the measured one.
template <class S>
struct RewardInputOf {
  const S* q;           // (nq)
  const S* v;           // (nv)
  S height;             // of the base above the ground [m]
  const S* command;     // base height [m], forward, left [m/s], yaw rate [rad/s]  (4)
  const S* tau;         // joint torques as applied, mean over the step [N m]  (njnt)
  const float* action;  // a_t, a_{t-1}, a_{t-2}  (naction) each
  const float* previous;
  const float* before_previous;
  int naction;
  S slip;   // speed at which loaded feet slide, summed over feet [m/s]
  S power;  // positive mechanical power [W]
  bool self_collision, terminated;
};

inline namespace TANDEM_ISA {

template <class S>
TANDEM_FN S square(S x) {
  return x * x;
}

// Squared norms of the first and second differences of the actions.
template <class S>
struct ActionRates {
  S first, second;
};
template <class S>
TANDEM_FN ActionRates<S> action_rates(const RewardInputOf<S>& in) {
  ActionRates<S> rates{S(0), S(0)};
  for (int i = 0; i < in.naction; ++i) {
    const S a0 = in.action[i], a1 = in.previous[i], a2 = in.before_previous[i];
    rates.first += square(a0 - a1);
    rates.second += square(a0 - S(2) * a1 + a2);
  }
  return rates;
}

// exp(-squared_error / sigma)
template <class S>
TANDEM_FN S bell(S squared_error, double sigma) {
  return std::exp(-squared_error / S(sigma));
}

// Writes the weighted terms, times control_dt.   nominal (njnt), terms (kRewardTerms)
template <class S>
TANDEM_FN void compute_reward(const RewardSettings& s, int njnt, const S* nominal, const RewardInputOf<S>& in, double control_dt, float* terms) {
  const S* c = in.command;
  // velocity along the heading, rate of turn about the vertical, direction of gravity in the base frame
  const Mat3<S> R_WB = quat_to_rotation(in.q + 3);
  const S yaw = quat_yaw(in.q + 3), cos_yaw = std::cos(yaw), sin_yaw = std::sin(yaw);
  const S forward = cos_yaw * in.v[0] + sin_yaw * in.v[1], left = cos_yaw * in.v[1] - sin_yaw * in.v[0];
  const S yaw_rate = R_WB.m[6] * in.v[3] + R_WB.m[7] * in.v[4] + R_WB.m[8] * in.v[5];
  const S gravity_x = -R_WB.m[6], gravity_y = -R_WB.m[7];

  S torque(0), joint(0);
  for (int j = 0; j < njnt; ++j) {
    torque += square(in.tau[j]);
    joint += bell(square(in.q[7 + j] - nominal[j]), s.sigma) / S(njnt);
  }
  const ActionRates<S> rates = action_rates(in);
  const S error_x = (c[1] - forward) / (S(1) + abs(c[1])), error_y = (c[2] - left) / (S(1) + abs(c[2]));

  S value[kRewardTerms];
  value[kTermLinearVelocity] = S(s.linear_velocity) * bell(square(error_x) + square(error_y), s.sigma);  // (6)
  value[kTermYawRate] = S(s.yaw_rate) * bell(square(c[3] - yaw_rate), s.sigma);                          // (7)
  value[kTermActionRate] = S(s.action_rate) * rates.first / S(s.action_rate_dt2);                        // (8)
  value[kTermActionRate2] = S(s.action_rate_2) * rates.second / S(s.action_rate_dt2);                    // (9)
  value[kTermTorque] = S(s.torque) * torque;                                                             // (10)
  value[kTermOrientation] = S(s.orientation) * bell(square(gravity_x) + square(gravity_y), s.sigma);     // (11)
  value[kTermHeight] = S(s.height) * bell(square(c[0] - in.height), s.sigma);                            // (12)
  value[kTermJoint] = S(s.joint) * joint;                                                                // (13)
  value[kTermSelfCollision] = in.self_collision ? S(s.self_collision) : S(0);                            // (14)
  value[kTermTermination] = in.terminated ? S(s.termination) : S(0);                                     // (15)
  value[kTermSlip] = S(s.slip) * in.slip;                                                                // (16)
  value[kTermPower] = S(s.power) * in.power;                                                             // (17)
  for (int i = 0; i < kRewardTerms; ++i) terms[i] = static_cast<float>(S(control_dt) * value[i]);        // (18)
}

}  // namespace TANDEM_ISA
}  // namespace tandem
