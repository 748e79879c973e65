// Small dense matrices on a team. Row-major, no sync inside unless said: outputs are dealt out to the lanes, the caller syncs before it reads them.
// math/dense_simd.hpp overloads the heavy ones for one lane in float; both are held against each other by tests.
#pragma once

#include "base/real.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

// rows x cols numbers, rows `ld` apart. Outputs in vector code are written up to the padding of a row (cols rounded up to the lanes).
template <class Real>
struct MatrixView {
  Real* data;
  int rows, cols, ld;

  TANDEM_FN Real* row(int i) const { return data + i * ld; }
  TANDEM_FN Real& operator()(int i, int j) const { return data[i * ld + j]; }
};

// Runs body(i, j) for all i in [0, rows), j in [0, cols); calls must not depend on each other. Does not sync.
template <Team T, class Body>
TANDEM_FN void for_each_2d(const T& team, int rows, int cols, Body&& body) {
  for (int e = team.lane(); e < rows * cols; e += team.size()) body(e / cols, e % cols);
}
template <class Body>
TANDEM_FN void for_each_2d(const SerialTeam&, int rows, int cols, Body&& body) {
  for (int i = 0; i < rows; ++i) {
#pragma GCC ivdep
    for (int j = 0; j < cols; ++j) body(i, j);
  }
}

constexpr int kPartials = 64;  // partial results of a reduction: the same for every team size, so that sums have the same bits

// C = 0, padding included.
template <Team T, class Real>
TANDEM_FN void clear(const T& team, MatrixView<Real> C) {
  for_each_2d(team, C.rows, C.ld, [=](int i, int j) { C(i, j) = Real(0); });
}
// The first `cols` columns of C = those of A, the rest of C zero.
template <Team T, class Real>
TANDEM_FN void copy_leading(const T& team, MatrixView<Real> C, MatrixView<Real> A, int cols) {
  for_each_2d(team, C.rows, C.cols, [=](int i, int j) { C(i, j) = j < cols ? A(i, j) : Real(0); });
}
// C = A + s B.
template <Team T, class Real>
TANDEM_FN void add_scaled(const T& team, MatrixView<Real> C, MatrixView<Real> A, Real s, MatrixView<Real> B) {
  for_each_2d(team, C.rows, C.cols, [=](int i, int j) { C(i, j) = A(i, j) + s * B(i, j); });
}
// C = diag(scale) A with rows scaled by s scale[i].
template <Team T, class Real>
TANDEM_FN void scale_rows(const T& team, MatrixView<Real> C, Real s, const Real* scale, MatrixView<Real> A) {
  for_each_2d(team, C.rows, C.cols, [=](int i, int j) { C(i, j) = s * scale[i] * A(i, j); });
}

// Reductions: clear, accumulate any number of times, fold. Element i goes to partial[i mod kPartials] on every team. clear and accumulate do not sync:
// a partial belongs to one lane.
template <Team T, class Real>
TANDEM_FN void clear_partials(const T& team, Real* partial) {
  for_each(team, 0, kPartials, [=](int p) { partial[p] = Real(0); });
}
template <Team T, class Real, class Combine, class F>
TANDEM_FN void accumulate(const T& team, int n, Real* partial, Combine&& combine, F&& f) {
  for_each(team, 0, kPartials, [&](int p) {
    Real s = partial[p];
    for (int i = p; i < n; i += kPartials) s = combine(s, f(i));
    partial[p] = s;
  });
}
// The same operations in an order of memory that vector code likes.
template <class Real, class Combine, class F>
TANDEM_FN void accumulate(const SerialTeam&, int n, Real* partial, Combine&& combine, F&& f) {
  int i = 0;
  for (; i + kPartials <= n; i += kPartials) {
#pragma GCC ivdep
    for (int p = 0; p < kPartials; ++p) partial[p] = combine(partial[p], f(i + p));
  }
#pragma GCC ivdep
  for (int p = 0; p < n - i; ++p) partial[p] = combine(partial[p], f(i + p));
}
// The partials combined, the same on every lane. Syncs before and after.
template <Team T, class Real, class Combine>
TANDEM_FN Real fold_partials(const T& team, const Real* partial, Combine&& combine) {
  team.sync();
  Real s = partial[0];
  for (int p = 1; p < kPartials; ++p) s = combine(s, partial[p]);
  team.sync();
  return s;
}

enum class Write { kSet, kAdd, kSubtract, kNegate };  // y = v, y += v, y -= v, y = -v

template <Write W, class Real>
TANDEM_FN void write(Real& destination, Real value) {
  if constexpr (W == Write::kSet) destination = value;
  if constexpr (W == Write::kAdd) destination += value;
  if constexpr (W == Write::kSubtract) destination -= value;
  if constexpr (W == Write::kNegate) destination = -value;
}

// C (W) A' B with A (k, m), B (k, n), C (m, n).
template <Write W, Team T, class Real>
TANDEM_FN void multiply_tn(const T& team, MatrixView<Real> C, MatrixView<Real> A, MatrixView<Real> B) {
  for_each_2d(team, C.rows, C.cols, [&](int i, int j) {
    Real s(0);
    for (int k = 0; k < A.rows; ++k) s += A(k, i) * B(k, j);
    write<W>(C(i, j), s);
  });
}

// The same where only the upper triangle of the square C is wanted; what becomes of the lower one is not defined (mirror_upper repairs it).
template <Write W, Team T, class Real>
TANDEM_FN void multiply_tn_upper(const T& team, MatrixView<Real> C, MatrixView<Real> A, MatrixView<Real> B) {
  // rows i and n - 1 - i together have n + 1 entries, so pairs of rows are a rectangle
  const int n = C.rows;
  for_each_2d(team, (n + 1) / 2, n + 1, [&](int pair, int e) {
    const bool first = e < n - pair;
    const int i = first ? pair : n - 1 - pair, j = first ? pair + e : e - 1;
    if (!first && 2 * pair == n - 1) return;  // the middle row of an odd n has no partner
    Real s(0);
    for (int k = 0; k < A.rows; ++k) s += A(k, i) * B(k, j);
    write<W>(C(i, j), s);
  });
}

// C (W) A B.
template <Write W, Team T, class Real>
TANDEM_FN void multiply_nn(const T& team, MatrixView<Real> C, MatrixView<Real> A, MatrixView<Real> B) {
  for_each_2d(team, C.rows, C.cols, [&](int i, int j) {
    Real s(0);
    for (int k = 0; k < A.cols; ++k) s += A(i, k) * B(k, j);
    write<W>(C(i, j), s);
  });
}

// Lower triangle := transpose of the upper one. Neighbouring lanes copy neighbours on an anti-diagonal, i + j = const: where rows have even length, as those
// of states have, their places lie ld - 1 apart, an odd number, so that a warp meets no bank of shared memory twice, neither reading nor writing.
template <Team T, class Real>
TANDEM_FN void mirror_upper(const T& team, MatrixView<Real> C) {
  const int n = C.rows;
  for_each_2d(team, n, n, [&](int sum, int i) {
    const int j = sum < i ? sum - i + n : sum - i;
    if (j < i) C(i, j) = C(j, i);
  });
}
template <class Real>
TANDEM_FN void mirror_upper(const SerialTeam&, MatrixView<Real> C) {
  for (int i = 1; i < C.rows; ++i)
    for (int j = 0; j < i; ++j) C(i, j) = C(j, i);
}

// Y = L B with L lower triangular.
template <Team T, class Real>
TANDEM_FN void multiply_lower(const T& team, MatrixView<Real> Y, MatrixView<Real> L, MatrixView<Real> B) {
  for_each_2d(team, Y.rows, Y.cols, [&](int i, int j) {
    Real s(0);
    for (int k = 0; k <= i; ++k) s += L(i, k) * B(k, j);
    Y(i, j) = s;
  });
}

// Y (W) L' B with L lower triangular.
template <Write W, Team T, class Real>
TANDEM_FN void multiply_lower_t(const T& team, MatrixView<Real> Y, MatrixView<Real> L, MatrixView<Real> B) {
  for_each_2d(team, Y.rows, Y.cols, [&](int i, int j) {
    Real s(0);
    for (int k = i; k < L.rows; ++k) s += L(k, i) * B(k, j);
    write<W>(Y(i, j), s);
  });
}

// y (W) A x with A (m, n).
template <Write W, Team T, class Real>
TANDEM_FN void multiply(const T& team, Real* y, MatrixView<Real> A, const Real* x) {
  for_each(team, 0, A.rows, [&](int i) {
    Real s(0);
    for (int j = 0; j < A.cols; ++j) s += A(i, j) * x[j];
    write<W>(y[i], s);
  });
}

// y (W) A' x with A (m, n).
template <Write W, Team T, class Real>
TANDEM_FN void multiply_t(const T& team, Real* y, MatrixView<Real> A, const Real* x) {
  for_each(team, 0, A.cols, [&](int j) {
    Real s(0);
    for (int i = 0; i < A.rows; ++i) s += A(i, j) * x[i];
    write<W>(y[j], s);
  });
}

// Inverse of the Cholesky factor L of A = L L'. Syncs inside and at the end.
//   A      (n, n) upper triangle read (vector code: of the diagonal blocks of 16 both triangles), destroyed
//   Linv   (n, n) lower triangle written, upper one and padding set to zero
//   floor  a pivot not above floor * (its original diagonal entry) is replaced by 1 + that entry and reported
// Returns 0 or, where a pivot was replaced (not positive definite, or NaN), 1; the same on every lane.
template <Team T, class Real>
TANDEM_FN Real cholesky_inverse(const T& team, MatrixView<Real> A, MatrixView<Real> Linv, Scalar<Real> floor) {
  const int n = A.rows;
  Real flag(0);
  for_each_2d(team, n, Linv.ld, [&](int i, int j) { Linv(i, j) = Real(0); });
  team.sync();
  // the original diagonal waits in the first row of Linv until the inverse is formed
  for_each(team, 0, n, [&](int j) { Linv(0, j) = A(j, j); });
  team.sync();
  for (int j = 0; j < n; ++j) {
    const Real original = Linv(0, j);
    const Mask<Real> good = A(j, j) > Real(floor) * abs(original);
    const Real pivot = select(good, A(j, j), Real(1) + max(original, Real(0)));
    flag = select(good, flag, Real(1));
    const Real root = sqrt(pivot), scale = Real(1) / root;
    team.sync();
    for_each(team, j, n, [&](int i) { A(j, i) = i == j ? root : A(j, i) * scale; });
    team.sync();
    for_each_2d(team, n - j - 1, n - j - 1, [&](int r, int c) {
      if (c >= r) A(j + 1 + r, j + 1 + c) -= A(j, j + 1 + r) * A(j, j + 1 + c);
    });
    team.sync();
  }
  for_each(team, 0, n, [&](int c) {
    Linv(0, c) = Real(0);
    Linv(c, c) = Real(1) / A(c, c);
    for (int i = c + 1; i < n; ++i) {
      Real s(0);
      for (int k = c; k < i; ++k) s -= A(k, i) * Linv(k, c);
      Linv(i, c) = s / A(i, i);
    }
  });
  team.sync();
  return flag;
}

}  // namespace TANDEM_ISA
}  // namespace tandem

#ifdef TANDEM_LANES
#include "math/dense_simd.hpp"
#endif
