#include "env/reward.hpp"

#include <algorithm>
#include <cmath>

#include "math/so3.hpp"

namespace tandem {
namespace {

double square(double x) { return x * x; }

// Squared norms of the first and second differences of the actions.
struct ActionRates {
  double first = 0, second = 0;
};
ActionRates action_rates(const RewardInput& in) {
  ActionRates rates;
  for (int i = 0; i < in.naction; ++i) {
    const double a0 = in.action[i], a1 = in.previous[i], a2 = in.before_previous[i];
    rates.first += square(a0 - a1);
    rates.second += square(a0 - 2 * a1 + a2);
  }
  return rates;
}

}  // namespace

const std::vector<std::string>& reward_names() {
  static const std::vector<std::string> names = {"linear_velocity", "yaw_rate", "action_rate",    "action_rate_2", "torque", "orientation",
                                                 "height",          "joint",    "self_collision", "termination",   "slip",   "power"};
  return names;
}

void compute_reward(const RewardSettings& s, const Robot& robot, const RewardInput& in, double control_dt, float* terms) {
  const auto bell = [&](double squared_error) { return std::exp(-squared_error / s.sigma); };
  const Model& model = robot.model;
  const double* c = in.command;

  // velocity along the heading, rate of turn about the vertical, direction of gravity in the base frame
  const Mat3<double> R_WB = quat_to_rotation(in.q + 3);
  const double yaw = quat_yaw(in.q + 3), cos_yaw = std::cos(yaw), sin_yaw = std::sin(yaw);
  const double forward = cos_yaw * in.v[0] + sin_yaw * in.v[1], left = cos_yaw * in.v[1] - sin_yaw * in.v[0];
  const double yaw_rate = R_WB.m[6] * in.v[3] + R_WB.m[7] * in.v[4] + R_WB.m[8] * in.v[5];
  const double gravity_x = -R_WB.m[6], gravity_y = -R_WB.m[7];

  double torque = 0, joint = 0;
  for (int j = 0; j < model.njnt; ++j) {
    torque += square(in.tau[j]);
    joint += bell(square(in.q[7 + j] - robot.nominal[j])) / model.njnt;
  }
  const ActionRates rates = action_rates(in);

  double value[kRewardTerms];
  value[kTermLinearVelocity] =
      s.linear_velocity * bell(square((c[1] - forward) / (1 + std::abs(c[1]))) + square((c[2] - left) / (1 + std::abs(c[2]))));  // (6)
  value[kTermYawRate] = s.yaw_rate * bell(square(c[3] - yaw_rate));                                                              // (7)
  value[kTermActionRate] = s.action_rate * rates.first / s.action_rate_dt2;                                                      // (8)
  value[kTermActionRate2] = s.action_rate_2 * rates.second / s.action_rate_dt2;                                                  // (9)
  value[kTermTorque] = s.torque * torque;                                                                                        // (10)
  value[kTermOrientation] = s.orientation * bell(square(gravity_x) + square(gravity_y));                                         // (11)
  value[kTermHeight] = s.height * bell(square(c[0] - in.height));                                                                // (12)
  value[kTermJoint] = s.joint * joint;                                                                                           // (13)
  value[kTermSelfCollision] = in.self_collision ? s.self_collision : 0;                                                          // (14)
  value[kTermTermination] = in.terminated ? s.termination : 0;                                                                   // (15)
  value[kTermSlip] = s.slip * in.slip;                                                                                           // (16)
  value[kTermPower] = s.power * in.power;                                                                                        // (17)
  for (int i = 0; i < kRewardTerms; ++i) terms[i] = static_cast<float>(control_dt * value[i]);                                   // (18)
}

}  // namespace tandem
