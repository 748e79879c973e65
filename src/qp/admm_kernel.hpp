// The ADMM iterations around the Riccati solve: rows and boxes with a fixed penalty each, over-relaxation, scaled duals. docs/solver.md, eq. (15)-(18).
#pragma once

#include "qp/riccati_kernel.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

enum class Record { kNothing, kGrowth, kResiduals };  // what an iteration notes down beside its work

// One class of rows of one stage: n values a (row values), their copies z in the bounds, scaled duals y.
template <class Real>
struct RowBlock {
  int n;
  const Real *a, *lower, *upper, *rho;
  Real *z, *y;
  Real *primal, *dual, *growth;  // n places each, used by `record`
};

// z, y after one step, eq. (16); t(i, rho (y - z)) receives the pull on the gradient, eq. (15).
template <Record R, Team T, class Real, class Pull>
TANDEM_FN void update_rows(const T& team, const RowBlock<Real>& b, Real alpha, Real rho_scale, Pull&& pull) {
  const Real zero(0), rest = Real(1) - alpha;
  for_each_2d(team, 1, b.n, [=](int, int i) {
    const Real rho = rho_scale * b.rho[i], a = b.a[i], z = b.z[i], y = b.y[i];
    const Real v = alpha * a + rest * z;
    const Real z_new = clamp(v + y, b.lower[i], b.upper[i]);
    const Real step = select(rho > zero, v - z_new, zero);
    const Real y_new = select(rho > zero, y + step, zero);
    b.z[i] = z_new;
    b.y[i] = y_new;
    pull(i, rho * (y_new - z_new));
    if constexpr (R == Record::kGrowth) b.growth[i] = step;
    if constexpr (R == Record::kResiduals) {
      b.growth[i] = abs(step - b.growth[i]);
      b.primal[i] = select(rho > zero, abs(a - z_new), zero);
      b.dual[i] = rho * abs(rest * (a - z) + z_new - z);
    }
  });
}

// Rows and boxes of stage k: row values from the new z, update, and the augmented gradient r for the next backward sweep.
template <Record R, Team T, class Real>
TANDEM_FN void update_stage(const T& team, const QpView<Real>& qp, int k, const SolverSettings& settings, const QpWork<Real>& w) {
  const QpLayout& l = w.lay;
  const int nc = qp.dims.nc, nd = k < qp.dims.N ? qp.dims.nd : 0, du = w.du();
  const Real alpha(settings.relaxation), scale(settings.rho_scale);
  Real *sol = w.solution + k * l.sol_stage, *r = w.r + k * l.ldz, *row_c = w.row_c, *row_d = w.row_d;
  Real *primal = w.primal + k * w.ldr, *dual = w.dual + k * w.ldr, *growth = w.growth + k * w.ldr;
  const MatrixView<Real> C{qp.C(k), nc, l.ldx, l.ldx}, D{qp.D(k), nd, du, l.ldu};
  multiply<Write::kSet>(team, row_c, C, sol);
  multiply<Write::kSet>(team, row_d, D, sol + l.ldx);
  team.sync();
  const int od = l.ldc, oz = l.ldc + l.ldd;
  const RowBlock<Real> c{l.ldc, row_c, qp.lc(k), qp.uc(k), qp.rho_c(k), sol + l.sol_row_c, sol + l.sol_dual_c, primal, dual, growth};
  const RowBlock<Real> d{nd > 0 ? l.ldd : 0, row_d,       qp.ld(k),  qp.ud(k),   qp.rho_d(k), sol + l.sol_row_d,
                         sol + l.sol_dual_d, primal + od, dual + od, growth + od};
  const RowBlock<Real> z{l.ldz, sol, qp.lx(k), qp.ux(k), qp.rho_x(k), sol + l.sol_row_z, sol + l.sol_dual_z, primal + oz, dual + oz, growth + oz};
  const Real* g = qp.g(k);
  update_rows<R>(team, c, alpha, scale, [=](int i, Real pull) { row_c[i] = pull; });
  update_rows<R>(team, d, alpha, scale, [=](int i, Real pull) { row_d[i] = pull; });
  update_rows<R>(team, z, alpha, scale, [=](int i, Real pull) { r[i] = g[i] + pull; });
  team.sync();
  if constexpr (R != Record::kResiduals) {
    multiply_t<Write::kAdd>(team, r, C, row_c);
    multiply_t<Write::kAdd>(team, r + l.ldx, D, row_d);
    team.sync();
  }
}

// Augmented gradients of all stages from the row values and duals in w.solution: the start of the first iteration.
template <Team T, class Real>
TANDEM_FN void start_gradients(const T& team, const QpView<Real>& qp, const SolverSettings& settings, const QpWork<Real>& w) {
  const QpLayout& l = w.lay;
  const Real scale(settings.rho_scale);
  Real *row_c = w.row_c, *row_d = w.row_d;
  for (int k = 0; k <= qp.dims.N; ++k) {
    const int nc = qp.dims.nc, nd = k < qp.dims.N ? qp.dims.nd : 0;
    const Real *sol = w.solution + k * l.sol_stage, *g = qp.g(k), *rho_c = qp.rho_c(k), *rho_d = qp.rho_d(k), *rho_z = qp.rho_x(k);
    Real* r = w.r + k * l.ldz;
    for_each_2d(team, 1, nc, [=](int, int i) { row_c[i] = scale * rho_c[i] * (sol[l.sol_dual_c + i] - sol[l.sol_row_c + i]); });
    for_each_2d(team, 1, nd, [=](int, int i) { row_d[i] = scale * rho_d[i] * (sol[l.sol_dual_d + i] - sol[l.sol_row_d + i]); });
    for_each_2d(team, 1, l.ldz, [=](int, int i) { r[i] = g[i] + scale * rho_z[i] * (sol[l.sol_dual_z + i] - sol[l.sol_row_z + i]); });
    team.sync();
    multiply_t<Write::kAdd>(team, r, MatrixView<Real>{qp.C(k), nc, l.ldx, l.ldx}, row_c);
    multiply_t<Write::kAdd>(team, r + l.ldx, MatrixView<Real>{qp.D(k), nd, w.du(), l.ldu}, row_d);
    team.sync();
  }
}

// One ADMM iteration: the x-update by one backward and one forward sweep, the rows of a stage as soon as its state and input are known.
template <Record R, Team T, class Real>
TANDEM_FN void admm_iteration(const T& team, const QpView<Real>& qp, const SolverSettings& settings, const QpWork<Real>& w) {
  riccati_backward(team, qp, w);
  for (int k = 0; k < qp.dims.N; ++k) {
    riccati_forward(team, qp, k, w);
    update_stage<R>(team, qp, k, settings, w);
  }
  update_stage<R>(team, qp, qp.dims.N, settings, w);
}

// All iterations on w.solution; leaves the residuals of the last one in w.primal, w.dual and w.growth.
template <Team T, class Real>
TANDEM_FN void admm_iterations(const T& team, const QpView<Real>& qp, const SolverSettings& settings, const QpWork<Real>& w) {
  Real *state = w.solution, *residuals = w.primal;  // primal, dual and growth lie one after the other
  const Real* x0 = qp.x0();
  for_each(team, 0, w.lay.ldx, [=](int i) { state[i] = x0[i]; });
  for_each(team, 0, 3 * (qp.dims.N + 1) * w.ldr, [=](int i) { residuals[i] = Real(0); });
  team.sync();
  start_gradients(team, qp, settings, w);
  for (int i = 0; i < settings.iterations - 2; ++i) admm_iteration<Record::kNothing>(team, qp, settings, w);
  if (settings.iterations > 1) admm_iteration<Record::kGrowth>(team, qp, settings, w);
  admm_iteration<Record::kResiduals>(team, qp, settings, w);
}

}  // namespace TANDEM_ISA
}  // namespace tandem
