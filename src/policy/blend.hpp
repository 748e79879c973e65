// How the actions of a policy and the set points of the MPC become the set points of the joints. docs/training.md, eq. (2)-(5).
//
// Every blend has the form tau = tau_ff + kp (q_des - q) + kd (v_des - v) that the motor drives evaluate themselves, so nothing is computed between
// control steps, in simulation and on the robot alike.
#pragma once

#include <string>
#include <vector>

#include "model/robot.hpp"
#include "policy/blend_kernel.hpp"

namespace tandem {

constexpr const char* kBlendNames[] = {"joint_torque", "joint_joint", "torque_torque", "direct"};
const char* name(Blend blend);

struct Blending {
  Blend blend = Blend::kJointTorque;
  double lambda = 0.1;             // share of the policy
  double scale = 1;                // s: of an action of 1 [rad, or N m]
  std::vector<int> joint;          // that action i moves  (naction)
  std::vector<double> kp_a, kd_a;  // gains of the policy's own PD law [N m/rad, N m s/rad]  (naction)
  std::vector<double> nominal;     // (njnt)
  std::vector<double> kp, kd;      // gains of the joints  (njnt)
};

// The robot's acting joints, gains and nominal pose.
Blending make_blending(const Robot& robot, Blend blend, double lambda, double scale);

using SetPoints = SetPointsOf<double>;

// The blending as plain numbers, which point into it.
BlendingView<double> view_of(const Blending& blending);

// Adds the policy's part to the set points of the MPC, in place: reads and writes tau_ff, q_des, v_des; writes kp and kd. For kDirect only writes.
//   action (naction)
void blend(const Blending& blending, const float* action, const SetPoints& set_points);

}  // namespace tandem
