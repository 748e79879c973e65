// The two kinds of stage dynamics, as the Riccati recursion needs them: the Hessian and the gradient of the cost-to-go carried one stage back, and one
// step forward. docs/solver.md, eq. (5)-(8). Every function ends with a sync where it does not say otherwise.
#pragma once

#include "qp/near_kernel.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

// ---- kIntegrator: x+ = T [q; v+] + [bq; 0], v+ = [E z + e; w], T = [[Phi_x, Gam_x], [0, I]] with Phi_x = diag(Phi, I), Gam_x = diag(Gam, dt I).

// W = T'VT by way of M = rows v of T'V, and where its parts go: W(va, q) -> Hux, W(va, va) -> Huu, W(vp, .) -> G = first rows of Q, W(vp, vp) -> Wpp, and for
// k > 0 upper W(q, q) = Phi_x' V(q, q) Phi_x -> Vnext; zero elsewhere. PhiI = Phi - I: products with it only add to what is already there.
template <Team T, class Real>
TANDEM_FN void integrator_values(const T& team, const QpView<Real>& qp, int k, const QpWork<Real>& w) {
  const QpDims& d = qp.dims;
  const int np = d.np, na = d.na, nf = d.nf, n = np + na, ldx = w.lay.ldx, ldu = w.lay.ldu, ldz = w.lay.ldz, ldp = w.lay.ldp;
  const Real *Phi = qp.Phi(k), *M = w.M, dt = *qp.dt(k);
  Real *V = w.V, *Vn = w.Vnext, *PhiI = w.PhiI, *Sqq = w.Sqq, *Huu = w.Huu, *G = w.Q, *Wpp = w.Wpp;
  const auto rows = [=](Real* m, int first, int count) { return MatrixView<Real>{m + first * ldx, count, ldx, ldx}; };
  const MatrixView<Real> PhiI_view{PhiI, np, np, ldp}, Gam = near_matrix<T>(MatrixView<Real>{qp.Gam(k), np, np, ldp}, w.copies, w.Gam);
  const MatrixView<Real> Mp = rows(w.M, 0, np), Ma = rows(w.M, np, na), Vp = rows(Vn, 0, np);

  if (works_on_copies<T>(w.copies)) {
    for_each(from_eighth(team, 2), 0, np, [=](int i) { PhiI[i * ldp + i] -= Real(1); });
  } else {
    for_each_2d(team, np, ldp, [=](int i, int j) { PhiI[i * ldp + j] = i == j ? Phi[i * ldp + j] - Real(1) : Phi[i * ldp + j]; });
  }
  copy_leading(team, Mp, rows(V, n, np), ldx);
  add_scaled(team, Ma, rows(V, n + np, na), dt, rows(V, np, na));
  if (k > 0) {
    copy_leading(team, Vp, rows(V, 0, np), ldx);
    copy_leading(team, rows(Vn, np, na), rows(V, np, na), n);
    clear(team, rows(Vn, n, ldx - n));
  }
  team.sync();
  multiply_tn<Write::kAdd>(team, Mp, Gam, rows(V, 0, np));
  if (k > 0) multiply_tn<Write::kAdd>(from_eighth(team, 2), Vp, PhiI_view, rows(V, 0, np));
  team.sync();
  if (k > 0) {
    for_each_2d(from_eighth(team, 2), np, np, [=](int i, int j) { Sqq[i * ldp + j] = Vn[i * ldx + j]; });
    for_each_2d(from_eighth(team, 4), np, ldx - n, [=](int i, int j) { Vn[i * ldx + n + j] = Real(0); });
  }
  const MatrixView<Real> actuated = rows(w.Hux, nf, na);
  clear(team, rows(w.Hux, 0, nf));
  copy_leading(team, actuated, Ma, n);
  clear(team, rows(w.Hux, nf + na, ldu - nf - na));
  clear(team, w.uu(Huu));
  copy_leading(team, MatrixView<Real>{G, np, ldz, ldz}, Mp, n);
  for_each_2d(team, np, np, [=](int i, int j) { Wpp[i * ldp + j] = M[i * ldx + n + j]; });
  team.sync();
  const Real* Mq = M + np;  // columns q_a; n further on: columns v_a
  for_each_2d(team, na, na, [=](int i, int j) { Huu[(nf + i) * ldu + nf + j] = dt * Mq[(np + i) * ldx + j] + Mq[(np + i) * ldx + n + j]; });
  for_each_2d(team, np, na, [=](int i, int j) { G[i * ldz + ldx + nf + j] = dt * Mq[i * ldx + j] + Mq[i * ldx + n + j]; });
  const MatrixView<Real> Mpp{w.M, np, np, ldx};
  multiply_nn<Write::kAdd>(team, MatrixView<Real>{actuated.data, na, np, ldx}, MatrixView<Real>{Ma.data, na, np, ldx}, PhiI_view);
  multiply_nn<Write::kAdd>(from_eighth(team, 2), MatrixView<Real>{G, np, np, ldz}, Mpp, PhiI_view);
  multiply_nn<Write::kAdd>(from_eighth(team, 4), MatrixView<Real>{Wpp, np, np, ldp}, Mpp, Gam);
  if (k > 0) multiply_nn<Write::kAdd>(from_eighth(team, 6), MatrixView<Real>{Vn, np, np, ldx}, MatrixView<Real>{Sqq, np, np, ldp}, PhiI_view);
  team.sync();
}

// Hux, upper Huu, and for k > 0 upper Vnext := [A B]' V [A B]. Does not sync at the end.
template <Team T, class Real>
TANDEM_FN void integrator_hessian(const T& team, const QpView<Real>& qp, int k, const QpWork<Real>& w) {
  const int np = qp.dims.np, ldx = w.lay.ldx, ldu = w.lay.ldu, ldz = w.lay.ldz, ldp = w.lay.ldp;
  integrator_values(team, qp, k, w);
  // G = [W(vp,q) | 0 | 0 | W(vp,va)] + 1/2 W(vp,vp) E;  P = [E; G], Q = [G; E]
  Real *P = w.P, *Q = w.Q, *Wpp = w.Wpp;
  const MatrixView<Real> E = near_matrix<T>(MatrixView<Real>{qp.E(k), np, ldz, ldz}, w.copies, P), G{Q, np, ldz, ldz};
  for_each_2d(team, np, ldp, [=](int i, int j) { Wpp[i * ldp + j] *= Real(0.5f); });
  team.sync();
  multiply_nn<Write::kAdd>(team, G, MatrixView<Real>{Wpp, np, np, ldp}, E);
  team.sync();
  if (!works_on_copies<T>(w.copies)) copy_leading(team, MatrixView<Real>{P, np, ldz, ldz}, E, ldz);
  copy_leading(team, MatrixView<Real>{Q + np * ldz, np, ldz, ldz}, E, ldz);
  copy_leading(team, MatrixView<Real>{P + np * ldz, np, ldz, ldz}, G, ldz);
  team.sync();
  // H += E'G + G'E
  const MatrixView<Real> Px{P, 2 * np, ldx, ldz}, Qx{Q, 2 * np, ldx, ldz}, Pu{P + ldx, 2 * np, ldu, ldz}, Qu{Q + ldx, 2 * np, ldu, ldz};
  multiply_tn<Write::kAdd>(team, w.ux(w.Hux), Pu, Qx);
  multiply_tn_upper<Write::kAdd>(from_eighth(team, 6), w.uu(w.Huu), Pu, Qu);
  if (k > 0) multiply_tn_upper<Write::kAdd>(from_eighth(team, 4), w.xx(w.Vnext), Px, Qx);
}

// r += [A B]' s. Does not sync at the end.
template <Team T, class Real>
TANDEM_FN void integrator_gradient(const T& team, const QpView<Real>& qp, int k, const Real* s, Real* r, const QpWork<Real>& w) {
  const QpDims& d = qp.dims;
  const int np = d.np, na = d.na, nf = d.nf, n = np + na, ldx = w.lay.ldx, ldz = w.lay.ldz, ldp = w.lay.ldp;
  const Real dt = *qp.dt(k);
  // t: cost-to-go gradient by v_p+
  multiply_t_from(team, w.t, s + n, MatrixView<Real>{qp.Gam(k), np, np, ldp}, s);
  multiply_t<Write::kAdd>(from_eighth(team, 2), r, MatrixView<Real>{qp.Phi(k), np, np, ldp}, s);
  for_each_along(from_eighth(team, 4), na, [=](int i) { r[np + i] += s[np + i]; });
  for_each_along(from_eighth(team, 6), na, [=](int i) { r[ldx + nf + i] += dt * s[np + i] + s[n + np + i]; });
  team.sync();
  multiply_t<Write::kAdd>(team, r, MatrixView<Real>{qp.E(k), np, ldz, qp.lay.E_row}, w.t);
}

// next = f(z) in three parts, z = [x | u] padded; first, besides next_from_state(), what q_p has in q_p+.
template <Team T, class Real>
TANDEM_FN void integrator_forward_state(const T& team, const QpView<Real>& qp, int k, const Real* z, const QpWork<Real>& w) {
  const int np = qp.dims.np;
  multiply<Write::kSet>(team, w.s, MatrixView<Real>{qp.Phi(k), np, np, w.lay.ldp}, z);
}
template <Team T, class Real>
TANDEM_FN void integrator_forward_input(const T& team, const QpView<Real>& qp, int k, const Real* z, Real* next, const QpWork<Real>& w) {
  const QpDims& d = qp.dims;
  const int np = d.np, na = d.na, nf = d.nf, n = np + na, ldx = w.lay.ldx, ldu = w.lay.ldu;
  const Real *bq = qp.bq(k), *e = qp.e(k), *u = z + ldx, dt = *qp.dt(k);
  Real* t = w.t;
  for_each_product(team, MatrixView<Real>{qp.E(k) + ldx, np, ldu, qp.lay.E_row}, u, t, [=](int i, Real sum) { t[i] = sum + e[i]; });
  for_each_along(from_eighth(team, 2), na, [=](int i) { next[np + i] = z[np + i] + dt * u[nf + i] + bq[np + i]; });
  for_each_along(from_eighth(team, 4), na, [=](int i) { next[n + np + i] = u[nf + i]; });
}
template <Team T, class Real>
TANDEM_FN void integrator_forward_base(const T& team, const QpView<Real>& qp, int k, Real* next, const QpWork<Real>& w) {
  const int np = qp.dims.np, n = np + qp.dims.na, ldp = w.lay.ldp;
  const Real *bq = qp.bq(k), *t = w.t;
  for_each_product(team, MatrixView<Real>{qp.Gam(k), np, np, ldp}, t, w.s, [=](int i, Real sum) {
    next[i] = sum + bq[i];
    next[n + i] = t[i];
  });
}

// offset = f(0). Does not sync.
template <Team T, class Real>
TANDEM_FN void integrator_offset(const T& team, const QpView<Real>& qp, int k, Real* offset, const QpWork<Real>& w) {
  const int np = qp.dims.np, na = qp.dims.na, n = np + na, ldp = w.lay.ldp;
  const Real *Gam = qp.Gam(k), *bq = qp.bq(k), *e = qp.e(k);
  for_each(team, 0, np, [=](int i) {
    Real q = bq[i];
    for (int m = 0; m < np; ++m) q += Gam[i * ldp + m] * e[m];
    offset[i] = q;
    offset[n + i] = e[i];
  });
  for_each(team, 0, na, [=](int i) { offset[np + i] = bq[np + i]; });
  for_each(team, 0, na, [=](int i) { offset[n + np + i] = Real(0); });
}

// ---- kDense: x+ = [A|B] z + b. [A|B] has nx rows; the rest of the padded rows of V meets zeros.

template <Team T, class Real>
TANDEM_FN void dense_hessian(const T& team, const QpView<Real>& qp, int k, const QpWork<Real>& w) {
  const int nx = qp.dims.nx, ldx = w.lay.ldx, ldu = w.lay.ldu, ldz = w.lay.ldz;
  Real* AB = qp.AB(k);
  // M = V [A|B]
  multiply_tn<Write::kSet>(team, MatrixView<Real>{w.M, ldx, ldz, ldz}, MatrixView<Real>{w.V, nx, ldx, ldx}, MatrixView<Real>{AB, nx, ldz, ldz});
  team.sync();
  const MatrixView<Real> A{AB, nx, ldx, ldz}, B{AB + ldx, nx, ldu, ldz}, Mx{w.M, nx, ldx, ldz}, Mu{w.M + ldx, nx, ldu, ldz};
  multiply_tn<Write::kSet>(team, w.ux(w.Hux), B, Mx);
  multiply_tn_upper<Write::kSet>(team, w.uu(w.Huu), B, Mu);
  if (k > 0) multiply_tn_upper<Write::kSet>(team, w.xx(w.Vnext), A, Mx);
}

// ---- what the recursion calls

template <Team T, class Real>
TANDEM_FN void propagate_hessian(const T& team, const QpView<Real>& qp, int k, const QpWork<Real>& w) {
  if (qp.dims.dynamics == Dynamics::kIntegrator) return integrator_hessian(team, qp, k, w);
  dense_hessian(team, qp, k, w);
}

// r += [A B]' s.
template <Team T, class Real>
TANDEM_FN void propagate_gradient(const T& team, const QpView<Real>& qp, int k, const Real* s, Real* r, const QpWork<Real>& w) {
  if (qp.dims.dynamics == Dynamics::kIntegrator) return integrator_gradient(team, qp, k, s, r, w);
  multiply_t<Write::kAdd>(team, r, MatrixView<Real>{qp.AB(k), qp.dims.nx, w.lay.ldz, w.lay.ldz}, s);
}

// next = f(z), the state of stage k + 1, in three parts that do not sync: after the first u must be there, after the second a sync. With the first comes
// next_from_state(): v_p+ as far as x decides, where the dynamics have such a part.
template <class Real>
TANDEM_FN RowProduct<Real> next_from_state(const QpView<Real>& qp, int k, const QpWork<Real>& w) {
  return {{qp.E(k), qp.dims.dynamics == Dynamics::kIntegrator ? qp.dims.np : 0, w.lay.ldx, qp.lay.E_row}, w.t};
}
template <Team T, class Real>
TANDEM_FN void step_forward_state(const T& team, const QpView<Real>& qp, int k, const Real* z, const QpWork<Real>& w) {
  if (qp.dims.dynamics == Dynamics::kIntegrator) integrator_forward_state(team, qp, k, z, w);
}
template <Team T, class Real>
TANDEM_FN void step_forward_input(const T& team, const QpView<Real>& qp, int k, const Real* z, Real* next, const QpWork<Real>& w) {
  if (qp.dims.dynamics == Dynamics::kIntegrator) return integrator_forward_input(team, qp, k, z, next, w);
  multiply<Write::kSet>(team, w.t, MatrixView<Real>{qp.AB(k), qp.dims.nx, w.lay.ldz, w.lay.ldz}, z);
}
template <Team T, class Real>
TANDEM_FN void step_forward_end(const T& team, const QpView<Real>& qp, int k, Real* next, const QpWork<Real>& w) {
  if (qp.dims.dynamics == Dynamics::kIntegrator) return integrator_forward_base(team, qp, k, next, w);
  const Real *t = w.t, *b = qp.b(k);
  for_each(team, 0, qp.dims.nx, [=](int i) { next[i] = t[i] + b[i]; });
}

// offset = f(0). Does not sync.
template <Team T, class Real>
TANDEM_FN void dynamics_offset(const T& team, const QpView<Real>& qp, int k, Real* offset, const QpWork<Real>& w) {
  if (qp.dims.dynamics == Dynamics::kIntegrator) return integrator_offset(team, qp, k, offset, w);
  const Real* b = qp.b(k);
  for_each(team, 0, qp.dims.nx, [=](int i) { offset[i] = b[i]; });
}

}  // namespace TANDEM_ISA
}  // namespace tandem
