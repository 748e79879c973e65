// Centroidal dynamics of one node and their derivatives: from momentum, posture and joint velocities to the motion of the base. docs/centroidal.md,
// eq. (1)-(8).
//
// Frame O of dynamics/tree_kernel.hpp: axes of the world, origin at the base and moving with it. All positions are relative to the base.
#pragma once

#include "centroidal/view.hpp"
#include "dynamics/base_dynamics_kernel.hpp"
#include "dynamics/tree_kernel.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

// How the robot moves when its state is x and its input u.
template <class Real>
struct CentroidalMotion {
  TreeData<Real> d;        // kin, V, I, Ic; A: momentum per unit joint velocity Ic S; F: momentum of each subtree
  Vec3<Real> turn[3];      // angular velocity per unit yaw, pitch, roll rate
  Vec3<Real> com;          // [m]
  Real m, J_inv[6];        // mass, inverse of the rotational inertia about the centre of mass
  Vec3<Real> omega;        // of the base [rad/s]
  Vec3<Real> velocity;     // of the base [m/s]
  Vec3<Real> euler_rate;   // yaw, pitch, roll rate [rad/s]
  Vec3<Real> foot[kFeet];  // positions of the feet [m]
};

// Its derivatives by column: x (nx), then joint velocities (nj).
template <class Real>
struct MotionColumns {
  Vec3<Real> omega[kMaxColumns], velocity[kMaxColumns], com[kMaxColumns];
};

template <class Real>
TANDEM_FN Vec3<Real> zero3() {
  return {Real(0), Real(0), Real(0)};
}
template <class Real>
TANDEM_FN Vec3<Real> unit3(int r) {
  return {Real(r == 0), Real(r == 1), Real(r == 2)};
}

// Position of a frame relative to the base [m].
template <class Real, class S>
TANDEM_FN Vec3<Real> frame_position(const Kinematics<Real>& kin, const Frame<S>& frame) {
  return load3<Real>(kin.p + 3 * frame.body) + load33<Real>(kin.R + 9 * frame.body) * load3<Real>(frame.p_BF);
}

// Base rotation and its rates from yaw, pitch, roll: R = Rz Ry Rx, omega = turn rates.
template <class Real>
TANDEM_FN Mat3<Real> euler_rotation(const Real* euler, Vec3<Real>* turn) {
  const SinCos<Real> yaw = sincos(euler[0]), pitch = sincos(euler[1]), roll = sincos(euler[2]);
  const Real cy = yaw.cos, sy = yaw.sin, cp = pitch.cos, sp = pitch.sin, cr = roll.cos, sr = roll.sin;
  turn[0] = unit3<Real>(2);
  turn[1] = {-sy, cy, Real(0)};
  turn[2] = {cy * cp, sy * cp, -sp};
  return {{cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr,  //
           sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr,  //
           -sp, cp * sr, cp * cr}};
}
// Rates of yaw, pitch, roll of an angular velocity, eq. (3): the inverse of omega = turn rates.
template <class Real>
TANDEM_FN Vec3<Real> euler_rates(const Vec3<Real>* turn, Vec3<Real> omega) {
  const Real cy = turn[1].y, sy = -turn[1].x, sp = -turn[2].z;
  const Real cp2 = turn[2].x * turn[2].x + turn[2].y * turn[2].y;
  const Real along = (turn[2].x * omega.x + turn[2].y * omega.y) / cp2;
  return {omega.z + sp * along, cy * omega.y - sy * omega.x, along};
}

// Fills `motion` for (x, u), eq. (1)-(3). memory: tree_data_size(nbody).
template <class Real, class S>
TANDEM_FN void evaluate_motion(const CentroidalView<S>& view, const Real* x, const Real* u, Real* memory, CentroidalMotion<Real>& motion) {
  const ModelView<S>& model = view.model;
  const SerialTeam team;
  motion.d = tree_data_at(memory, model.nbody);
  const TreeData<Real>& d = motion.d;
  const Pose<Real> base{euler_rotation(x + kEuler, motion.turn), zero3<Real>()};
  forward_kinematics(team, model, base, x + kJoints, d.kin);
  body_inertias(team, model, d);
  composite_inertias(team, model, d);
  const InverseInertia<Real> inverse = invert(load_inertia(d.Ic));
  motion.m = d.Ic[0], motion.com = inverse.c;
  for (int i = 0; i < 6; ++i) motion.J_inv[i] = inverse.J_inv[i];
  // angular momentum about the centre of mass that the joints make; the base turns with what is missing, eq. (2)
  Vec3<Real> n = motion.m * load3<Real>(x + kAngular);
  for (int i = 1; i < model.nbody; ++i) {
    const Spatial<Real> F = load_inertia(d.Ic + kInertiaSize * i) * load6(d.kin.S + 6 * i);
    store6(d.A + 6 * i, F);
    n = n - u[kVelocities + i - 1] * (F.w - cross(motion.com, F.v));
  }
  motion.omega = sym_mul(motion.J_inv, n);
  motion.euler_rate = euler_rates(motion.turn, motion.omega);
  store6(d.V, Spatial<Real>{motion.omega, zero3<Real>()});
  for (int level = 1; level < model.nlevel; ++level)
    for (int slot = model.level_start[level]; slot < model.level_start[level + 1]; ++slot) {
      const int i = model.level_body[slot];
      store6(d.V + 6 * i, load6(d.V + 6 * model.parent[i]) + u[kVelocities + i - 1] * load6(d.kin.S + 6 * i));
    }
  for (int i = 0; i < model.nbody; ++i) store6(d.F + 6 * i, load_inertia(d.I + kInertiaSize * i) * load6(d.V + 6 * i));
  sum_subtrees(team, model, d.F, 6);
  motion.velocity = load3<Real>(x + kLinear) - inverse.m_inv * load3<Real>(d.F + 3);
  for (int f = 0; f < kFeet; ++f) motion.foot[f] = frame_position(d.kin, view.foot[f]);
}

// Derivatives of angular velocity and velocity of the base and of the centre of mass (relative to the base), eq. (4)-(7).
template <class Real, class S>
TANDEM_FN void motion_columns(const CentroidalView<S>& view, const Real* x, const CentroidalMotion<Real>& motion, MotionColumns<Real>& c) {
  const ModelView<S>& model = view.model;
  const TreeData<Real>& d = motion.d;
  const Vec3<Real> com = motion.com, l = load3<Real>(d.F + 3), ha = load3<Real>(x + kAngular);
  const Real m = motion.m, m_inv = Real(1) / m;
  // change of the base's motion where the joints bring angular momentum dn about the centre of mass and linear momentum dl
  const auto set = [&](int column, Vec3<Real> dn, Vec3<Real> dl, Vec3<Real> dcom) {
    c.omega[column] = -sym_mul(motion.J_inv, dn);
    c.velocity[column] = -m_inv * dl - cross(c.omega[column], com);
    c.com[column] = dcom;
  };
  for (int r = 0; r < 3; ++r) {
    set(kLinear + r, zero3<Real>(), -m * unit3<Real>(r), zero3<Real>());
    set(kAngular + r, -m * unit3<Real>(r), zero3<Real>(), zero3<Real>());
    set(kPosition + r, zero3<Real>(), zero3<Real>(), zero3<Real>());
    // everything turns but the momentum
    const Vec3<Real> turn = motion.turn[r];
    set(kEuler + r, m * cross(turn, ha), cross(turn, l), cross(turn, com));
    c.omega[kEuler + r] = c.omega[kEuler + r] + cross(turn, motion.omega);
  }
  for (int i = 1; i < model.nbody; ++i) {
    const Spatial<Real> S_i = load6(d.kin.S + 6 * i), F = load6(d.A + 6 * i);
    const Spatial<Real> dS = cross_motion(load6(d.V + 6 * model.parent[i]), S_i);
    const Spatial<Real> dh = cross_force(S_i, load6(d.F + 6 * i)) + load_inertia(d.Ic + kInertiaSize * i) * dS;
    const Vec3<Real> dcom = m_inv * F.v;
    set(kJoints + i - 1, dh.w - cross(dcom, l) - cross(com, dh.v), dh.v, dcom);
    set(view.nx + i - 1, F.w - cross(com, F.v), F.v, zero3<Real>());
  }
}

// Column c of the rates of yaw, pitch, roll, eq. (8).
template <class Real>
TANDEM_FN Vec3<Real> euler_rate_column(const CentroidalMotion<Real>& motion, const MotionColumns<Real>& columns, int c) {
  Vec3<Real> turned = columns.omega[c];
  if (c == kEuler) turned = turned - cross(motion.turn[0], motion.omega);
  if (c == kEuler + 1) turned = turned - motion.euler_rate.z * cross(motion.turn[1], motion.turn[2]);
  return euler_rates(motion.turn, turned);
}

}  // namespace TANDEM_ISA
}  // namespace tandem
