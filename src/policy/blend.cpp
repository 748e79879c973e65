#include "policy/blend.hpp"

#include <algorithm>

namespace tandem {
namespace {

// (5): the acting joints follow the policy alone, the others hold the nominal pose.
void blend_direct(const Blending& b, const float* action, const SetPoints& s) {
  const int njnt = static_cast<int>(b.nominal.size());
  for (int j = 0; j < njnt; ++j) {
    s.tau_ff[j] = 0;
    s.v_des[j] = 0;
    s.q_des[j] = b.nominal[j];
    s.kp[j] = b.kp[j];
    s.kd[j] = b.kd[j];
  }
  for (size_t i = 0; i < b.joint.size(); ++i) {
    const int j = b.joint[i];
    s.q_des[j] += b.scale * action[i];
    s.kp[j] = b.kp_a[i];
    s.kd[j] = b.kd_a[i];
  }
}

// (2): two PD laws on one joint are one PD law. With the set points of the MPC kept,
//   kp (q_d - q) + kd (v_d - v) + lambda (kp_a (q_a - q) - kd_a v)
//     = lambda (kp_a (q_a - q_d) - kd_a v_d) + (kp + lambda kp_a) (q_d - q) + (kd + lambda kd_a) (v_d - v),
// which divides by no gain.
void add_pd_law(const Blending& b, int i, float action, const SetPoints& s) {
  const int j = b.joint[i];
  const double kp_a = b.lambda * b.kp_a[i], kd_a = b.lambda * b.kd_a[i], q_a = b.nominal[j] + b.scale * action;
  s.tau_ff[j] += kp_a * (q_a - s.q_des[j]) - kd_a * s.v_des[j];
  s.kp[j] += kp_a;
  s.kd[j] += kd_a;
}

}  // namespace

const char* name(Blend blend) { return kBlendNames[static_cast<int>(blend)]; }

Blending make_blending(const Robot& robot, Blend blend, double lambda, double scale) {
  return {blend, lambda, scale, robot.action_joint, robot.action_kp, robot.action_kd, robot.nominal, robot.kp, robot.kd};
}

void blend(const Blending& b, const float* action, const SetPoints& s) {
  if (b.blend == Blend::kDirect) return blend_direct(b, action, s);
  std::copy(b.kp.begin(), b.kp.end(), s.kp);
  std::copy(b.kd.begin(), b.kd.end(), s.kd);
  for (int i = 0; i < static_cast<int>(b.joint.size()); ++i) {
    const int j = b.joint[i];
    if (b.blend == Blend::kJointTorque) add_pd_law(b, i, action[i], s);
    if (b.blend == Blend::kJointJoint) s.q_des[j] += b.lambda * b.scale * action[i];
    if (b.blend == Blend::kTorqueTorque) s.tau_ff[j] += b.lambda * b.scale * action[i];
  }
}

}  // namespace tandem
