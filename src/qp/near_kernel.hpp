// Copies of the problem's matrices in the scratch: of one stage for the factorisation, then, in what that has left, of what every iteration reads. On a GPU
// that is shared memory: where they come from, every product would wait for the second-level cache. One lane alone reads them in the problem. docs/gpu.md.
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
template <class T>
inline constexpr bool kCallsProducts<FarTeam<T>> = kCallsProducts<T>;

// Runs store(i, load(i)) for i in [0, n), kAhead loads ahead of their stores, so that a lane waits once for them. Does not sync.
template <int kAhead, Team T, class Load, class Store>
TANDEM_FN void copy_each(const T& team, int n, Load&& load, Store&& store) {
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

// A matrix of the problem as the products of the factorisation read it: `copy` or itself.
template <Team T, class Real>
TANDEM_FN MatrixView<Real> near_matrix(const MatrixView<Real>& A, Real* copy) {
  return {kCopiesMatrices<T> ? copy : A.data, A.rows, A.cols, A.ld};
}
// Copies it there, where the team works on copies. Does not sync.
template <Team T, class Real>
TANDEM_FN void copy_matrix(const T& team, const MatrixView<Real>& A, Real* copy) {
  const Real* from = A.data;
  if constexpr (kCopiesMatrices<T>) copy_each<4>(team, A.rows * A.ld, [=](int i) { return from[i]; }, [=](int i, Real v) { copy[i] = v; });
}
// The same, and scaled = diag(rho_scale rho) A. Does not sync.
template <Team T, class Real>
TANDEM_FN void scale_matrix(const T& team, Real rho_scale, const Real* rho, const MatrixView<Real>& A, Real* scaled, Real* copy) {
  if constexpr (kCopiesMatrices<T>) {
    struct Pair {
      Real a, scaled;
    };
    const Divisor by(A.ld);
    const Real* from = A.data;
    copy_each<4>(
        team, A.rows * A.ld, [=](int i) { return Pair{from[i], rho_scale * rho[by.quotient(i)] * from[i]}; },
        [=](int i, const Pair& v) { copy[i] = v.a, scaled[i] = v.scaled; });
  } else {
    scale_rows(team, MatrixView<Real>{scaled, A.rows, A.cols, A.ld}, rho_scale, rho, A);
  }
}

// The problem as the iterations read its matrices and offsets; costs, penalties and bounds are in `qp` alone.
template <class T, class Real>
TANDEM_FN QpView<Real> near_view(const QpView<Real>& qp, const QpWork<Real>& w) {
  if constexpr (kCopiesMatrices<T>) {
    if (qp.dims.dynamics == Dynamics::kIntegrator) return {qp.dims, near_layout(qp.dims), w.near};
  }
  return qp;
}

// Writes the copy that near_view shows. Does not sync.
template <Team T, class Real>
TANDEM_FN void copy_matrices(const T& team, const QpView<Real>& qp, const QpWork<Real>& w) {
  if constexpr (kCopiesMatrices<T>) {
    if (qp.dims.dynamics != Dynamics::kIntegrator) return;
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
      copy_each<8>(
          team, stages * rows * cols, [=](int i) { return Real(from[place(i, l.stage, from_row)]); },
          [=](int i, Real v) { to[place(i, nl.stage, to_row)] = v; });
    };
    copy(d.N + 1, d.nc, l.ldx, qp.C(0), l.C_row, near.C(0), nl.C_row);
    copy(d.N, d.np, l.ldz, qp.E(0), l.E_row, near.E(0), nl.E_row);
    copy(d.N, d.nd, w.du(), qp.D(0), l.D_row, near.D(0), nl.D_row);
    copy(d.N, 1, l.dt + d.align - l.e, qp.e(0), 0, near.e(0), 0);  // e, Phi, Gam, bq and dt lie one after the other
  }
}

}  // namespace TANDEM_ISA
}  // namespace tandem
