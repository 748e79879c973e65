// QpWork: the scratch of one problem, carved out of one block of qp_workspace_size Reals. Padding is zero before a solve and stays so.
#pragma once

#include "math/dense.hpp"
#include "math/reduce.hpp"
#include "qp/qp.hpp"

namespace tandem {

// The parts of a QpWork, which may lie in different memories: a GPU keeps in shared memory what fits (docs/gpu.md).
enum WorkPart : int {
  kWorkGains = 0,    // K and Hinv of all stages: written once per solve, read in every iteration; growth
  kWorkStages = 1,   // vectors of all stages
  kWorkScratch = 2,  // vectors, matrices of one stage and then what the iterations read of the problem
  kWorkParts = 3
};
struct WorkSizes {
  int part[kWorkParts];  // in Reals
};

// What there is room for in the scratch beside what the solver needs, each with what comes before it: near_kernel.hpp.
enum class Copies {
  kNone,
  kMatrices,  // of the problem, all stages; penalties and bounds of one
  kGains,     // of one stage
  kInverses,  // of one stage
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
  Real* gains;   // feedback gain K and inverse of the input Hessian  [N, gain_size + inverse_size]
  Real* growth;  // change of the scaled duals in the last iteration but one, of the stages k <= N  [N+1, ldr]
  Real* Vb;      // V_{k+1} times the constant part of x_{k+1}  [N, ldx]
  Real* kff;     // feed-forward input  [N, ldu]
  Real* u_mix;   // share of the mixed rows in the feed-forward input  [N, ldu]
  Real* p_mix;   // and in the gradient of the cost-to-go  [N, ldx]
  // per stage k <= N
  Real* r;         // gradient of the augmented cost  [N+1, ldz]
  Real* primal;    // residual of every row after the last iteration, the largest of all stages  [ldr]
  Real* dual;      // the same in multiplier units  [ldr]
  Real* solution;  // what the iterations work on; copied to the caller's at the end  [sol_size]
  // copies, where the scratch of the backward pass was
  Real* near;       // what the iterations read of the problem's matrices  [near_layout(dims).size]
  Real* near_rows;  // penalties, bounds and gradient of one stage  [near_rows_layout(lay).stage]
  Real* near_gain;  // those of one stage, or the gain alone  [gain_size + inverse_size]
  // scratch of the backward pass
  Real *V, *Vnext;    // cost-to-go Hessian of stages k+1 and k  [ldx, ldx]
  Real *Hux, *Huu;    // [ldu, ldx], [ldu, ldu]
  Real *Linv, *Y;     // [ldu, ldu], [ldu, ldx]
  Real* M;            // kDense: V [A|B]  [ldx, ldz];  kIntegrator: rows of T'V  [n, ldx]
  Real *P, *Q;        // kIntegrator: [E; G] and [G; E]  [2 np, ldz]
  Real *Cr, *Dr;      // rho C, rho D  [nc, ldx], [nd, ldu]
  Real *C, *D, *Gam;  // copies of those of the stage, where the team makes some  [nc, ldx], [nd, ldu], [np, ldp]
  Real* costs;        // and of hdiag, g and the penalties  [near_costs_layout(lay).stage]
  Real *Wpp, *PhiI;   // W(v_p, v_p), Phi - I  [np, ldp]
  Real* Sqq;          // Phi' V(q_p, q_p)  [np, ldp]
  Real *s, *t;        // cost-to-go gradient and its image  [ldx]
  Real* rows;         // C x, D u  [ldc + ldd]
  Real* pull;         // rho (dual - row)  [ldc + ldd]
  // of the mixed rows: M_u' and its image under L^-1  [ldu, lde]; L^-1 of their Schur complement S  [lde, lde]; M_x and its images  [lde, ldx];
  // images of M_u  [lde, ldu]; constants  [lde]
  Real *Mut, *G, *S, *Sinv, *X, *Wx, *GL, *Z, *mix, *mix_image;
  Real* hx0;      // H_ux x_0 of stage 0  [ldu]
  Real* partial;  // two sets of partial results  [2 kPartialSize]
  int ldr;        // ldc + ldd + ldz
  // length of a row of K: odd where rows are not padded for vector code, so that the threads of a GPU that read a row each meet different banks of memory
  int ldk;
  int gain_size, inverse_size;  // of a stage: [ldu, ldk] and [ldu, ldu], to multiples of 4
  Copies copies;

  TANDEM_FN int growth_size() const { return (dims.N + 1) * ldr; }
  TANDEM_FN int du() const { return inputs_in_rows(dims); }

  TANDEM_FN MatrixView<Real> gain(int k) const { return gain_at(gains + k * (gain_size + inverse_size)); }
  TANDEM_FN MatrixView<Real> input_inverse(int k) const { return inverse_at(gains + k * (gain_size + inverse_size)); }
  TANDEM_FN MatrixView<Real> gain_at(Real* stage) const { return {stage, lay.ldu, lay.ldx, ldk}; }
  TANDEM_FN MatrixView<Real> inverse_at(Real* stage) const { return {stage + gain_size, lay.ldu, lay.ldu, lay.ldu}; }
  TANDEM_FN MatrixView<Real> xx(Real* m) const { return {m, lay.ldx, lay.ldx, lay.ldx}; }
  TANDEM_FN MatrixView<Real> ux(Real* m) const { return {m, lay.ldu, lay.ldx, lay.ldx}; }
  TANDEM_FN MatrixView<Real> uu(Real* m) const { return {m, lay.ldu, lay.ldu, lay.ldu}; }
};

// Where each part lies.
template <class Real>
struct WorkMemory {
  Real* part[kWorkParts];
};

// Deals the arrays out from `memory`; where that is nullptr only `sizes` is of use.
template <class Real>
TANDEM_FN QpWork<Real> carve_work(const QpDims& d, const WorkMemory<Real>& memory, Copies copies, WorkSizes& sizes) {
  QpWork<Real> w{};
  const QpLayout l = qp_layout(d);
  const int n = d.np + d.na, nodes = d.N + 1;
  w.dims = d, w.lay = l, w.ldr = l.ldc + l.ldd + l.ldz, w.ldk = d.align == 1 ? l.ldx | 1 : l.ldx;
  w.gain_size = round_up(l.ldu * w.ldk, 4), w.inverse_size = round_up(l.ldu * l.ldu, 4), w.copies = copies;
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
  w.gains = take(d.N * (w.gain_size + w.inverse_size)), w.growth = take(w.growth_size());
  next_part(kWorkGains, kWorkStages);
  w.Vb = take(d.N * l.ldx), w.kff = take(d.N * l.ldu);
  w.r = take(nodes * l.ldz), w.primal = take(w.ldr), w.dual = take(w.ldr);
  w.solution = take(l.sol_size);
  w.u_mix = take(d.ne > 0 ? d.N * l.ldu : 0), w.p_mix = take(d.ne > 0 ? d.N * l.ldx : 0);
  next_part(kWorkStages, kWorkScratch);
  w.s = take(l.ldx), w.t = take(l.ldx);
  w.rows = take(l.ldc + l.ldd), w.pull = take(l.ldc + l.ldd), w.hx0 = take(l.ldu);
  w.partial = take(2 * kPartialSize);
  const int matrices = o;
  w.near = take(copies >= Copies::kMatrices && d.dynamics == Dynamics::kIntegrator ? near_layout(d).size : 0);
  w.near_rows = take(copies >= Copies::kMatrices ? near_rows_layout(l).stage : 0);
  w.near_gain = take((copies >= Copies::kGains ? w.gain_size : 0) + (copies >= Copies::kInverses ? w.inverse_size : 0));
  const int near = o;
  o = matrices;
  w.V = take(l.ldx * l.ldx), w.Vnext = take(l.ldx * l.ldx);
  w.Hux = take(l.ldu * l.ldx), w.Huu = take(l.ldu * l.ldu), w.Linv = take(l.ldu * l.ldu), w.Y = take(l.ldu * l.ldx);
  w.M = take(d.dynamics == Dynamics::kDense ? l.ldx * l.ldz : n * l.ldx);
  w.P = take(2 * d.np * l.ldz), w.Q = take(2 * d.np * l.ldz);
  w.Cr = take(d.nc * l.ldx), w.Dr = take(d.nd * l.ldu), w.Wpp = take(d.np * l.ldp), w.PhiI = take(d.np * l.ldp), w.Sqq = take(d.np * l.ldp);
  const int some = copies >= Copies::kMatrices ? 1 : 0;
  w.C = take(some * d.nc * l.ldx), w.D = take(some * d.nd * l.ldu), w.Gam = take(some * d.np * l.ldp);
  w.costs = take(some * near_costs_layout(l).stage);
  w.Mut = take(l.ldu * l.lde), w.G = take(l.ldu * l.lde), w.S = take(l.lde * l.lde), w.Sinv = take(l.lde * l.lde);
  w.X = take(l.lde * l.ldx), w.Wx = take(l.lde * l.ldx), w.GL = take(l.lde * l.ldu), w.Z = take(l.lde * l.ldu);
  w.mix = take(l.lde), w.mix_image = take(l.lde);
  sizes.part[kWorkScratch] = o > near ? o : near;
  return w;
}
// The same from one block, part after part, with room for copies; `size` in Reals.
template <class Real>
TANDEM_FN QpWork<Real> carve_work(const QpDims& d, Real* base, int& size, Copies copies = Copies::kInverses) {
  WorkSizes sizes{};
  carve_work(d, WorkMemory<Real>{}, Copies::kInverses, sizes);
  WorkMemory<Real> memory;
  size = 0;
  for (int i = 0; i < kWorkParts; ++i) memory.part[i] = base + size, size += sizes.part[i];
  return carve_work(d, memory, copies, sizes);
}

}  // namespace TANDEM_ISA
}  // namespace tandem
