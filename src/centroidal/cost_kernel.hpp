// The cost of one node: residuals, penalties, gradient and Gauss-Newton Hessian. docs/centroidal.md, sections 3 and 4, eq. (17)-(24).
#pragma once

#include "centroidal/frame_kernel.hpp"
#include "centroidal/penalty_kernel.hpp"
#include "centroidal/predict_kernel.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

inline constexpr int kPressureRows = 4;

// World axes to those of the node's heading.
template <class Real>
TANDEM_FN Vec3<Real> to_heading(const NodeReference<Real>& ref, Vec3<Real> a) {
  return {ref.cos_yaw * a.x + ref.sin_yaw * a.y, ref.cos_yaw * a.y - ref.sin_yaw * a.x, a.z};
}

// x - x_ref with horizontal components along the heading.
template <class Real>
TANDEM_FN void state_residual(const NodeReference<Real>& ref, const Real* x, int nx, Real* r) {
  for (int i = 0; i < nx; ++i) r[i] = x[i] - ref.x[i];
  for (int i : {kLinear, kAngular, kPosition}) store3(r + i, to_heading(ref, load3<Real>(r + i)));
}
template <class Real>
TANDEM_FN void input_residual(const NodeReference<Real>& ref, const Real* u, int nu, Real* r) {
  for (int i = 0; i < nu; ++i) r[i] = u[i] - ref.u[i];
  for (int i = 0; i < 12; i += 3) store3(r + i, to_heading(ref, load3<Real>(r + i)));
}

// Position, orientation, linear and angular velocity of a frame against what they should be, along the heading.
template <class Real>
TANDEM_FN void frame_residual(const NodeReference<Real>& ref, const FrameMotion<Real>& at, Vec3<Real> p, Vec3<Real> v, Vec3<Real> omega, Real* r) {
  const Vec3<Real> t{at.R.m[0], at.R.m[3], at.R.m[6]}, n{at.R.m[2], at.R.m[5], at.R.m[8]};
  store3(r, to_heading(ref, p));
  store3(r + 3, tilt(to_heading(ref, n), to_heading(ref, t)));
  store3(r + 6, to_heading(ref, v));
  store3(r + 9, to_heading(ref, omega));
}
template <class Real>
TANDEM_FN void frame_residual_column(const NodeReference<Real>& ref, const FrameMotion<Real>& at, const FrameColumn<Real>& c, Real* r) {
  const Vec3<Real> t{at.R.m[0], at.R.m[3], at.R.m[6]}, n{at.R.m[2], at.R.m[5], at.R.m[8]};
  store3(r, to_heading(ref, c.p));
  store3(r + 3, tilt(to_heading(ref, cross(c.turn, n)), to_heading(ref, cross(c.turn, t))));
  store3(r + 6, to_heading(ref, c.v));
  store3(r + 9, to_heading(ref, c.omega));
}

// Frames whose motion the cost looks at.
template <class Real>
struct CostFrames {
  FrameMotion<Real> torso, foot[kFeet];
};
template <class Real, class S>
TANDEM_FN CostFrames<Real> cost_frames(const CentroidalView<S>& view, const CentroidalMotion<Real>& motion) {
  return {frame_motion(motion, view.torso), {frame_motion(motion, view.foot[0]), frame_motion(motion, view.foot[1])}};
}

// Wrench of the ground on foot f as seen from the base; the torque of a joint against it is its product with the joint's axis, eq. (20).
template <class Real>
TANDEM_FN Spatial<Real> wrench_at_base(const CentroidalNodeInput<Real>& in, const CentroidalMotion<Real>& motion, int f) {
  return {foot_moment(in, f) + cross(motion.foot[f], foot_force(in, f)), foot_force(in, f)};
}

// Share of each foot in the middle of the feet in stance; 0 in flight.
template <class Real>
TANDEM_FN Real stance_share(const CentroidalNodeInput<Real>& in, int f) {
  return in.ref.stance[f] / max(in.ref.stance[0] + in.ref.stance[1], Real(1));
}

// All residuals of a stage, eq. (17)-(20), table 1. Terms of feet that are not in the phase concerned are zero.
template <class Real, class S>
TANDEM_FN void stage_residuals(const CentroidalView<S>& view, const CentroidalNodeInput<Real>& in, const CentroidalMotion<Real>& motion,
                               const CostFrames<Real>& frames, StageTerms<Real>& r) {
  const NodeReference<Real>& ref = in.ref;
  state_residual(ref, in.x, view.nx, r.state);
  input_residual(ref, in.u, view.nu, r.input);
  frame_residual(ref, frames.torso, load3<Real>(in.x + kPosition) + frames.torso.p - load3<Real>(ref.torso_position),
                 frames.torso.v - load3<Real>(ref.torso_velocity), frames.torso.omega - load3<Real>(ref.torso_turn), r.torso);
  Vec3<Real> over = motion.com;
  for (int f = 0; f < kFeet; ++f) {
    const Real swing = Real(1) - ref.stance[f];
    const Vec3<Real> p{Real(0), Real(0), in.x[kPosition + 2] + frames.foot[f].p.z - ref.height[f]};
    const Vec3<Real> v{ref.foot_velocity[f][0], ref.foot_velocity[f][1], ref.height_rate[f]};
    frame_residual(ref, frames.foot[f], p, frames.foot[f].v - v, frames.foot[f].omega, r.swing[f]);
    for (int i = 0; i < kFrameRows; ++i) r.swing[f][i] *= swing;
    const Spatial<Real> W = wrench_at_base(in, motion, f);
    for (int i = 0; i < kLegJoints; ++i) r.torque[f][i] = view.leg[f][i] < 0 ? Real(0) : dot(load6(motion.d.kin.S + 6 * view.leg[f][i]), W);
    over = over - stance_share(in, f) * frames.foot[f].p;
  }
  const Vec3<Real> com = to_heading(ref, over);
  r.com[0] = com.x, r.com[1] = com.y;
}

// ---- inequalities h >= 0 of one foot

// A linear function of base orientation, leg joints and the wrench of one foot.
template <class Real>
struct LegRow {
  Real value;
  Real euler[3], joint[kLegJoints], wrench[6];
};

// Root of the sum of squares of the tangential force and 1 N, so that it is smooth at zero [N].
template <class Real>
TANDEM_FN Real tangential_force(Vec3<Real> force) {
  return sqrt(force.x * force.x + force.y * force.y + Real(1));
}

// Friction cone, eq. (21): friction f_z - sqrt(f_x^2 + f_y^2 + 1 N^2).
template <class Real, class S>
TANDEM_FN void cone_row(const CentroidalView<S>& view, const CentroidalNodeInput<Real>& in, int f, LegRow<Real>& row) {
  const Vec3<Real> force = foot_force(in, f);
  const Real tangential = tangential_force(force), zero(0);
  row.value = Real(view.friction) * force.z - tangential;
  for (int i = 0; i < 3; ++i) row.euler[i] = row.wrench[3 + i] = zero;
  for (int i = 0; i < kLegJoints; ++i) row.joint[i] = zero;
  row.wrench[0] = -force.x / tangential, row.wrench[1] = -force.y / tangential, row.wrench[2] = Real(view.friction);
}

// Centre of pressure inside the sole, eq. (22): sole f_z -+ moment >= 0 in the axes of the foot.
//   foot  motion of the foot
//   i     row: kPressureRows times the foot plus the edge
template <class Real, class S>
TANDEM_FN void pressure_row(const CentroidalView<S>& view, const CentroidalNodeInput<Real>& in, const CentroidalMotion<Real>& motion,
                            const FrameMotion<Real>& foot, int i, LegRow<Real>& row) {
  const int f = i / kPressureRows, edge = i % kPressureRows;
  const Real side = Real(edge % 2 == 0 ? 1 : -1), half(edge < 2 ? view.sole_x : view.sole_y);
  const Vec3<Real> a = half * (foot.R * unit3<Real>(2)), b = side * (foot.R * unit3<Real>(edge < 2 ? 1 : 0));
  const Vec3<Real> force = foot_force(in, f), moment = foot_moment(in, f);
  row.value = dot(a, force) + dot(b, moment);
  // a and b turn with the foot
  const Vec3<Real> by_turn = cross(a, force) + cross(b, moment);
  for (int r = 0; r < 3; ++r) row.euler[r] = dot(motion.turn[r], by_turn);
  for (int k = 0; k < kLegJoints; ++k) row.joint[k] = view.leg[f][k] < 0 ? Real(0) : dot(load3<Real>(motion.d.kin.S + 6 * view.leg[f][k]), by_turn);
  store3(row.wrench, in.ref.stance[f] * a);
  store3(row.wrench + 3, in.ref.stance[f] * b);
}

// Columns of the torque of leg joint i of foot f, eq. (20).
template <class Real, class S>
TANDEM_FN void torque_row(const CentroidalView<S>& view, const CentroidalNodeInput<Real>& in, const CentroidalMotion<Real>& motion, int f, int i,
                          LegRow<Real>& row) {
  const Real* axes = motion.d.kin.S;
  const Spatial<Real> W = wrench_at_base(in, motion, f), S_i = load6(axes + 6 * view.leg[f][i]);
  const Vec3<Real> force = foot_force(in, f), p = motion.foot[f];
  const auto lever = [&](Vec3<Real> dp) { return dot(S_i.w, cross(dp, force)); };
  row.value = dot(S_i, W);
  for (int r = 0; r < 3; ++r) {
    const Vec3<Real> turn = motion.turn[r];
    row.euler[r] = dot(Spatial<Real>{cross(turn, S_i.w), cross(turn, S_i.v)}, W) + lever(cross(turn, p));
  }
  for (int k = 0; k < kLegJoints; ++k) {
    row.joint[k] = Real(0);
    if (view.leg[f][k] < 0) continue;
    const Spatial<Real> S_k = load6(axes + 6 * view.leg[f][k]);
    row.joint[k] = lever(point_axis(S_k, p));
    if (k < i) row.joint[k] += dot(cross_motion(S_k, S_i), W);
  }
  store3(row.wrench, in.ref.stance[f] * point_axis(S_i, p));
  store3(row.wrench + 3, in.ref.stance[f] * S_i.w);
}

// ---- spheres on the legs

// A linear function of the joints of both legs.
template <class Real>
struct PairRow {
  Real value;
  Real joint[kFeet][kLegJoints];
};

// Distance between the surfaces of pair i, eq. (23).
template <class Real, class S>
TANDEM_FN void pair_row(const CentroidalView<S>& view, const CentroidalMotion<Real>& motion, int i, PairRow<Real>& row) {
  const Kinematics<Real>& kin = motion.d.kin;
  Vec3<Real> p[kFeet];
  S reach(0);
  for (int f = 0; f < kFeet; ++f) p[f] = frame_position(kin, view.sphere[f][view.pair[i][f]]), reach += view.radius[view.pair[i][f]];
  const Vec3<Real> apart = p[0] - p[1];
  const Real distance = sqrt(dot(apart, apart) + Real(S(1e-8)));
  const Vec3<Real> along = (Real(1) / distance) * apart;
  row.value = distance - Real(reach);
  for (int f = 0; f < kFeet; ++f)
    for (int k = 0; k < kLegJoints; ++k) {
      row.joint[f][k] = Real(0);
      const int joint = view.leg[f][k], body = view.sphere[f][view.pair[i][f]].body;
      if (joint < 0 || joint > body) continue;  // the joints of a leg are numbered outwards
      const Real rate = dot(along, point_axis(load6(kin.S + 6 * joint), p[f]));
      row.joint[f][k] = f == 0 ? rate : -rate;
    }
}

}  // namespace TANDEM_ISA
}  // namespace tandem
