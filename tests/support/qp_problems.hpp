// Random stage-structured problems and plain oracles for their solutions, in double.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "qp/expand.hpp"

namespace tandem::test {

struct Problem {
  QpDims dims;
  std::vector<double> data;
  QpView<double> view() { return qp_view(dims, data.data()); }
};

struct RandomQp {
  unsigned seed = 1;
  double tightness = 0;  // 0: rows and boxes switched off; larger: tighter bounds, more of them active
  double rho = 1;
};

// A convex problem of the given sizes whose rows are feasible at a random trajectory.
inline Problem random_problem(QpDims dims, const RandomQp& o) {
  Problem p{dims, std::vector<double>(qp_size(dims), 0.0)};
  const QpView<double> qp = p.view();
  const QpLayout& l = qp.lay;
  std::mt19937 rng(o.seed);
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> uniform;
  const auto fill = [&](double* m, int rows, int ld, int cols, double scale) {
    for (int i = 0; i < rows; ++i)
      for (int j = 0; j < cols; ++j) m[i * ld + j] = scale * normal(rng);
  };
  const int nx = dims.nx, nu = dims.nu, np = dims.np, du = dims.du ? dims.du : nu;
  std::vector<double> x(nx), next(nx), u(nu);
  for (int i = 0; i < nx; ++i) qp.x0()[i] = x[i] = normal(rng);
  const auto bounds = [&](int n, double* lower, double* upper, double* rho, auto&& value) {
    for (int i = 0; i < n; ++i) {
      const double a = value(i), width = o.tightness > 0 ? 1 / o.tightness : 0;
      lower[i] = a - width * uniform(rng), upper[i] = a + width * uniform(rng);
      rho[i] = o.tightness > 0 ? o.rho : 0;
      if (i % 5 == 1) lower[i] = -std::numeric_limits<double>::infinity();
      if (i % 7 == 2) upper[i] = std::numeric_limits<double>::infinity();
    }
  };
  for (int k = 0; k <= dims.N; ++k) {
    const int inputs = k < dims.N ? nu : 0;
    for (int i = 0; i < nx; ++i) qp.hdiag(k)[i] = 0.1 + uniform(rng), qp.g(k)[i] = normal(rng);
    for (int i = 0; i < inputs; ++i) qp.hdiag(k)[l.ldx + i] = 0.1 + uniform(rng), qp.g(k)[l.ldx + i] = normal(rng), u[i] = normal(rng);
    if (dims.dense_cost) {
      const int n = nx + inputs;
      std::vector<double> root(n * n);
      fill(root.data(), n, n, n, 0.3);
      for (int i = 0; i < n; ++i)
        for (int j = 0; j < n; ++j)
          for (int m = 0; m < n; ++m) qp.H(k)[i * l.ldz + (j < nx ? j : l.ldx + j - nx)] += root[m * n + i] * root[m * n + j];
    }
    fill(qp.C(k), dims.nc, l.ldx, nx, 0.5);
    bounds(dims.nc, qp.lc(k), qp.uc(k), qp.rho_c(k), [&](int i) {
      double a = 0;
      for (int j = 0; j < nx; ++j) a += qp.C(k)[i * l.ldx + j] * x[j];
      return a;
    });
    if (k > 0) bounds(nx, qp.lx(k), qp.ux(k), qp.rho_x(k), [&](int i) { return x[i]; });
    if (k == dims.N) break;
    fill(qp.D(k), dims.nd, l.ldu, du, 0.5);
    bounds(dims.nd, qp.ld(k), qp.ud(k), qp.rho_d(k), [&](int i) {
      double a = 0;
      for (int j = 0; j < nu; ++j) a += qp.D(k)[i * l.ldu + j] * u[j];
      return a;
    });
    bounds(nu, qp.lu(k), qp.uu(k), qp.rho_u(k), [&](int i) { return u[i]; });
    if (dims.dynamics == Dynamics::kDense) {
      fill(qp.AB(k), nx, l.ldz, nx, 0.5 / std::sqrt(nx));
      for (int i = 0; i < nx; ++i) fill(qp.AB(k) + i * l.ldz + l.ldx, 1, 0, nu, 0.5), qp.AB(k)[i * l.ldz + i] += 0.7;
      fill(qp.b(k), 1, 0, nx, 0.1);
    } else {
      fill(qp.E(k), np, l.ldz, nx, 0.1);
      for (int i = 0; i < np; ++i) fill(qp.E(k) + i * l.ldz + l.ldx, 1, 0, nu, 0.1), qp.E(k)[i * l.ldz + np + dims.na + i] += 0.9;
      fill(qp.e(k), 1, 0, np, 0.1), fill(qp.bq(k), 1, 0, np + dims.na, 0.1);
      fill(qp.Phi(k), np, l.ldp, np, 0.05), fill(qp.Gam(k), np, l.ldp, np, 0.01);
      for (int i = 0; i < np; ++i) qp.Phi(k)[i * l.ldp + i] += 1, qp.Gam(k)[i * l.ldp + i] += 0.04;
      *qp.dt(k) = 0.03 + 0.02 * uniform(rng);
    }
    const DenseDynamics f = dense_dynamics(qp, k);
    for (int i = 0; i < nx; ++i) {
      next[i] = f.b[i];
      for (int j = 0; j < nx + nu; ++j) next[i] += f.AB[i * (nx + nu) + j] * (j < nx ? x[j] : u[j - nx]);
    }
    x = next;
  }
  return p;
}

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
  for (const Triplet& t : qp.P) M[t.row * size + t.col] = t.value;
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
