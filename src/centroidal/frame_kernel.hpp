// Motion of a link and its derivatives by state and joint velocities, the rows of the contact constraints. docs/centroidal.md, eq. (12)-(14).
#pragma once

#include "centroidal/motion_kernel.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

// Where a frame is and how it moves; axes of the world.
template <class Real>
struct FrameMotion {
  Vec3<Real> p;         // relative to the base [m]
  Mat3<Real> R;         // its axes
  Vec3<Real> omega, v;  // angular velocity, velocity of its origin
};
// The same by one column.
template <class Real>
struct FrameColumn {
  Vec3<Real> p;     // of the position in the world
  Vec3<Real> turn;  // small rotation of its axes
  Vec3<Real> omega, v;
};

template <class Real, class S>
TANDEM_FN FrameMotion<Real> frame_motion(const CentroidalMotion<Real>& motion, const Frame<S>& frame) {
  const Kinematics<Real>& kin = motion.d.kin;
  const Vec3<Real> p = frame_position(kin, frame);
  const Spatial<Real> V = load6(motion.d.V + 6 * frame.body);
  return {p, load33<Real>(kin.R + 9 * frame.body), V.w, motion.velocity + V.v + cross(V.w, p)};
}

// Derivatives of a frame's motion by x (nx) and joint velocities (nj), eq. (12).
template <class Real, class S>
TANDEM_FN void frame_columns(const CentroidalView<S>& view, const CentroidalMotion<Real>& motion, const MotionColumns<Real>& columns,
                             const Frame<S>& frame, const FrameMotion<Real>& at, FrameColumn<Real>* out) {
  const ModelView<S>& model = view.model;
  const Vec3<Real> zero = zero3<Real>();
  const Spatial<Real> V = load6(motion.d.V + 6 * frame.body);
  // what moves with the base
  for (int c = 0; c < view.nx + view.nj; ++c) out[c] = {zero, zero, columns.omega[c], columns.velocity[c] + cross(columns.omega[c], at.p)};
  for (int r = 0; r < 3; ++r) {
    out[kPosition + r].p = unit3<Real>(r);
    FrameColumn<Real>& c = out[kEuler + r];
    const Vec3<Real> turn = motion.turn[r], dp = cross(turn, at.p), joints = V.v + cross(V.w - motion.omega, at.p);
    c.p = dp, c.turn = turn;
    c.omega = c.omega + cross(turn, V.w - motion.omega);
    c.v = c.v + cross(motion.omega, dp) + cross(turn, joints);
  }
  // what moves with the joints between base and frame
  for (int i = frame.body; i > 0; i = model.parent[i]) {
    const Spatial<Real> S_i = load6(motion.d.kin.S + 6 * i);
    const Spatial<Real> dV = cross_motion(S_i, V - load6(motion.d.V + 6 * model.parent[i]));
    FrameColumn<Real>&q = out[kJoints + i - 1], &v = out[view.nx + i - 1];
    q.p = point_axis(S_i, at.p), q.turn = S_i.w;
    q.omega = q.omega + dV.w;
    q.v = q.v + dV.v + cross(dV.w, at.p) + cross(V.w, q.p);
    v.omega = v.omega + S_i.w;
    v.v = v.v + point_axis(S_i, at.p);
  }
}

// A linear function of x and the joint velocities.
template <class Real>
struct KinematicRow {
  Real value;
  Real column[kMaxColumns];
};

// How far a frame's z axis n is from vertical, as the small rotation that took it there: (-n_y, n_x); and its x axis from forward. Axes as given.
template <class Real>
TANDEM_FN Vec3<Real> tilt(Vec3<Real> n, Vec3<Real> t) {
  return {-n.y, n.x, t.y};
}

// Contact rows of a foot, eq. (13), (14): in stance velocity with feedback of height and angular velocity with feedback of tilt, in swing the vertical
// velocity with feedback of height; rows that do not exist are zero (contact_compliance).
template <class Real, class S>
TANDEM_FN void contact_rows(const CentroidalView<S>& view, const CentroidalNodeInput<Real>& in, int f, const FrameMotion<Real>& foot,
                            const FrameColumn<Real>* columns, KinematicRow<Real>* row) {
  const Real stance = in.ref.stance[f], k_z(view.height_gain), k_o(view.orientation_gain);
  const Vec3<Real> n{foot.R.m[2], foot.R.m[5], foot.R.m[8]};
  const auto fill = [&](Vec3<Real> v, Real height, Vec3<Real> omega, Vec3<Real> n_or_dn, auto&& put) {
    const Vec3<Real> o = tilt(n_or_dn, zero3<Real>());
    put(0, stance * v.x), put(1, stance * v.y), put(2, v.z + k_z * height);
    put(3, stance * (omega.x + k_o * o.x)), put(4, stance * (omega.y + k_o * o.y)), put(5, stance * omega.z);
  };
  const Vec3<Real> velocity{foot.v.x, foot.v.y, foot.v.z - in.ref.height_rate[f]};
  fill(velocity, in.x[kPosition + 2] + foot.p.z - in.ref.height[f], foot.omega, n, [&](int r, Real value) { row[r].value = value; });
  for (int c = 0; c < view.nx + view.nj; ++c)
    fill(columns[c].v, columns[c].p.z, columns[c].omega, cross(columns[c].turn, n), [&](int r, Real value) { row[r].column[c] = value; });
}

// 0 where contact row r exists, 1 where it does not: the height row always does.
template <class Real>
TANDEM_FN Real contact_compliance(Real stance, int r) {
  return r == 2 ? Real(0) : Real(1) - stance;
}

}  // namespace TANDEM_ISA
}  // namespace tandem
