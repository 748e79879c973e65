#include "qp/copy.hpp"

#include "base/check.hpp"

namespace tandem {

namespace {

void check_same_sizes(const QpDims& a, const QpDims& b) {
  check(a.dynamics == b.dynamics && a.N == b.N && a.nx == b.nx && a.nu == b.nu && a.nc == b.nc && a.nd == b.nd && a.np == b.np && a.na == b.na &&
            a.nf == b.nf && a.ne == b.ne && a.dense_cost == b.dense_cost,
        "the two problems differ in more than dims.align (N ", a.N, " and ", b.N, ", nx ", a.nx, " and ", b.nx, ", nu ", a.nu, " and ", b.nu,
        "); convert between layouts of one problem only");
}

// Runs of one stage, offsets from its start.
std::vector<Run> stage_runs(const QpDims& d, const QpLayout& a, const QpLayout& b) {
  std::vector<Run> out;
  const auto add = [&](int from, int to, int count) {
    if (count > 0) out.push_back({from, to, count});
  };
  const auto rows = [&](int from, int to, int count, int from_ld, int to_ld, int cols) {
    for (int i = 0; i < count; ++i) add(from + i * from_ld, to + i * to_ld, cols);
  };
  const auto split = [&](int from, int to, int count) {  // rows of length ldz: the x part, then the u part
    rows(from, to, count, a.ldz, b.ldz, d.nx);
    rows(from + a.ldx, to + b.ldx, count, a.ldz, b.ldz, d.nu);
  };
  split(a.hdiag, b.hdiag, 1), split(a.g, b.g, 1);
  if (d.dense_cost) split(a.H, b.H, d.nx + d.nu);
  if (d.dynamics == Dynamics::kDense) {
    split(a.AB, b.AB, d.nx), add(a.b, b.b, d.nx);
  } else {
    split(a.E, b.E, d.np), add(a.e, b.e, d.np), add(a.bq, b.bq, d.np + d.na), add(a.dt, b.dt, 1);
    rows(a.Phi, b.Phi, d.np, a.ldp, b.ldp, d.np), rows(a.Gam, b.Gam, d.np, a.ldp, b.ldp, d.np);
  }
  rows(a.C, b.C, d.nc, a.ldx, b.ldx, d.nx), rows(a.D, b.D, d.nd, a.ldu, b.ldu, d.nu);
  split(a.M, b.M, d.ne), add(a.m, b.m, d.ne), add(a.soft, b.soft, d.ne);
  add(a.rho_c, b.rho_c, d.nc), add(a.lc, b.lc, d.nc), add(a.uc, b.uc, d.nc);
  add(a.rho_d, b.rho_d, d.nd), add(a.ld, b.ld, d.nd), add(a.ud, b.ud, d.nd);
  split(a.rho_z, b.rho_z, 1), split(a.lz, b.lz, 1), split(a.uz, b.uz, 1);
  return out;
}

void repeat(const std::vector<Run>& stage, int nodes, int from_start, int from_stage, int to_start, int to_stage, std::vector<Run>& out) {
  for (int k = 0; k < nodes; ++k)
    for (const Run& r : stage) out.push_back({from_start + k * from_stage + r.from, to_start + k * to_stage + r.to, r.count});
}

}  // namespace

std::vector<Run> problem_runs(const QpDims& from, const QpDims& to) {
  check_same_sizes(from, to);
  const QpLayout a = qp_layout(from), b = qp_layout(to);
  std::vector<Run> out{{0, 0, from.nx}};
  repeat(stage_runs(from, a, b), from.N + 1, a.first, a.stage, b.first, b.stage, out);
  return out;
}

std::vector<Run> solution_runs(const QpDims& from, const QpDims& to) {
  check_same_sizes(from, to);
  const QpLayout a = qp_layout(from), b = qp_layout(to);
  const std::vector<Run> stage{{0, 0, from.nx},
                               {a.ldx, b.ldx, from.nu},
                               {a.sol_row_c, b.sol_row_c, from.nc},
                               {a.sol_row_d, b.sol_row_d, from.nd},
                               {a.sol_row_z, b.sol_row_z, from.nx},
                               {a.sol_row_z + a.ldx, b.sol_row_z + b.ldx, from.nu},
                               {a.sol_dual_c, b.sol_dual_c, from.nc},
                               {a.sol_dual_d, b.sol_dual_d, from.nd},
                               {a.sol_dual_z, b.sol_dual_z, from.nx},
                               {a.sol_dual_z + a.ldx, b.sol_dual_z + b.ldx, from.nu}};
  std::vector<Run> out;
  repeat(stage, from.N + 1, 0, a.sol_stage, 0, b.sol_stage, out);
  return out;
}

}  // namespace tandem
