// The mass matrix by the composite rigid body algorithm. docs/dynamics.md, section 5. Featherstone, Rigid Body Dynamics Algorithms, table 6.2.
#pragma once

#include "dynamics/tree_kernel.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

// Force that accelerates the frozen subtree moved by degree of freedom k with one unit of it, eq. (19).
template <class Real, class S>
TANDEM_FN Spatial<Real> subtree_force(const ModelView<S>& model, const TreeData<Real>& d, int k) {
  return load_inertia(d.Ic + kInertiaSize * dof_body(model, k)) * dof_axis(model, d.kin, k);
}

// M (nv, nv), symmetric, full, armature on its diagonal, eq. (20): M_jk = S_j' Ic_k S_k for j above k on one branch, else 0. Reads d.kin, d.Ic.
template <Team T, class Real, class S>
TANDEM_FN void crba(const T& team, const ModelView<S>& model, const TreeData<Real>& d, Real* M) {
  const int nv = model.nv, nbase = model.nbase;
  for_each(team, 0, nv * nv, [&](int e) { M[e] = Real(0); });
  team.sync();
  for_each(team, 0, nv, [&](int k) {
    const Spatial<Real> F = subtree_force(model, d, k);
    int i = dof_body(model, k);
    M[k * nv + k] = dot(dof_axis(model, d.kin, k), F) + Real(model.armature[i]);
    for (i = model.parent[i]; i >= 1; i = model.parent[i]) {
      const int j = nbase + i - 1;
      M[j * nv + k] = M[k * nv + j] = dot(load6(d.kin.S + 6 * i), F);
    }
    for (int j = 0; j < (k < nbase ? k : nbase); ++j) M[j * nv + k] = M[k * nv + j] = dot(dof_axis(model, d.kin, j), F);
  });
  team.sync();
}

// The first six rows of M (6, nv). Floating base only. Reads d.kin, d.Ic.
template <Team T, class Real, class S>
TANDEM_FN void base_mass_rows(const T& team, const ModelView<S>& model, const TreeData<Real>& d, Real* M_b) {
  for_each(team, 0, model.nv, [&](int k) {
    const Spatial<Real> F = subtree_force(model, d, k);
    for (int j = 0; j < 6; ++j) M_b[j * model.nv + k] = dot(dof_axis(model, d.kin, j), F);
  });
  team.sync();
}

}  // namespace TANDEM_ISA
}  // namespace tandem
