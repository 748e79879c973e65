// Analytic derivatives of inverse dynamics with respect to configuration and velocity. docs/dynamics.md, section 8.
// Singh, Russell, Wensing, "Efficient analytical derivatives of rigid-body dynamics using spatial vector algebra" (2022); Carpentier, Mansard (2018).
//
// Turning joint k carries every motion and force of its subtree along; what remains are the terms in psi = dS/dt and its rate:
//   dF/dq_k = S_k x* F + Ic psi2_k + Bc psi_k + Lc S_k.w,   dF/dv_k = Ic phi_k + Bc S_k
#pragma once

#include "dynamics/jacobian_kernel.hpp"
#include "dynamics/rnea_kernel.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

// Scratch beside TreeData.
template <class Real>
struct DerivativeData {
  Real* B;     // Coriolis matrix of each body, then of its subtree, as coriolis_mul reads it  (nbody, 12)
  Real* L;     // sums over contacts of [p]x[f]x (9) and f (3), then over the subtree: how moments follow points that move  (nbody, 12)
  Real* psi;   // per degree of freedom: velocity of the parent x S  (nv, 6)
  Real* psi2;  // acceleration of the parent x S + velocity of the parent x psi  (nv, 6)
  Real* phi;   // dA/dv_k - S_k x V: 2 psi for a joint  (nv, 6)
};

template <class Real>
TANDEM_FN int derivative_data_size(int nbody, int nv) {
  return 24 * nbody + 18 * nv;
}
template <class Real>
TANDEM_FN DerivativeData<Real> derivative_data_at(Real* memory, int nbody, int nv) {
  Real* psi = memory + 24 * nbody;
  return {memory, memory + 12 * nbody, psi, psi + 6 * nv, psi + 12 * nv};
}

// Eq. (42) for body i.
template <class Real, class S>
TANDEM_FN void store_contact_terms(const ModelView<S>& model, const Kinematics<Real>& kin, const Real* force, int i, Real* L) {
  for (int r = 0; r < 12; ++r) L[r] = Real(0);
  for (int c = 0; force && c < model.ncon; ++c) {
    if (model.contact_body[c] != i) continue;
    const Vec3<Real> f = load3<Real>(force + 3 * c);
    store33(L, load33<Real>(L) + skew(contact_position(model, kin, c)) * skew(f));
    store3(L + 9, load3<Real>(L + 9) + f);
  }
}

// Eq. (43): psi, psi2 and phi of degree of freedom k. The angular axes of the base turn together and have no parent that turns.
template <class Real, class S>
TANDEM_FN void store_axis_rates(const ModelView<S>& model, const TreeData<Real>& d, int k, DerivativeData<Real>& x) {
  const Vec3<Real> zero{Real(0), Real(0), Real(0)};
  const bool base = k < model.nbase;
  const Spatial<Real> S_k = dof_axis(model, d.kin, k);
  Spatial<Real> V{zero, zero}, A{zero, zero};
  if (!base) {
    const int parent = model.parent[dof_body(model, k)];
    V = load6(d.V + 6 * parent);
    A = load6(d.A + 6 * parent);
  } else if (k >= 3) {
    // acceleration of the base origin, without its rotation
    A = {zero, load3<Real>(d.A + 3) - cross(load3<Real>(d.kin.p), load3<Real>(d.A))};
  }
  const Spatial<Real> psi = cross_motion(V, S_k);
  store6(x.psi + 6 * k, psi);
  store6(x.psi2 + 6 * k, cross_motion(A, S_k) + cross_motion(V, psi));
  store6(x.phi + 6 * k, base ? cross_motion(load6(d.V), S_k) : Real(2) * psi);
}

// First half: what every column shares. Reads d.kin, d.V, d.I; writes d.A, d.F (sums over subtrees) and x. `force` (ncon, 3) as in rnea, may be nullptr.
template <Team T, class Real, class S>
TANDEM_FN void derivative_terms(const T& team, const ModelView<S>& model, const Motion<Real>& motion, const Real* force, TreeData<Real> d,
                                DerivativeData<Real> x) {
  body_accelerations(team, model, motion, d);
  for_each(team, 0, model.nbody, [&](int i) {
    Spatial<Real> F = momentum_rate(d, i);
    if (force) F = F - contact_wrench(model, d.kin, force, i);
    store6(d.F + 6 * i, F);
    store_coriolis(x.B + 12 * i, load_inertia(d.I + kInertiaSize * i), load6(d.V + 6 * i));
    store_contact_terms(model, d.kin, force, i, x.L + 12 * i);
  });
  for_each(team, 0, model.nv, [&](int k) { store_axis_rates(model, d, k, x); });
  team.sync();
  sum_subtrees(team, model, d.F, 6);
  sum_subtrees(team, model, x.B, 12);
  if (force) sum_subtrees(team, model, x.L, 12);
}

// The derivatives (nv, nv), row: generalised force, column: tangent of q as in integrate, or v.
template <class Real>
struct RneaDerivatives {
  Real* dq;
  Real* dv;
};

// What row j of the derivatives takes from the subtree of j, transposed: entry (j, k) = dot(I, psi2_k) + dot(b, psi_k.w) + dot(l, S_k.w).
template <class Real>
struct RowTerms {
  Spatial<Real> I;  // Ic S_j
  Vec3<Real> b, l;  // angular parts of Bc' S_j and Lc' S_j; nothing acts on linear parts
};

template <class Real, class S>
TANDEM_FN RowTerms<Real> row_terms(const ModelView<S>& model, const TreeData<Real>& d, const DerivativeData<Real>& x, int j) {
  const int i = dof_body(model, j);
  const Spatial<Real> S_j = dof_axis(model, d.kin, j);
  const Real *B = x.B + 12 * i, *L = x.L + 12 * i;
  return {load_inertia(d.Ic + kInertiaSize * i) * S_j, mul_t(load33<Real>(B), S_j.w) - Real(2) * cross(S_j.v, load3<Real>(B + 9)),
          cross(load3<Real>(L + 9), S_j.v) - mul_t(load33<Real>(L), S_j.w)};
}

// Row j, column k on the path from j to the base, base included, eq. (44).
template <class Real>
TANDEM_FN void store_row_entry(const RowTerms<Real>& row, const DerivativeData<Real>& x, Spatial<Real> S_k, int k, Real* dq, Real* dv) {
  const Spatial<Real> psi = load6(x.psi + 6 * k);
  *dq = dot(row.I, load6(x.psi2 + 6 * k)) + dot(row.b, psi.w) + dot(row.l, S_k.w);
  *dv = dot(row.I, load6(x.phi + 6 * k)) + dot(row.b, S_k.w);
}

// Column k of the derivative of the force through its body, eq. (45): what every degree of freedom above k feels.
template <class Real, class S>
TANDEM_FN void column_forces(const ModelView<S>& model, const TreeData<Real>& d, const DerivativeData<Real>& x, int k, Spatial<Real>* G) {
  const int i = dof_body(model, k);
  const Spatial<Real> S_k = dof_axis(model, d.kin, k);
  const Inertia<Real> I = load_inertia(d.Ic + kInertiaSize * i);
  const Real *B = x.B + 12 * i, *L = x.L + 12 * i;
  const Spatial<Real> follow{-(load33<Real>(L) * S_k.w), cross(S_k.w, load3<Real>(L + 9))};
  G[0] = cross_force(S_k, load6(d.F + 6 * i)) + I * load6(x.psi2 + 6 * k) + coriolis_mul(B, load6(x.psi + 6 * k)) + follow;
  G[1] = I * load6(x.phi + 6 * k) + coriolis_mul(B, S_k);
}

// Derivatives of rnea with respect to q and v, for the motion and forces that derivative_terms was given; that with respect to a is M. Forces keep their
// direction in O while the points they act on move. Reads d.kin, d.F, d.Ic, x; writes out. Cost O(nv depth), no sum over bodies.
template <Team T, class Real, class S>
TANDEM_FN void rnea_derivatives(const T& team, const ModelView<S>& model, const TreeData<Real>& d, const DerivativeData<Real>& x,
                                const RneaDerivatives<Real>& out) {
  const int nv = model.nv, nbase = model.nbase;
  for_each(team, 0, nv * nv, [&](int e) { out.dq[e] = out.dv[e] = Real(0); });
  team.sync();
  for_each(team, nbase ? 3 : 0, nv, [&](int k) {
    const RowTerms<Real> row = row_terms(model, d, x, k);
    Spatial<Real> G[2];
    column_forces(model, d, x, k, G);
    // rows above feel what changes in this subtree; rows of axes that turn with k do not turn against it
    const auto store_above = [&](int j) {
      const Spatial<Real> S_j = dof_axis(model, d.kin, j);
      out.dq[j * nv + k] = dot(S_j, G[0]);
      out.dv[j * nv + k] = dot(S_j, G[1]);
    };
    const auto store_row = [&](int j) { store_row_entry(row, x, dof_axis(model, d.kin, j), j, out.dq + k * nv + j, out.dv + k * nv + j); };
    const int i = dof_body(model, k);
    for (int j = 0; j < 3 && nbase; ++j) store_above(j);
    for (int j = 3; j < nbase; ++j) store_row(j);
    if (k < nbase) return;
    for (int j = 3; j < nbase; ++j) store_above(j);
    store_row(k);
    for (int j = model.parent[i]; j >= 1; j = model.parent[j]) {
      store_above(nbase + j - 1);
      store_row(nbase + j - 1);
    }
  });
  team.sync();
}

}  // namespace TANDEM_ISA
}  // namespace tandem
