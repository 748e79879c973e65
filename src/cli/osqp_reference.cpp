#include "cli/osqp_reference.hpp"

#include <stdlib.h>

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/check.hpp"
#include "cli/python.hpp"
#include "cli/report.hpp"
#include "qp/copy.hpp"
#include "qp/expand.hpp"

namespace tandem {
namespace {

namespace fs = std::filesystem;

struct CompactProblem {
  QpView<double> qp;
  SparseQp out;
  int stage, n;  // variables per stage; degrees of freedom

  explicit CompactProblem(const QpView<double>& view) : qp(view), stage(view.dims.nx + view.dims.nf), n(view.dims.np + view.dims.na) {
    out.variables = qp.dims.N * stage + qp.dims.nx;
    out.q.assign(out.variables, 0.0);
    for (int i = 0; i < qp.dims.nx; ++i) entry(row(qp.x0()[i], qp.x0()[i]), x(0, i), 1);
    for (int k = 0; k < qp.dims.N; ++k) add_dynamics(k);
    out.equalities = out.rows;
    for (int k = 0; k <= qp.dims.N; ++k) add_rows(k), add_cost(k);
  }
  int x(int k, int i) const { return k * stage + i; }
  int force(int k, int i) const { return k * stage + qp.dims.nx + i; }
  int row(double lower, double upper) {
    out.l.push_back(lower), out.u.push_back(upper);
    return out.rows++;
  }
  void entry(int row, int column, double value) {
    if (value != 0) out.A.push_back({row, column, value});
  }

  void add_dynamics(int k) {
    const int np = qp.dims.np, na = qp.dims.na, nf = qp.dims.nf, ldz = qp.lay.ldz, ldx = qp.lay.ldx, ldp = qp.lay.ldp;
    for (int i = 0; i < np; ++i) {  // v_p+ - E [x; F; v_a+] = e
      const double* E = qp.E(k) + i * ldz;
      const int r = row(qp.e(k)[i], qp.e(k)[i]);
      for (int j = 0; j < qp.dims.nx; ++j) entry(r, x(k, j), -E[j]);
      for (int j = 0; j < nf; ++j) entry(r, force(k, j), -E[ldx + j]);
      for (int j = 0; j < na; ++j) entry(r, x(k + 1, n + np + j), -E[ldx + nf + j]);
      entry(r, x(k + 1, n + i), 1);
    }
    for (int i = 0; i < np; ++i) {  // q_p+ - Phi q_p - Gam v_p+ = bq_p
      const int r = row(qp.bq(k)[i], qp.bq(k)[i]);
      entry(r, x(k + 1, i), 1);
      for (int j = 0; j < np; ++j) entry(r, x(k, j), -qp.Phi(k)[i * ldp + j]), entry(r, x(k + 1, n + j), -qp.Gam(k)[i * ldp + j]);
    }
    for (int j = np; j < np + na; ++j) {  // q_a+ - q_a - dt v_a+ = bq_a
      const int r = row(qp.bq(k)[j], qp.bq(k)[j]);
      entry(r, x(k + 1, j), 1), entry(r, x(k, j), -1), entry(r, x(k + 1, n + j), -*qp.dt(k));
    }
  }
  // rows and boxes that are switched on
  void add_rows(int k) {
    for (int i = 0; i < qp.dims.nc; ++i) {
      if (qp.rho_c(k)[i] <= 0) continue;
      const int r = row(qp.lc(k)[i], qp.uc(k)[i]);
      for (int j = 0; j < qp.dims.nx; ++j) entry(r, x(k, j), qp.C(k)[i * qp.lay.ldx + j]);
    }
    for (int j = 0; j < qp.dims.nx; ++j)
      if (qp.rho_x(k)[j] > 0) entry(row(qp.lx(k)[j], qp.ux(k)[j]), x(k, j), 1);
    for (int i = 0; k < qp.dims.N && i < qp.dims.nd; ++i) {
      if (qp.rho_d(k)[i] <= 0) continue;
      const int r = row(qp.ld(k)[i], qp.ud(k)[i]);
      for (int j = 0; j < qp.dims.nf; ++j) entry(r, force(k, j), qp.D(k)[i * qp.lay.ldu + j]);
    }
  }
  void add_cost(int k) {
    const auto add = [&](int variable, int i) {
      out.P.push_back({variable, variable, qp.hdiag(k)[i]});
      out.q[variable] = qp.g(k)[i];
    };
    for (int j = 0; j < qp.dims.nx; ++j) add(x(k, j), j);
    for (int j = 0; k < qp.dims.N && j < qp.dims.nf; ++j) add(force(k, j), qp.lay.ldx + j);
  }
};

}  // namespace

SparseQp compact_problem(const QpView<double>& qp) {
  const QpDims& d = qp.dims;
  check(d.dynamics == Dynamics::kIntegrator && !d.dense_cost, "compact problem: expected integrator dynamics and diagonal costs");
  for (int k = 0; k < d.N; ++k)
    for (int j = d.nf; j < d.nu; ++j)
      check(qp.hdiag(k)[qp.lay.ldx + j] == 0 && qp.g(k)[qp.lay.ldx + j] == 0 && qp.rho_u(k)[j] <= 0, "compact problem: input ", j, " of stage ", k,
            " has a cost or a box; only forces may");
  return CompactProblem(qp).out;
}

namespace {

// The form that OSQP is fastest on, of those we know.
SparseQp sparse_problem(const QpView<double>& qp) { return qp.dims.dynamics == Dynamics::kIntegrator ? compact_problem(qp) : expand(qp); }

}  // namespace

TemporaryFolder::TemporaryFolder() : path((fs::temp_directory_path() / "tandem-XXXXXX").string()) {
  check(::mkdtemp(path.data()) != nullptr, "cannot make a folder in ", fs::temp_directory_path().string());
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path, ignored);
}

ExportedProblems::ExportedProblems(const QpDims& dims, const std::vector<std::vector<float>>& problems) {
  QpDims plain = dims;
  plain.align = 1;
  for (size_t i = 0; i < problems.size(); ++i) {
    std::vector<double> problem = convert_problem<double>(dims, problems[i].data(), plain);
    char file[32];
    std::snprintf(file, sizeof(file), "/qp_%05zu.json", i);
    write_qp(sparse_problem(qp_view(plain, problem.data())), folder.path + file);
  }
}

OsqpReference run_osqp(const QpDims& dims, const std::vector<std::vector<float>>& problems) {
  const ExportedProblems exported(dims, problems);
  const int inputs = dims.dynamics == Dynamics::kIntegrator ? dims.nf : dims.nu;
  const ChildResult child = run_python("tandem.osqp_reference", {exported.folder.path, "--head", cat(2 * dims.nx + inputs)}, kCapture);
  check(child.status == 0, "the reference, OSQP, could not be run (python -m tandem.osqp_reference ended with ", child.status,
        "); ./tandem bench installs what it needs");
  const Json json = Json::parse(child.output);
  OsqpReference out{json["version"], json["us"], json["paper"], {}};
  for (const Json& x : json["exact"]) out.exact.push_back(x.is_null() ? std::vector<double>{} : x.get<std::vector<double>>());
  return out;
}

}  // namespace tandem
