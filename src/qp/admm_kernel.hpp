// The ADMM iterations around the Riccati solve: rows and boxes with a fixed penalty each, over-relaxation, scaled duals. docs/solver.md, eq. (15)-(18).
#pragma once

#include "qp/near_kernel.hpp"
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
  Real *primal, *dual, *growth;  // n places each, used by Record; of all stages, of this one
};

// z, y after one step, eq. (16); t(i, rho (y - z)) receives the pull on the gradient, eq. (15).
template <Record R, Team T, class Real, class Pull>
TANDEM_FN void update_rows(const T& team, const RowBlock<Real>& b, Real alpha, Real rho_scale, Pull&& pull) {
  const Real zero(0), rest = Real(1) - alpha;
  for_each_along(team, b.n, [=](int i) {
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
      b.primal[i] = max(b.primal[i], select(rho > zero, abs(a - z_new), zero));
      b.dual[i] = max(b.dual[i], rho * abs(rest * (a - z) + z_new - z));
    }
  });
}

// Rows and boxes of stage k from its row values: update, and what they pull on the gradient, of the rows in w.pull_c and w.pull_d, of the boxes with g in r.
// Does not sync.
template <Record R, Team T, class Real>
TANDEM_FN void update_stage_as(const T& team, const QpView<Real>& qp, int k, const SolverSettings& settings, const QpWork<Real>& w) {
  const QpLayout& l = w.lay;
  const Real alpha(settings.relaxation), scale(settings.rho_scale);
  Real *sol = w.solution + k * l.sol_stage, *r = w.r + k * l.ldz, *pull_c = w.pull_c, *pull_d = w.pull_d;
  Real *primal = w.primal, *dual = w.dual, *growth = w.growth + k * w.ldr;
  const int nd = qp.dims.nd > 0 && k < qp.dims.N ? l.ldd : 0, od = l.ldc, oz = l.ldc + l.ldd;
  const RowBlock<Real> c{l.ldc, w.row_c, qp.lc(k), qp.uc(k), qp.rho_c(k), sol + l.sol_row_c, sol + l.sol_dual_c, primal, dual, growth};
  const RowBlock<Real> d{nd, w.row_d, qp.ld(k), qp.ud(k), qp.rho_d(k), sol + l.sol_row_d, sol + l.sol_dual_d, primal + od, dual + od, growth + od};
  const RowBlock<Real> z{l.ldz, sol, qp.lx(k), qp.ux(k), qp.rho_x(k), sol + l.sol_row_z, sol + l.sol_dual_z, primal + oz, dual + oz, growth + oz};
  const Real* g = qp.g(k);
  update_rows<R>(from_eighth(team, 2), c, alpha, scale, [=](int i, Real pull) { pull_c[i] = pull; });
  update_rows<R>(from_eighth(team, 4), d, alpha, scale, [=](int i, Real pull) { pull_d[i] = pull; });
  update_rows<R>(from_eighth(team, 6), z, alpha, scale, [=](int i, Real pull) { r[i] = g[i] + pull; });
}

template <Team T, class Real>
TANDEM_FN void update_stage(const T& team, Record record, const QpView<Real>& qp, int k, const SolverSettings& settings, const QpWork<Real>& w) {
  if (record == Record::kNothing) return update_stage_as<Record::kNothing>(team, qp, k, settings, w);
  if (record == Record::kGrowth) return update_stage_as<Record::kGrowth>(team, qp, k, settings, w);
  update_stage_as<Record::kResiduals>(team, qp, k, settings, w);
}

// r += C' pull of the rows on x + D' pull of those on u: the augmented gradient of stage k for the next backward sweep. Does not sync.
template <Team T, class Real>
TANDEM_FN void pull_gradient(const T& team, const QpView<Real>& qp, int k, const QpWork<Real>& w) {
  const QpLayout& l = w.lay;
  Real* r = w.r + k * l.ldz;
  multiply_t<Write::kAdd>(team, r, MatrixView<Real>{qp.C(k), qp.dims.nc, l.ldx, qp.lay.C_row}, w.pull_c);
  if (k < qp.dims.N) multiply_t<Write::kAdd>(from_eighth(team, 3), r + l.ldx, MatrixView<Real>{qp.D(k), qp.dims.nd, w.du(), qp.lay.D_row}, w.pull_d);
}

// Augmented gradients of all stages from the row values and duals in w.solution: the start of the first iteration.
template <Team T, class Real>
TANDEM_FN void start_gradients(const T& team, const QpView<Real>& qp, const SolverSettings& settings, const QpWork<Real>& w) {
  const QpLayout& l = w.lay;
  const Real scale(settings.rho_scale);
  Real *pull_c = w.pull_c, *pull_d = w.pull_d;
  const QpView<Real> near = near_view<T>(qp, w);
  for (int k = 0; k <= qp.dims.N; ++k) {
    const int nd = k < qp.dims.N ? qp.dims.nd : 0;
    const Real *sol = w.solution + k * l.sol_stage, *g = qp.g(k), *rho_c = qp.rho_c(k), *rho_d = qp.rho_d(k), *rho_z = qp.rho_x(k);
    Real* r = w.r + k * l.ldz;
    for_each_along(team, qp.dims.nc, [=](int i) { pull_c[i] = scale * rho_c[i] * (sol[l.sol_dual_c + i] - sol[l.sol_row_c + i]); });
    for_each_along(team, nd, [=](int i) { pull_d[i] = scale * rho_d[i] * (sol[l.sol_dual_d + i] - sol[l.sol_row_d + i]); });
    for_each_along(team, l.ldz, [=](int i) { r[i] = g[i] + scale * rho_z[i] * (sol[l.sol_dual_z + i] - sol[l.sol_row_z + i]); });
    team.sync();
    pull_gradient(team, near, k, w);
    team.sync();
  }
}

// One ADMM iteration: the x-update by one backward and one forward sweep, the rows of a stage as soon as its state and input are known. What does not depend
// on each other lies between the same two syncs, on lanes of their own (from_eighth).
template <Team T, class Real>
TANDEM_FN void admm_iteration(const T& team, Record record, const QpView<Real>& qp, const SolverSettings& settings, const QpWork<Real>& w) {
  const QpLayout& l = w.lay;
  const int N = qp.dims.N;
  const QpView<Real> near = near_view<T>(qp, w);
  riccati_backward(team, near, w);
  for (int k = 0; k <= N; ++k) {
    Real *z = w.solution + k * l.sol_stage, *next = z + l.sol_stage;
    multiply<Write::kSet>(from_eighth(team, 6), w.row_c, MatrixView<Real>{near.C(k), qp.dims.nc, l.ldx, near.lay.C_row}, z);
    if (record != Record::kResiduals && k > 0) pull_gradient(from_eighth(team, 4), near, k - 1, w);
    if (k < N) {
      riccati_input(team, near, k, w);
      team.sync();
      multiply<Write::kSet>(from_eighth(team, 6), w.row_d, MatrixView<Real>{near.D(k), qp.dims.nd, w.du(), near.lay.D_row}, z + l.ldx);
      step_forward_input(team, near, k, z, next, w);
    }
    team.sync();
    update_stage(team, record, qp, k, settings, w);
    if (k < N) step_forward_end(team, near, k, next, w);
    team.sync();
  }
  if (record != Record::kResiduals) {
    pull_gradient(team, near, N, w);
    team.sync();
  }
}

// All iterations on w.solution; leaves the residuals of the last one in w.primal, w.dual and w.growth.
template <Team T, class Real>
TANDEM_FN void admm_iterations(const T& team, const QpView<Real>& qp, const SolverSettings& settings, const QpWork<Real>& w) {
  Real *state = w.solution, *residuals = w.primal;  // primal, dual and growth lie one after the other
  const Real* x0 = qp.x0();
  for_each(team, 0, w.lay.ldx, [=](int i) { state[i] = x0[i]; });
  for_each(team, 0, w.residual_size(), [=](int i) { residuals[i] = Real(0); });
  copy_matrices(team, qp, w);
  team.sync();
  start_gradients(team, qp, settings, w);
  for (int left = settings.iterations; left > 0; --left)
    admm_iteration(team, left == 1 ? Record::kResiduals : left == 2 ? Record::kGrowth : Record::kNothing, qp, settings, w);
}

}  // namespace TANDEM_ISA
}  // namespace tandem
