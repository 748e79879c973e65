// The matrices that every iteration reads, copied into scratch that the factorisation has left. On a GPU that is shared memory: where they come from, every
// stage of every iteration would wait for the second-level cache again. One lane alone reads them in the problem. docs/gpu.md.
#pragma once

#include "qp/work.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

// Whether a team works on the copy. More than one lane do.
template <class T>
inline constexpr bool kCopiesMatrices = true;
template <>
inline constexpr bool kCopiesMatrices<SerialTeam> = false;
template <class T>
inline constexpr bool kCopiesMatrices<TurnedTeam<T>> = kCopiesMatrices<T>;
// The lanes of T, which do not: their scratch has no room for it.
template <Team T>
struct FarTeam : T {};
template <class T>
inline constexpr bool kCopiesMatrices<FarTeam<T>> = false;

// The problem as the iterations read its matrices and offsets; costs, penalties and bounds are in `qp` alone.
template <class T, class Real>
TANDEM_FN QpView<Real> near_view(const QpView<Real>& qp, const QpWork<Real>& w) {
  if constexpr (kCopiesMatrices<T>) {
    if (qp.dims.dynamics == Dynamics::kIntegrator) return {qp.dims, near_layout(qp.dims), w.near};
  }
  return qp;
}

// Runs store(i, load(i)) for i in [0, n), several loads ahead of their stores. Does not sync.
template <Team T, class Load, class Store>
TANDEM_FN void copy_each(const T& team, int n, Load&& load, Store&& store) {
  constexpr int kAhead = 8;
  for (int first = team.lane(); first < n; first += kAhead * team.size()) {
    decltype(load(0)) value[kAhead];
    for (int a = 0; a < kAhead; ++a) {
      const int i = first + a * team.size();
      value[a] = load(i < n ? i : n - 1);
    }
    for (int a = 0; a < kAhead; ++a) {
      const int i = first + a * team.size();
      if (i < n) store(i, value[a]);
    }
  }
}

// Copies a matrix of `rows` rows and `cols` columns of the stages [0, stages). Does not sync.
template <Team T, class Real, class Place>
TANDEM_FN void copy_stages(const T& team, int stages, int rows, int cols, Place&& place, int from_row, int to_row) {
  const auto at = [&](int i, bool to) {
    const int row = i / cols, stage = row / rows;
    return place(stage, to) + (row - stage * rows) * (to ? to_row : from_row) + (i - row * cols);
  };
  copy_each(team, stages * rows * cols, [&](int i) { return Real(*at(i, false)); }, [&](int i, Real v) { *at(i, true) = v; });
}

// Writes the copy that near_view shows. Does not sync.
template <Team T, class Real>
TANDEM_FN void copy_matrices(const T& team, const QpView<Real>& qp, const QpWork<Real>& w) {
  if constexpr (kCopiesMatrices<T>) {
    if (qp.dims.dynamics != Dynamics::kIntegrator) return;
    const QpDims& d = qp.dims;
    const QpView<Real> near = near_view<T>(qp, w);
    const QpLayout &from = qp.lay, &to = near.lay;
    const auto copy = [&](int stages, int rows, int cols, int offset, int near_offset, int from_row, int to_row) {
      copy_stages<T, Real>(
          team, stages, rows, cols, [&](int k, bool there) { return there ? near.at(k, near_offset) : qp.at(k, offset); }, from_row, to_row);
    };
    copy(d.N + 1, d.nc, from.ldx, from.C, to.C, from.C_row, to.C_row);
    copy(d.N, d.np, from.ldz, from.E, to.E, from.E_row, to.E_row);
    copy(d.N, d.nd, w.du(), from.D, to.D, from.D_row, to.D_row);
    copy(d.N, 1, from.dt + d.align - from.e, from.e, to.e, 0, 0);
  }
}

}  // namespace TANDEM_ISA
}  // namespace tandem
