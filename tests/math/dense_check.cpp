#include "dense_check.hpp"

#include <algorithm>
#include <cmath>
#include <new>
#include <random>

#include "math/dense.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

namespace {

// One lane that is not SerialTeam: takes the plain kernels.
struct PlainTeam {
  static int lane() { return 0; }
  static int size() { return 1; }
  static void sync() {}
};

struct Aligned {
  float* data;
  explicit Aligned(size_t n) : data(static_cast<float*>(::operator new(n * sizeof(float), std::align_val_t(64)))) { std::fill_n(data, n, 0.0f); }
  ~Aligned() { ::operator delete(data, std::align_val_t(64)); }
  Aligned(const Aligned&) = delete;
  Aligned& operator=(const Aligned&) = delete;
};

// Random entries, zero padding.
struct Matrix {
  MatrixView<float> view;
  Aligned memory;
  Matrix(int rows, int cols, std::mt19937& rng) : memory(static_cast<size_t>(rows + 16) * ((cols + 15) / 16 * 16)) {
    view = {memory.data, rows, cols, (cols + 15) / 16 * 16};
    std::normal_distribution<float> normal;
    for (int i = 0; i < rows; ++i)
      for (int j = 0; j < cols; ++j) view(i, j) = normal(rng);
  }
  Matrix(const Matrix& other) : memory(static_cast<size_t>(other.view.rows + 16) * other.view.ld) {
    view = other.view;
    view.data = memory.data;
    std::copy_n(other.view.data, static_cast<size_t>(view.rows) * view.ld, view.data);
  }
};

double difference(const Matrix& a, const Matrix& b, bool upper_only = false) {
  double worst = 0, scale = 1e-30;
  for (int i = 0; i < a.view.rows; ++i)
    for (int j = upper_only ? i : 0; j < a.view.cols; ++j) {
      const double d = std::abs(a.view(i, j) - b.view(i, j));
      worst = std::isfinite(d) ? std::max(worst, d) : 1e30;
      scale = std::max(scale, std::abs(static_cast<double>(a.view(i, j))));
    }
  return worst / scale;
}

// Symmetric and positive definite, n a multiple of 16.
Matrix definite(int n, std::mt19937& rng) {
  Matrix root(n, n, rng), A(n, n, rng);
  multiply_tn<Write::kSet>(PlainTeam{}, A.view, root.view, root.view);
  for (int i = 0; i < n; ++i) A.view(i, i) += 1;
  return A;
}

}  // namespace

std::vector<test::DenseError> check_dense(unsigned seed) {
  std::mt19937 rng(seed);
  std::vector<test::DenseError> out;
  const PlainTeam plain;
  const SerialTeam vector;
  // runs kernel(team, copy of C) with both and notes the difference
  const auto compare = [&](const char* name, const Matrix& C, auto&& kernel, bool upper_only = false) {
    Matrix a(C), b(C);
    kernel(plain, a.view), kernel(vector, b.view);
    out.push_back({name, difference(a, b, upper_only)});
  };
  for (int n : {16, 32, 48, 64, 80}) {
    const int inner = 1 + static_cast<int>(rng() % 33);
    const Matrix A(inner, n, rng), B(inner, n + 3, rng), C(n, n + 3, rng), S(n, n, rng), L = [&] {
      Matrix m(n, n, rng);
      for (int i = 0; i < n; ++i)
        for (int j = i + 1; j < n; ++j) m.view(i, j) = 0;
      return m;
    }();
    compare("multiply_tn add", C, [&](auto team, MatrixView<float> c) { multiply_tn<Write::kAdd>(team, c, A.view, B.view); });
    compare("multiply_tn subtract", C, [&](auto team, MatrixView<float> c) { multiply_tn<Write::kSubtract>(team, c, A.view, B.view); });
    compare("multiply_tn_upper", S, [&](auto team, MatrixView<float> c) { multiply_tn_upper<Write::kAdd>(team, c, A.view, A.view); }, true);
    const Matrix tall(n, inner, rng), odd(11, n, rng);
    compare("multiply_nn", C, [&](auto team, MatrixView<float> c) { multiply_nn<Write::kSet>(team, c, tall.view, B.view); });
    compare("multiply_lower", C, [&](auto team, MatrixView<float> c) { multiply_lower(team, c, L.view, C.view); });
    compare("multiply_lower_t", C, [&](auto team, MatrixView<float> c) { multiply_lower_t<Write::kNegate>(team, c, L.view, C.view); });
    compare("mirror_upper", S, [&](auto team, MatrixView<float> c) { mirror_upper(team, c); });
    compare("clear", C, [&](auto team, MatrixView<float> c) { clear(team, c); });
    compare("copy_leading", C, [&](auto team, MatrixView<float> c) { copy_leading(team, c, Matrix(S).view, n / 2 + 1); });
    compare("add_scaled", S, [&](auto team, MatrixView<float> c) { add_scaled(team, c, L.view, 0.3f, Matrix(S).view); });
    compare("scale_rows", S, [&](auto team, MatrixView<float> c) { scale_rows(team, c, 2.0f, A.view.row(0), L.view); });
    const Matrix y(1, n, rng), x(1, n, rng), few(1, 11, rng);
    compare("multiply", few, [&](auto team, MatrixView<float> c) { multiply<Write::kAdd>(team, c.data, odd.view, x.view.data); });
    compare("multiply square", y, [&](auto team, MatrixView<float> c) { multiply<Write::kSubtract>(team, c.data, S.view, x.view.data); });
    compare("multiply_t", y, [&](auto team, MatrixView<float> c) { multiply_t<Write::kNegate>(team, c.data, odd.view, few.view.data); });
    const Matrix D = definite(n, rng);
    compare("cholesky_inverse", S, [&](auto team, MatrixView<float> c) {
      Matrix copy(D);
      cholesky_inverse(team, copy.view, c, 1e-6f);
    });
    // Linv A Linv' = I: an identity beside the comparison
    Matrix copy(D), Linv(n, n, rng), half(n, n, rng), identity(n, n, rng), expected(n, n, rng);
    const float bad = cholesky_inverse(vector, copy.view, Linv.view, 1e-6f);
    multiply_lower(plain, half.view, Linv.view, D.view);
    for (int i = 0; i < n; ++i)
      for (int j = 0; j < n; ++j) {
        identity.view(i, j) = 0, expected.view(i, j) = i == j ? 1.0f : 0.0f;
        for (int k = 0; k <= j; ++k) identity.view(i, j) += half.view(i, k) * Linv.view(j, k);
      }
    out.push_back({"cholesky_inverse identity", difference(expected, identity) + bad});
    Matrix singular(D);
    for (int i = 0; i < n; ++i) singular.view(i, n - 3) = singular.view(n - 3, i) = 0;
    out.push_back({"cholesky_inverse reports", cholesky_inverse(vector, singular.view, Linv.view, 1e-6f) == 1 ? 0.0 : 1.0});
  }
  return out;
}

}  // namespace TANDEM_ISA
}  // namespace tandem
