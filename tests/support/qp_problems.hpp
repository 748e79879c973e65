// Plain oracles for the solutions of stage-structured problems, in double.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "qp/expand.hpp"
#include "qp/random_problem.hpp"

namespace tandem::test {

// x, u of all stages in the order of SparseQp's variables, from a solution block.
inline std::vector<double> variables(const SolutionView<double>& s) {
  std::vector<double> v;
  for (int k = 0; k <= s.dims.N; ++k) {
    v.insert(v.end(), s.x(k), s.x(k) + s.dims.nx);
    if (k < s.dims.N) v.insert(v.end(), s.u(k), s.u(k) + s.dims.nu);
  }
  return v;
}

// Solves M x = rhs in place by Gaussian elimination with partial pivoting; M (n, n) row-major.
inline std::vector<double> solve_dense(std::vector<double> M, std::vector<double> rhs) {
  const int n = static_cast<int>(rhs.size());
  for (int j = 0; j < n; ++j) {
    int best = j;
    for (int i = j + 1; i < n; ++i)
      if (std::abs(M[i * n + j]) > std::abs(M[best * n + j])) best = i;
    std::swap(rhs[j], rhs[best]);
    std::swap_ranges(M.begin() + j * n, M.begin() + (j + 1) * n, M.begin() + best * n);
    for (int i = j + 1; i < n; ++i) {
      const double f = M[i * n + j] / M[j * n + j];
      if (f == 0) continue;
      for (int c = j; c < n; ++c) M[i * n + c] -= f * M[j * n + c];
      rhs[i] -= f * rhs[j];
    }
  }
  for (int i = n - 1; i >= 0; --i) {
    for (int c = i + 1; c < n; ++c) rhs[i] -= M[i * n + c] * rhs[c];
    rhs[i] /= M[i * n + i];
  }
  return rhs;
}

// Minimiser of the problem without its inequality rows: the dense KKT system.
inline std::vector<double> solve_equality_kkt(const SparseQp& qp) {
  const int n = qp.variables, m = qp.equalities, size = n + m;
  std::vector<double> M(size * size, 0.0), rhs(size);
  for (const Triplet& t : qp.P) M[t.row * size + t.col] += t.value;
  for (const Triplet& t : qp.A)
    if (t.row < m) M[(n + t.row) * size + t.col] = M[t.col * size + n + t.row] = t.value;
  for (int i = 0; i < n; ++i) rhs[i] = -qp.q[i];
  for (int i = 0; i < m; ++i) rhs[n + i] = qp.l[i];
  std::vector<double> x = solve_dense(std::move(M), std::move(rhs));
  x.resize(n);
  return x;
}

// Largest violation of the optimality conditions by variables `x` and multipliers `y` of the inequality rows (positive at the upper bound): stationarity
// (multipliers of the dynamics follow from the states), equalities, bounds and complementarity as |a - clamp(a + y, l, u)|.
inline double kkt_residual(const SparseQp& qp, const QpDims& d, const std::vector<double>& x, const std::vector<double>& y) {
  std::vector<double> gradient = qp.q, a(qp.rows, 0.0);
  for (const Triplet& t : qp.P) gradient[t.row] += t.value * x[t.col];
  for (const Triplet& t : qp.A) {
    a[t.row] += t.value * x[t.col];
    if (t.row >= qp.equalities) gradient[t.col] += t.value * y[t.row - qp.equalities];
  }
  double worst = 0;
  for (int i = 0; i < qp.rows; ++i) {
    const double shifted = a[i] + (i < qp.equalities ? 0 : y[i - qp.equalities]);
    worst = std::max(worst, std::abs(a[i] - std::clamp(shifted, qp.l[i], qp.u[i])));
  }
  // the multiplier of the row that defines x_{k,i} cancels that entry of the gradient; going backward, each is known before it is used
  std::vector<std::vector<Triplet>> by_row(qp.equalities);
  for (const Triplet& t : qp.A)
    if (t.row < qp.equalities) by_row[t.row].push_back(t);
  for (int r = qp.equalities - 1; r >= 0; --r) {
    const double multiplier = -gradient[variable_of_x(d, r / d.nx) + r % d.nx];
    for (const Triplet& t : by_row[r]) gradient[t.col] += t.value * multiplier;
  }
  for (double g : gradient) worst = std::max(worst, std::abs(g));
  return worst;
}

// Multipliers of the inequality rows in SparseQp's order, from the scaled duals of a solution.
inline std::vector<double> multipliers(const QpView<double>& qp, const SolutionView<double>& s, double rho_scale) {
  std::vector<double> y;
  const auto add = [&](int n, const double* rho, const double* dual) {
    for (int i = 0; i < n; ++i)
      if (rho[i] > 0) y.push_back(rho_scale * rho[i] * dual[i]);
  };
  for (int k = 0; k <= qp.dims.N; ++k) {
    add(qp.dims.nc, qp.rho_c(k), s.dual_c(k)), add(qp.dims.nx, qp.rho_x(k), s.dual_x(k));
    if (k == qp.dims.N) break;
    add(qp.dims.nd, qp.rho_d(k), s.dual_d(k)), add(qp.dims.nu, qp.rho_u(k), s.dual_u(k));
  }
  return y;
}

}  // namespace tandem::test
