#include "qp/expand.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>

#include "base/check.hpp"

namespace tandem {

namespace {

void set_integrator(const QpView<double>& qp, int k, DenseDynamics& f) {
  const QpDims& d = qp.dims;
  const int np = d.np, na = d.na, n = np + na, nz = d.nx + d.nu, ldx = qp.lay.ldx;
  const auto AB = [&](int i, int j) -> double& { return f.AB[i * nz + j]; };
  const auto E = [&](int i, int j) { return qp.E(k)[i * qp.lay.ldz + (j < d.nx ? j : ldx + j - d.nx)]; };
  const auto Gam = [&](int i, int j) { return qp.Gam(k)[i * qp.lay.ldp + j]; };
  for (int i = 0; i < np; ++i) {
    f.b[n + i] = qp.e(k)[i];
    f.b[i] = qp.bq(k)[i];
    for (int j = 0; j < nz; ++j) AB(n + i, j) = E(i, j);
    for (int j = 0; j < np; ++j) AB(i, j) = qp.Phi(k)[i * qp.lay.ldp + j];
    for (int m = 0; m < np; ++m) {
      f.b[i] += Gam(i, m) * qp.e(k)[m];
      for (int j = 0; j < nz; ++j) AB(i, j) += Gam(i, m) * E(m, j);
    }
  }
  for (int i = 0; i < na; ++i) {
    AB(n + np + i, d.nx + d.nf + i) = 1;
    AB(np + i, np + i) = 1;
    AB(np + i, d.nx + d.nf + i) = *qp.dt(k);
    f.b[np + i] = qp.bq(k)[np + i];
  }
}

void append_stage_rows(const QpView<double>& qp, int k, SparseQp& out) {
  const QpDims& d = qp.dims;
  const auto row = [&](double l, double u) {
    out.l.push_back(l), out.u.push_back(u);
    return out.rows++;
  };
  const auto dense = [&](int count, const double* M, int ld, int cols, int variable, const double* rho, const double* l, const double* u) {
    for (int i = 0; i < count; ++i) {
      if (rho[i] <= 0) continue;
      const int r = row(l[i], u[i]);
      for (int j = 0; j < cols; ++j)
        if (M[i * ld + j] != 0) out.A.push_back({r, variable + j, M[i * ld + j]});
    }
  };
  const auto box = [&](int count, int variable, const double* rho, const double* l, const double* u) {
    for (int i = 0; i < count; ++i)
      if (rho[i] > 0) out.A.push_back({row(l[i], u[i]), variable + i, 1.0});
  };
  dense(d.nc, qp.C(k), qp.lay.ldx, d.nx, variable_of_x(d, k), qp.rho_c(k), qp.lc(k), qp.uc(k));
  box(d.nx, variable_of_x(d, k), qp.rho_x(k), qp.lx(k), qp.ux(k));
  if (k == d.N) return;
  dense(d.nd, qp.D(k), qp.lay.ldu, d.nu, variable_of_u(d, k), qp.rho_d(k), qp.ld(k), qp.ud(k));
  box(d.nu, variable_of_u(d, k), qp.rho_u(k), qp.lu(k), qp.uu(k));
}

// Exact mixed rows are equalities; soft ones a cost.
void append_mixed_rows(const QpView<double>& qp, int k, SparseQp& out) {
  const QpDims& d = qp.dims;
  const auto split = [&](int i) { return i < d.nx ? i : qp.lay.ldx + i - d.nx; };
  for (int e = 0; e < d.ne; ++e) {
    const double *M = qp.M(k) + e * qp.lay.ldz, m = qp.m(k)[e], soft = qp.soft(k)[e];
    const int first = variable_of_x(d, k);
    if (soft == 0) out.l.push_back(-m), out.u.push_back(-m), ++out.rows;
    for (int i = 0; i < d.nx + d.nu; ++i) {
      const double left = M[split(i)];
      if (left == 0) continue;
      if (soft == 0) {
        out.A.push_back({out.rows - 1, first + i, left});
        continue;
      }
      out.q[first + i] += left * m / soft;
      for (int j = 0; j < d.nx + d.nu; ++j)
        if (M[split(j)] != 0) out.P.push_back({first + i, first + j, left * M[split(j)] / soft});
    }
  }
}

void append_cost(const QpView<double>& qp, int k, SparseQp& out) {
  const QpDims& d = qp.dims;
  const int n = d.nx + (k < d.N ? d.nu : 0), first = variable_of_x(d, k);
  const auto split = [&](int i) { return i < d.nx ? i : qp.lay.ldx + i - d.nx; };
  for (int i = 0; i < n; ++i) {
    out.q[first + i] += qp.g(k)[split(i)];
    for (int j = 0; j < n; ++j) {
      double h = i == j ? qp.hdiag(k)[split(i)] : 0.0;
      if (d.dense_cost) h += qp.H(k)[i * qp.lay.ldz + split(j)];
      if (h != 0) out.P.push_back({first + i, first + j, h});
    }
  }
}

}  // namespace

DenseDynamics dense_dynamics(const QpView<double>& qp, int k) {
  const QpDims& d = qp.dims;
  const int nz = d.nx + d.nu;
  DenseDynamics f{std::vector<double>(d.nx * nz), std::vector<double>(d.nx)};
  if (d.dynamics == Dynamics::kIntegrator) {
    set_integrator(qp, k, f);
    return f;
  }
  for (int i = 0; i < d.nx; ++i) {
    f.b[i] = qp.b(k)[i];
    for (int j = 0; j < nz; ++j) f.AB[i * nz + j] = qp.AB(k)[i * qp.lay.ldz + (j < d.nx ? j : qp.lay.ldx + j - d.nx)];
  }
  return f;
}

std::vector<double> integrator_to_dense(const QpView<double>& qp, QpDims& dims) {
  dims = qp.dims;
  dims.dynamics = Dynamics::kDense;
  const QpLayout a = qp.lay, b = qp_layout(dims);
  std::vector<double> data(b.size, 0.0);
  const QpView<double> dense{dims, b, data.data()};
  std::copy(qp.x0(), qp.x0() + dims.nx, dense.x0());
  for (int k = 0; k <= dims.N; ++k) {
    // everything but the dynamics lies in the same order in both layouts
    std::copy(qp.hdiag(k), qp.at(k, a.AB), dense.hdiag(k));
    std::copy(qp.C(k), qp.at(k, a.stage), dense.C(k));
    if (k == dims.N) continue;
    const DenseDynamics f = dense_dynamics(qp, k);
    for (int i = 0; i < dims.nx; ++i) {
      dense.b(k)[i] = f.b[i];
      for (int j = 0; j < dims.nx + dims.nu; ++j)
        dense.AB(k)[i * b.ldz + (j < dims.nx ? j : b.ldx + j - dims.nx)] = f.AB[i * (dims.nx + dims.nu) + j];
    }
  }
  return data;
}

SparseQp expand(const QpView<double>& qp) {
  const QpDims& d = qp.dims;
  SparseQp out;
  out.variables = variable_of_x(d, d.N) + d.nx;
  out.q.assign(out.variables, 0.0);
  const auto equality = [&](double value) {
    out.l.push_back(value), out.u.push_back(value);
    return out.rows++;
  };
  for (int i = 0; i < d.nx; ++i) out.A.push_back({equality(qp.x0()[i]), i, 1.0});
  for (int k = 0; k < d.N; ++k) {
    const DenseDynamics f = dense_dynamics(qp, k);
    for (int i = 0; i < d.nx; ++i) {
      const int row = equality(f.b[i]);
      out.A.push_back({row, variable_of_x(d, k + 1) + i, 1.0});
      for (int j = 0; j < d.nx + d.nu; ++j)
        if (f.AB[i * (d.nx + d.nu) + j] != 0) out.A.push_back({row, variable_of_x(d, k) + j, -f.AB[i * (d.nx + d.nu) + j]});
    }
  }
  for (int k = 0; k < d.N; ++k) append_mixed_rows(qp, k, out);
  out.equalities = out.rows;
  for (int k = 0; k <= d.N; ++k) {
    append_stage_rows(qp, k, out);
    append_cost(qp, k, out);
  }
  return out;
}

void write_qp(const SparseQp& qp, const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "w"), &std::fclose);
  check(file != nullptr, path, ": cannot be written; check the folder and its permissions");
  std::FILE* f = file.get();
  const auto list = [f](const char* name, int n, auto&& print) {
    std::fprintf(f, "\"%s\": [", name);
    for (int i = 0; i < n; ++i) std::fputs(i ? ", " : "", f), print(i);
    std::fputs("]", f);
  };
  const auto numbers = [&](const char* name, const std::vector<double>& v) {
    list(name, static_cast<int>(v.size()), [&](int i) { std::fprintf(f, "%.17g", std::clamp(v[i], -1e30, 1e30)); });
  };
  const auto matrix = [&](const char* name, const std::vector<Triplet>& m) {
    const int n = static_cast<int>(m.size());
    std::fprintf(f, ",\n\"%s\": {", name);
    list("row", n, [&](int i) { std::fprintf(f, "%d", m[i].row); }), std::fputs(", ", f);
    list("col", n, [&](int i) { std::fprintf(f, "%d", m[i].col); }), std::fputs(", ", f);
    list("value", n, [&](int i) { std::fprintf(f, "%.17g", m[i].value); }), std::fputs("}", f);
  };
  std::fprintf(f, "{\"variables\": %d, \"rows\": %d,\n", qp.variables, qp.rows);
  numbers("q", qp.q), std::fputs(",\n", f), numbers("l", qp.l), std::fputs(",\n", f), numbers("u", qp.u);
  matrix("P", qp.P), matrix("A", qp.A);
  std::fputs("}\n", f);
}

}  // namespace tandem
