// solve_qp: one problem on one team, from checking the data to the safe output. docs/solver.md.
#pragma once

#include "qp/admm_kernel.hpp"
#include "qp/osqp_kernel.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

// Reals of workspace that solve_qp needs (64-byte aligned; contents do not matter).
inline int qp_workspace_size(const QpDims& dims, const SolverSettings& settings) {
  int size = 0, osqp_size = 0;
  carve_work<float>(dims, nullptr, size);
  carve_osqp<float>(dims, nullptr, osqp_size);
  return settings.mode == SolverMode::kOsqp ? size + osqp_size : size;
}

// A residual whose change from one iteration to the next is below this fraction of it has settled: no feasible point.
constexpr float kSettled = 1e-4f;

template <class Real>
TANDEM_FN Real one_unless_finite(Real v) {
  return select(v - v == Real(0), Real(0), Real(1));
}

// What is wrong with the data of a problem before any arithmetic, as 0 or 1 per lane of Real.
template <class Real>
struct DataFaults {
  Real not_finite, crossed_bounds;
};

template <Team T, class Real>
TANDEM_FN DataFaults<Real> find_faults(const T& team, const QpView<Real>& qp, const QpWork<Real>& w) {
  const Real zero(0), one(1);
  const auto larger = [](Real a, Real b) { return max(a, b); };
  Real *not_finite = w.partial, *crossed = w.partial + kPartialSize;
  clear_partials(team, not_finite);
  clear_partials(team, crossed);
  const Real* x0 = qp.x0();
  accumulate(team, w.lay.ldx, not_finite, larger, [=](int i) { return one_unless_finite(x0[i]); });
  const int stages = qp.dims.N + 1;
  accumulate_stages(team, stages, w.lay.bounds, not_finite, larger, [=](int k, int i) { return one_unless_finite(Real(qp.at(k, 0)[i])); });
  // bounds and penalties of rows on states, rows on inputs and boxes lie one after the other
  accumulate_stages(team, stages, w.ldr, not_finite, larger, [=](int k, int i) {
    const Real l = qp.lc(k)[i], u = qp.uc(k)[i];
    return select(l == l, select(u == u, zero, one), one);
  });
  accumulate_stages(team, stages, w.ldr, crossed, larger, [=](int k, int i) {
    const Real l = qp.lc(k)[i], u = qp.uc(k)[i], rho = qp.rho_c(k)[i];
    return select(rho > zero, select(l > u, one, zero), zero);
  });
  return {fold_partials(team, not_finite, larger), fold_partials(team, crossed, larger)};
}

// Cost of (1) at z, and 1 where an entry of the solution is not finite.
template <class Real>
struct Outcome {
  Real objective, broken;
};

template <Team T, class Real>
TANDEM_FN Outcome<Real> evaluate(const T& team, const QpView<Real>& qp, const QpWork<Real>& w) {
  const int nx = qp.dims.nx, ldx = w.lay.ldx, ldz = w.lay.ldz;
  const auto larger = [](Real a, Real b) { return max(a, b); };
  const auto plus = [](Real a, Real b) { return a + b; };
  Real *cost = w.partial, *broken = w.partial + kPartialSize;
  clear_partials(team, cost);
  clear_partials(team, broken);
  const int stages = qp.dims.N + 1;
  accumulate_stages(team, stages, w.lay.sol_stage, broken, larger,
                    [=](int k, int i) { return one_unless_finite(w.solution[k * w.lay.sol_stage + i]); });
  accumulate_stages(team, stages, ldz, cost, plus, [=](int k, int i) {
    const Real z = w.solution[k * w.lay.sol_stage + i];
    return z * (Real(0.5f) * qp.hdiag(k)[i] * z + qp.g(k)[i]);
  });
  for (int k = 0; k < stages && qp.dims.dense_cost; ++k) {
    const Real *z = w.solution + k * w.lay.sol_stage, *H = qp.H(k);
    accumulate(team, nx + (k < qp.dims.N ? qp.dims.nu : 0), cost, plus, [=](int i) {
      Real s(0);
      for (int j = 0; j < ldz; ++j) s += H[i * ldz + j] * z[j];
      return Real(0.5f) * s * z[i < nx ? i : ldx + i - nx];
    });
  }
  return {fold_partials(team, cost, plus), fold_partials(team, broken, larger)};
}

// Residuals, objective and status after the iterations. bad_pivot: 1 where the factorisation met one. has_growth: whether w.growth was written, by which
// rows that cannot be met are told; only admm_iterations() does.
template <Team T, class Real>
TANDEM_FN LaneInfo<Real> judge(const T& team, const QpView<Real>& qp, const SolverSettings& settings, Real bad_pivot, bool has_growth,
                               const QpWork<Real>& w) {
  const DataFaults<Real> faults = find_faults(team, qp, w);
  const Outcome<Real> outcome = evaluate(team, qp, w);
  const auto largest = [&](const Real* values, int n) {
    const auto larger = [](Real a, Real b) { return max(a, b); };
    clear_partials(team, w.partial);
    accumulate(team, n, w.partial, larger, [=](int i) { return values[i]; });
    return fold_partials(team, w.partial, larger);
  };
  const auto code = [](Status s) { return Real(static_cast<float>(s)); };
  LaneInfo<Real> info{code(Status::kMaxIterations), largest(w.primal, w.ldr), largest(w.dual, w.ldr), outcome.objective};
  const Real tolerance(settings.tolerance), zero(0);
  if (has_growth) {
    const Real unsettled = largest(w.growth, w.growth_size());
    info.status = select(unsettled < Real(kSettled) * info.primal_residual, code(Status::kInfeasible), info.status);
  }
  info.status = select(max(info.primal_residual, info.dual_residual) <= tolerance, code(Status::kSolved), info.status);
  info.status = select(faults.crossed_bounds > zero, code(Status::kInfeasible), info.status);
  info.status = select(outcome.broken > zero, code(Status::kNotFinite), info.status);
  info.status = select(bad_pivot > zero, code(Status::kNotConvex), info.status);
  info.status = select(faults.not_finite > zero, code(Status::kNotFinite), info.status);
  return info;
}

// Copies w.solution to the caller where it is usable; elsewhere x and u stay and rows and duals are cleared, so that the next solve starts cold.
template <Team T, class Real>
TANDEM_FN void hand_over(const T& team, const SolutionView<Real>& solution, Real status, const QpWork<Real>& w) {
  const int ldz = w.lay.ldz, stage = w.lay.sol_stage, nodes = w.dims.N + 1;
  const Real last_usable(static_cast<float>(Status::kInfeasible));
  const Real* source = w.solution;
  Real* target = solution.data;
  for_each_2d(team, nodes, ldz,
              [=](int k, int i) { target[k * stage + i] = select(status <= last_usable, source[k * stage + i], target[k * stage + i]); });
  for_each_2d(team, nodes, stage - ldz,
              [=](int k, int i) { target[k * stage + ldz + i] = select(status <= last_usable, source[k * stage + ldz + i], Real(0)); });
  team.sync();
}

// solve_qp with SolverMode::kRiccati on scratch that the caller has carved out (a GPU: in several memories).
template <Team T, class Real>
TANDEM_FN void solve_riccati(const T& team, const SolverSettings& settings, const QpView<Real>& qp, const SolutionView<Real>& solution,
                             LaneInfo<Real>& info, QpWork<Real>& w) {
  Real* state = w.solution;
  const Real* start = solution.data;
  if (!settings.warm_start) {
    for_each(team, 0, w.lay.sol_size, [=](int i) { state[i] = Real(0); });
  } else if (works_on_copies<T>(w.copies)) {
    for_each(team, 0, w.lay.sol_size, [&](int i) { begin_copy(team, state + i, start + i); });
  } else {
    for_each(team, 0, w.lay.sol_size, [=](int i) { state[i] = start[i]; });
  }
  end_copies(team);
  team.sync();
  const Real bad_pivot = riccati_factor(team, qp, Real(settings.rho_scale), w);
  admm_iterations(team, qp, settings, w);
  info = judge(team, qp, settings, bad_pivot, true, w);
  hand_over(team, solution, info.status, w);
}

// Solves `qp`, starting from what `solution` holds (settings.warm_start). Writes `solution` and `info` (on every lane); never throws, never allocates.
//   qp         read; every Real of the block must be defined (padding zero)
//   solution   read and written; what it holds after each Status is said in qp.hpp
//   workspace  qp_workspace_size(dims, settings) Reals
//   copies     for which there is room in it, or kNone where it is no nearer than the problem
// Cost: N O((nx + nu)^3) once, then N O((nx + nu)^2) per iteration. docs/solver.md, eq. (9)-(18).
template <Team T, class Real>
TANDEM_FN void solve_qp(const T& team, const SolverSettings& settings, const QpView<Real>& qp, const SolutionView<Real>& solution,
                        LaneInfo<Real>& info, Real* workspace, Copies copies = Copies::kInverses) {
  int size = 0;
  QpWork<Real> w = carve_work(qp.dims, workspace, size, copies);
  if (settings.mode == SolverMode::kRiccati) return solve_riccati(team, settings, qp, solution, info, w);
  clear_residuals(team, w);
  team.sync();
  const Real bad_pivot = osqp_solve(team, qp, settings, w, workspace + size);
  info = judge(team, qp, settings, bad_pivot, false, w);
  hand_over(team, solution, info.status, w);
}

}  // namespace TANDEM_ISA
}  // namespace tandem
