// The Riccati recursion with exact dynamics: factorised once per solve, then one backward and one forward sweep per ADMM iteration.
// docs/solver.md, eq. (9)-(14).
#pragma once

#include "qp/mixed_kernel.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

// Upper Vnext += diag(hdiag + rho) + C' rho C (+ H).
template <Team T, class Real>
TANDEM_FN void add_state_cost(const T& team, const QpView<Real>& qp, int k, Real rho_scale, const QpWork<Real>& w) {
  const int nc = qp.dims.nc, nx = qp.dims.nx, ldx = w.lay.ldx, ldz = w.lay.ldz;
  const Real *hdiag = qp.hdiag(k), *rho_x = qp.rho_x(k);
  Real* V = w.Vnext;
  const MatrixView<Real> C{qp.C(k), nc, ldx, ldx}, Cr{w.Cr, nc, ldx, ldx};
  for_each(team, 0, nx, [=](int i) { V[i * ldx + i] += hdiag[i] + rho_scale * rho_x[i]; });
  scale_rows(team, Cr, rho_scale, qp.rho_c(k), C);
  team.sync();
  multiply_tn_upper<Write::kAdd>(team, w.xx(V), Cr, C);
  team.sync();
  if (!qp.dims.dense_cost) return;
  const Real* H = qp.H(k);
  for_each_2d(team, nx, nx, [=](int i, int j) { V[i * ldx + j] += H[i * ldz + j]; });
  team.sync();
}

// Upper Huu += diag(hdiag + rho) + D' rho D (+ H), Hux += H; 1 on the padding pivots.
template <Team T, class Real>
TANDEM_FN void add_input_cost(const T& team, const QpView<Real>& qp, int k, Real rho_scale, const QpWork<Real>& w) {
  const QpDims& d = qp.dims;
  const int nd = d.nd, nx = d.nx, nu = d.nu, ldx = w.lay.ldx, ldu = w.lay.ldu, ldz = w.lay.ldz, du = w.du();
  const Real *hdiag = qp.hdiag(k) + ldx, *rho_u = qp.rho_u(k);
  Real *Huu = w.Huu, *Hux = w.Hux;
  const MatrixView<Real> D{qp.D(k), nd, du, ldu}, Dr{w.Dr, nd, du, ldu};
  for_each(team, 0, nu, [=](int i) { Huu[i * ldu + i] += hdiag[i] + rho_scale * rho_u[i]; });
  for_each(team, nu, ldu, [=](int i) { Huu[i * ldu + i] = Real(1); });
  scale_rows(team, Dr, rho_scale, qp.rho_d(k), D);
  team.sync();
  multiply_tn_upper<Write::kAdd>(team, MatrixView<Real>{Huu, du, du, ldu}, Dr, D);
  team.sync();
  if (!d.dense_cost) return;
  const Real* H = qp.H(k) + nx * ldz;
  for_each_2d(team, nu, nu, [=](int i, int j) { Huu[i * ldu + j] += H[i * ldz + ldx + j]; });
  for_each_2d(team, nu, nx, [=](int i, int j) { Hux[i * ldx + j] += H[i * ldz + j]; });
  team.sync();
}

// Gains of all stages, eq. (9)-(12). Returns 0, or 1 where an input Hessian had a pivot under the floor.
template <Team T, class Real>
TANDEM_FN Real riccati_factor(const T& team, const QpView<Real>& qp, Real rho_scale, QpWork<Real>& w) {
  const int N = qp.dims.N, nu = qp.dims.nu, ldx = w.lay.ldx, ldu = w.lay.ldu;
  Real flag(0);
  Real* s = w.s;
  for_each(team, qp.dims.nx, ldx, [=](int i) { s[i] = Real(0); });
  clear(team, w.xx(w.Vnext));
  team.sync();
  add_state_cost(team, qp, N, rho_scale, w);
  mirror_upper(team, w.xx(w.Vnext));
  team.sync();
  for (int k = N - 1; k >= 0; --k) {
    Real* const swap = w.V;
    w.V = w.Vnext, w.Vnext = swap;
    dynamics_offset(team, qp, k, w.s, w);
    multiply_symmetric(team, w.Vb + k * ldx, w.xx(w.V), w.s);
    propagate_hessian(team, qp, k, w);
    add_input_cost(team, qp, k, rho_scale, w);
    // Huu = L L'; the explicit inverses keep long triangular chains out of the iterations
    flag = max(flag, cholesky_inverse(team, w.uu(w.Huu), w.uu(w.Linv), kPivotFloor<Scalar<Real>>));
    multiply_lower_t<Write::kSet>(team, w.input_inverse(k), w.uu(w.Linv), w.uu(w.Linv));
    if (qp.dims.ne > 0) flag = max(flag, mixed_inverse(team, qp, k, w));
    if (k == 0) {
      // x_0 is given: no gain, only its constant share in the gradient by u_0
      multiply<Write::kSet>(team, w.hx0, w.ux(w.Hux), qp.x0());
      team.sync();
      break;
    }
    // Y = L^-1 Hux, K = -L^-T Y, V = Hxx - Y'Y
    multiply_lower(team, w.ux(w.Y), w.uu(w.Linv), w.ux(w.Hux));
    team.sync();
    const MatrixView<Real> Linv{w.Linv, nu, ldu, ldu}, Y{w.Y, nu, ldx, ldx};
    multiply_tn_upper<Write::kSubtract>(team, w.xx(w.Vnext), Y, Y);
    if (qp.dims.ne > 0) mixed_gain(team, qp, k, w);
    multiply_lower_t<Write::kNegate>(team, w.gain(k), Linv, Y);
    team.sync();
    add_state_cost(team, qp, k, rho_scale, w);
    mirror_upper(team, w.xx(w.Vnext));
    team.sync();
  }
  return flag;
}

// Cost-to-go gradients and feed-forward inputs for the augmented gradients in w.r (which it overwrites), eq. (13).
template <Team T, class Real>
TANDEM_FN void riccati_backward(const T& team, const QpView<Real>& qp, const QpWork<Real>& w) {
  const int N = qp.dims.N, ldx = w.lay.ldx, ldu = w.lay.ldu, ldz = w.lay.ldz;
  Real *p = w.p, *s = w.s, *gu = w.gu;
  const Real* rN = w.r + N * ldz;
  for_each_2d(team, 1, ldx, [=](int, int i) { p[i] = rN[i]; });
  team.sync();
  for (int k = N - 1; k >= 0; --k) {
    const Real *Vb = w.Vb + k * ldx, *hx0 = w.hx0;
    Real *r = w.r + k * ldz, *kff = w.kff + k * ldu;
    for_each_2d(team, 1, ldx, [=](int, int i) { s[i] = p[i] + Vb[i]; });
    team.sync();
    propagate_gradient(team, qp, k, s, r, w);
    for_each_2d(team, 1, ldu, [=](int, int i) { gu[i] = k == 0 ? r[ldx + i] + hx0[i] : r[ldx + i]; });
    for_each_2d(team, 1, ldx, [=](int, int i) { p[i] = r[i]; });
    team.sync();
    multiply_t<Write::kNegate>(team, kff, w.input_inverse(k), gu);  // the inverse is symmetric
    if (k > 0) multiply_t<Write::kAdd>(team, p, w.gain(k), gu);
    team.sync();
    if (qp.dims.ne > 0) add_mixed_shares(team, k, w);
  }
}

// Input of stage k, then the state of stage k + 1, both in w.solution, eq. (14).
template <Team T, class Real>
TANDEM_FN void riccati_forward(const T& team, const QpView<Real>& qp, int k, const QpWork<Real>& w) {
  const int ldx = w.lay.ldx, ldu = w.lay.ldu;
  const Real* kff = w.kff + k * ldu;
  Real *z = w.solution + k * w.lay.sol_stage, *u = z + ldx;
  if (k > 0) {
    Real* gu = w.gu;
    multiply<Write::kSet>(team, gu, w.gain(k), z);
    team.sync();
    for_each_2d(team, 1, ldu, [=](int, int i) { u[i] = gu[i] + kff[i]; });
  } else {
    for_each_2d(team, 1, ldu, [=](int, int i) { u[i] = kff[i]; });
  }
  team.sync();
  step_forward(team, qp, k, z, z + w.lay.sol_stage, w);
}

}  // namespace TANDEM_ISA
}  // namespace tandem
