// The splitting of OSQP, the paper's solver, over the stages of a chain: the x-update matrix is block tridiagonal. docs/solver.md, eq. (19)-(25).
// The same iterates as OSQP 1.x with fixed rho; the measured baseline, not meant for speed.
#pragma once

#include "qp/osqp_problem_kernel.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

// Diagonal block k of P + sigma I + A' rho A, upper triangle in w.M.
template <Team T, class Real>
TANDEM_FN void osqp_block(const T& team, int k, Real sigma, const OsqpWork<Real>& w) {
  const QpDims& d = w.dims;
  const QpLayout& l = w.lay;
  const int ldx = l.ldx, ldz = l.ldz, nodes_u = k < d.N ? d.nu : 0;
  const Real *h = w.of_z(w.h, k), *box = w.of_z(w.box, k), *arrival = w.arrival + k * ldx, *rho = w.of_r(w.rho, k);
  Real *M = w.M, *Wx = w.Wx;
  const Real* H = w.H + k * ldz * ldz;
  for_each_2d(team, ldz, ldz, [=](int i, int j) { M[i * ldz + j] = d.dense_cost ? H[i * ldz + j] : Real(0); });
  team.sync();
  for_each(team, 0, ldz, [=](int i) {
    const bool used = i < ldx ? i < d.nx : i - ldx < nodes_u;
    Real s = h[i] + sigma + rho[w.z + i] * box[i] * box[i];
    if (i < ldx) s += rho[i] * arrival[i] * arrival[i];
    M[i * ldz + i] += used ? s : Real(1);
  });
  const auto add = [&](MatrixView<Real> block, MatrixView<Real> rows, const Real* penalty) {
    for_each_2d(team, rows.rows, rows.cols, [=](int i, int j) { Wx[i * ldz + j] = penalty[i] * rows(i, j); });
    team.sync();
    multiply_tn_upper<Write::kAdd>(team, block, MatrixView<Real>{Wx, rows.rows, rows.cols, ldz}, rows);
    team.sync();
  };
  add({M, ldx, ldx, ldz}, w.C_of(k), rho + w.c);
  add({M + ldx * ldz + ldx, l.ldu, l.ldu, ldz}, w.D_of(k), rho + w.d);
  if (k < d.N) add({M, ldz, ldz, ldz}, w.AB_of(k), w.of_r(w.rho, k + 1));
}

// Block Cholesky of the x-update matrix, eq. (23). Returns 0, or 1 where a pivot was under the floor.
template <Team T, class Real>
TANDEM_FN Real osqp_factor(const T& team, Real sigma, Scalar<Real> floor, const OsqpWork<Real>& w) {
  const int N = w.dims.N, ldx = w.lay.ldx, ldz = w.lay.ldz;
  const MatrixView<Real> M{w.M, ldz, ldz, ldz}, Mx{w.M, ldx, ldx, ldz}, G{w.G, ldz, ldx, ldx};
  Real flag(0);
  for (int k = 0; k <= N; ++k) {
    osqp_block(team, k, sigma, w);
    if (k > 0) multiply_tn_upper<Write::kSubtract>(team, Mx, w.Y_of(k - 1), w.Y_of(k - 1));
    team.sync();
    flag = max(flag, cholesky_inverse(team, M, w.Linv_of(k), floor));
    if (k == N) break;
    // coupling to x_{k+1}: -[A|B]' rho arrival
    const MatrixView<Real> AB = w.AB_of(k);
    const Real *arrival = w.arrival + (k + 1) * ldx, *rho = w.of_r(w.rho, k + 1);
    for_each_2d(team, ldz, ldx, [=](int i, int j) { G(i, j) = -(AB(j, i) * rho[j] * arrival[j]); });
    team.sync();
    multiply_lower(team, w.Y_of(k), w.Linv_of(k), G);
    team.sync();
  }
  return flag;
}

// r_k := base_k + (A' v)_k for row values v.
template <Team T, class Real>
TANDEM_FN void osqp_transpose(const T& team, const Real* v, Real* r, const OsqpWork<Real>& w) {
  const int ldx = w.lay.ldx, ldz = w.lay.ldz;
  for (int k = 0; k <= w.dims.N; ++k) {
    const Real *vk = v + k * w.ldr, *box = w.of_z(w.box, k), *arrival = w.arrival + k * ldx;
    Real* rk = r + k * ldz;
    for_each(team, 0, ldz, [=](int i) { rk[i] += i < ldx ? box[i] * vk[w.z + i] + arrival[i] * vk[i] : box[i] * vk[w.z + i]; });
    team.sync();
    multiply_t<Write::kAdd>(team, rk, w.C_of(k), vk + w.c);
    multiply_t<Write::kAdd>(team, rk + ldx, w.D_of(k), vk + w.d);
    team.sync();
    if (k < w.dims.N) multiply_t<Write::kSubtract>(team, rk, w.AB_of(k), vk + w.ldr);
    team.sync();
  }
}

// v := A x.
template <Team T, class Real>
TANDEM_FN void osqp_rows(const T& team, const Real* x, Real* v, const OsqpWork<Real>& w) {
  const int ldx = w.lay.ldx, ldz = w.lay.ldz;
  for (int k = 0; k <= w.dims.N; ++k) {
    const Real *xk = x + k * ldz, *box = w.of_z(w.box, k), *arrival = w.arrival + k * ldx;
    Real* vk = v + k * w.ldr;
    multiply<Write::kSet>(team, vk + w.c, w.C_of(k), xk);
    multiply<Write::kSet>(team, vk + w.d, w.D_of(k), xk + ldx);
    if (k > 0) multiply<Write::kNegate>(team, vk, w.AB_of(k - 1), xk - ldz);
    team.sync();
    for_each(team, w.c + w.dims.nc, w.d, [=](int i) { vk[i] = Real(0); });
    for_each(team, w.d + w.dims.nd, w.z, [=](int i) { vk[i] = Real(0); });
    for_each(team, 0, ldx, [=](int i) { vk[i] = k > 0 ? vk[i] + arrival[i] * xk[i] : arrival[i] * xk[i]; });
    for_each(team, 0, ldz, [=](int i) { vk[w.z + i] = box[i] * xk[i]; });
  }
  team.sync();
}

// w.next := (P + sigma I + A' rho A)^-1 w.r by block substitution, eq. (24).
template <Team T, class Real>
TANDEM_FN void osqp_substitute(const T& team, const OsqpWork<Real>& w) {
  const int N = w.dims.N, ldz = w.lay.ldz;
  for (int k = 0; k <= N; ++k) {
    multiply<Write::kSet>(team, w.of_z(w.next, k), w.Linv_of(k), w.of_z(w.r, k));
    team.sync();
    if (k < N) multiply_t<Write::kSubtract>(team, w.of_z(w.r, k + 1), w.Y_of(k), w.of_z(w.next, k));
    team.sync();
  }
  Real* t = w.t;
  for (int k = N; k >= 0; --k) {
    Real* xk = w.of_z(w.next, k);
    if (k < N) multiply<Write::kSubtract>(team, xk, w.Y_of(k), w.of_z(w.next, k + 1));
    team.sync();
    for_each(team, 0, ldz, [=](int i) { t[i] = xk[i]; });
    team.sync();
    multiply_t<Write::kSet>(team, xk, w.Linv_of(k), t);
    team.sync();
  }
}

// One iteration of OSQP, eq. (25).
template <Team T, class Real>
TANDEM_FN void osqp_iteration(const T& team, Real sigma, Real alpha, const OsqpWork<Real>& w) {
  const int variables = (w.dims.N + 1) * w.lay.ldz;
  const Real *q = w.q, *rho = w.rho, *lower = w.lower, *upper = w.upper, rest = Real(1) - alpha;
  Real *x = w.x, *r = w.r, *value = w.value, *row = w.row, *multiplier = w.multiplier, *next = w.next;
  for_each(team, 0, variables, [=](int i) { r[i] = sigma * x[i] - q[i]; });
  for_each(team, 0, w.rows, [=](int i) { value[i] = rho[i] * row[i] - multiplier[i]; });
  team.sync();
  osqp_transpose(team, value, r, w);
  osqp_substitute(team, w);
  osqp_rows(team, next, value, w);
  for_each(team, 0, variables, [=](int i) { x[i] = alpha * next[i] + rest * x[i]; });
  for_each(team, 0, w.rows, [=](int i) {
    const Real v = alpha * value[i] + rest * row[i], on = select(rho[i] > Real(0), Real(1), Real(0));
    const Real inverse = on / max(rho[i], Real(1e-12f));
    const Real z = on * clamp(v + inverse * multiplier[i], lower[i], upper[i]);
    multiplier[i] += rho[i] * (v - z);
    row[i] = z;
  });
  team.sync();
}

// Unscaled results into work.solution and the residuals of every row into work.primal; of every variable, spread over its rows, into work.dual.
template <Team T, class Real>
TANDEM_FN void osqp_store(const T& team, const QpView<Real>& qp, const SolverSettings& settings, Real cost, const QpWork<Real>& work,
                          const OsqpWork<Real>& w) {
  const QpDims& d = w.dims;
  const QpLayout& l = w.lay;
  const Real zero(0), scale(settings.rho_scale);
  const int variables = (d.N + 1) * l.ldz;
  Real *r = w.r, *x = w.x;
  const Real *q = w.q, *h = w.h;
  osqp_rows(team, w.x, w.value, w);
  for_each(team, 0, variables, [=](int i) { r[i] = q[i] + h[i] * x[i]; });
  team.sync();
  osqp_transpose(team, w.multiplier, w.r, w);
  for (int k = 0; k <= d.N; ++k) {
    if (d.dense_cost) multiply<Write::kAdd>(team, w.of_z(w.r, k), w.H_of(k), w.of_z(w.x, k));
    team.sync();
    Real *sol = work.solution + k * l.sol_stage, *primal = work.primal, *dual = work.dual;
    const Real *scale_z = w.of_z(w.scale_z, k), *scale_r = w.of_r(w.scale_r, k), *xk = w.of_z(w.x, k), *rk = w.of_z(w.r, k);
    const Real *row = w.of_r(w.row, k), *multiplier = w.of_r(w.multiplier, k), *value = w.of_r(w.value, k), *rho_w = w.of_r(w.rho, k);
    for_each(team, 0, l.ldz, [=](int i) { sol[i] = scale_z[i] * xk[i]; });
    const auto store = [&](int n, int from, int place, int sol_row, int sol_dual, const Real* rho) {
      for_each(team, 0, n, [=](int i) {
        const int j = from + i;
        const Real inverse = select(rho_w[j] > zero, Real(1) / max(rho[i] * scale, Real(1e-20f)), zero);
        sol[sol_row + i] = row[j] / scale_r[j];
        sol[sol_dual + i] = multiplier[j] * scale_r[j] / cost * inverse;
        primal[place + i] = max(primal[place + i], abs(value[j] - row[j]) / scale_r[j]);
      });
    };
    store(l.ldc, w.c, 0, l.sol_row_c, l.sol_dual_c, qp.rho_c(k));
    store(l.ldd, w.d, l.ldc, l.sol_row_d, l.sol_dual_d, qp.rho_d(k));
    store(l.ldz, w.z, l.ldc + l.ldd, l.sol_row_z, l.sol_dual_z, qp.rho_x(k));
    team.sync();
    // arrival rows share the places of the boxes on x
    for_each(team, 0, l.ldz, [=](int i) {
      dual[l.ldc + l.ldd + i] = max(dual[l.ldc + l.ldd + i], abs(rk[i]) / (scale_z[i] * cost));
      if (i >= l.ldx) return;
      const int place = l.ldc + l.ldd + i;
      primal[place] = max(primal[place], abs(value[i] - row[i]) / scale_r[i]);
    });
    team.sync();
  }
}

// The whole of mode kOsqp: results in work.solution, residuals in work.primal and work.dual. Returns 1 where a pivot was under the floor, else 0.
//   memory: what carve_osqp asks for
template <Team T, class Real>
TANDEM_FN Real osqp_solve(const T& team, const QpView<Real>& qp, const SolverSettings& settings, const QpWork<Real>& work, Real* memory) {
  int size = 0;
  const OsqpWork<Real> w = carve_osqp(qp.dims, memory, size);
  const Real sigma(settings.osqp_sigma), alpha(settings.relaxation);
  osqp_load(team, qp, w);
  const Real cost = osqp_scale(team, settings.osqp_scaling, w, work.partial);
  osqp_penalties(team, qp, Real(settings.osqp_rho), w);
  const Real bad_pivot = osqp_factor(team, sigma, kPivotFloor<Scalar<Real>>, w);
  Real* x = w.x;
  for_each(team, 0, (qp.dims.N + 1) * w.lay.ldz, [=](int i) { x[i] = Real(0); });
  team.sync();
  for (int i = 0; i < settings.iterations; ++i) osqp_iteration(team, sigma, alpha, w);
  osqp_store(team, qp, settings, cost, work, w);
  return bad_pivot;
}

}  // namespace TANDEM_ISA
}  // namespace tandem
