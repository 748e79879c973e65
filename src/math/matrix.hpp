// Matrices in memory and what works on their entries one by one, on a team. No sync inside: outputs are dealt out to the lanes, the caller syncs before it
// reads them.
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

// e / n for 0 <= e < 2^22 by a multiplication, since a division of whole numbers takes a GPU as long as three loads. Exact: (e + 1/2) / n is at least 1/(2 n)
// from a whole number, and two roundings are off by less.
struct Divisor {
  float inverse;
  TANDEM_FN explicit Divisor(int n) : inverse(1.0f / static_cast<float>(n)) {}
  TANDEM_FN int quotient(int e) const { return static_cast<int>((static_cast<float>(e) + 0.5f) * inverse); }
};

// Runs body(i, j) for all i in [0, rows), j in [0, cols); calls must not depend on each other. Does not sync.
template <Team T, class Body>
TANDEM_FN void for_each_2d(const T& team, int rows, int cols, Body&& body) {
  const Divisor by(cols);
  for (int e = team.lane(); e < rows * cols; e += team.size()) {
    const int i = by.quotient(e);
    body(i, e - i * cols);
  }
}
template <class Body>
TANDEM_FN void for_each_2d(const SerialTeam&, int rows, int cols, Body&& body) {
  for (int i = 0; i < rows; ++i) {
#pragma GCC ivdep
    for (int j = 0; j < cols; ++j) body(i, j);
  }
}

// Runs body(i) for i in [0, n); calls must not depend on each other. Does not sync.
template <Team T, class Body>
TANDEM_FN void for_each_along(const T& team, int n, Body&& body) {
  for_each(team, 0, n, body);
}
template <class Body>
TANDEM_FN void for_each_along(const SerialTeam&, int n, Body&& body) {
#pragma GCC ivdep
  for (int i = 0; i < n; ++i) body(i);
}

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

}  // namespace TANDEM_ISA
}  // namespace tandem
