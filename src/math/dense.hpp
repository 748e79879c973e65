// Small dense matrices on a team. Row-major, no sync inside unless said: outputs are dealt out to the lanes, the caller syncs before it reads them.
// math/dense_simd.hpp overloads the heavy ones for one lane in float; both are held against each other by tests.
#pragma once

#include "math/matrix.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

enum class Write { kSet, kAdd, kSubtract, kNegate };  // y = v, y += v, y -= v, y = -v

// Whether the new value of y needs the old one. That is read before the sum is, so that a lane does not wait for it afterwards.
TANDEM_FN bool needs_before(Write write) { return write == Write::kAdd || write == Write::kSubtract; }
template <class Real>
TANDEM_FN Real value_before(Write write, const Real& y) {
  return needs_before(write) ? y : Real(0);
}
template <class Real>
TANDEM_FN Real value_after(Write write, Real before, Real v) {
  const Real change = write == Write::kSubtract || write == Write::kNegate ? -v : v;
  return needs_before(write) ? before + change : change;
}

// Products keep a tile of kTile x kTile results in the registers of a lane: 2 kTile loads for kTile^2 multiply-adds, not two for each. kTile is odd, so that
// the columns of neighbouring lanes, kTile apart, lie on different banks of a GPU's shared memory. Every result is the sum over k in ascending order.
constexpr int kTile = 3;
TANDEM_FN int tiles_of(int n) { return (n + kTile - 1) / kTile; }
TANDEM_FN int triangle(int n) { return n * (n + 1) / 2; }  // entries of an upper triangle, its diagonal among them

// One factor of a product: entry (k, i) is data[k * step + i * stride].
template <class Real>
struct Factor {
  const Real* data;
  int step, stride;
};

// s += sum over k in [begin, end) of left(k, i + r) right(k, j + c). Whole: the tile lies inside; else rows and columns beyond repeat the last one.
template <bool Whole, class Real>
TANDEM_FN void add_tile(Real (&s)[kTile][kTile], Factor<Real> left, Factor<Real> right, const int (&row)[kTile], const int (&column)[kTile],
                        int begin, int end) {
  const Real *a = left.data + begin * left.step + row[0] * left.stride, *b = right.data + begin * right.step + column[0];
  for (int k = begin; k < end; ++k, a += left.step, b += right.step) {
    Real x[kTile], y[kTile];
    for (int r = 0; r < kTile; ++r) x[r] = a[(Whole ? r : row[r] - row[0]) * left.stride];
    for (int c = 0; c < kTile; ++c) y[c] = b[Whole ? c : column[c] - column[0]];
    for (int r = 0; r < kTile; ++r)
      for (int c = 0; c < kTile; ++c) s[r][c] += x[r] * y[c];
  }
}

enum class Sum { kAll, kUpTo, kFrom };  // which k belong to row i of a product: all of them; k <= i; k >= i, where `left` is zero for the others
enum class Fill { kAll, kUpper };       // what is wanted of a product; of kUpper, for a square, what becomes of the lower triangle is not defined

// What a product does: known when it is compiled, or only when it runs, so that one function serves all.
template <Write W, Sum S, Fill F>
struct ProductOf {
  static constexpr Write write = W;
  static constexpr Sum sum = S;
  static constexpr Fill fill = F;
};
struct AnyProduct {
  Write write;
  Sum sum;
  Fill fill;
};

// C (write) left' right over the tile that starts at (i, j), for k in [0, n) as far as the kind says.
template <bool Whole, class K, class Real>
TANDEM_FN void product_tile(K kind, MatrixView<Real> C, Factor<Real> left, Factor<Real> right, int n, int i, int j) {
  int row[kTile], column[kTile];
  for (int r = 0; r < kTile; ++r) {
    row[r] = Whole || i + r < C.rows ? i + r : C.rows - 1;
    column[r] = Whole || j + r < C.cols ? j + r : C.cols - 1;
  }
  Real before[kTile][kTile], s[kTile][kTile];
  for (int r = 0; r < kTile; ++r)
    for (int c = 0; c < kTile; ++c) before[r][c] = s[r][c] = Real(0);
  if (needs_before(kind.write))
    for (int r = 0; r < kTile; ++r)
      for (int c = 0; c < kTile; ++c) before[r][c] = C(row[r], column[c]);
  const int begin = kind.sum == Sum::kFrom ? i : 0, end = kind.sum == Sum::kUpTo && i + kTile < n ? i + kTile : n;
  add_tile<Whole>(s, left, right, row, column, begin, end);
  for (int r = 0; r < kTile; ++r)
    for (int c = 0; c < kTile; ++c)
      if (Whole || (i + r < C.rows && j + c < C.cols)) C(i + r, j + c) = value_after(kind.write, before[r][c], s[r][c]);
}

template <class K, class Real>
TANDEM_FN void product_tile(K kind, MatrixView<Real> C, Factor<Real> left, Factor<Real> right, int n, int i, int j) {
  if (i + kTile <= C.rows && j + kTile <= C.cols) return product_tile<true>(kind, C, left, right, n, i, j);
  product_tile<false>(kind, C, left, right, n, i, j);
}

// s[k mod kSums] += product k of the first n of a dot product; all are loaded before the first is used. Moves on to what comes after them.
template <int n, int kSums, class Real>
TANDEM_FN void add_products(Real (&s)[kSums], Factor<Real>& a, Factor<Real>& b) {
  Real x[n], y[n];
  for (int k = 0; k < n; ++k) x[k] = a.data[k * a.step], y[k] = b.data[k * b.step];
  for (int k = 0; k < n; ++k) s[k % kSums] += x[k] * y[k];
  a.data += n * a.step, b.data += n * b.step;
}

// Sum over k in [0, n) of entry (k, 0) of a times that of b, in kSums sums, so that a multiply-add does not wait for the one before it. On a GPU a lane that
// waits for its loads 16 at a time waits a third as long as with 4 at a time.
template <int kSums, class Real>
TANDEM_FN Real dot(Factor<Real> a, Factor<Real> b, int n) {
  Real s[kSums];
  for (int i = 0; i < kSums; ++i) s[i] = Real(0);
  for (int left = n; left >= 16; left -= 16) add_products<16>(s, a, b);
  if (n & 8) add_products<8>(s, a, b);
  if (n & 4) add_products<4>(s, a, b);
  if (n & 2) add_products<2>(s, a, b);
  if (n & 1) add_products<1>(s, a, b);
  if constexpr (kSums == 4) return (s[0] + s[1]) + (s[2] + s[3]);
  return s[0];
}
constexpr int kSums = 4;  // of products with vectors

// The one result at (i, j).
template <class K, class Real>
TANDEM_FN void product_result(K kind, MatrixView<Real> C, Factor<Real> left, Factor<Real> right, int n, int i, int j) {
  const int begin = kind.sum == Sum::kFrom ? i : 0, end = kind.sum == Sum::kUpTo ? i + 1 : n;
  const Factor<Real> a{left.data + begin * left.step + i * left.stride, left.step, 1}, b{right.data + begin * right.step + j, right.step, 1};
  const Real before = value_before(kind.write, C(i, j));
  C(i, j) = value_after(kind.write, before, dot<1>(a, b, end > begin ? end - begin : 0));  // a row beyond those of a triangular factor has no k
}

// Up to so many results per lane are worked out one by one: tiles would leave most lanes idle, and all wait for the last one.
constexpr int kFewResults = 2;

// How the results of a product are dealt out, one by one or in tiles: as places of a rectangle. Row i of an upper triangle and the last but i have as many
// places together as any other such pair; where k depends on the row, both go to the same lane, so that all have as much to do.
struct Places {
  bool tiles;
  int rows;         // of results or tiles
  int pairs, cols;  // of the rectangle
};
template <Team T, class K, class Real>
TANDEM_FN Places places_of(const T& team, K kind, MatrixView<Real> C) {
  const bool upper = kind.fill == Fill::kUpper;
  const bool tiles = (upper ? triangle(C.rows) : C.rows * C.cols) > kFewResults * team.size();
  const int rows = tiles ? tiles_of(C.rows) : C.rows, cols = tiles ? tiles_of(C.cols) : C.cols;
  return {tiles, rows, upper || (tiles && kind.sum != Sum::kAll) ? (rows + 1) / 2 : rows, upper ? rows + 1 : cols};
}

// C (write) left' right at those places.
template <Team T, class K, class Real>
TANDEM_FN void product(const T& team, K kind, const Places& places, MatrixView<Real> C, Factor<Real> left, Factor<Real> right, int n) {
  const bool upper = kind.fill == Fill::kUpper;
  const int rows = places.rows;
  for_each_2d(team, places.pairs, places.cols, [&](int a, int b) {
    const bool first = !upper || b < rows - a;
    if (!first && 2 * a == rows - 1) return;  // the middle row of an odd number has no partner
    const int j = !upper ? b : first ? a + b : b - 1;
    if (!places.tiles) return product_result(kind, C, left, right, n, first ? a : rows - 1 - a, j);
    for (int i = first ? a : rows - 1 - a, last = kind.sum != Sum::kAll ? rows - 1 - a : i;; i = last) {
      product_tile(kind, C, left, right, n, kTile * i, kTile * j);
      if (i == last) break;
    }
  });
}

#ifdef __CUDA_ARCH__
// Where a team calls its products, all of them are this one function: its instructions stay in a multiprocessor's instruction cache, where a copy of them for
// every product would not. It finds out what it can know of its factors: that they lie in shared memory.
template <class Real>
__device__ __noinline__ void called_product(LaneOf team, AnyProduct kind, Places places, MatrixView<Real> C, Factor<Real> left, Factor<Real> right,
                                            int n) {
  if (__isShared(left.data) && __isShared(right.data)) {
    __builtin_assume(__isShared(left.data)), __builtin_assume(__isShared(right.data));
    return product(team, kind, places, C, left, right, n);
  }
  product(team, kind, places, C, left, right, n);
}
#endif

// C (W) left' right.
template <Write W, Sum S, Fill F, Team T, class Real>
TANDEM_FN void product(const T& team, MatrixView<Real> C, Factor<Real> left, Factor<Real> right, int n) {
  const ProductOf<W, S, F> kind;
  const Places places = places_of(team, kind, C);
#ifdef __CUDA_ARCH__
  if constexpr (kCallsProducts<T>) {
    if (team.lane() < places.pairs * places.cols) called_product({team.lane(), team.size()}, {W, S, F}, places, C, left, right, n);
    return;
  }
#endif
  product(team, kind, places, C, left, right, n);
}

// C (W) A' B with A (k, m), B (k, n), C (m, n).
template <Write W, Team T, class Real>
TANDEM_FN void multiply_tn(const T& team, MatrixView<Real> C, MatrixView<Real> A, MatrixView<Real> B) {
  product<W, Sum::kAll, Fill::kAll>(team, C, Factor<Real>{A.data, A.ld, 1}, Factor<Real>{B.data, B.ld, 1}, A.rows);
}

// The same where only the upper triangle of the square C is wanted; what becomes of the lower one is not defined (mirror_upper repairs it).
template <Write W, Team T, class Real>
TANDEM_FN void multiply_tn_upper(const T& team, MatrixView<Real> C, MatrixView<Real> A, MatrixView<Real> B) {
  product<W, Sum::kAll, Fill::kUpper>(team, C, Factor<Real>{A.data, A.ld, 1}, Factor<Real>{B.data, B.ld, 1}, A.rows);
}

// C (W) A B.
template <Write W, Team T, class Real>
TANDEM_FN void multiply_nn(const T& team, MatrixView<Real> C, MatrixView<Real> A, MatrixView<Real> B) {
  product<W, Sum::kAll, Fill::kAll>(team, C, Factor<Real>{A.data, 1, A.ld}, Factor<Real>{B.data, B.ld, 1}, A.cols);
}

// Lower triangle := transpose of the upper one. Neighbouring lanes copy neighbours on an anti-diagonal, i + j = sum or sum + n: where rows have even length, as
// those of states have, their places lie ld - 1 apart, an odd number, so that the lanes of one anti-diagonal meet no bank of shared memory twice.
template <Team T, class Real>
TANDEM_FN void mirror_upper(const T& team, MatrixView<Real> C) {
  const int n = C.rows;
  for_each_2d(team, n, (n + 1) / 2, [=](int sum, int t) {
    const int apart = 2 * t + (sum & 1);
    if (apart == 0 || apart >= n) return;
    const int a = sum / 2 - t, b = a + apart, i = a < 0 ? a + n : a, j = b < n ? b : b - n;
    i > j ? void(C(i, j) = C(j, i)) : void(C(j, i) = C(i, j));
  });
}
template <class Real>
TANDEM_FN void mirror_upper(const SerialTeam&, MatrixView<Real> C) {
  for (int i = 1; i < C.rows; ++i)
    for (int j = 0; j < i; ++j) C(i, j) = C(j, i);
}

// Y = L B with L lower triangular, zero above its diagonal.
template <Team T, class Real>
TANDEM_FN void multiply_lower(const T& team, MatrixView<Real> Y, MatrixView<Real> L, MatrixView<Real> B) {
  product<Write::kSet, Sum::kUpTo, Fill::kAll>(team, Y, Factor<Real>{L.data, 1, L.ld}, Factor<Real>{B.data, B.ld, 1}, L.cols);
}

// Y (W) L' B with L (n, rows of Y) lower triangular, zero above its diagonal.
template <Write W, Team T, class Real>
TANDEM_FN void multiply_lower_t(const T& team, MatrixView<Real> Y, MatrixView<Real> L, MatrixView<Real> B) {
  product<W, Sum::kFrom, Fill::kAll>(team, Y, Factor<Real>{L.data, L.ld, 1}, Factor<Real>{B.data, B.ld, 1}, L.rows);
}

// y (W) A x with A (m, n).
template <Write W, Team T, class Real>
TANDEM_FN void multiply(const T& team, Real* y, MatrixView<Real> A, const Real* x) {
  for_each(team, 0, A.rows, [&](int i) {
    const Real before = value_before(W, y[i]);
    y[i] = value_after(W, before, dot<kSums>(Factor<Real>{A.row(i), 1, 1}, Factor<Real>{x, 1, 1}, A.cols));
  });
}

// y = start + A x in `a`, y = A x in `b` and `c`: the rows of all are dealt out together, so that as many lanes work side by side as there are rows.
template <class Real>
struct RowProduct {
  MatrixView<Real> A;
  Real* y;
};
template <Team T, class Real>
TANDEM_FN void multiply_rows(const T& team, const RowProduct<Real>& a, const Real* start, const RowProduct<Real>& b, const RowProduct<Real>& c,
                             const Real* x) {
  const int from_b = a.A.rows, from_c = from_b + b.A.rows;
  for_each(team, 0, from_c + c.A.rows, [=](int e) {
    const bool in_a = e < from_b, in_b = e < from_c;
    const int i = e - (in_a ? 0 : in_b ? from_b : from_c), ld = in_a ? a.A.ld : in_b ? b.A.ld : c.A.ld;
    const Real* A = in_a ? a.A.data : in_b ? b.A.data : c.A.data;
    Real *y = in_a ? a.y : in_b ? b.y : c.y, before = start[in_a ? e : 0];
    before = in_a ? before : Real(0);
    y[i] = before + dot<kSums>(Factor<Real>{A + i * ld, 1, 1}, Factor<Real>{x, 1, 1}, a.A.cols);
  });
}
template <class Real>
TANDEM_FN void multiply_rows(const SerialTeam& team, const RowProduct<Real>& a, const Real* start, const RowProduct<Real>& b,
                             const RowProduct<Real>& c, const Real* x) {
  for_each_along(team, a.A.rows, [=](int i) { a.y[i] = start[i]; });
  if (a.A.rows > 0) multiply<Write::kAdd>(team, a.y, a.A, x);
  if (b.A.rows > 0) multiply<Write::kSet>(team, b.y, b.A, x);
  if (c.A.rows > 0) multiply<Write::kSet>(team, c.y, c.A, x);
}

// y (W) A' x with A (m, n).
template <Write W, Team T, class Real>
TANDEM_FN void multiply_t(const T& team, Real* y, MatrixView<Real> A, const Real* x) {
  for_each(team, 0, A.cols, [&](int j) {
    const Real before = value_before(W, y[j]);
    y[j] = value_after(W, before, dot<kSums>(Factor<Real>{A.data + j, A.ld, 1}, Factor<Real>{x, 1, 1}, A.rows));
  });
}

// use(i, y_i) for every row of y + A x, y of the caller's, which vector code overwrites with that.
template <Team T, class Real, class Use>
TANDEM_FN void for_each_product(const T& team, MatrixView<Real> A, const Real* x, Real* y, Use&& use) {
  for_each(team, 0, A.rows, [&](int i) {
    const Real before = y[i];
    use(i, before + dot<kSums>(Factor<Real>{A.row(i), 1, 1}, Factor<Real>{x, 1, 1}, A.cols));
  });
}
template <class Real, class Use>
TANDEM_FN void for_each_product(const SerialTeam& team, MatrixView<Real> A, const Real* x, Real* y, Use&& use) {
  multiply<Write::kAdd>(team, y, A, x);
  for_each_along(team, A.rows, [&](int i) { use(i, y[i]); });
}

// y = start + A' x with A (m, n), padding of y zero.
template <Team T, class Real>
TANDEM_FN void multiply_t_from(const T& team, Real* y, const Real* start, MatrixView<Real> A, const Real* x) {
  for_each(team, 0, A.ld, [&](int j) {
    if (j >= A.cols) return void(y[j] = Real(0));
    const Real before = start[j];
    y[j] = before + dot<kSums>(Factor<Real>{A.data + j, A.ld, 1}, Factor<Real>{x, 1, 1}, A.rows);
  });
}
template <class Real>
TANDEM_FN void multiply_t_from(const SerialTeam& team, Real* y, const Real* start, MatrixView<Real> A, const Real* x) {
  for_each_along(team, A.ld, [=](int j) { y[j] = j < A.cols ? start[j] : Real(0); });
  multiply_t<Write::kAdd>(team, y, A, x);
}

// y = A x with A symmetric: lanes read its columns, which lie side by side; one lane alone reads its rows.
template <Team T, class Real>
TANDEM_FN void multiply_symmetric(const T& team, Real* y, MatrixView<Real> A, const Real* x) {
  multiply_t<Write::kSet>(team, y, A, x);
}
template <class Real>
TANDEM_FN void multiply_symmetric(const SerialTeam& team, Real* y, MatrixView<Real> A, const Real* x) {
  multiply<Write::kSet>(team, y, A, x);
}

// Inverse of the Cholesky factor L of A = L L'. Syncs inside and at the end.
//   A      (n, n) upper triangle read (vector code: of the diagonal blocks of 16 both triangles), all of it destroyed
//   Linv   (n, n) lower triangle written, upper one and padding set to zero
//   floor  a pivot not above floor * (its original diagonal entry) is replaced by 1 + that entry and reported
// Returns 0 or, where a pivot was replaced (not positive definite, or NaN), 1; the same on every lane.
// Elimination, kTile rows at a time: the steps that make A upper triangular make the identity L^-1. Two syncs for kTile rows.
template <Team T, class Real>
TANDEM_FN Real cholesky_inverse(const T& team, MatrixView<Real> A, MatrixView<Real> Linv, Scalar<Real> floor) {
  const int n = A.rows;
  Real flag(0);
  for_each_2d(team, n, Linv.ld, [=](int i, int j) { Linv(i, j) = i == j ? Real(1) : Real(0); });
  for_each(team, 1, n, [=](int i) { A(i, 0) = A(i, i); });  // the first column keeps the original diagonal
  team.sync();
  for (int j = 0; j < n; j += kTile) {
    // rows j to j + kTile - 1 of L' where they meet its diagonal, by every lane; rows beyond A are those of the identity
    Real l[kTile][kTile], scale[kTile];
    for (int r = 0; r < kTile; ++r)
      for (int c = r; c < kTile; ++c) l[r][c] = j + c < n ? A(j + r, j + c) : r == c ? Real(1) : Real(0);
    for (int r = 0; r < kTile; ++r) {
      const Real original = j + r < n ? A(j + r, 0) : Real(1);
      const Mask<Real> good = l[r][r] > Real(floor) * abs(original);
      flag = select(good, flag, Real(1));
      scale[r] = inverse_sqrt(select(good, l[r][r], Real(1) + max(original, Real(0))));
      for (int c = r + 1; c < kTile; ++c) l[r][c] *= scale[r];
      for (int i = r + 1; i < kTile; ++i)
        for (int c = i; c < kTile; ++c) l[i][c] -= l[r][i] * l[r][c];
    }
    // these rows, a column per lane: of L^-1 up to here, of L' further on
    const auto finish_column = [&](MatrixView<Real> M, int c) {
      Real x[kTile];
      for (int r = 0; r < kTile; ++r) x[r] = M(j + r < n ? j + r : n - 1, c);
      for (int r = 0; r < kTile; ++r) {
        for (int i = 0; i < r; ++i) x[r] -= l[i][r] * x[i];
        x[r] *= scale[r];
      }
      for (int r = 0; r < kTile; ++r)
        if (j + r < n) M(j + r, c) = x[r];
    };
    const int next = j + kTile;
    for_each(team, 0, n, [&](int c) { finish_column(c < next ? Linv : A, c); });
    team.sync();
    // what they take from the rows below, tile by tile
    for_each_2d(team, n > next ? tiles_of(n - next) : 0, tiles_of(n), [&](int r, int t) {
      const int i = next + kTile * r, c = kTile * t;
      if (c > j && c < i) return;  // under the diagonal of A
      const MatrixView<Real> M = c > j ? A : Linv;
      product_tile(ProductOf<Write::kSubtract, Sum::kAll, Fill::kAll>{}, M, Factor<Real>{A.row(j), A.ld, 1}, Factor<Real>{M.row(j), M.ld, 1}, kTile,
                   i, c);
    });
    team.sync();
  }
  return flag;
}

}  // namespace TANDEM_ISA
}  // namespace tandem

#ifdef TANDEM_LANES
#include "math/dense_simd.hpp"
#endif
