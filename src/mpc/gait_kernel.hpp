// Gait: contact schedule and swing height from one phase per foot. docs/mpc.md, eq. (3)-(5).
#pragma once

#include "mpc/view.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

// What is left of `a` without the whole number below it, in [0, 1).
template <class S>
TANDEM_FN S fraction(S a) {
  using ::floor;
  return a - floor(a);
}

// Height of a foot in swing at s in [0, 1], eq. (5): the quintic with h(0) = h(1) = 0, slopes m0 and m1 at the ends, h(1/2) = top, h'(1/2) = 0.
template <class S>
TANDEM_FN S swing_curve(S s, S top, S m0, S m1) {
  const S r = S(1) - s, two(2), mid = (S(1) - two * s) * (S(1) - two * s);
  return S(16) * top * s * s * r * r + mid * s * r * (m0 * r - m1 * s);
}

// Phase of foot f at gait time `phase` (in periods) plus `time` [s] at `rate`, in [0, 1).
template <class S>
TANDEM_FN S foot_phase(const MpcView<S>& mpc, S phase, S rate, S time, int f) {
  return fraction(phase + rate * time / mpc.period + mpc.offset[f]);
}

// Moves the world's gait time on by one control step, eq. (25).
template <class S>
TANDEM_FN void advance_gait(const MpcView<S>& mpc, WorldView<S> world) {
  *world.phase = fraction(*world.phase + *world.rate * (mpc.control_dt / mpc.period));
}

// Writes contact states and swing heights of all nodes for the world's gait time.
template <Team T, class S>
TANDEM_FN void schedule_contacts(const T& team, const MpcView<S>& mpc, WorldView<S> world) {
  const int nfoot = mpc.model.nfoot;
  for_each(team, 0, mpc.nodes, [&](int k) {
    S time(0);
    for (int i = 0; i < k; ++i) time += mpc.dt[i];
    for (int f = 0; f < nfoot; ++f) {
      const S phase = foot_phase(mpc, *world.phase, *world.rate, time, f);
      const S duration = mpc.period * (S(1) - mpc.switching) / *world.rate;
      const bool stance = phase < mpc.switching;
      const S s = select(stance, S(0), (phase - mpc.switching) / select(stance, S(1), S(1) - mpc.switching));
      world.stance[k * nfoot + f] = select(stance, S(1), S(0));
      world.height[k * nfoot + f] =
          mpc.radius[f] + swing_curve(s, mpc.swing_height, duration * mpc.takeoff_velocity, duration * mpc.touchdown_velocity);
    }
  });
  team.sync();
}

}  // namespace TANDEM_ISA
}  // namespace tandem
