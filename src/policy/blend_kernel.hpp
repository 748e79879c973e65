// The blending of one robot, in any precision, on the processor or a device. docs/training.md, eq. (2)-(5).
#pragma once

#include "base/team.hpp"

namespace tandem {

enum class Blend : int {
  kJointTorque,   // tau = tau_MPC + lambda (kp_a (q_nominal + s a - q) - kd_a v)
  kJointJoint,    // tau = tau_RNEA + kp (q_MPC + lambda s a - q) + kd (v_MPC - v)
  kTorqueTorque,  // tau = tau_MPC + lambda s a
  kDirect,        // tau = kp_a (q_nominal + s a - q) - kd_a v on the joints that act, the nominal pose under kp, kd on the others: end-to-end
};

// Set points of one robot: what the simulator's input and the motor drives take.  each (njnt)
template <class S>
struct SetPointsOf {
  S *tau_ff, *q_des, *v_des, *kp, *kd;
};
inline constexpr int kSetPointRows = 5;

// A Blending as plain numbers.
template <class S>
struct BlendingView {
  Blend blend;
  int njnt, naction;
  S lambda, scale;
  const int* joint;      // (naction)
  const S *kp_a, *kd_a;  // (naction)
  const S* nominal;      // (njnt)
  const S *kp, *kd;      // (njnt)
};

inline namespace TANDEM_ISA {

// (5): the acting joints follow the policy alone, the others hold the nominal pose.
template <class S>
TANDEM_FN void blend_direct(const BlendingView<S>& b, const float* action, const SetPointsOf<S>& s) {
  for (int j = 0; j < b.njnt; ++j) {
    s.tau_ff[j] = S(0);
    s.v_des[j] = S(0);
    s.q_des[j] = b.nominal[j];
    s.kp[j] = b.kp[j];
    s.kd[j] = b.kd[j];
  }
  for (int i = 0; i < b.naction; ++i) {
    const int j = b.joint[i];
    s.q_des[j] += b.scale * S(action[i]);
    s.kp[j] = b.kp_a[i];
    s.kd[j] = b.kd_a[i];
  }
}

// (2): two PD laws on one joint are one PD law. With the set points of the MPC kept,
//   kp (q_d - q) + kd (v_d - v) + lambda (kp_a (q_a - q) - kd_a v)
//     = lambda (kp_a (q_a - q_d) - kd_a v_d) + (kp + lambda kp_a) (q_d - q) + (kd + lambda kd_a) (v_d - v),
// which divides by no gain.
template <class S>
TANDEM_FN void add_pd_law(const BlendingView<S>& b, int i, float action, const SetPointsOf<S>& s) {
  const int j = b.joint[i];
  const S kp_a = b.lambda * b.kp_a[i], kd_a = b.lambda * b.kd_a[i], q_a = b.nominal[j] + b.scale * S(action);
  s.tau_ff[j] += kp_a * (q_a - s.q_des[j]) - kd_a * s.v_des[j];
  s.kp[j] += kp_a;
  s.kd[j] += kd_a;
}

// Adds the policy's part to the set points of the MPC, in place: reads and writes tau_ff, q_des, v_des; writes kp and kd. For kDirect only writes.
template <class S>
TANDEM_FN void blend(const BlendingView<S>& b, const float* action, const SetPointsOf<S>& s) {
  if (b.blend == Blend::kDirect) return blend_direct(b, action, s);
  for (int j = 0; j < b.njnt; ++j) s.kp[j] = b.kp[j], s.kd[j] = b.kd[j];
  for (int i = 0; i < b.naction; ++i) {
    const int j = b.joint[i];
    if (b.blend == Blend::kJointTorque) add_pd_law(b, i, action[i], s);
    if (b.blend == Blend::kJointJoint) s.q_des[j] += b.lambda * b.scale * S(action[i]);
    if (b.blend == Blend::kTorqueTorque) s.tau_ff[j] += b.lambda * b.scale * S(action[i]);
  }
}

}  // namespace TANDEM_ISA
}  // namespace tandem
