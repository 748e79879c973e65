// Why an episode of one world ends, in any precision, on the processor or a device. docs/training.md, "Reward".
#pragma once

#include "env/settings.hpp"
#include "math/vec3.hpp"
#include "sim/simulator.hpp"

namespace tandem {

// In order of precedence; all but the last are failures.
enum Termination : int {
  kRunning = -1,
  kEndNotFinite,    // a state, action, command or observation is not finite
  kEndFallContact,  // a link other than a foot touched the ground
  kEndHeight,       // base below min_height_ratio times the commanded height
  kEndTilt,         // |g_x| or |g_y| above max_gravity_xy
  kEndVelocity,     // base faster than max_velocity or max_angular_velocity
  kEndTimeOut,      // the episode's time is over
  kTerminations
};
// What the end of one world is told by.
template <class S>
struct FailureInput {
  const S* q;        // (nq)
  const S* v;        // (nv)
  const S* command;  // base height, forward, left, yaw rate  (4)
  S height;          // of the base above the ground [m]
  int fault;         // SimFault bits
  bool floor_contact;
};

inline namespace TANDEM_ISA {

template <class S>
TANDEM_FN S length3(const S* a) {
  return sqrt(a[0] * a[0] + a[1] * a[1] + a[2] * a[2]);
}

// The failure of one world at the end of the last control step, or kRunning.
template <class S>
TANDEM_FN Termination detect_failure(const TaskNumbers& settings, const FailureInput<S>& in) {
  const S *c = in.command, sum = c[0] + c[1] + c[2] + c[3];
  if ((in.fault & kFaultStopped) || !(sum - sum == S(0))) return kEndNotFinite;
  if (in.floor_contact) return kEndFallContact;
  if (in.height < S(settings.min_height_ratio) * c[0]) return kEndHeight;
  const Mat3<S> R_WB = quat_to_rotation(in.q + 3);  // gravity in the base frame is minus its last row
  if (abs(R_WB.m[6]) > S(settings.max_gravity_xy) || abs(R_WB.m[7]) > S(settings.max_gravity_xy)) return kEndTilt;
  if (length3(in.v) > S(settings.max_velocity) || length3(in.v + 3) > S(settings.max_angular_velocity)) return kEndVelocity;
  return kRunning;
}

}  // namespace TANDEM_ISA
}  // namespace tandem
