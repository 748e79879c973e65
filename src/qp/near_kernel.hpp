// Copies in the scratch of what lies further away: of the problem one stage for the factorisation, then, in the place of that, what every iteration reads, all
// matrices, and rows and gains of one stage. On a GPU the scratch is shared memory: every product would wait for the second-level cache. What a stage needs is
// begun a phase or two ahead (begin_copy in base/team.hpp). One lane alone reads everything where it is. docs/gpu.md.
#pragma once

#include <type_traits>

#include "qp/work.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

// Whether a team works on copies, where there is room for them. More than one lane do.
template <class T>
inline constexpr bool kCopiesMatrices = true;
template <>
inline constexpr bool kCopiesMatrices<SerialTeam> = false;
template <class T>
TANDEM_FN bool works_on_copies(Copies room, Copies wanted = Copies::kMatrices) {
  return kCopiesMatrices<T> && room >= wanted;
}

// What the functions below return: a view of a copy or of the problem; one lane's is the problem.
template <class T, class Real>
using ViewOf = std::conditional_t<kCopiesMatrices<T>, QpView<Real>, const QpView<Real>&>;

// A matrix of the problem as the products of the factorisation read it: `copy` or itself.
template <Team T, class Real>
TANDEM_FN MatrixView<Real> near_matrix(const MatrixView<Real>& A, Copies room, Real* copy) {
  return {works_on_copies<T>(room) ? copy : A.data, A.rows, A.cols, A.ld};
}
// The problem, or a view in which every stage is the one copied to `data`, laid out as layout_of(layout of the problem) says.
template <class T, class Real, class LayoutOf>
TANDEM_FN ViewOf<T, Real> near_stage(const QpView<Real>& qp, Copies room, LayoutOf&& layout_of, Real* data) {
  if constexpr (kCopiesMatrices<T>) {
    if (room >= Copies::kMatrices) {
      QpLayout l = layout_of(qp.lay);
      l.stage = 0;
      return {qp.dims, l, data};
    }
  }
  return qp;
}

// hdiag and the penalties as the factorisation reads them.
template <class T, class Real>
TANDEM_FN ViewOf<T, Real> near_costs(const QpView<Real>& qp, const QpWork<Real>& w) {
  return near_stage<T>(qp, w.copies, [](const QpLayout& l) { return near_costs_layout(l); }, w.costs);
}
// Begins to copy those of stage k: costs and matrices of the rows, to w.C and w.D; of the dynamics, E to the first rows of w.P, Gam to w.Gam, Phi to w.PhiI.
template <Team T, class Real>
TANDEM_FN void begin_costs(const T& team, const QpView<Real>& qp, int k, const QpWork<Real>& w) {
  if (!works_on_copies<T>(w.copies)) return;
  const int diagonal = round_up(w.lay.ldz, 4);
  begin_copy(team, w.costs, qp.hdiag(k), diagonal);
  begin_copy(team, w.costs + diagonal, qp.g(k), round_up(w.lay.bounds - w.lay.g, 4));
  begin_copy(team, w.C, qp.C(k), round_up(qp.dims.nc * w.lay.ldx, 4));
  if (k < qp.dims.N) begin_copy(team, w.D, qp.D(k), round_up(qp.dims.nd * w.lay.ldu, 4));
}
template <Team T, class Real>
TANDEM_FN void begin_dynamics(const T& team, const QpView<Real>& qp, int k, const QpWork<Real>& w) {
  if (!works_on_copies<T>(w.copies) || qp.dims.dynamics != Dynamics::kIntegrator) return;
  const int square = round_up(qp.dims.np * w.lay.ldp, 4);
  begin_copy(team, w.P, qp.E(k), round_up(qp.dims.np * w.lay.ldz, 4));
  begin_copy(team, w.Gam, qp.Gam(k), square), begin_copy(team, w.PhiI, qp.Phi(k), square);
}

// The problem as the iterations read its matrices and offsets; costs, penalties and bounds are in `qp` alone.
template <class T, class Real>
TANDEM_FN ViewOf<T, Real> near_view(const QpView<Real>& qp, const QpWork<Real>& w) {
  if constexpr (kCopiesMatrices<T>) {
    if (w.copies >= Copies::kMatrices && qp.dims.dynamics == Dynamics::kIntegrator) return {qp.dims, near_layout(qp.dims), w.near};
  }
  return qp;
}

// Begins the copy that near_view shows.
template <Team T, class Real>
TANDEM_FN void begin_matrices(const T& team, const QpView<Real>& qp, const QpWork<Real>& w) {
  if (!works_on_copies<T>(w.copies) || qp.dims.dynamics != Dynamics::kIntegrator) return;
  const QpDims& d = qp.dims;
  const QpView<Real> near = near_view<T>(qp, w);
  const QpLayout &l = qp.lay, &nl = near.lay;
  // a matrix of the first `stages` stages, from where it lies in stage 0 and the lengths of its rows
  const auto copy = [&](int stages, int rows, int cols, const Real* from, int from_row, Real* to, int to_row) {
    const Divisor by_row(cols), by_stage(rows);
    const auto place = [=](int i, int stage, int row) {
      const int r = by_row.quotient(i), k = by_stage.quotient(r);
      return k * stage + (r - k * rows) * row + (i - r * cols);
    };
    for_each(team, 0, stages * rows * cols, [&](int i) { begin_copy(team, to + place(i, nl.stage, to_row), from + place(i, l.stage, from_row)); });
  };
  copy(d.N + 1, d.nc, l.ldx, qp.C(0), l.C_row, near.C(0), nl.C_row);
  copy(d.N, d.np, l.ldz, qp.E(0), l.E_row, near.E(0), nl.E_row);
  copy(d.N, d.nd, w.du(), qp.D(0), l.D_row, near.D(0), nl.D_row);
  copy(d.N, 1, l.dt + d.align - l.e, qp.e(0), 0, near.e(0), 0);  // e, Phi, Gam, bq and dt lie one after the other
}

// Gradient, penalties and bounds of the stage that begin_rows() has copied, or of any.
template <class T, class Real>
TANDEM_FN ViewOf<T, Real> near_rows(const QpView<Real>& qp, const QpWork<Real>& w) {
  return near_stage<T>(qp, w.copies, [](const QpLayout& l) { return near_rows_layout(l); }, w.near_rows);
}
// Begins to copy those of stage k.
template <Team T, class Real>
TANDEM_FN void begin_rows(const T& team, const QpView<Real>& qp, int k, const QpWork<Real>& w) {
  if (works_on_copies<T>(w.copies)) begin_copy(team, w.near_rows, qp.g(k), qp.lay.stage - qp.lay.g);
}

// Gain and inverse input Hessian as the iterations read them: those of the stage that begin_gains() has copied, or of any.
template <class T, class Real>
TANDEM_FN MatrixView<Real> near_gain(int k, const QpWork<Real>& w) {
  return works_on_copies<T>(w.copies, Copies::kGains) ? w.gain_at(w.near_gain) : w.gain(k);
}
template <class T, class Real>
TANDEM_FN MatrixView<Real> near_inverse(int k, const QpWork<Real>& w) {
  return works_on_copies<T>(w.copies, Copies::kInverses) ? w.inverse_at(w.near_gain) : w.input_inverse(k);
}
// Begins to copy those of stage k, the inverse where it is wanted and there is room.
template <Team T, class Real>
TANDEM_FN void begin_gains(const T& team, int k, bool inverse, const QpWork<Real>& w) {
  if (!works_on_copies<T>(w.copies, Copies::kGains)) return;
  begin_copy(team, w.near_gain, w.gain(k).data, w.gain_size + (inverse && w.copies >= Copies::kInverses ? w.inverse_size : 0));
}

}  // namespace TANDEM_ISA
}  // namespace tandem
