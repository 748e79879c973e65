// Inverse dynamics by the recursive Newton-Euler algorithm, and the base rows of the equations of motion. docs/dynamics.md, section 5.
//   tau = M(q) a + h(q, v) - sum_c J_c' f_c
// Generalised forces are dual to v: base force along the axes of O, base torque along the axes of the base, joint torques or forces.
#pragma once

#include "dynamics/tree_kernel.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

// Wrench at the origin of O of the contact forces on body i; force (ncon, 3) along the axes of O [N].
template <class Real, class S>
TANDEM_FN Spatial<Real> contact_wrench(const ModelView<S>& model, const Kinematics<Real>& kin, const Real* force, int i) {
  const Vec3<Real> zero{Real(0), Real(0), Real(0)};
  Spatial<Real> W{zero, zero};
  for (int c = 0; c < model.ncon; ++c) {
    if (model.contact_body[c] != i) continue;
    const Vec3<Real> f = load3<Real>(force + 3 * c);
    W = W + Spatial<Real>{cross(contact_position(model, kin, c), f), f};
  }
  return W;
}

// Newton-Euler of one body, eq. (14): I A + V x* I V.
template <class Real>
TANDEM_FN Spatial<Real> momentum_rate(const TreeData<Real>& d, int i) {
  const Inertia<Real> I = load_inertia(d.I + kInertiaSize * i);
  const Spatial<Real> V = load6(d.V + 6 * i);
  return I * load6(d.A + 6 * i) + cross_force(V, I * V);
}

// Generalised force of degree of freedom k for the forces d.F, eq. (16).
template <class Real, class S>
TANDEM_FN Real project_force(const ModelView<S>& model, const TreeData<Real>& d, int k) {
  return dot(dof_axis(model, d.kin, k), load6(d.F + 6 * dof_body(model, k)));
}

// tau (nv) that makes the robot move as `motion` says while the world pushes with `force` (ncon, 3; nullptr: none) on its contact points.
// Reads d.kin, d.V, d.I; writes d.A, d.F, tau. Armature included, joint damping not. Cost O(nbody).
template <Team T, class Real, class S>
TANDEM_FN void rnea(const T& team, const ModelView<S>& model, const Motion<Real>& motion, const Real* force, TreeData<Real> d, Real* tau) {
  body_accelerations(team, model, motion, d);
  for_each(team, 0, model.nbody, [&](int i) {
    Spatial<Real> F = momentum_rate(d, i);
    if (force) F = F - contact_wrench(model, d.kin, force, i);
    store6(d.F + 6 * i, F);
  });
  team.sync();
  sum_subtrees(team, model, d.F, 6);  // eq. (15)
  for_each(team, 0, model.nv, [&](int k) {
    tau[k] = project_force(model, d, k);
    if (motion.a && k >= model.nbase) tau[k] += Real(model.armature[k - model.nbase + 1]) * motion.a[k];
  });
  team.sync();
}

// h(q, v) (nv): Coriolis, centrifugal and gravity forces. Reads d.kin, d.V, d.I; writes d.A, d.F, h.
template <Team T, class Real, class S>
TANDEM_FN void bias_force(const T& team, const ModelView<S>& model, const Real* v, Vec3<Real> gravity, TreeData<Real> d, Real* h) {
  rnea(team, model, Motion<Real>{v, nullptr, gravity}, static_cast<const Real*>(nullptr), d, h);
}

// Base rows of h (6), eq. (17): the rows of h that no actuator acts on. Floating base only. Reads d.kin, d.V, d.I; writes d.A, d.F, h_b.
template <Team T, class Real, class S>
TANDEM_FN void base_bias(const T& team, const ModelView<S>& model, const Real* v, Vec3<Real> gravity, TreeData<Real> d, Real* h_b) {
  body_accelerations(team, model, Motion<Real>{v, nullptr, gravity}, d);
  for_each(team, 0, model.nbody, [&](int i) { store6(d.F + 6 * i, momentum_rate(d, i)); });
  team.sync();
  for_each(team, 0, 6, [&](int r) {
    for (int i = 1; i < model.nbody; ++i) d.F[r] += d.F[6 * i + r];
  });
  team.sync();
  for_each(team, 0, 6, [&](int k) { h_b[k] = project_force(model, d, k); });
  team.sync();
}

// Base rows of sum_c J_c' f_c (6), eq. (18). Floating base only. Reads kin.
template <Team T, class Real, class S>
TANDEM_FN void base_contact_force(const T& team, const ModelView<S>& model, const Kinematics<Real>& kin, const Real* force, Real* JtF) {
  for_each(team, 0, 6, [&](int k) {
    const Spatial<Real> axis = dof_axis(model, kin, k);
    JtF[k] = Real(0);
    for (int c = 0; c < model.ncon; ++c) JtF[k] += dot(axis.v + cross(axis.w, contact_position(model, kin, c)), load3<Real>(force + 3 * c));
  });
  team.sync();
}

}  // namespace TANDEM_ISA
}  // namespace tandem
