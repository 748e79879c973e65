// Velocities, accelerations and inertias of every body of a tree: what the other dynamics kernels read. docs/dynamics.md, sections 2 and 3.
//
// Frame O has the axes of the world (or of any other constant frame that the base pose is given in) and, at this instant, moves along with the base
// origin: no velocity of the base origin, no rotation, no acceleration. Newton's law is the same in it, the base's linear velocity drops out of every
// equation of motion, and with O's origin at the base origin nothing depends on where in the world the robot is: single precision stays precise.
// Spatial vectors are [angular; linear] along the axes of O, at its origin.
//
// Degrees of freedom k of v: floating base linear (0-2, axes of O), angular (3-5, axes of the base), then the joints; a fixed base has joints only.
#pragma once

#include "dynamics/kinematics_kernel.hpp"
#include "math/spatial.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

// Scratch of one robot in one state. Pointers to memory of the caller; each kernel says which of them it reads and writes.
template <class Real>
struct TreeData {
  Kinematics<Real> kin;
  Real* V;   // velocity of each body in O [rad/s, m/s]  (nbody, 6)
  Real* A;   // its acceleration minus gravity [rad/s^2, m/s^2]  (nbody, 6)
  Real* I;   // inertia of each body at the origin of O: mass, first moment, xx yy zz xy xz yz  (nbody, 10)
  Real* Ic;  // the same of its subtree  (nbody, 10)
  Real* F;   // force that the parent must transmit to the body [N m, N]  (nbody, 6)
};

template <class Real>
TANDEM_FN int tree_data_size(int nbody) {
  return kinematics_size<Real>(nbody) + (18 + 2 * kInertiaSize) * nbody;
}
template <class Real>
TANDEM_FN TreeData<Real> tree_data_at(Real* memory, int nbody) {
  TreeData<Real> d;
  d.kin = kinematics_at(memory, nbody);
  d.V = memory + kinematics_size<Real>(nbody);
  d.A = d.V + 6 * nbody;
  d.I = d.A + 6 * nbody;
  d.Ic = d.I + kInertiaSize * nbody;
  d.F = d.Ic + kInertiaSize * nbody;
  return d;
}

// Pose of the base in O when O has the world's axes and its origin at the base origin; q is the configuration (nq), read for a floating base only.
template <class Real, class S>
TANDEM_FN Pose<Real> base_pose(const ModelView<S>& model, const Real* q) {
  const Vec3<Real> zero{Real(0), Real(0), Real(0)};
  return {model.nbase ? quat_to_rotation(q + 3) : load33<Real>(model.R_PB), zero};
}
// Origin of that O in the world [m].
template <class Real, class S>
TANDEM_FN Vec3<Real> base_position(const ModelView<S>& model, const Real* q) {
  return model.nbase ? load3<Real>(q) : load3<Real>(model.p_PJ);
}
// Where the joints start in q.
template <class S>
TANDEM_FN int joint_offset(const ModelView<S>& model) {
  return model.nbase ? 7 : 0;
}

// Angular base axis r (0, 1, 2): a rotation about base axis r through the base origin.
template <class Real>
TANDEM_FN Spatial<Real> base_axis(const Kinematics<Real>& kin, int r) {
  const Vec3<Real> axis{kin.R[r], kin.R[3 + r], kin.R[6 + r]};
  return {axis, cross(load3<Real>(kin.p), axis)};
}

// Axis of degree of freedom k, eq. (5): the velocity that one unit of v_k gives to the bodies it moves.
template <class Real, class S>
TANDEM_FN Spatial<Real> dof_axis(const ModelView<S>& model, const Kinematics<Real>& kin, int k) {
  if (k >= model.nbase) return load6(kin.S + 6 * (k - model.nbase + 1));
  if (k >= 3) return base_axis(kin, k - 3);
  const Vec3<Real> zero{Real(0), Real(0), Real(0)};
  return {zero, {Real(k == 0), Real(k == 1), Real(k == 2)}};
}

// The first body that degree of freedom k moves.
template <class S>
TANDEM_FN int dof_body(const ModelView<S>& model, int k) {
  return k < model.nbase ? 0 : k - model.nbase + 1;
}

// Angular base velocity or acceleration [base axes] as a motion in O about the base origin.
template <class Real, class S>
TANDEM_FN Spatial<Real> base_turn(const ModelView<S>& model, const Kinematics<Real>& kin, const Real* v) {
  const Vec3<Real> zero{Real(0), Real(0), Real(0)};
  if (!model.nbase || !v) return {zero, zero};
  const Vec3<Real> w = load33<Real>(kin.R) * load3<Real>(v + 3);
  return {w, cross(load3<Real>(kin.p), w)};
}

// Writes d.V from d.kin and v (nv), eq. (6): V_i = V_parent + S_i v_i. The base's linear velocity is not read: O moves with it.
template <Team T, class Real, class S>
TANDEM_FN void body_velocities(const T& team, const ModelView<S>& model, const Real* v, TreeData<Real> d) {
  for_each(team, 0, 1, [&](int) { store6(d.V, base_turn(model, d.kin, v)); });
  team.sync();
  for (int level = 1; level < model.nlevel; ++level) {
    for_each(team, model.level_start[level], model.level_start[level + 1], [&](int slot) {
      const int i = model.level_body[slot];
      store6(d.V + 6 * i, load6(d.V + 6 * model.parent[i]) + v[model.nbase + i - 1] * load6(d.kin.S + 6 * i));
    });
    team.sync();
  }
}

// How a robot moves, seen from O.
template <class Real>
struct Motion {
  const Real* v;       // velocity  (nv)
  const Real* a;       // acceleration, base linear part classical (the derivative of v); nullptr: zero  (nv)
  Vec3<Real> gravity;  // along the axes of O [m/s^2]; zero gives plain accelerations
};

// Writes d.A from d.kin, d.V and the motion, eq. (7): A_0 = [alpha; a_lin - g], A_i = A_parent + S_i a_i + V_i x S_i v_i.
template <Team T, class Real, class S>
TANDEM_FN void body_accelerations(const T& team, const ModelView<S>& model, const Motion<Real>& motion, TreeData<Real> d) {
  for_each(team, 0, 1, [&](int) {
    Spatial<Real> A = base_turn(model, d.kin, motion.a);
    A.v = A.v - motion.gravity;
    if (model.nbase && motion.a) A.v = A.v + load3<Real>(motion.a);
    store6(d.A, A);
  });
  team.sync();
  for (int level = 1; level < model.nlevel; ++level) {
    for_each(team, model.level_start[level], model.level_start[level + 1], [&](int slot) {
      const int i = model.level_body[slot], k = model.nbase + i - 1;
      const Spatial<Real> S_i = load6(d.kin.S + 6 * i);
      Spatial<Real> A = load6(d.A + 6 * model.parent[i]) + cross_motion(load6(d.V + 6 * i), motion.v[k] * S_i);
      if (motion.a) A = A + motion.a[k] * S_i;
      store6(d.A + 6 * i, A);
    });
    team.sync();
  }
}

// Writes d.I from d.kin, eq. (8).
template <Team T, class Real, class S>
TANDEM_FN void body_inertias(const T& team, const ModelView<S>& model, TreeData<Real> d) {
  for_each(team, 0, model.nbody, [&](int i) {
    const Mat3<Real> R = load33<Real>(d.kin.R + 9 * i);
    const Vec3<Real> c = load3<Real>(d.kin.p + 3 * i) + R * load3<Real>(model.com + 3 * i);
    store_inertia(d.I + kInertiaSize * i, body_inertia(model.mass[i], model.inertia + 6 * i, R, c));
  });
  team.sync();
}

// Sums rows over subtrees in place: x_i becomes x_i + sum of its children's sums, deepest first, children in their fixed order: the same bits for any team.
template <Team T, class Real, class S>
TANDEM_FN void sum_subtrees(const T& team, const ModelView<S>& model, Real* x, int width) {
  for (int level = model.nlevel - 2; level >= 0; --level) {
    for_each(team, model.level_start[level], model.level_start[level + 1], [&](int slot) {
      const int i = model.level_body[slot];
      for (int child = model.child_start[i]; child < model.child_start[i + 1]; ++child) {
        const Real* from = x + width * model.child_body[child];
        for (int r = 0; r < width; ++r) x[width * i + r] += from[r];
      }
    });
    team.sync();
  }
}

// Writes d.Ic from d.I, eq. (9): the inertia of each subtree as if its joints were frozen.
template <Team T, class Real, class S>
TANDEM_FN void composite_inertias(const T& team, const ModelView<S>& model, TreeData<Real> d) {
  for_each(team, 0, kInertiaSize * model.nbody, [&](int e) { d.Ic[e] = d.I[e]; });
  team.sync();
  sum_subtrees(team, model, d.Ic, kInertiaSize);
}

}  // namespace TANDEM_ISA
}  // namespace tandem
