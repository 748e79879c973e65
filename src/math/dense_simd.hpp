// Vector code for one lane in float: overloads of math/dense.hpp, compiled once per instruction set (TANDEM_LANES floats per register).
// What it asks of a MatrixView<float>: data 64-byte aligned, ld a multiple of 16, padding columns zero; outputs are written up to the padding.
// The order of summation differs from the plain versions, so results agree to rounding only.
#pragma once

#include <utility>

#include "base/pack.hpp"
#include "math/dense.hpp"

namespace tandem {
inline namespace TANDEM_ISA {
namespace simd {

constexpr int kLanes = TANDEM_LANES;
using Vector = VectorOf<float, kLanes>::type;

constexpr int kTileRows = kLanes == 16 ? 8 : 4;  // kTileRows x kTileVectors accumulators leave room for the operands in 32 or 16 registers
constexpr int kTileVectors = 3;

[[gnu::always_inline]] inline Vector load(const float* p) { return *reinterpret_cast<const Vector*>(p); }
[[gnu::always_inline]] inline Vector broadcast(float s) { return s - Vector{}; }
template <Write W>
[[gnu::always_inline]] inline void store(float* p, Vector v) {
  Vector& target = *reinterpret_cast<Vector*>(p);
  if constexpr (W == Write::kSet) target = v;
  if constexpr (W == Write::kAdd) target += v;
  if constexpr (W == Write::kSubtract) target -= v;
  if constexpr (W == Write::kNegate) target = -v;
}

// Left operand of a product: entry (i, k) at data[i * row + k * column].
struct Left {
  const float* data;
  int row, column;
};

// C (W) A B for R rows and NV vectors of C, accumulated in registers; the inner dimension is B.rows.
template <Write W, int R, int NV>
[[gnu::always_inline]] inline void tile(float* C, int ldc, Left A, const float* B, int ldb, int inner) {
  Vector sum[R][NV] = {};
  const float* a = A.data;
  for (int k = 0; k < inner; ++k, a += A.column, B += ldb) {
    Vector b[NV];
#pragma GCC unroll 8
    for (int v = 0; v < NV; ++v) b[v] = load(B + v * kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const Vector ar = broadcast(a[r * A.row]);
#pragma GCC unroll 8
      for (int v = 0; v < NV; ++v) sum[r][v] += ar * b[v];
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < NV; ++v) store<W>(C + r * ldc + v * kLanes, sum[r][v]);
  }
}

inline int vector_count(int cols) { return (cols + kLanes - 1) / kLanes; }

// R rows of C in panels of up to kTileVectors vectors.
template <Write W, int R>
inline void tile_row(MatrixView<float> C, Left A, MatrixView<float> B) {
  const int vectors = vector_count(C.cols);
  int v = 0;
  for (; vectors - v >= kTileVectors; v += kTileVectors) tile<W, R, kTileVectors>(C.data + v * kLanes, C.ld, A, B.data + v * kLanes, B.ld, B.rows);
  if (vectors - v == 2) tile<W, R, 2>(C.data + v * kLanes, C.ld, A, B.data + v * kLanes, B.ld, B.rows);
  if (vectors - v == 1) tile<W, R, 1>(C.data + v * kLanes, C.ld, A, B.data + v * kLanes, B.ld, B.rows);
}

struct Range {
  int begin, end;
};

// C (W) A B, row tile by row tile; the tile of rows at i sums over k in inner(i, rows).
template <Write W, class Inner>
inline void product(MatrixView<float> C, Left A, MatrixView<float> B, Inner&& inner) {
  const auto run = [&]<int R>(int i) {
    const Range k = inner(i, R);
    const Left a{A.data + i * A.row + k.begin * A.column, A.row, A.column};
    tile_row<W, R>({C.row(i), R, C.cols, C.ld}, a, {B.row(k.begin), k.end - k.begin, B.cols, B.ld});
  };
  int i = 0;
  for (; i + kTileRows <= C.rows; i += kTileRows) run.template operator()<kTileRows>(i);
  if constexpr (kTileRows > 4) {
    if (i + 4 <= C.rows) run.template operator()<4>(i), i += 4;
  }
  for (; i + 2 <= C.rows; i += 2) run.template operator()<2>(i);
  if (i < C.rows) run.template operator()<1>(i);
}

template <int... I>
[[gnu::always_inline]] inline Vector shuffle(Vector a, Vector b) {
  return __builtin_shufflevector(a, b, I...);
}

// Vectors a, b, c, d -> one vector whose groups of four hold partial sums of (a, b, c, d).
[[gnu::always_inline]] inline Vector add_quad(Vector a, Vector b, Vector c, Vector d);
// Groups of four of `quads` vectors -> full sums, row 4 q + i at place 4 q + i.
#if TANDEM_LANES == 16
[[gnu::always_inline]] inline Vector interleave_add(Vector a, Vector b) {
  return shuffle<0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29>(a, b) +
         shuffle<2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31>(a, b);
}
[[gnu::always_inline]] inline Vector add_quad(Vector a, Vector b, Vector c, Vector d) {
  const Vector ab = interleave_add(a, b), cd = interleave_add(c, d);
  return shuffle<0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29>(ab, cd) +
         shuffle<2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31>(ab, cd);
}
[[gnu::always_inline]] inline Vector add_groups(const Vector* quad) {
  const auto halves = [](Vector a, Vector b) {
    return shuffle<0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23>(a, b) +
           shuffle<8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31>(a, b);
  };
  const Vector a = halves(quad[0], quad[1]), b = halves(quad[2], quad[3]);
  return shuffle<0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27>(a, b) +
         shuffle<4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31>(a, b);
}
#else
[[gnu::always_inline]] inline Vector interleave_add(Vector a, Vector b) {
  return shuffle<0, 8, 1, 9, 4, 12, 5, 13>(a, b) + shuffle<2, 10, 3, 11, 6, 14, 7, 15>(a, b);
}
[[gnu::always_inline]] inline Vector add_quad(Vector a, Vector b, Vector c, Vector d) {
  const Vector ab = interleave_add(a, b), cd = interleave_add(c, d);
  return shuffle<0, 1, 8, 9, 4, 5, 12, 13>(ab, cd) + shuffle<2, 3, 10, 11, 6, 7, 14, 15>(ab, cd);
}
[[gnu::always_inline]] inline Vector add_groups(const Vector* quad) {
  return shuffle<0, 1, 2, 3, 8, 9, 10, 11>(quad[0], quad[1]) + shuffle<4, 5, 6, 7, 12, 13, 14, 15>(quad[0], quad[1]);
}
#endif

// Four row dot products of NV vectors as partial sums. Rows past the last one repeat it.
template <int NV>
[[gnu::always_inline]] inline Vector quad_dot(MatrixView<float> A, int i, const Vector* x) {
  Vector sum[4];
#pragma GCC unroll 4
  for (int r = 0; r < 4; ++r) {
    const float* row = A.row(i + r < A.rows ? i + r : A.rows - 1);
    sum[r] = load(row) * x[0];
#pragma GCC unroll 8
    for (int v = 1; v < NV; ++v) sum[r] += load(row + v * kLanes) * x[v];
  }
  return add_quad(sum[0], sum[1], sum[2], sum[3]);
}

// y (W) A x for NV vectors of columns.
template <Write W, int NV>
inline void row_dots(float* y, MatrixView<float> A, const float* x) {
  Vector xv[NV];
#pragma GCC unroll 8
  for (int v = 0; v < NV; ++v) xv[v] = load(x + v * kLanes);
  for (int i = 0; i < A.rows; i += kLanes) {
    Vector quad[kLanes / 4] = {};
#pragma GCC unroll 4
    for (int q = 0; q < kLanes / 4; ++q)
      if (i + 4 * q < A.rows) quad[q] = quad_dot<NV>(A, i + 4 * q, xv);
    store<W>(y + i, add_groups(quad));
  }
}

// NV vectors of y (W) A' x, four rows of A at a time in separate sums.
template <Write W, int NV>
[[gnu::always_inline]] inline void columns(float* y, const float* A, int rows, int ld, const float* x) {
  Vector sum[4][NV] = {};
  int i = 0;
  for (; i + 4 <= rows; i += 4) {
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r) {
      const Vector xi = broadcast(x[i + r]);
#pragma GCC unroll 4
      for (int v = 0; v < NV; ++v) sum[r][v] += load(A + (i + r) * ld + v * kLanes) * xi;
    }
  }
  for (; i < rows; ++i) {
    const Vector xi = broadcast(x[i]);
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) sum[0][v] += load(A + i * ld + v * kLanes) * xi;
  }
#pragma GCC unroll 4
  for (int v = 0; v < NV; ++v) store<W>(y + v * kLanes, (sum[0][v] + sum[1][v]) + (sum[2][v] + sum[3][v]));
}

// Exchanges the off-diagonal halves of 2 S x 2 S blocks: one step of a transposition in registers.
template <int S, int... I>
[[gnu::always_inline]] inline void transpose_step(Vector* r, std::integer_sequence<int, I...>) {
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i) {
    if (i & S) continue;
    const Vector a = r[i], b = r[i + S];
    r[i] = shuffle<((I & S) ? kLanes + I - S : I)...>(a, b);
    r[i + S] = shuffle<((I & S) ? kLanes + I : I + S)...>(a, b);
  }
}

using IntVector = decltype(Vector{} < Vector{});
[[gnu::always_inline]] inline IntVector lane_index() {
  IntVector lane{};
  for (int i = 0; i < kLanes; ++i) lane[i] = i;
  return lane;
}

// target block := transpose of source block, kLanes x kLanes; they may be the same. LowerOnly: the upper triangle of the target stays.
template <bool LowerOnly>
inline void transpose_block(float* target, const float* source, int ld) {
  constexpr std::make_integer_sequence<int, kLanes> lanes;
  Vector r[kLanes];
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i) r[i] = load(source + i * ld);
  transpose_step<1>(r, lanes);
  transpose_step<2>(r, lanes);
  transpose_step<4>(r, lanes);
  if constexpr (kLanes == 16) transpose_step<8>(r, lanes);
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i) {
    float* row = target + i * ld;
    store<Write::kSet>(row, LowerOnly ? (lane_index() < i ? r[i] : load(row)) : r[i]);
  }
}

// Inverse of the Cholesky factor of one kLanes x kLanes block, all in registers: elimination on [A | I] without square roots, then a scaling of the rows.
// Returns how many pivots were replaced.
inline float invert_block(const float* A, int lda, float* Linv, int ldl, const float* diagonal, float floor) {
  Vector a[kLanes], m[kLanes];
  Vector bad{};
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i) {
    a[i] = load(A + i * lda);
    m[i] = Vector{};
    m[i][i] = 1;
  }
#pragma GCC unroll 16
  for (int j = 0; j < kLanes; ++j) {
    const auto lane = [](Vector v, int i) { return __builtin_shuffle(v, decltype(v < v){} + i); };
    // the comparison runs beside the division, which is on the critical path
    const Vector d = lane(a[j], j);
    const float original = diagonal[j];
    const auto good = d > broadcast(floor * tandem::abs(original));
    const Vector inverse = good ? 1.0f / d : broadcast(1.0f / (1.0f + max(original, 0.0f)));
    bad += good ? Vector{} : broadcast(1.0f);
    const Vector scaled = a[j] * inverse;
#pragma GCC unroll 16
    for (int i = j + 1; i < kLanes; ++i) {
      const Vector c = lane(scaled, i);
      a[i] -= c * a[j];
      m[i] -= c * m[j];
    }
    store<Write::kSet>(Linv + j * ldl, m[j] * broadcast(tandem::sqrt(inverse[0])));
  }
  return bad[0];
}

}  // namespace simd

template <Write W>
inline void multiply_tn(const SerialTeam&, MatrixView<float> C, MatrixView<float> A, MatrixView<float> B) {
  simd::product<W>(C, {A.data, 1, A.ld}, B, [&](int, int) { return simd::Range{0, A.rows}; });
}

// Computes the tiles that touch the upper triangle, whole diagonal blocks included.
template <Write W>
inline void multiply_tn_upper(const SerialTeam&, MatrixView<float> C, MatrixView<float> A, MatrixView<float> B) {
  constexpr int kLanes = simd::kLanes;
  for (int j = 0; j < C.cols; j += kLanes) {
    const MatrixView<float> block{C.data + j * C.ld + j, C.rows - j < kLanes ? C.rows - j : kLanes, C.cols - j, C.ld};
    const MatrixView<float> left{A.data + j, A.rows, block.rows, A.ld}, right{B.data + j, B.rows, block.cols, B.ld};
    multiply_tn<W>(SerialTeam{}, block, left, right);
  }
}

template <Write W>
inline void multiply_nn(const SerialTeam&, MatrixView<float> C, MatrixView<float> A, MatrixView<float> B) {
  simd::product<W>(C, {A.data, A.ld, 1}, B, [&](int, int) { return simd::Range{0, A.cols}; });
}

inline void multiply_lower(const SerialTeam&, MatrixView<float> Y, MatrixView<float> L, MatrixView<float> B) {
  simd::product<Write::kSet>(Y, {L.data, L.ld, 1}, B, [&](int i, int rows) { return simd::Range{0, i + rows < L.cols ? i + rows : L.cols}; });
}

template <Write W>
inline void multiply_lower_t(const SerialTeam&, MatrixView<float> Y, MatrixView<float> L, MatrixView<float> B) {
  simd::product<W>(Y, {L.data, 1, L.ld}, B, [&](int i, int) { return simd::Range{i, L.rows}; });
}

inline void mirror_upper(const SerialTeam&, MatrixView<float> C) {
  constexpr int kLanes = simd::kLanes;
  for (int i = 0; i < C.rows; i += kLanes) {
    for (int j = 0; j < i; j += kLanes) simd::transpose_block<false>(C.row(i) + j, C.row(j) + i, C.ld);
    simd::transpose_block<true>(C.row(i) + i, C.row(i) + i, C.ld);
  }
}

inline void clear(const SerialTeam&, MatrixView<float> C) {
  for (int i = 0; i < C.rows * C.ld; i += simd::kLanes) simd::store<Write::kSet>(C.data + i, simd::Vector{});
}

inline void copy_leading(const SerialTeam&, MatrixView<float> C, MatrixView<float> A, int cols) {
  for (int v = 0; v < C.cols; v += simd::kLanes) {
    const auto inside = simd::lane_index() + v < cols;
    for (int i = 0; i < C.rows; ++i) simd::store<Write::kSet>(C.row(i) + v, inside ? simd::load(A.row(i) + v) : simd::Vector{});
  }
}

inline void add_scaled(const SerialTeam&, MatrixView<float> C, MatrixView<float> A, float s, MatrixView<float> B) {
  for (int v = 0; v < C.cols; v += simd::kLanes)
    for (int i = 0; i < C.rows; ++i) simd::store<Write::kSet>(C.row(i) + v, simd::load(A.row(i) + v) + s * simd::load(B.row(i) + v));
}

inline void scale_rows(const SerialTeam&, MatrixView<float> C, float s, const float* scale, MatrixView<float> A) {
  for (int i = 0; i < C.rows; ++i)
    for (int v = 0; v < C.cols; v += simd::kLanes) simd::store<Write::kSet>(C.row(i) + v, simd::broadcast(s * scale[i]) * simd::load(A.row(i) + v));
}

// Blocks of kLanes; n must be a multiple of it. Row J of blocks: D = inverse factor of A_JJ, U_JI = D A_JI, A_IK -= U_JI' U_JK; the same row operations
// on the identity give the inverse factor.
inline float cholesky_inverse(const SerialTeam& team, MatrixView<float> A, MatrixView<float> Linv, float floor) {
  constexpr int kLanes = simd::kLanes;
  const int n = A.rows;
  alignas(64) float copy[kLanes * kLanes], diagonal[kLanes];
  const auto block = [](MatrixView<float> M, int i, int j) { return MatrixView<float>{M.row(i) + j, kLanes, kLanes, M.ld}; };
  const MatrixView<float> saved{copy, kLanes, kLanes, kLanes};
  const auto apply = [&](MatrixView<float> D, MatrixView<float> B) {  // B := D B
    for (int i = 0; i < kLanes; ++i) simd::store<Write::kSet>(copy + i * kLanes, simd::load(B.row(i)));
    multiply_lower(team, B, D, saved);
  };
  float flag = 0;
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < Linv.ld; j += kLanes) simd::store<Write::kSet>(Linv.row(i) + j, simd::Vector{});
  for (int J = 0; J < n; J += kLanes) {
    // what the trailing updates took from the diagonal is the squared length of the columns above
    for (int i = 0; i < kLanes; ++i) diagonal[i] = A(J + i, J + i);
    simd::Vector original = simd::load(diagonal);
    for (int k = 0; k < J; ++k) original += simd::load(A.row(k) + J) * simd::load(A.row(k) + J);
    simd::store<Write::kSet>(diagonal, original);
    const MatrixView<float> D = block(Linv, J, J);
    flag += simd::invert_block(A.row(J) + J, A.ld, D.data, D.ld, diagonal, floor);
    for (int K = 0; K < J; K += kLanes) apply(D, block(Linv, J, K));
    for (int I = J + kLanes; I < n; I += kLanes) apply(D, block(A, J, I));
    for (int I = J + kLanes; I < n; I += kLanes) {
      const MatrixView<float> U = block(A, J, I);
      multiply_tn<Write::kSubtract>(team, {A.row(I) + I, kLanes, n - I, A.ld}, U, {U.data, kLanes, n - I, A.ld});
      multiply_tn<Write::kSubtract>(team, {Linv.row(I), kLanes, J + kLanes, Linv.ld}, U, {Linv.row(J), kLanes, J + kLanes, Linv.ld});
    }
  }
  return flag > 0 ? 1.0f : 0.0f;
}

// Columns in panels of up to 5 vectors.
template <Write W>
inline void multiply(const SerialTeam& team, float* y, MatrixView<float> A, const float* x) {
  constexpr int kPanel = 5 * simd::kLanes;
  switch (simd::vector_count(A.cols)) {
    case 1:
      return simd::row_dots<W, 1>(y, A, x);
    case 2:
      return simd::row_dots<W, 2>(y, A, x);
    case 3:
      return simd::row_dots<W, 3>(y, A, x);
    case 4:
      return simd::row_dots<W, 4>(y, A, x);
    case 5:
      return simd::row_dots<W, 5>(y, A, x);
  }
  simd::row_dots<W, 5>(y, A, x);
  constexpr Write rest = W == Write::kSet ? Write::kAdd : W == Write::kNegate ? Write::kSubtract : W;
  multiply<rest>(team, y, {A.data + kPanel, A.rows, A.cols - kPanel, A.ld}, x + kPanel);
}

template <Write W>
inline void multiply_t(const SerialTeam&, float* y, MatrixView<float> A, const float* x) {
  constexpr int kLanes = simd::kLanes;
  const int vectors = simd::vector_count(A.cols);
  int v = 0;
  for (; vectors - v >= 3; v += 3) simd::columns<W, 3>(y + v * kLanes, A.data + v * kLanes, A.rows, A.ld, x);
  if (vectors - v == 2) simd::columns<W, 2>(y + v * kLanes, A.data + v * kLanes, A.rows, A.ld, x);
  if (vectors - v == 1) simd::columns<W, 1>(y + v * kLanes, A.data + v * kLanes, A.rows, A.ld, x);
}

}  // namespace TANDEM_ISA
}  // namespace tandem
