// The problem as OSQP sees it: every constraint, dynamics and x_0 included, is a row; equilibrated. docs/solver.md, eq. (19)-(22).
//
// Rows of node k: [arrival | c | d | box]; the arrival rows of node k define x_k: x_0 = x0, x_k - [A|B] z_{k-1} = b for k > 0.
#pragma once

#include "qp/dynamics_kernel.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

constexpr float kOsqpEqualityFactor = 1e3f;                       // rho of equality rows over rho
constexpr float kOsqpMinRho = 1e-6f;                              // rho of rows without bounds
constexpr float kOsqpEqualityWidth = 1e-4f;                       // bounds closer than this are an equality
constexpr float kOsqpMinScaling = 1e-4f, kOsqpMaxScaling = 1e4f;  // norms outside count as 1 and as the maximum
constexpr float kOsqpInfinity = 1e30f;

template <class Real>
struct OsqpWork {
  QpDims dims;
  QpLayout lay;
  int ldr, rows;  // rows per node, ldx + ldc + ldd + ldz, and of all nodes
  int c, d, z;    // where the classes start in the rows of a node
  // per node, scaled in place
  Real *h, *H, *q;                                       // cost  [ldz], [ldz, ldz] where the cost is dense, [ldz]
  Real *AB, *C, *D, *box;                                // [ldx, ldz], [nc, ldx], [nd, ldu], coefficients of the boxes [ldz]
  Real* arrival;                                         // coefficients of x_k in its arrival rows  [ldx]
  Real *scale_z, *norm_z;                                // column scaling so far, of this pass  [ldz]
  Real *scale_r, *norm_r;                                // row scaling  [ldr]
  Real *lower, *upper, *rho, *row, *multiplier, *value;  // bounds, penalty, z, y and A x of every row  [ldr]
  Real *x, *next, *r;                                    // iterate, solution of the x-update, right-hand side  [ldz]
  Real *Linv, *Y;  // inverse factor of the diagonal blocks [ldz, ldz], L^-1 times the coupling to the next state [ldz, ldx]
  // scratch
  Real *M, *G, *Wx, *t;  // [ldz, ldz], [ldz, ldx], rho times a matrix [max(ldx, nc, nd), ldz], [ldz]

  TANDEM_FN Real* of_z(Real* base, int k) const { return base + k * lay.ldz; }
  TANDEM_FN Real* of_r(Real* base, int k) const { return base + k * ldr; }
  TANDEM_FN MatrixView<Real> AB_of(int k) const { return {AB + k * lay.ldx * lay.ldz, lay.ldx, lay.ldz, lay.ldz}; }
  TANDEM_FN MatrixView<Real> C_of(int k) const { return {C + k * dims.nc * lay.ldx, dims.nc, lay.ldx, lay.ldx}; }
  TANDEM_FN MatrixView<Real> D_of(int k) const { return {D + k * dims.nd * lay.ldu, dims.nd, lay.ldu, lay.ldu}; }
  TANDEM_FN MatrixView<Real> H_of(int k) const { return {H + k * lay.ldz * lay.ldz, lay.ldz, lay.ldz, lay.ldz}; }
  TANDEM_FN MatrixView<Real> Linv_of(int k) const { return {Linv + k * lay.ldz * lay.ldz, lay.ldz, lay.ldz, lay.ldz}; }
  TANDEM_FN MatrixView<Real> Y_of(int k) const { return {Y + k * lay.ldz * lay.ldx, lay.ldz, lay.ldx, lay.ldx}; }
};

template <class Real>
TANDEM_FN OsqpWork<Real> carve_osqp(const QpDims& d, Real* base, int& size) {
  OsqpWork<Real> w{};
  const QpLayout l = qp_layout(d);
  const int nodes = d.N + 1;
  w.dims = d, w.lay = l, w.c = l.ldx, w.d = w.c + l.ldc, w.z = w.d + l.ldd, w.ldr = w.z + l.ldz, w.rows = nodes * w.ldr;
  int o = 0;
  const auto take = [&](int count) {
    o += round_up(count, 16);
    return base + (o - round_up(count, 16));
  };
  const int most = l.ldx > d.nc ? (l.ldx > d.nd ? l.ldx : d.nd) : (d.nc > d.nd ? d.nc : d.nd);
  w.h = take(nodes * l.ldz), w.H = take(d.dense_cost ? nodes * l.ldz * l.ldz : 0), w.q = take(nodes * l.ldz);
  w.AB = take(nodes * l.ldx * l.ldz), w.C = take(nodes * d.nc * l.ldx), w.D = take(nodes * d.nd * l.ldu), w.box = take(nodes * l.ldz);
  w.arrival = take(nodes * l.ldx), w.scale_z = take(nodes * l.ldz), w.norm_z = take(nodes * l.ldz);
  w.scale_r = take(w.rows), w.norm_r = take(w.rows);
  w.lower = take(w.rows), w.upper = take(w.rows), w.rho = take(w.rows), w.row = take(w.rows), w.multiplier = take(w.rows), w.value = take(w.rows);
  w.x = take(nodes * l.ldz), w.next = take(nodes * l.ldz), w.r = take(nodes * l.ldz);
  w.Linv = take(nodes * l.ldz * l.ldz), w.Y = take(nodes * l.ldz * l.ldx);
  w.M = take(l.ldz * l.ldz), w.G = take(l.ldz * l.ldx), w.Wx = take(most * l.ldz), w.t = take(l.ldz);
  size = o;
  return w;
}

// [A|B] and b of a stage of either kind; column j of an integrator is its step from the unit vector without the offset.
template <Team T, class Real>
TANDEM_FN void load_dynamics(const T& team, const QpView<Real>& qp, int k, MatrixView<Real> AB, Real* b) {
  const QpDims& d = qp.dims;
  const int ldx = qp.lay.ldx, ldz = qp.lay.ldz, ldp = qp.lay.ldp, np = d.np, na = d.na, n = np + na;
  if (d.dynamics == Dynamics::kDense) {
    const Real *source = qp.AB(k), *offset = qp.b(k);
    for_each_2d(team, d.nx, ldz, [=](int i, int j) { AB(i, j) = source[i * ldz + j]; });
    for_each(team, 0, d.nx, [=](int i) { b[i] = offset[i]; });
    return;
  }
  const Real *E = qp.E(k), *e = qp.e(k), *Phi = qp.Phi(k), *Gam = qp.Gam(k), *bq = qp.bq(k);
  const Real dt = *qp.dt(k);
  for_each_2d(team, np, ldz, [=](int i, int j) {
    Real s = j < np ? Phi[i * ldp + j] : Real(0);
    for (int m = 0; m < np; ++m) s += Gam[i * ldp + m] * E[m * ldz + j];
    AB(i, j) = s;
    AB(n + i, j) = E[i * ldz + j];
  });
  for_each(team, 0, np, [=](int i) {
    Real s = bq[i];
    for (int m = 0; m < np; ++m) s += Gam[i * ldp + m] * e[m];
    b[i] = s;
    b[n + i] = e[i];
  });
  for_each(team, 0, na, [=](int i) {
    const int w = ldx + d.nf + i;
    AB(np + i, np + i) = Real(1);
    AB(np + i, w) = dt;
    AB(n + np + i, w) = Real(1);
    b[np + i] = bq[np + i];
    b[n + np + i] = Real(0);
  });
}

// Bounds of the rows of node k and the coefficients of its boxes and arrival rows.
template <Team T, class Real>
TANDEM_FN void osqp_load_bounds(const T& team, const QpView<Real>& qp, int k, const OsqpWork<Real>& w) {
  const QpDims& d = qp.dims;
  const QpLayout& l = w.lay;
  const Real zero(0), one(1);
  const int nz = k < d.N ? l.ldz : l.ldx;
  Real *box = w.of_z(w.box, k), *arrival = w.arrival + k * l.ldx, *lower = w.of_r(w.lower, k), *upper = w.of_r(w.upper, k);
  Real *scale_z = w.of_z(w.scale_z, k), *scale_r = w.of_r(w.scale_r, k);
  const Real *x0 = qp.x0(), *rho_z = qp.rho_x(k), *lz = qp.lx(k), *uz = qp.ux(k);
  for_each(team, 0, l.ldz, [=](int i) {
    const auto on = (i < nz ? rho_z[i] : zero) > zero;
    box[i] = select(on, one, zero);
    lower[w.z + i] = select(on, lz[i], zero), upper[w.z + i] = select(on, uz[i], zero);
    scale_z[i] = one;
  });
  const auto rows = [&](int n, int first, const Real* rho, const Real* low, const Real* high) {
    for_each(team, 0, n,
             [=](int i) { lower[first + i] = select(rho[i] > zero, low[i], zero), upper[first + i] = select(rho[i] > zero, high[i], zero); });
  };
  rows(l.ldc, w.c, qp.rho_c(k), qp.lc(k), qp.uc(k));
  rows(l.ldd, w.d, qp.rho_d(k), qp.ld(k), qp.ud(k));
  for_each(team, 0, w.ldr, [=](int i) { scale_r[i] = one; });
  for_each(team, 0, l.ldx, [=](int i) { arrival[i] = i < d.nx ? one : zero; });
  if (k == 0) for_each(team, 0, l.ldx, [=](int i) { lower[i] = upper[i] = x0[i]; });
}

// Cost and matrices of node k.
template <Team T, class Real>
TANDEM_FN void osqp_load_matrices(const T& team, const QpView<Real>& qp, int k, const OsqpWork<Real>& w) {
  const QpDims& d = qp.dims;
  const QpLayout& l = w.lay;
  const Real zero(0);
  const bool inputs = k < d.N;
  const int nz = inputs ? l.ldz : l.ldx, nu = inputs ? d.nu : 0;
  Real *h = w.of_z(w.h, k), *q = w.of_z(w.q, k);
  const Real *hdiag = qp.hdiag(k), *g = qp.g(k), *rho_c = qp.rho_c(k), *rho_d = qp.rho_d(k), *C = qp.C(k), *D = qp.D(k);
  const MatrixView<Real> Ck = w.C_of(k), Dk = w.D_of(k);
  for_each(team, 0, l.ldz, [=](int i) { h[i] = i < nz ? hdiag[i] : zero, q[i] = i < nz ? g[i] : zero; });
  for_each_2d(team, d.nc, l.ldx, [=](int i, int j) { Ck(i, j) = select(rho_c[i] > zero, C[i * l.ldx + j], zero); });
  for_each_2d(team, d.nd, l.ldu, [=](int i, int j) { Dk(i, j) = inputs ? select(rho_d[i] > zero, D[i * l.ldu + j], zero) : zero; });
  clear(team, w.AB_of(k));
  if (!d.dense_cost) return;
  const MatrixView<Real> H = w.H_of(k);
  const Real* source = qp.H(k);
  for_each_2d(team, l.ldz, l.ldz, [=](int i, int j) {
    const bool used = i < l.ldx ? i < d.nx : i - l.ldx < nu;
    H(i, j) = used && j < nz ? source[(i < l.ldx ? i : d.nx + i - l.ldx) * l.ldz + j] : zero;
  });
}

// Copies the problem, unscaled; rows that are switched off have neither coefficients nor bounds.
template <Team T, class Real>
TANDEM_FN void osqp_load(const T& team, const QpView<Real>& qp, const OsqpWork<Real>& w) {
  const int nx = qp.dims.nx, ldx = w.lay.ldx;
  for (int k = 0; k <= qp.dims.N; ++k) {
    osqp_load_bounds(team, qp, k, w);
    osqp_load_matrices(team, qp, k, w);
    team.sync();
    if (k == qp.dims.N) break;
    Real *next = w.of_r(w.lower, k + 1), *next_upper = w.of_r(w.upper, k + 1);
    for_each(team, nx, ldx, [=](int i) { next[i] = Real(0); });
    load_dynamics(team, qp, k, w.AB_of(k), next);
    team.sync();
    for_each(team, 0, ldx, [=](int i) { next_upper[i] = next[i]; });
    team.sync();
  }
}

template <class Real>
TANDEM_FN Real limit_scaling(Real v) {
  return select(v < Real(kOsqpMinScaling), Real(1), min(v, Real(kOsqpMaxScaling)));
}

// Largest magnitude in every column of [P; A] -> norm_z and in every row of A -> norm_r.
template <Team T, class Real>
TANDEM_FN void osqp_norms(const T& team, const OsqpWork<Real>& w, bool rows) {
  const QpDims& d = w.dims;
  const QpLayout& l = w.lay;
  for (int k = 0; k <= d.N; ++k) {
    const Real *h = w.of_z(w.h, k), *box = w.of_z(w.box, k), *arrival = w.arrival + k * l.ldx;
    Real *norm_z = w.of_z(w.norm_z, k), *norm_r = w.of_r(w.norm_r, k);
    const MatrixView<Real> AB = w.AB_of(k), C = w.C_of(k), D = w.D_of(k), H = d.dense_cost ? w.H_of(k) : AB;
    for_each(team, 0, l.ldz, [=](int j) {
      Real s = abs(h[j]);
      if (d.dense_cost) {
        for (int i = 0; i < l.ldz; ++i) s = max(s, abs(i == j ? h[j] + H(i, j) : H(i, j)));
      }
      if (rows) {
        s = max(s, abs(box[j]));
        for (int i = 0; i < d.nx; ++i) s = max(s, abs(AB(i, j)));
        if (j < l.ldx) {
          s = max(s, abs(arrival[j]));
          for (int i = 0; i < d.nc; ++i) s = max(s, abs(C(i, j)));
        } else {
          for (int i = 0; i < d.nd; ++i) s = max(s, abs(D(i, j - l.ldx)));
        }
      }
      norm_z[j] = s;
    });
    if (!rows) continue;
    const auto row_norm = [](const Real* row, int n, Real s) {
      for (int j = 0; j < n; ++j) s = max(s, abs(row[j]));
      return s;
    };
    for_each(team, 0, l.ldx, [=](int i) { norm_r[i] = k > 0 ? row_norm(w.AB_of(k - 1).row(i), l.ldz, abs(arrival[i])) : abs(arrival[i]); });
    for_each(team, 0, l.ldc, [=](int i) { norm_r[w.c + i] = i < d.nc ? row_norm(C.row(i), l.ldx, Real(0)) : Real(0); });
    for_each(team, 0, l.ldd, [=](int i) { norm_r[w.d + i] = i < d.nd ? row_norm(D.row(i), l.ldu, Real(0)) : Real(0); });
    for_each(team, 0, l.ldz, [=](int i) { norm_r[w.z + i] = abs(box[i]); });
  }
  team.sync();
}

// Multiplies cost and rows by the column scales in norm_z and the row scales in norm_r.
template <Team T, class Real>
TANDEM_FN void osqp_apply_scales(const T& team, const OsqpWork<Real>& w) {
  const QpDims& d = w.dims;
  const QpLayout& l = w.lay;
  for (int k = 0; k <= d.N; ++k) {
    Real *h = w.of_z(w.h, k), *q = w.of_z(w.q, k), *box = w.of_z(w.box, k), *arrival = w.arrival + k * l.ldx;
    Real *scale_z = w.of_z(w.scale_z, k), *scale_r = w.of_r(w.scale_r, k);
    const Real *sz = w.of_z(w.norm_z, k), *sr = w.of_r(w.norm_r, k);
    const MatrixView<Real> AB = w.AB_of(k), C = w.C_of(k), D = w.D_of(k);
    for_each(team, 0, l.ldz, [=](int j) { h[j] *= sz[j] * sz[j], q[j] *= sz[j], box[j] *= sz[j] * sr[w.z + j], scale_z[j] *= sz[j]; });
    for_each(team, 0, w.ldr, [=](int i) { scale_r[i] *= sr[i]; });
    for_each(team, 0, l.ldx, [=](int i) { arrival[i] *= sz[i] * sr[i]; });
    for_each_2d(team, d.nc, l.ldx, [=](int i, int j) { C(i, j) *= sr[w.c + i] * sz[j]; });
    for_each_2d(team, d.nd, l.ldu, [=](int i, int j) { D(i, j) *= sr[w.d + i] * sz[l.ldx + j]; });
    if (d.dense_cost) {
      const MatrixView<Real> H = w.H_of(k);
      for_each_2d(team, l.ldz, l.ldz, [=](int i, int j) { H(i, j) *= sz[i] * sz[j]; });
    }
    if (k == d.N) continue;
    const Real* next = w.of_r(w.norm_r, k + 1);
    for_each_2d(team, l.ldx, l.ldz, [=](int i, int j) { AB(i, j) *= next[i] * sz[j]; });
  }
  team.sync();
}

// Ruiz equilibration of [P A'; A 0] and scaling of the cost, eq. (20)-(21). Returns the factor on the cost.
template <Team T, class Real>
TANDEM_FN Real osqp_scale(const T& team, int passes, const OsqpWork<Real>& w, Real* partial) {
  const int variables = (w.dims.N + 1) * w.lay.ldz, truly = w.dims.N * (w.dims.nx + w.dims.nu) + w.dims.nx;
  const auto plus = [](Real a, Real b) { return a + b; };
  const auto larger = [](Real a, Real b) { return max(a, b); };
  Real cost(1), *norm_z = w.norm_z, *norm_r = w.norm_r, *q = w.q, *h = w.h, *H = w.H;
  for (int pass = 0; pass < passes; ++pass) {
    osqp_norms(team, w, true);
    for_each(team, 0, variables, [=](int i) { norm_z[i] = Real(1) / sqrt(limit_scaling(norm_z[i])); });
    for_each(team, 0, w.rows, [=](int i) { norm_r[i] = Real(1) / sqrt(limit_scaling(norm_r[i])); });
    team.sync();
    osqp_apply_scales(team, w);
    osqp_norms(team, w, false);
    clear_partials(team, partial);
    accumulate(team, variables, partial, plus, [=](int i) { return norm_z[i]; });
    const Real mean = fold_partials(team, partial, plus) * (Real(1) / Real(static_cast<float>(truly)));
    clear_partials(team, partial);
    accumulate(team, variables, partial, larger, [=](int i) { return abs(q[i]); });
    const Real factor = Real(1) / limit_scaling(max(mean, limit_scaling(fold_partials(team, partial, larger))));
    for_each(team, 0, variables, [=](int i) { h[i] *= factor, q[i] *= factor; });
    if (w.dims.dense_cost) for_each(team, 0, variables * w.lay.ldz, [=](int i) { H[i] *= factor; });
    team.sync();
    cost *= factor;
  }
  return cost;
}

// Scaled bounds and the penalty of every row, eq. (22).
template <Team T, class Real>
TANDEM_FN void osqp_penalties(const T& team, const QpView<Real>& qp, Real rho, const OsqpWork<Real>& w) {
  const QpDims& d = w.dims;
  const Real zero(0), infinity(kOsqpInfinity), loose(kOsqpInfinity * kOsqpMinScaling);
  for (int k = 0; k <= d.N; ++k) {
    Real *lower = w.of_r(w.lower, k), *upper = w.of_r(w.upper, k), *penalty = w.of_r(w.rho, k);
    Real *row = w.of_r(w.row, k), *multiplier = w.of_r(w.multiplier, k);
    const Real *scale = w.of_r(w.scale_r, k), *rho_c = qp.rho_c(k), *rho_d = qp.rho_d(k), *box = w.of_z(w.box, k);
    for_each(team, 0, w.ldr, [=](int i) {
      const Real low = max(lower[i], -infinity) * scale[i], high = min(upper[i], infinity) * scale[i];
      const Real bounded = select(high - low < Real(kOsqpEqualityWidth), Real(kOsqpEqualityFactor) * rho, rho);
      const Real one_sided = select(high > loose, Real(kOsqpMinRho), bounded);
      const Real present = select(low < -loose, one_sided, bounded);
      lower[i] = low, upper[i] = high, row[i] = zero, multiplier[i] = zero;
      if (i < w.c)
        penalty[i] = i < d.nx ? present : zero;
      else if (i < w.d)
        penalty[i] = select(rho_c[i - w.c] > zero, present, zero);
      else if (i < w.z)
        penalty[i] = k < d.N ? select(rho_d[i - w.d] > zero, present, zero) : zero;
      else
        penalty[i] = select(box[i - w.z] > zero, present, zero);
    });
  }
  team.sync();
}

}  // namespace TANDEM_ISA
}  // namespace tandem
