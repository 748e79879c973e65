// How the actions of a policy and the set points of the MPC become the set points of the joints. docs/training.md, eq. (2)-(5).
//
// Every blend has the form tau = tau_ff + kp (q_des - q) + kd (v_des - v) that the motor drives evaluate themselves, so nothing is computed between
// control steps, in simulation and on the robot alike.
#pragma once

#include <string>
#include <vector>

#include "model/robot.hpp"

namespace tandem {

enum class Blend : int {
  kJointTorque,   // tau = tau_MPC + lambda (kp_a (q_nominal + s a - q) - kd_a v)
  kJointJoint,    // tau = tau_RNEA + kp (q_MPC + lambda s a - q) + kd (v_MPC - v)
  kTorqueTorque,  // tau = tau_MPC + lambda s a
  kDirect,        // tau = kp_a (q_nominal + s a - q) - kd_a v on the joints that act, the nominal pose under kp, kd on the others: end-to-end
};
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

// Set points of one robot: what the simulator's input and the motor drives take.  each (njnt)
struct SetPoints {
  double *tau_ff, *q_des, *v_des, *kp, *kd;
};

// Adds the policy's part to the set points of the MPC, in place: reads and writes tau_ff, q_des, v_des; writes kp and kd. For kDirect only writes.
//   action (naction)
void blend(const Blending& blending, const float* action, const SetPoints& set_points);

}  // namespace tandem
