// The plan of one world between two solves: moved on in time, contact schedule and references, the measured state put in. docs/centroidal.md, section 6.
#pragma once

#include "centroidal/node_kernel.hpp"
#include "math/so3.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

// Height and its rate of two cubics over a swing of `duration`, at progress s in [0, 1]: from 0 up to `top` and down again, with zero velocity at the top
// and the given ones at the ends, eq. (26).
template <class S>
struct SwingPoint {
  S height, rate;
};
template <class S>
TANDEM_FN SwingPoint<S> swing_point(S s, S duration, S top, S takeoff, S touchdown) {
  const S half = duration / S(2);
  const bool rising = s < S(0.5);
  const S t = rising ? S(2) * s : S(2) * s - S(1);  // through this half
  const S from = rising ? S(0) : top, to = rising ? top : S(0), m0 = half * (rising ? takeoff : S(0)), m1 = half * (rising ? S(0) : touchdown);
  const S t2 = t * t, t3 = t2 * t;
  const S height = (S(2) * t3 - S(3) * t2 + S(1)) * from + (t3 - S(2) * t2 + t) * m0 + (S(3) * t2 - S(2) * t3) * to + (t3 - t2) * m1;
  const S rate = (S(6) * t2 - S(6) * t) * (from - to) + (S(3) * t2 - S(4) * t + S(1)) * m0 + (S(3) * t2 - S(2) * t) * m1;
  return {height, rate / half};
}

// Contact state of foot f, `time` [s] after the gait was (or, if it is on hold, will start) at `phase` (in periods), and its reference height and
// horizontal velocity, eq. (26), (27).
template <class S>
TANDEM_FN void schedule_foot(const PlanView<S>& plan, S phase, S time, int f, const S* velocity, NodeReference<S>& ref) {
  const S p = phase + (time - plan.hold) / plan.period + plan.offset[f], at = p - ::floor(p), swing = S(1) - plan.stance_fraction;
  const bool stance = at < plan.stance_fraction || time < plan.hold;
  ref.stance[f] = stance ? S(1) : S(0);
  ref.height[f] = ref.height_rate[f] = ref.foot_velocity[f][0] = ref.foot_velocity[f][1] = S(0);
  if (stance) return;
  const S s = (at - plan.stance_fraction) / swing;
  const SwingPoint<S> point = swing_point(s, swing * plan.period, plan.swing_height, plan.takeoff_velocity, plan.touchdown_velocity);
  ref.height[f] = point.height, ref.height_rate[f] = point.rate;
  // a bump that carries the foot one stride, starting and ending at rest
  const S share = S(30) * s * s * (S(1) - s) * (S(1) - s) / swing;
  for (int r = 0; r < 2; ++r) ref.foot_velocity[f][r] = share * velocity[r];
}

// Schedule and references of the node `time` after the measured state, eq. (26)-(28).
template <class S>
TANDEM_FN void set_reference(const CentroidalView<S>& view, const PlanView<S>& plan, const PlanOrder<S>& order, S time, NodeReference<S>& ref) {
  const auto& [x, command, phase] = order;
  const S yaw_0 = x[kEuler], yaw = yaw_0 + time * command[3], mid = yaw_0 + S(0.5) * time * command[3];
  const S velocity[2] = {cos(yaw) * command[1] - sin(yaw) * command[2], sin(yaw) * command[1] + cos(yaw) * command[2]};
  for (int i = 0; i < kMaxState; ++i) ref.x[i] = ref.u[i] = S(0);
  ref.cos_yaw = cos(yaw), ref.sin_yaw = sin(yaw);
  for (int r = 0; r < 2; ++r) ref.x[kLinear + r] = velocity[r];
  ref.x[kPosition] = x[kPosition] + time * (cos(mid) * command[1] - sin(mid) * command[2]);
  ref.x[kPosition + 1] = x[kPosition + 1] + time * (sin(mid) * command[1] + cos(mid) * command[2]);
  ref.x[kPosition + 2] = command[0];
  ref.x[kEuler] = yaw;
  for (int j = 0; j < view.nj; ++j) ref.x[kJoints + j] = plan.nominal[j];
  for (int r = 0; r < 3; ++r) {
    ref.torso_velocity[r] = r < 2 ? velocity[r] : S(0), ref.torso_turn[r] = r == 2 ? command[3] : S(0);
    ref.torso_position[r] = ref.x[kPosition + r];
  }
  const S ahead = plan.torso_offset[0], left = plan.torso_offset[1];
  ref.torso_position[0] += ref.cos_yaw * ahead - ref.sin_yaw * left;
  ref.torso_position[1] += ref.sin_yaw * ahead + ref.cos_yaw * left;
  ref.torso_position[2] += plan.torso_offset[2];
  for (int f = 0; f < kFeet; ++f) schedule_foot(plan, phase, time, f, velocity, ref);
  const S feet = max(ref.stance[0] + ref.stance[1], S(1));
  for (int f = 0; f < kFeet; ++f) ref.u[kWrench + 6 * f + 2] = ref.stance[f] * plan.weight / feet;
}

// First plan: the measured state standing still, the weight on the feet in stance.
template <class S>
TANDEM_FN void start_plan(const CentroidalView<S>& view, const S* x, CentroidalNodeInput<S>* nodes) {
  for (int k = 0; k <= view.N; ++k) {
    for (int i = 0; i < view.nx; ++i) nodes[k].x[i] = i < kPosition ? S(0) : x[i];
    for (int i = 0; i < view.nu; ++i) nodes[k].u[i] = nodes[k].ref.u[i];
  }
}

// The plan `control_dt` later: between the old nodes k and k + 1. A foot keeps its wrench where it stands at both, and takes that of the node where it
// stands. In place, first node first.
template <class S>
TANDEM_FN void shift_plan(const CentroidalView<S>& view, const PlanView<S>& plan, CentroidalNodeInput<S>* nodes) {
  const S share = plan.control_dt / view.dt;
  const auto blend = [&](S a, S b) { return a + share * (b - a); };
  for (int k = 0; k < view.N; ++k) {
    CentroidalNodeInput<S>& now = nodes[k];
    const CentroidalNodeInput<S>& then = nodes[k + 1];
    for (int i = 0; i < view.nx; ++i) now.x[i] = blend(now.x[i], then.x[i]);
    if (k == view.N - 1) break;
    for (int i = 0; i < view.nu; ++i) {
      const int f = i / 6;
      const bool wrench = i < kVelocities, here = !wrench || now.ref.stance[f] > S(0), there = !wrench || then.ref.stance[f] > S(0);
      now.u[i] = here && there ? blend(now.u[i], then.u[i]) : here ? now.u[i] : then.u[i];
    }
  }
  CentroidalNodeInput<S>& last = nodes[view.N];
  const CentroidalNodeInput<S>& before = nodes[view.N - 1];
  for (int j = 0; j < view.nj; ++j) last.x[kJoints + j] += plan.control_dt * before.u[kVelocities + j];
  for (int r = 0; r < 3; ++r) last.x[kPosition + r] += plan.control_dt * last.x[kLinear + r];
}

// Wrenches made to fit the schedule: none in swing, the weight's share where a foot has newly come down.
template <class S>
TANDEM_FN void fit_wrenches(CentroidalNodeInput<S>& node) {
  for (int f = 0; f < kFeet; ++f) {
    S* wrench = node.u + kWrench + 6 * f;
    const bool fresh = wrench[2] == S(0);
    for (int i = 0; i < 6; ++i) {
      if (node.ref.stance[f] == S(0)) wrench[i] = S(0);
      if (node.ref.stance[f] > S(0) && fresh) wrench[i] = node.ref.u[kWrench + 6 * f + i];
    }
  }
}

// Makes `nodes` (N + 1) the linearisation point of the next solve.
//   started  whether the plan is one to go on from
template <class S>
TANDEM_FN void prepare_plan(const CentroidalView<S>& view, const PlanView<S>& plan, const PlanOrder<S>& order, bool started,
                            CentroidalNodeInput<S>* nodes) {
  if (started) shift_plan(view, plan, nodes);
  for (int k = 0; k <= view.N; ++k) set_reference(view, plan, order, S(k) * view.dt, nodes[k].ref);
  if (!started) start_plan(view, order.x, nodes);
  for (int k = 0; k < view.N; ++k) fit_wrenches(nodes[k]);
  for (int i = 0; i < view.nx; ++i) nodes[0].x[i] = order.x[i];
}

}  // namespace TANDEM_ISA
}  // namespace tandem
