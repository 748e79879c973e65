// The ADMM iterations around the Riccati solve: rows and boxes with a fixed penalty each, over-relaxation, scaled duals. docs/solver.md, eq. (15)-(18).
#pragma once

#include <type_traits>

#include "qp/near_kernel.hpp"
#include "qp/riccati_kernel.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

enum class Record { kNothing, kGrowth, kResiduals };  // what an iteration notes down beside its work

// A Record that the compiler knows.
template <Record R>
using Known = std::integral_constant<Record, R>;

// The rows of one stage: on states, on inputs, boxes, one after the other.
template <class Real>
struct StageRows {
  const Real *lower, *upper, *rho;
  Real *z, *y;                   // row values clipped to the bounds, scaled duals
  Real *primal, *dual, *growth;  // used by Record; of all stages, of this one
};

// z, y of row i with the value a after one step, eq. (16). Returns its pull on the gradient, eq. (15), rho (y - z).
template <class R, class Real>
TANDEM_FN Real update_row(R record, const StageRows<Real>& b, int i, Real a, Real alpha, Real rho_scale) {
  const Real zero(0), rest = Real(1) - alpha;
  const Real rho = rho_scale * b.rho[i], z = b.z[i], y = b.y[i];
  const Real v = alpha * a + rest * z;
  const Real z_new = clamp(v + y, b.lower[i], b.upper[i]);
  const Real step = select(rho > zero, v - z_new, zero);
  const Real y_new = select(rho > zero, y + step, zero);
  b.z[i] = z_new;
  b.y[i] = y_new;
  if (record == Record::kGrowth) b.growth[i] = step;
  if (record == Record::kResiduals) {
    b.growth[i] = abs(step - b.growth[i]);
    b.primal[i] = max(b.primal[i], select(rho > zero, abs(a - z_new), zero));
    b.dual[i] = max(b.dual[i], rho * abs(rest * (a - z) + z_new - z));
  }
  return rho * (y_new - z_new);
}

// Runs update(is_box, i) for rows i in [0, rows) and boxes i in [0, boxes), all at once. Does not sync.
template <Team T, class Update>
TANDEM_FN void for_rows_and_boxes(const T& team, int rows, int boxes, Update&& update) {
  for_each(team, 0, rows + boxes, [=](int e) { update(e >= rows, e < rows ? e : e - rows); });
}
template <class Update>
TANDEM_FN void for_rows_and_boxes(const SerialTeam& team, int rows, int boxes, Update&& update) {
  for_each_along(team, rows, [=](int i) { update(false, i); });
  for_each_along(team, boxes, [=](int i) { update(true, i); });
}

// Rows and boxes of stage k from its row values: update, and what they pull on the gradient, of the rows in w.pull, of the boxes with g in r. Does not sync.
template <class R, Team T, class Real>
TANDEM_FN void update_stage(const T& team, R record, const QpView<Real>& qp, int k, const SolverSettings& settings, const QpWork<Real>& w) {
  const QpLayout& l = w.lay;
  const Real alpha(settings.relaxation), scale(settings.rho_scale);
  const int nrow = l.ldc + l.ldd;
  Real *sol = w.solution + k * l.sol_stage, *r = w.r + k * l.ldz, *pull = w.pull;
  const QpView<Real>& near = near_rows<T>(qp, w);
  const StageRows<Real> rows{near.lc(k), near.uc(k), near.rho_c(k), sol + l.sol_row_c, sol + l.sol_dual_c, w.primal, w.dual, w.growth + k * w.ldr};
  const Real *g = near.g(k), *value = w.rows;
  for_rows_and_boxes(team, k < qp.dims.N ? nrow : l.ldc, l.ldz, [=](bool box, int i) {
    const Real start = box ? g[i] : Real(0);
    const Real change = update_row(record, rows, box ? nrow + i : i, box ? sol[i] : value[i], alpha, scale);
    (box ? r : pull)[i] = box ? start + change : change;
  });
}

// One lane's loops are compiled for each kind of Record.
template <class Real>
TANDEM_FN void update_stage(const SerialTeam& team, Record record, const QpView<Real>& qp, int k, const SolverSettings& settings,
                            const QpWork<Real>& w) {
  if (record == Record::kNothing) return update_stage(team, Known<Record::kNothing>(), qp, k, settings, w);
  if (record == Record::kGrowth) return update_stage(team, Known<Record::kGrowth>(), qp, k, settings, w);
  update_stage(team, Known<Record::kResiduals>(), qp, k, settings, w);
}

// r += C' pull of the rows on x + D' pull of those on u: the augmented gradient of stage k for the next backward sweep. Does not sync.
template <Team T, class Real>
TANDEM_FN void pull_gradient(const T& team, const QpView<Real>& qp, int k, const QpWork<Real>& w) {
  const QpLayout& l = w.lay;
  Real* r = w.r + k * l.ldz;
  multiply_t<Write::kAdd>(team, r, MatrixView<Real>{qp.C(k), qp.dims.nc, l.ldx, qp.lay.C_row}, w.pull);
  if (k == qp.dims.N) return;
  multiply_t<Write::kAdd>(from_eighth(team, 3), r + l.ldx, MatrixView<Real>{qp.D(k), qp.dims.nd, w.du(), qp.lay.D_row}, w.pull + l.ldc);
}

// Augmented gradients of all stages from the row values and duals in w.solution: the start of the first iteration. The rows of stage 0 are copied.
template <Team T, class Real>
TANDEM_FN void start_gradients(const T& team, const QpView<Real>& qp, const SolverSettings& settings, const QpWork<Real>& w) {
  const QpLayout& l = w.lay;
  const Real scale(settings.rho_scale);
  Real* pull = w.pull;
  const QpView<Real>&near = near_view<T>(qp, w), &rows = near_rows<T>(qp, w);
  for (int k = 0; k <= qp.dims.N; ++k) {
    const Real *sol = w.solution + k * l.sol_stage, *g = rows.g(k), *rho = rows.rho_c(k), *rho_z = rows.rho_x(k);
    Real* r = w.r + k * l.ldz;
    for_each_along(team, k < qp.dims.N ? l.ldc + l.ldd : l.ldc,
                   [=](int i) { pull[i] = scale * rho[i] * (sol[l.sol_dual_c + i] - sol[l.sol_row_c + i]); });
    for_each_along(from_eighth(team, 4), l.ldz, [=](int i) { r[i] = g[i] + scale * rho_z[i] * (sol[l.sol_dual_z + i] - sol[l.sol_row_z + i]); });
    team.sync();
    if (k < qp.dims.N) begin_rows(team, qp, k + 1, w);
    pull_gradient(team, near, k, w);
    end_copies(team);
    team.sync();
  }
}

// One ADMM iteration: the x-update by one backward and one forward sweep, the rows of a stage as soon as its state and input are known. What does not depend
// on each other lies between the same two syncs, on lanes of their own (from_eighth).
template <Team T, class Real>
TANDEM_FN void admm_iteration(const T& team, Record record, const QpView<Real>& qp, const SolverSettings& settings, const QpWork<Real>& w) {
  const QpLayout& l = w.lay;
  const int N = qp.dims.N;
  const QpView<Real>& near = near_view<T>(qp, w);
  riccati_backward(team, near, w);
  for (int k = 0; k <= N; ++k) {
    Real *z = w.solution + k * l.sol_stage, *next = z + l.sol_stage;
    begin_rows(team, qp, k, w);
    if (record != Record::kResiduals && k > 0) pull_gradient(from_eighth(team, 4), near, k - 1, w);
    use_state(team, near, k, w);
    if (k < N) {
      team.sync();
      multiply<Write::kSet>(from_eighth(team, 6), w.rows + l.ldc, MatrixView<Real>{near.D(k), qp.dims.nd, w.du(), near.lay.D_row}, z + l.ldx);
      step_forward_input(team, near, k, z, next, w);
    }
    end_copies(team);
    team.sync();
    if (k + 1 < N) begin_gains(team, k + 1, false, w);
    update_stage(team, record, qp, k, settings, w);
    if (k < N) step_forward_end(from_eighth(team, 7), near, k, next, w);
    end_copies(team);
    team.sync();
  }
  if (record != Record::kResiduals) {
    pull_gradient(team, near, N, w);
    team.sync();
  }
}

template <Team T, class Real>
TANDEM_FN void clear_residuals(const T& team, const QpWork<Real>& w) {
  Real *primal = w.primal, *dual = w.dual, *growth = w.growth;
  for_each(team, 0, w.ldr, [=](int i) { primal[i] = dual[i] = Real(0); });
  for_each(team, 0, w.growth_size(), [=](int i) { growth[i] = Real(0); });
}

// All iterations on w.solution; leaves the residuals of the last one in w.primal, w.dual and w.growth.
template <Team T, class Real>
TANDEM_FN void admm_iterations(const T& team, const QpView<Real>& qp, const SolverSettings& settings, const QpWork<Real>& w) {
  Real* state = w.solution;
  const Real* x0 = qp.x0();
  for_each(team, 0, w.lay.ldx, [=](int i) { state[i] = x0[i]; });
  clear_residuals(team, w);
  begin_matrices(team, qp, w);
  begin_rows(team, qp, 0, w);
  end_copies(team);
  team.sync();
  start_gradients(team, qp, settings, w);
  for (int left = settings.iterations; left > 0; --left)
    admm_iteration(team, left == 1 ? Record::kResiduals : left == 2 ? Record::kGrowth : Record::kNothing, qp, settings, w);
}

}  // namespace TANDEM_ISA
}  // namespace tandem
