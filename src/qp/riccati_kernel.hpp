// The Riccati recursion with exact dynamics: factorised once per solve, then one backward and one forward sweep per ADMM iteration.
// docs/solver.md, eq. (9)-(14).
#pragma once

#include "qp/mixed_kernel.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

// Upper Vnext += C' rho C in two steps with a sync between: w.Cr := rho C, then the product. Neither syncs.
template <Team T, class Real>
TANDEM_FN void scale_state_rows(const T& team, const QpView<Real>& qp, int k, Real rho_scale, const QpWork<Real>& w) {
  const int nc = qp.dims.nc, ldx = w.lay.ldx;
  const MatrixView<Real> C{qp.C(k), nc, ldx, ldx};
  scale_rows(team, MatrixView<Real>{w.Cr, nc, ldx, ldx}, rho_scale, near_costs<T>(qp, w).rho_c(k), near_matrix<T>(C, w.copies, w.C));
}
template <Team T, class Real>
TANDEM_FN void add_state_rows(const T& team, const QpView<Real>& qp, int k, const QpWork<Real>& w) {
  const int nc = qp.dims.nc, ldx = w.lay.ldx;
  multiply_tn_upper<Write::kAdd>(team, w.xx(w.Vnext), MatrixView<Real>{w.Cr, nc, ldx, ldx},
                                 near_matrix<T>(MatrixView<Real>{qp.C(k), nc, ldx, ldx}, w.copies, w.C));
}

// Vnext := upper Vnext + diag(hdiag + rho) (+ H), mirrored.
template <Team T, class Real>
TANDEM_FN void finish_values(const T& team, const QpView<Real>& qp, int k, Real rho_scale, const QpWork<Real>& w) {
  const int nx = qp.dims.nx, ldx = w.lay.ldx, ldz = w.lay.ldz;
  const QpView<Real>& costs = near_costs<T>(qp, w);
  const Real *hdiag = costs.hdiag(k), *rho_x = costs.rho_x(k), *H = qp.H(k);
  Real* V = w.Vnext;
  if (qp.dims.dense_cost) {
    for_each_2d(team, nx, nx, [=](int i, int j) { V[i * ldx + j] += H[i * ldz + j]; });
    team.sync();
  }
  mirror_upper(team, w.xx(V));
  for_each(team, 0, nx, [=](int i) { V[i * ldx + i] += hdiag[i] + rho_scale * rho_x[i]; });
  end_copies(team);
  team.sync();
}

// Upper Huu += diag(hdiag + rho) + D' rho D (+ H), Hux += H; 1 on the padding pivots.
template <Team T, class Real>
TANDEM_FN void add_input_cost(const T& team, const QpView<Real>& qp, int k, Real rho_scale, const QpWork<Real>& w) {
  const QpDims& d = qp.dims;
  const int nd = d.nd, nx = d.nx, nu = d.nu, ldx = w.lay.ldx, ldu = w.lay.ldu, ldz = w.lay.ldz, du = w.du();
  const QpView<Real>& costs = near_costs<T>(qp, w);
  const Real *hdiag = costs.hdiag(k) + ldx, *rho_u = costs.rho_u(k);
  Real *Huu = w.Huu, *Hux = w.Hux;
  const MatrixView<Real> D = near_matrix<T>(MatrixView<Real>{qp.D(k), nd, du, ldu}, w.copies, w.D), Dr{w.Dr, nd, du, ldu};
  for_each(team, 0, nu, [=](int i) { Huu[i * ldu + i] += hdiag[i] + rho_scale * rho_u[i]; });
  for_each(team, nu, ldu, [=](int i) { Huu[i * ldu + i] = Real(1); });
  scale_rows(from_eighth(team, 2), Dr, rho_scale, costs.rho_d(k), D);
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
  begin_costs(team, qp, N, w);
  end_copies(team);
  team.sync();
  begin_dynamics(team, qp, N - 1, w);
  scale_state_rows(team, qp, N, rho_scale, w);
  team.sync();
  add_state_rows(team, qp, N, w);
  team.sync();
  finish_values(team, qp, N, rho_scale, w);
  for (int k = N - 1; k >= 0; --k) {
    Real* const swap = w.V;
    w.V = w.Vnext, w.Vnext = swap;
    begin_costs(team, qp, k, w);
    dynamics_offset(from_eighth(team, 6), qp, k, w.s, w);
    propagate_hessian(team, qp, k, w);
    end_copies(team);
    team.sync();
    if (k > 0) begin_dynamics(team, qp, k - 1, w);
    add_input_cost(team, qp, k, rho_scale, w);
    // Huu = L L'; the explicit inverses keep long triangular chains out of the iterations
    flag = max(flag, cholesky_inverse(team, w.uu(w.Huu), w.uu(w.Linv), kPivotFloor<Scalar<Real>>));
    multiply_lower_t<Write::kSet>(team, w.input_inverse(k), w.uu(w.Linv), w.uu(w.Linv));
    multiply_symmetric(from_eighth(team, 2), w.Vb + k * ldx, w.xx(w.V), w.s);
    if (qp.dims.ne > 0) flag = max(flag, mixed_inverse(team, qp, k, w));
    if (k == 0) {
      // x_0 is given: no gain, only its constant share in the gradient by u_0
      multiply<Write::kSet>(team, w.hx0, w.ux(w.Hux), qp.x0());
      team.sync();
      break;
    }
    // Y = L^-1 Hux, K = -L^-T Y, V = Hxx - Y'Y
    multiply_lower(from_eighth(team, 4), w.ux(w.Y), w.uu(w.Linv), w.ux(w.Hux));
    scale_state_rows(team, qp, k, rho_scale, w);
    team.sync();
    const MatrixView<Real> Linv{w.Linv, nu, ldu, ldu}, Y{w.Y, nu, ldx, ldx};
    multiply_tn_upper<Write::kSubtract>(team, w.xx(w.Vnext), Y, Y);
    add_state_rows(team, qp, k, w);
    if (qp.dims.ne > 0) mixed_gain(team, qp, k, w);
    multiply_lower_t<Write::kNegate>(beyond(team, triangle(tiles_of(ldx))), w.gain(k), Linv, Y);
    team.sync();
    finish_values(team, qp, k, rho_scale, w);
  }
  return flag;
}

// Feed-forward inputs for the augmented gradients in w.r (which it overwrites), eq. (13). Carries s, the cost-to-go gradient with its share of V b.
template <Team T, class Real>
TANDEM_FN void riccati_backward(const T& team, const QpView<Real>& qp, const QpWork<Real>& w) {
  const int N = qp.dims.N, ldx = w.lay.ldx, ldu = w.lay.ldu, ldz = w.lay.ldz;
  const Real *rN = w.r + N * ldz, *VbN = w.Vb + (N - 1) * ldx, *hx0 = w.hx0;
  Real *s = w.s, *ru0 = w.r + ldx;
  for_each_along(team, ldx, [=](int i) { s[i] = rN[i] + VbN[i]; });
  for_each_along(team, ldu, [=](int i) { ru0[i] += hx0[i]; });
  team.sync();
  for (int k = N - 1; k >= 0; --k) {
    Real *r = w.r + k * ldz, *gu = r + ldx, *kff = w.kff + k * ldu;
    begin_gains(team, k, true, w);
    propagate_gradient(team, qp, k, s, r, w);
    end_copies(team);
    team.sync();
    multiply_t<Write::kNegate>(team, kff, near_inverse<T>(k, w), gu);  // the inverse is symmetric
    if (k > 0) {
      const Real* Vb = w.Vb + (k - 1) * ldx;
      for_each_along(from_eighth(team, 2), ldx, [=](int i) { s[i] = r[i] + Vb[i]; });
      multiply_t<Write::kAdd>(from_eighth(team, 2), s, near_gain<T>(k, w), gu);
    }
    if (qp.dims.ne > 0) add_mixed_shares(team, from_eighth(team, 2), k, w);
    team.sync();
  }
}

// What the state of stage k has in its input, eq. (14), in the next state and in the rows on states. Does not sync.
template <Team T, class Real>
TANDEM_FN void use_state(const T& team, const QpView<Real>& qp, int k, const QpWork<Real>& w) {
  const QpLayout& l = w.lay;
  const bool last = k == qp.dims.N;
  Real *z = w.solution + k * l.sol_stage, *u = z + l.ldx;
  const Real* kff = w.kff + (last ? 0 : k) * l.ldu;
  RowProduct<Real> input{near_gain<T>(last ? 0 : k, w), u}, next = next_from_state(qp, last ? 0 : k, w);
  const RowProduct<Real> rows{{qp.C(k), qp.dims.nc, l.ldx, qp.lay.C_row}, w.rows};
  if (last) next.A.rows = 0;
  if (last || k == 0) input.A.rows = 0;
  if (k == 0) for_each_along(team, l.ldu, [=](int i) { u[i] = kff[i]; });
  multiply_rows(team, input, kff, next, rows, z);
  if (!last) step_forward_state(from_eighth(team, 4), qp, k, z, w);
}

}  // namespace TANDEM_ISA
}  // namespace tandem
