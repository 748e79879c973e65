// Stage-structured quadratic programs, docs/solver.md (eq. 1-4):
//
//   min  sum_{k=0}^{N} 1/2 z_k' H_k z_k + g_k' z_k      z_k = [x_k; u_k], no u at k = N
//   s.t. x_0 given,  x_{k+1} = dynamics_k(x_k, u_k)     exact
//        lc <= C_k x_k <= uc   (k = 0..N)               rows on states
//        ld <= D_k u_k <= ud   (k = 0..N-1)             rows on inputs
//        lx <= x_k <= ux,  lu <= u_k <= uu              boxes
//        M_k z_k + m_k = soft_k * multiplier            mixed rows (k < N): exact where soft = 0, else a penalty |M z + m|^2 / (2 soft)
//
// Five nouns: QpDims (sizes), QpView (data), SolutionView, SolverSettings, Workspace (scratch, sized once from the dims); LaneInfo / QpInfo say what happened.
// This folder knows nothing of robots. `Real` is float, double, or a Pack that carries one problem per SIMD lane.
//
// One problem is one contiguous block of qp_size(dims) Reals; a batch is nworld such blocks, world-major. Every row of every matrix and every vector is padded
// to a multiple of dims.align; padding and the unused parts of stage N must be zero: zero-fill the block once (set_zero), then write only true entries.
#pragma once

#include "base/real.hpp"

namespace tandem {

enum class Dynamics : int {
  kDense = 0,       // x+ = [A|B] z + b
  kIntegrator = 1,  // mechanical system; n = np + na, x = (q[n], v[n]), u = (F[nf], w[na]); passive coordinates come first in q and in v:
                    //   v_p+ = E z + e                         np dense rows, e.g. the floating base; columns of E may be zero
                    //   v_a+ = w
                    //   q_p+ = Phi q_p + Gam v_p+ + bq[0:np]
                    //   q_a+ = q_a + dt v_a+ + bq[np:n]
};

struct QpDims {
  Dynamics dynamics = Dynamics::kDense;
  int N = 0;                   // horizon: states at 0..N, inputs at 0..N-1
  int nx = 0;                  // states per stage; kIntegrator: 2 (np + na)
  int nu = 0;                  // inputs per stage; kIntegrator: nf + na
  int nc = 0;                  // rows on states per stage
  int nd = 0;                  // rows on inputs per stage
  int du = 0;                  // D_k reads only the first du inputs (0: all nu of them): fewer flops where rows act on leading inputs only
  int np = 0, na = 0, nf = 0;  // kIntegrator only
  int ne = 0;                  // mixed rows per stage: equalities between states and inputs, eliminated in the factorisation; kRiccati only
  bool dense_cost = false;     // H_k = diag(hdiag) + dense symmetric H(k); false: diagonal alone
  int align = 1;               // rows padded to a multiple of this: 16 for single problems in float (vector code), 1 for double and Pack

  bool operator==(const QpDims&) const = default;
};

// Leading dimensions and offsets that follow from the dims. Offsets are in Reals from the start of a stage.
struct QpLayout {
  int ldx, ldu, ldz;       // padded lengths of x, u and z = [x padded | u padded]; columns of the matrices over z have the same split
  int ldc, ldd, ldp, lde;  // padded lengths of the rows on states, rows on inputs, passive coordinates, mixed rows
  int hdiag, H, AB, b, E, e, Phi, Gam, bq, dt, C, D, M, m, soft, g, rho_c, rho_d, rho_z;
  int E_row, C_row, D_row;  // lengths of the rows of these in memory
  int bounds;               // everything before is finite; from here on +-infinity means "no bound"
  int lc, ld, lz, uc, ud, uz;
  int first;  // where stage 0 begins, after x_0
  int stage;  // Reals per stage
  int size;   // Reals per problem: x_0, then N + 1 stages
  // solution, per stage: z = [x|u], then the values and the scaled duals of the rows (c, d, boxes)
  int sol_row_c, sol_row_d, sol_row_z, sol_dual_c, sol_dual_d, sol_dual_z, sol_stage, sol_size;
};

inline namespace TANDEM_ISA {  // a copy per instruction set: base/team.hpp

// kIntegrator dims from the mechanical sizes.
TANDEM_FN QpDims integrator_dims(int N, int np, int na, int nf, int nc, int nd) {
  QpDims d;
  d.dynamics = Dynamics::kIntegrator;
  d.N = N, d.np = np, d.na = na, d.nf = nf, d.nc = nc, d.nd = nd;
  d.nx = 2 * (np + na), d.nu = nf + na, d.du = nf;
  return d;
}

TANDEM_FN int round_up(int n, int align) { return (n + align - 1) / align * align; }

TANDEM_FN QpLayout qp_layout(const QpDims& d) {
  QpLayout l{};
  const int al = d.align;
  const bool mech = d.dynamics == Dynamics::kIntegrator;
  l.ldx = round_up(d.nx, al), l.ldu = round_up(d.nu, al), l.ldz = l.ldx + l.ldu;
  l.ldc = round_up(d.nc, al), l.ldd = round_up(d.nd, al), l.ldp = round_up(d.np, al), l.lde = round_up(d.ne, al);
  int o = 0;
  const auto take = [&o](int n) {
    o += n;
    return o - n;
  };
  // arrays that a GPU copies begin at multiples of 16 bytes
  const auto take_row = [&](int n) { return take(round_up(n, 4)); };
  l.hdiag = take_row(l.ldz), l.H = take_row(d.dense_cost ? (d.nx + d.nu) * l.ldz : 0);
  l.AB = take_row(mech ? 0 : d.nx * l.ldz), l.b = take_row(mech ? 0 : l.ldx);
  l.E_row = l.ldz, l.C_row = l.ldx, l.D_row = l.ldu;
  l.E = take_row(mech ? d.np * l.ldz : 0), l.e = take_row(mech ? l.ldp : 0);
  l.Phi = take_row(mech ? d.np * l.ldp : 0), l.Gam = take_row(mech ? d.np * l.ldp : 0);
  l.bq = take_row(mech ? round_up(d.np + d.na, al) : 0), l.dt = take_row(mech ? al : 0);
  l.C = take_row(d.nc * l.ldx), l.D = take_row(d.nd * l.ldu);
  l.M = take_row(d.ne * l.ldz), l.m = take_row(l.lde), l.soft = take_row(l.lde);
  // what every iteration reads of rows and boxes
  l.g = take(l.ldz);
  l.rho_c = take(l.ldc), l.rho_d = take(l.ldd), l.rho_z = take(l.ldz);
  l.bounds = o;
  l.lc = take(l.ldc), l.ld = take(l.ldd), l.lz = take(l.ldz);
  l.uc = take(l.ldc), l.ud = take(l.ldd), l.uz = take(l.ldz);
  l.first = round_up(l.ldx, 4), l.stage = round_up(o, 4);
  l.size = l.first + (d.N + 1) * l.stage;
  o = l.ldz;
  l.sol_row_c = take(l.ldc), l.sol_row_d = take(l.ldd), l.sol_row_z = take(l.ldz);
  l.sol_dual_c = take(l.ldc), l.sol_dual_d = take(l.ldd), l.sol_dual_z = take(l.ldz);
  l.sol_stage = o;
  l.sol_size = (d.N + 1) * l.sol_stage;
  return l;
}

// Columns of D that are worth reading, padded.
TANDEM_FN int inputs_in_rows(const QpDims& d) { return round_up(d.du > 0 ? d.du : d.nu, d.align); }

// Where the copy of a problem that the iterations read (qp/near_kernel.hpp) has C, E, D, e, Phi, Gam, bq and dt; kIntegrator. The last stage is C alone. Rows
// are so long that the first 16 lie on different banks of a GPU's shared memory.
TANDEM_FN QpLayout near_layout(const QpDims& d) {
  QpLayout l = qp_layout(d);
  const auto row = [](int n) { return n % 4 == 0 ? n + 1 : n; };
  l.C_row = row(l.ldx), l.E_row = row(l.ldz), l.D_row = row(inputs_in_rows(d));
  l.C = 0, l.E = d.nc * l.C_row, l.D = l.E + d.np * l.E_row;
  const int shift = l.D + d.nd * l.D_row - l.e;
  l.e += shift, l.Phi += shift, l.Gam += shift, l.bq += shift, l.dt += shift;
  l.first = 0, l.stage = l.dt + d.align;
  l.size = d.N * l.stage + d.nc * l.C_row;
  return l;
}

// Where a copy of gradient, penalties and bounds of one stage, which lie one after the other, has them.
TANDEM_FN QpLayout near_rows_layout(QpLayout l) {
  l.rho_c -= l.g, l.rho_d -= l.g, l.rho_z -= l.g;
  l.lc -= l.g, l.ld -= l.g, l.lz -= l.g, l.uc -= l.g, l.ud -= l.g, l.uz -= l.g;
  l.first = 0, l.stage -= l.g, l.g = 0;
  return l;
}

// Where a copy of hdiag, g and the penalties of one stage has them.
TANDEM_FN QpLayout near_costs_layout(QpLayout l) {
  const int shift = round_up(l.ldz, 4) - l.g;
  l.hdiag = 0, l.g += shift, l.rho_c += shift, l.rho_d += shift, l.rho_z += shift;
  l.first = 0, l.stage = round_up(l.bounds + shift, 4);
  return l;
}

TANDEM_FN int qp_size(const QpDims& dims) { return qp_layout(dims).size; }
TANDEM_FN int solution_size(const QpDims& dims) { return qp_layout(dims).sol_size; }

// Data of one problem. Matrices row-major; `[rows, ld]` gives the leading dimension. Every row and box has its own ADMM penalty rho >= 0 in units of
// cost per (row unit)^2; rho = 0 switches the row off.
template <class Real>
struct QpView {
  QpDims dims;
  QpLayout lay;
  Real* data;

  TANDEM_FN Real* at(int k, int offset) const { return data + lay.first + k * lay.stage + offset; }
  TANDEM_FN Real* x0() const { return data; }                      // given first state  (nx)
  TANDEM_FN Real* hdiag(int k) const { return at(k, lay.hdiag); }  // diagonal of the cost Hessian, x at 0, u at ldx  [ldz]
  TANDEM_FN Real* g(int k) const { return at(k, lay.g); }          // cost gradient, same split  [ldz]
  // dense cost: nx rows of x first, then nu rows of u (row nx + i is input i); columns split as z  [nx + nu, ldz]
  TANDEM_FN Real* H(int k) const { return at(k, lay.H); }
  TANDEM_FN Real* AB(int k) const { return at(k, lay.AB); }    // kDense  [nx, ldz]
  TANDEM_FN Real* b(int k) const { return at(k, lay.b); }      // kDense  (nx)
  TANDEM_FN Real* E(int k) const { return at(k, lay.E); }      // kIntegrator  [np, E_row]
  TANDEM_FN Real* e(int k) const { return at(k, lay.e); }      // (np)
  TANDEM_FN Real* Phi(int k) const { return at(k, lay.Phi); }  // [np, ldp]
  TANDEM_FN Real* Gam(int k) const { return at(k, lay.Gam); }  // [np, ldp]
  TANDEM_FN Real* bq(int k) const { return at(k, lay.bq); }    // (np + na)
  TANDEM_FN Real* dt(int k) const { return at(k, lay.dt); }    // one number [s]
  TANDEM_FN Real* C(int k) const { return at(k, lay.C); }      // [nc, C_row]
  TANDEM_FN Real* lc(int k) const { return at(k, lay.lc); }    // (nc)
  TANDEM_FN Real* uc(int k) const { return at(k, lay.uc); }
  TANDEM_FN Real* rho_c(int k) const { return at(k, lay.rho_c); }
  TANDEM_FN Real* D(int k) const { return at(k, lay.D); }    // [nd, D_row]
  TANDEM_FN Real* ld(int k) const { return at(k, lay.ld); }  // (nd)
  TANDEM_FN Real* ud(int k) const { return at(k, lay.ud); }
  TANDEM_FN Real* rho_d(int k) const { return at(k, lay.rho_d); }
  TANDEM_FN Real* M(int k) const { return at(k, lay.M); }        // mixed rows  [ne, ldz]
  TANDEM_FN Real* m(int k) const { return at(k, lay.m); }        // (ne)
  TANDEM_FN Real* soft(int k) const { return at(k, lay.soft); }  // >= 0, in row units^2 per cost; a row that does not exist: M = 0, soft = 1  (ne)
  TANDEM_FN Real* lx(int k) const { return at(k, lay.lz); }      // (nx)
  TANDEM_FN Real* ux(int k) const { return at(k, lay.uz); }
  TANDEM_FN Real* rho_x(int k) const { return at(k, lay.rho_z); }
  TANDEM_FN Real* lu(int k) const { return at(k, lay.lz) + lay.ldx; }  // (nu)
  TANDEM_FN Real* uu(int k) const { return at(k, lay.uz) + lay.ldx; }
  TANDEM_FN Real* rho_u(int k) const { return at(k, lay.rho_z) + lay.ldx; }
};

// Solution of one problem; also the warm start of the next solve (row values and scaled duals; x and u are outputs only).
template <class Real>
struct SolutionView {
  QpDims dims;
  QpLayout lay;
  Real* data;

  TANDEM_FN Real* at(int k, int offset) const { return data + k * lay.sol_stage + offset; }
  TANDEM_FN Real* x(int k) const { return at(k, 0); }                  // (nx)
  TANDEM_FN Real* u(int k) const { return at(k, lay.ldx); }            // (nu), k < N
  TANDEM_FN Real* row_c(int k) const { return at(k, lay.sol_row_c); }  // C x clipped to its bounds  (nc)
  TANDEM_FN Real* row_d(int k) const { return at(k, lay.sol_row_d); }  // (nd)
  TANDEM_FN Real* row_x(int k) const { return at(k, lay.sol_row_z); }  // (nx)
  TANDEM_FN Real* row_u(int k) const { return at(k, lay.sol_row_z) + lay.ldx; }
  TANDEM_FN Real* dual_c(int k) const { return at(k, lay.sol_dual_c); }  // scaled duals: the multiplier is rho * rho_scale * dual  (nc)
  TANDEM_FN Real* dual_d(int k) const { return at(k, lay.sol_dual_d); }
  TANDEM_FN Real* dual_x(int k) const { return at(k, lay.sol_dual_z); }
  TANDEM_FN Real* dual_u(int k) const { return at(k, lay.sol_dual_z) + lay.ldx; }
};

template <class Real>
TANDEM_FN QpView<Real> qp_view(const QpDims& dims, Real* data) {
  return {dims, qp_layout(dims), data};
}
template <class Real>
TANDEM_FN SolutionView<Real> solution_view(const QpDims& dims, Real* data) {
  return {dims, qp_layout(dims), data};
}
// Zero-fills a problem or a solution block of n Reals.
template <class Real>
TANDEM_FN void set_zero(Real* data, int n) {
  for (int i = 0; i < n; ++i) data[i] = Real(0);
}

}  // namespace TANDEM_ISA

enum class SolverMode : int {
  kRiccati = 0,  // dynamics exact in the x-update, rows in ADMM: the default
  kOsqp = 1,     // every constraint in ADMM, as OSQP does: the paper's baseline; secondary in speed
};

struct SolverSettings {
  SolverMode mode = SolverMode::kRiccati;
  int iterations = 10;      // ADMM iterations, always all of them; 25 = parity with the paper (kOsqp), 5 = fast
  float relaxation = 1.6f;  // over-relaxation in (0, 2); 1 switches it off
  float rho_scale = 1.0f;   // multiplies every rho of kRiccati; larger: rows are met sooner, the cost later
  bool warm_start = true;   // start from the row values and duals in the solution; false: from zero duals (kOsqp: always cold)
  float tolerance = 1e-3f;  // largest primal and dual residual (row units, multiplier units) that counts as kSolved
  // kOsqp only
  float osqp_rho = 0.1f;     // penalty of inequality rows; equality rows have 1000 times this
  float osqp_sigma = 1e-6f;  // proximal weight on the variables
  int osqp_scaling = 10;     // passes of Ruiz equilibration; 0: none
};

enum class Status : int {
  kSolved = 0,         // both residuals within settings.tolerance
  kMaxIterations = 1,  // usable: all iterations done, residuals as reported
  kInfeasible = 2,     // a lower bound above its upper bound, or residuals that settled at a value other than zero; output: the last iterate (finite)
  kNotFinite = 3,      // NaN or infinity in the data or in the result; output: x and u unchanged, rows and duals zero (a cold start next time)
  kNotConvex = 4,      // an input Hessian is not positive definite: not convex, unbounded or singular; output as for kNotFinite
};

inline namespace TANDEM_ISA {

// Whether x and u of the solution were written by this solve.
TANDEM_FN bool usable(Status s) { return s == Status::kSolved || s == Status::kMaxIterations || s == Status::kInfeasible; }

// What a kernel reports, one problem per lane of Real; status holds the number of a Status.
template <class Real>
struct LaneInfo {
  Real status;
  Real primal_residual;  // max over rows |C x - z|, row units
  Real dual_residual;    // max over rows of the stationarity error in multiplier units
  Real objective;        // cost of (1) at the solution
};

}  // namespace TANDEM_ISA

// The same for one problem on the host.
struct QpInfo {
  Status status = Status::kMaxIterations;
  float primal_residual = 0, dual_residual = 0, objective = 0;
};

// Two ways in:
// - one problem, inside another kernel (qp/qp_kernel.hpp), on any Team and Real:
//     solve_qp(team, settings, qp_view, solution_view, info, workspace)   workspace: qp_workspace_size(dims, settings) Reals, 64-byte aligned
//   A caller that forms problems on the fly keeps one block and one workspace per thread (they stay in cache) and only the solutions per world.
// - a batch (qp/solve.hpp): solve(QpBatch, settings, SolutionBatch, info, Workspace) on threads and SIMD lanes or on a GPU.
}  // namespace tandem
