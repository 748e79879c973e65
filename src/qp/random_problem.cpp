#include "qp/random_problem.hpp"

#include <cmath>
#include <limits>
#include <random>

#include "qp/expand.hpp"

namespace tandem {

namespace {

struct Generator {
  const QpDims& dims;
  const RandomQp& options;
  const QpView<double> qp;
  const QpLayout& l = qp.lay;
  std::mt19937 rng{options.seed};
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> uniform;

  Generator(const QpDims& d, const RandomQp& o, const QpView<double>& view) : dims(d), options(o), qp(view) {}

  void fill(double* m, int rows, int ld, int cols, double scale) {
    for (int i = 0; i < rows; ++i)
      for (int j = 0; j < cols; ++j) m[i * ld + j] = scale * normal(rng);
  }
  int place(int variable) const { return variable < dims.nx ? variable : l.ldx + variable - dims.nx; }

  void cost(int k, int variables) {
    for (int i = 0; i < variables; ++i) qp.hdiag(k)[place(i)] = 0.1 + uniform(rng), qp.g(k)[place(i)] = normal(rng);
    if (!dims.dense_cost) return;
    std::vector<double> root(variables * variables);
    fill(root.data(), variables, variables, variables, 0.3);
    for (int i = 0; i < variables; ++i)
      for (int j = 0; j < variables; ++j)
        for (int m = 0; m < variables; ++m) qp.H(k)[i * l.ldz + place(j)] += root[m * variables + i] * root[m * variables + j];
  }
  // bounds of n rows around the values that they have at the feasible trajectory
  template <class Value>
  void bounds(int n, double* lower, double* upper, double* rho, Value&& value) {
    const double width = options.tightness > 0 ? 1 / options.tightness : 0;
    for (int i = 0; i < n; ++i) {
      lower[i] = value(i) - width * uniform(rng), upper[i] = value(i) + width * uniform(rng);
      rho[i] = options.tightness > 0 ? options.rho : 0;
      if (i % 5 == 1) lower[i] = -std::numeric_limits<double>::infinity();
      if (i % 7 == 2) upper[i] = std::numeric_limits<double>::infinity();
    }
  }
  static double dot(const double* row, const std::vector<double>& x) {
    double sum = 0;
    for (size_t i = 0; i < x.size(); ++i) sum += row[i] * x[i];
    return sum;
  }
  void state_rows(int k, const std::vector<double>& x) {
    fill(qp.C(k), dims.nc, l.ldx, dims.nx, 0.5);
    bounds(dims.nc, qp.lc(k), qp.uc(k), qp.rho_c(k), [&](int i) { return dot(qp.C(k) + i * l.ldx, x); });
    if (k > 0) bounds(dims.nx, qp.lx(k), qp.ux(k), qp.rho_x(k), [&](int i) { return x[i]; });
  }
  void input_rows(int k, const std::vector<double>& u) {
    fill(qp.D(k), dims.nd, l.ldu, dims.du ? dims.du : dims.nu, 0.5);
    bounds(dims.nd, qp.ld(k), qp.ud(k), qp.rho_d(k), [&](int i) { return dot(qp.D(k) + i * l.ldu, u); });
    bounds(dims.nu, qp.lu(k), qp.uu(k), qp.rho_u(k), [&](int i) { return u[i]; });
  }
  // every third one soft, every fourth one absent
  void mixed_rows(int k, const std::vector<double>& x, const std::vector<double>& u) {
    for (int e = 0; e < dims.ne; ++e) {
      double* row = qp.M(k) + e * l.ldz;
      qp.soft(k)[e] = e % 4 == 3 ? 1 : e % 3 == 2 ? 0.2 : 0;
      if (e % 4 == 3) continue;
      fill(row, 1, 0, dims.nx, 0.3), fill(row + l.ldx, 1, 0, dims.nu, 0.5);
      qp.m(k)[e] = -dot(row, x) - dot(row + l.ldx, u) + 0.1 * normal(rng);
    }
  }
  void dynamics(int k) {
    const int np = dims.np, n = np + dims.na;
    if (dims.dynamics == Dynamics::kDense) {
      fill(qp.AB(k), dims.nx, l.ldz, dims.nx, 0.5 / std::sqrt(dims.nx)), fill(qp.AB(k) + l.ldx, dims.nx, l.ldz, dims.nu, 0.5);
      for (int i = 0; i < dims.nx; ++i) qp.AB(k)[i * l.ldz + i] += 0.7;
      fill(qp.b(k), 1, 0, dims.nx, 0.1);
      return;
    }
    fill(qp.E(k), np, l.ldz, dims.nx, 0.1), fill(qp.E(k) + l.ldx, np, l.ldz, dims.nu, 0.1);
    fill(qp.e(k), 1, 0, np, 0.1), fill(qp.bq(k), 1, 0, n, 0.1);
    fill(qp.Phi(k), np, l.ldp, np, 0.05), fill(qp.Gam(k), np, l.ldp, np, 0.01);
    for (int i = 0; i < np; ++i) qp.E(k)[i * l.ldz + n + i] += 0.9, qp.Phi(k)[i * l.ldp + i] += 1, qp.Gam(k)[i * l.ldp + i] += 0.04;
    *qp.dt(k) = 0.03 + 0.02 * uniform(rng);
  }
  std::vector<double> next_state(int k, const std::vector<double>& x, const std::vector<double>& u) const {
    const DenseDynamics f = dense_dynamics(qp, k);
    std::vector<double> next = f.b;
    for (int i = 0; i < dims.nx; ++i) next[i] += dot(&f.AB[i * (dims.nx + dims.nu)], x) + dot(&f.AB[i * (dims.nx + dims.nu) + dims.nx], u);
    return next;
  }
};

}  // namespace

RandomProblem random_problem(const QpDims& dims, const RandomQp& options) {
  RandomProblem p{dims, std::vector<double>(qp_size(dims), 0.0)};
  Generator g(dims, options, problem_view(p));
  std::vector<double> x(dims.nx), u(dims.nu);
  g.fill(x.data(), 1, 0, dims.nx, 1.0);
  std::copy(x.begin(), x.end(), g.qp.x0());
  for (int k = 0; k < dims.N; ++k) {
    g.fill(u.data(), 1, 0, dims.nu, 1.0);
    g.cost(k, dims.nx + dims.nu);
    g.state_rows(k, x);
    g.input_rows(k, u);
    g.mixed_rows(k, x, u);
    g.dynamics(k);
    x = g.next_state(k, x, u);
  }
  g.cost(dims.N, dims.nx);
  g.state_rows(dims.N, x);
  return p;
}

}  // namespace tandem
