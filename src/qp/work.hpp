// QpWork: the scratch of one problem, carved out of one block of qp_workspace_size Reals. Padding is zero before a solve and stays so.
#pragma once

#include "math/dense.hpp"
#include "math/reduce.hpp"
#include "qp/qp.hpp"

namespace tandem {

// The parts of a QpWork, which may lie in different memories: a GPU keeps in shared memory what fits (docs/gpu.md).
enum WorkPart : int {
  kWorkGains = 0,    // K and Hinv of all stages: written once per solve, read in every iteration
  kWorkStages = 1,   // vectors of all stages
  kWorkScratch = 2,  // vectors, matrices of one stage and then what the iterations read of the problem
  kWorkParts = 3
};
struct WorkSizes {
  int part[kWorkParts];  // in Reals
};

inline namespace TANDEM_ISA {

// Smallest pivot of an input Hessian relative to its diagonal entry; below it the problem counts as not convex, unbounded or singular.
template <class S>
constexpr S kPivotFloor = S(1e-6);
template <>
inline constexpr double kPivotFloor<double> = 1e-13;

template <class Real>
struct QpWork {
  QpDims dims;
  QpLayout lay;
  // per stage k < N
  Real* K;      // feedback gain  [N, ldu, ldk]
  Real* Hinv;   // inverse of the input Hessian  [N, ldu, ldu]
  Real* Vb;     // V_{k+1} times the constant part of x_{k+1}  [N, ldx]
  Real* kff;    // feed-forward input  [N, ldu]
  Real* u_mix;  // share of the mixed rows in the feed-forward input  [N, ldu]
  Real* p_mix;  // and in the gradient of the cost-to-go  [N, ldx]
  // per stage k <= N
  Real* r;         // gradient of the augmented cost  [N+1, ldz]
  Real* primal;    // residual of every row after the last iteration, the largest of all stages  [ldr]
  Real* dual;      // the same in multiplier units  [ldr]
  Real* growth;    // change of the scaled duals in the last iteration but one  [N+1, ldr]
  Real* solution;  // what the iterations work on; copied to the caller's at the end  [sol_size]
  Real* near;      // the copy of what the iterations read of a problem, where the scratch of the backward pass was
  // scratch of the backward pass
  Real *V, *Vnext;        // cost-to-go Hessian of stages k+1 and k  [ldx, ldx]
  Real *Hux, *Huu;        // [ldu, ldx], [ldu, ldu]
  Real *Linv, *Y;         // [ldu, ldu], [ldu, ldx]
  Real* M;                // kDense: V [A|B]  [ldx, ldz];  kIntegrator: rows of T'V  [n, ldx]
  Real *P, *Q;            // kIntegrator: [E; G] and [G; E]  [2 np, ldz]
  Real *Cr, *Dr;          // rho C, rho D  [nc, ldx], [nd, ldu]
  Real *C, *D, *Gam;      // copies of those of the stage, where the team makes some  [nc, ldx], [nd, ldu], [np, ldp]
  Real *Wpp, *PhiI;       // W(v_p, v_p), Phi - I  [np, ldp]
  Real* Sqq;              // Phi' V(q_p, q_p)  [np, ldp]
  Real *s, *t;            // cost-to-go gradient and its image  [ldx]
  Real *row_c, *row_d;    // C x, D u  [ldc], [ldd]
  Real *pull_c, *pull_d;  // rho (dual - row)  [ldc], [ldd]
  // of the mixed rows: M_u' and its image under L^-1  [ldu, lde]; L^-1 of their Schur complement S  [lde, lde]; M_x and its images  [lde, ldx];
  // images of M_u  [lde, ldu]; constants  [lde]
  Real *Mut, *G, *S, *Sinv, *X, *Wx, *GL, *Z, *mix, *mix_image;
  Real* hx0;      // H_ux x_0 of stage 0  [ldu]
  Real* partial;  // two sets of partial results  [2 kPartialSize]
  int ldr;        // ldc + ldd + ldz
  // length of a row of K: odd where rows are not padded for vector code, so that the threads of a GPU that read a row each meet different banks of memory
  int ldk;

  // of primal, dual and growth, which lie one after the other
  TANDEM_FN int residual_size() const { return (2 + dims.N + 1) * ldr; }
  TANDEM_FN int du() const { return inputs_in_rows(dims); }

  TANDEM_FN MatrixView<Real> gain(int k) const { return {K + k * lay.ldu * ldk, lay.ldu, lay.ldx, ldk}; }
  TANDEM_FN MatrixView<Real> input_inverse(int k) const { return {Hinv + k * lay.ldu * lay.ldu, lay.ldu, lay.ldu, lay.ldu}; }
  TANDEM_FN MatrixView<Real> xx(Real* m) const { return {m, lay.ldx, lay.ldx, lay.ldx}; }
  TANDEM_FN MatrixView<Real> ux(Real* m) const { return {m, lay.ldu, lay.ldx, lay.ldx}; }
  TANDEM_FN MatrixView<Real> uu(Real* m) const { return {m, lay.ldu, lay.ldu, lay.ldu}; }
};

// Where each part lies.
template <class Real>
struct WorkMemory {
  Real* part[kWorkParts];
};

// Deals the arrays out from `memory`; where that is nullptr only `sizes` is of use. copies: whether there is room for QpWork::near.
template <class Real>
TANDEM_FN QpWork<Real> carve_work(const QpDims& d, const WorkMemory<Real>& memory, bool copies, WorkSizes& sizes) {
  QpWork<Real> w{};
  const QpLayout l = qp_layout(d);
  const int n = d.np + d.na, nodes = d.N + 1;
  w.dims = d, w.lay = l, w.ldr = l.ldc + l.ldd + l.ldz, w.ldk = d.align == 1 ? l.ldx | 1 : l.ldx;
  int o = 0;
  Real* base = memory.part[kWorkGains];
  const auto take = [&](int count) {
    o += round_up(count, 16);
    return base + (o - round_up(count, 16));
  };
  const auto next_part = [&](WorkPart done, WorkPart next) {
    sizes.part[done] = o;
    o = 0, base = memory.part[next];
  };
  w.K = take(d.N * l.ldu * w.ldk), w.Hinv = take(d.N * l.ldu * l.ldu);
  next_part(kWorkGains, kWorkStages);
  w.Vb = take(d.N * l.ldx), w.kff = take(d.N * l.ldu);
  w.r = take(nodes * l.ldz), w.primal = take(w.residual_size());
  w.dual = w.primal + w.ldr, w.growth = w.dual + w.ldr;
  w.solution = take(l.sol_size);
  w.u_mix = take(d.ne > 0 ? d.N * l.ldu : 0), w.p_mix = take(d.ne > 0 ? d.N * l.ldx : 0);
  next_part(kWorkStages, kWorkScratch);
  w.s = take(l.ldx), w.t = take(l.ldx);
  w.row_c = take(l.ldc), w.row_d = take(l.ldd), w.pull_c = take(l.ldc), w.pull_d = take(l.ldd), w.hx0 = take(l.ldu),
  w.partial = take(2 * kPartialSize);
  const int matrices = o;
  w.near = base + o;
  w.V = take(l.ldx * l.ldx), w.Vnext = take(l.ldx * l.ldx);
  w.Hux = take(l.ldu * l.ldx), w.Huu = take(l.ldu * l.ldu), w.Linv = take(l.ldu * l.ldu), w.Y = take(l.ldu * l.ldx);
  w.M = take(d.dynamics == Dynamics::kDense ? l.ldx * l.ldz : n * l.ldx);
  w.P = take(2 * d.np * l.ldz), w.Q = take(2 * d.np * l.ldz);
  w.Cr = take(d.nc * l.ldx), w.Dr = take(d.nd * l.ldu), w.Wpp = take(d.np * l.ldp), w.PhiI = take(d.np * l.ldp), w.Sqq = take(d.np * l.ldp);
  w.C = take(copies ? d.nc * l.ldx : 0), w.D = take(copies ? d.nd * l.ldu : 0), w.Gam = take(copies ? d.np * l.ldp : 0);
  w.Mut = take(l.ldu * l.lde), w.G = take(l.ldu * l.lde), w.S = take(l.lde * l.lde), w.Sinv = take(l.lde * l.lde);
  w.X = take(l.lde * l.ldx), w.Wx = take(l.lde * l.ldx), w.GL = take(l.lde * l.ldu), w.Z = take(l.lde * l.ldu);
  w.mix = take(l.lde), w.mix_image = take(l.lde);
  const int near = copies && d.dynamics == Dynamics::kIntegrator ? matrices + round_up(near_layout(d).size, 16) : 0;
  sizes.part[kWorkScratch] = o > near ? o : near;
  return w;
}
// The same from one block, part after part, with room for copies; `size` in Reals.
template <class Real>
TANDEM_FN QpWork<Real> carve_work(const QpDims& d, Real* base, int& size) {
  WorkSizes sizes{};
  carve_work(d, WorkMemory<Real>{}, true, sizes);
  WorkMemory<Real> memory;
  size = 0;
  for (int i = 0; i < kWorkParts; ++i) memory.part[i] = base + size, size += sizes.part[i];
  return carve_work(d, memory, true, sizes);
}

}  // namespace TANDEM_ISA
}  // namespace tandem
