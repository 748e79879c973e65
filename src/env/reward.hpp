// The reward of the locomotion task, term by term. docs/training.md, eq. (6)-(18).
#pragma once

#include <string>
#include <vector>

#include "model/robot.hpp"

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
// "linear_velocity", "yaw_rate", "action_rate", ...: the names of the weights, in that order.
const std::vector<std::string>& reward_names();

// What the reward of one world is computed from: the true state after the step, not the measured one.
struct RewardInput {
  const double* q;        // (nq)
  const double* v;        // (nv)
  double height;          // of the base above the ground [m]
  const double* command;  // base height [m], forward, left [m/s], yaw rate [rad/s]  (4)
  const double* tau;      // joint torques as applied, mean over the step [N m]  (njnt)
  const float* action;    // a_t, a_{t-1}, a_{t-2}  (naction) each
  const float* previous;
  const float* before_previous;
  int naction;
  double slip;   // speed at which loaded feet slide, summed over feet [m/s]
  double power;  // positive mechanical power [W]
  bool self_collision, terminated;
};

// Writes the weighted terms, times control_dt.   terms (kRewardTerms)
// The robot has a floating base. Allocates nothing. Cost: 0.2 us for 18 joints.
void compute_reward(const RewardSettings& settings, const Robot& robot, const RewardInput& input, double control_dt, float* terms);

}  // namespace tandem
