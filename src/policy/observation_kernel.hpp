// The observation of one robot, in any precision, on the processor or a device. docs/training.md, eq. (1).
#pragma once

#include <cmath>
#include <numbers>

#include "math/vec3.hpp"

namespace tandem {

// What an observation is computed from: measured, of one robot.
template <class S>
struct MeasurementOf {
  const S* q;        // conventions of Model  (nq)
  const S* v;        // (nv)
  const S* command;  // base height [m], forward, left [m/s], yaw rate [rad/s]  (4)
  S phase;           // gait time in periods
  S value;           // V_MPC; ignored where the layout has none
  S ground = S(0);   // height of the ground under the base, counted as q[2] is [m]
};

// An ObservationLayout as plain numbers.
template <class S>
struct ObservationView {
  int njnt, nfoot, size;
  bool with_value;
  S value_scale;
  const S* nominal;      // (njnt)
  const S* gait_offset;  // (nfoot)
};

inline namespace TANDEM_ISA {

inline constexpr double kLargestValue = 10;  // of log(1 + V / s)

// log(1 + V / s) within [0, kLargestValue], and kLargestValue for a V that is not a number: such a plan is as bad as can be.
template <class S>
TANDEM_FN S bounded_value(S value, S scale) {
  const S logarithm = std::log1p((value > S(0) ? value : S(0)) / scale);
  return value == value && logarithm < S(kLargestValue) ? logarithm : S(kLargestValue);
}

// Writes `obs` (layout.size).
template <class S>
TANDEM_FN void observe(const ObservationView<S>& layout, const MeasurementOf<S>& m, float* obs) {
  const auto put = [&obs](Vec3<S> a) {
    *obs++ = static_cast<float>(a.x);
    *obs++ = static_cast<float>(a.y);
    *obs++ = static_cast<float>(a.z);
  };
  const Mat3<S> R_WB = quat_to_rotation(m.q + 3);
  *obs++ = static_cast<float>(m.q[2] - m.ground);
  put(mul_t(R_WB, Vec3<S>{S(0), S(0), S(-1)}));
  for (int j = 0; j < layout.njnt; ++j) *obs++ = static_cast<float>(m.q[7 + j] - layout.nominal[j]);
  put(load3<S>(m.v + 3));
  put(mul_t(R_WB, load3<S>(m.v)));
  for (int j = 0; j < layout.njnt; ++j) *obs++ = static_cast<float>(m.v[6 + j]);
  for (int f = 0; f < layout.nfoot; ++f) {
    const S angle = S(2 * std::numbers::pi) * (m.phase + layout.gait_offset[f]);
    *obs++ = static_cast<float>(std::sin(angle));
    *obs++ = static_cast<float>(std::cos(angle));
  }
  if (layout.with_value) *obs++ = static_cast<float>(bounded_value(m.value, layout.value_scale));
  put(load3<S>(m.command + 1));
}

}  // namespace TANDEM_ISA
}  // namespace tandem
