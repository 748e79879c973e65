#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "base/check.hpp"
#include "base/isa.hpp"
#include "math/dense.hpp"
#include "tests/math/dense_check.hpp"
#include "tests/support/thread_team.hpp"

namespace tandem {

// dense_check.cpp, one copy per instruction set
namespace avx2 {
std::vector<test::DenseError> check_dense(unsigned seed);
}
namespace avx512 {
std::vector<test::DenseError> check_dense(unsigned seed);
}

namespace {

void expect_small(const std::vector<test::DenseError>& errors) {
  for (const test::DenseError& e : errors) EXPECT_LT(e.error, 1e-4) << e.kernel;
}

TEST(DenseKernels, VectorCodeForAvx2AgreesWithThePlainKernels) { expect_small(avx2::check_dense(21)); }

TEST(DenseKernels, VectorCodeForAvx512AgreesWithThePlainKernels) {
  try {
    choose_isa(true, detect_isa() == Isa::kAvx512, "avx512");
  } catch (const Error& e) {
    GTEST_SKIP() << e.what();
  }
  expect_small(avx512::check_dense(22));
}

TEST(Divisor, IsExact) {
  for (int n = 1; n <= 400; ++n)
    for (int e = 0; e < 3000; ++e) ASSERT_EQ(Divisor(n).quotient(e), e / n) << e << " / " << n;
  std::mt19937 rng(5);
  for (int i = 0; i < 300000; ++i) {
    const int n = 1 + static_cast<int>(rng() % 5000), multiple = static_cast<int>(rng() % ((1 << 22) / n)) * n;
    for (int e : {multiple, std::max(multiple - 1, 0), multiple + n - 1}) ASSERT_EQ(Divisor(n).quotient(e), e / n) << e << " / " << n;
  }
}

TEST(DenseKernels, ProductsWithVectorsOfEveryLength) {
  std::mt19937 rng(6);
  std::normal_distribution<double> normal;
  for (int n = 0; n <= 70; ++n) {
    const int m = 5;
    std::vector<double> A(m * n), x(n), y(m), expected(m), at(m * n), z(m), expected_t(m);
    for (auto* v : {&A, &x, &y, &at, &z})
      for (double& value : *v) value = normal(rng);
    expected = y, expected_t = z;
    for (int i = 0; i < m; ++i)
      for (int j = 0; j < n; ++j) expected[i] += A[i * n + j] * x[j], expected_t[i] -= at[j * m + i] * x[j];
    multiply<Write::kAdd>(SerialTeam{}, y.data(), MatrixView<double>{A.data(), m, n, n}, x.data());
    multiply_t<Write::kSubtract>(SerialTeam{}, z.data(), MatrixView<double>{at.data(), n, m, m}, x.data());
    for (int i = 0; i < m; ++i) {
      EXPECT_NEAR(y[i], expected[i], 1e-13) << n;
      EXPECT_NEAR(z[i], expected_t[i], 1e-13) << n;
    }
  }
}

// As the gains of a padded problem have them; few results per lane go without tiles.
TEST(DenseKernels, RowsBeyondATriangularFactorAreZero) {
  std::mt19937 rng(7);
  std::normal_distribution<double> normal;
  const int n = 5, rows = 16, cols = 16;
  std::vector<double> L(n * rows), B(n * cols);
  for (double& value : B) value = normal(rng);
  for (int k = 0; k < n; ++k)
    for (int i = 0; i <= k; ++i) L[k * rows + i] = normal(rng);
  for (int lanes : {1, 7, 128}) {
    std::vector<double> C(rows * cols, std::numeric_limits<double>::quiet_NaN());
    for (int lane = 0; lane < lanes; ++lane)
      multiply_lower_t<Write::kSet>(LaneOf{lane, lanes}, MatrixView<double>{C.data(), rows, cols, cols}, MatrixView<double>{L.data(), n, rows, rows},
                                    MatrixView<double>{B.data(), n, cols, cols});
    for (int i = 0; i < rows; ++i)
      for (int j = 0; j < cols; ++j) {
        double expected = 0;
        for (int k = i; k < n; ++k) expected += L[k * rows + i] * B[k * cols + j];
        EXPECT_NEAR(C[i * cols + j], expected, 1e-14) << lanes << " lanes, " << i << ", " << j;
      }
  }
}

// C (W) left' right by all lanes of a team, from what C is.
template <class K>
std::vector<double> product_by(int lanes, K kind, std::vector<double> C, int rows, int cols, const std::vector<double>& left,
                               const std::vector<double>& right, int n) {
  const MatrixView<double> view{C.data(), rows, cols, cols};
  for (int lane = 0; lane < lanes; ++lane) {
    const LaneOf team{lane, lanes};
    product(team, kind, places_of(team, kind, view), view, Factor<double>{left.data(), rows, 1}, Factor<double>{right.data(), cols, 1}, n);
  }
  return C;
}

template <class K>
void expect_product(K kind, int rows, int cols, int n) {
  std::mt19937 rng(8);
  std::normal_distribution<double> normal;
  std::vector<double> left(n * rows), right(n * cols), C(rows * cols);
  for (auto* v : {&left, &right, &C})
    for (double& value : *v) value = normal(rng);
  for (int k = 0; k < n && K::sum != Sum::kAll; ++k)
    for (int i = 0; i < rows; ++i)
      if (K::sum == Sum::kUpTo ? k > i : k < i) left[k * rows + i] = 0;
  for (int lanes : {1, 5, 128}) {
    const std::vector<double> known = product_by(lanes, kind, C, rows, cols, left, right, n);
    const std::vector<double> any = product_by(lanes, AnyProduct{K::write, K::sum, K::fill}, C, rows, cols, left, right, n);
    for (int i = 0; i < rows; ++i)
      for (int j = K::fill == Fill::kUpper ? i : 0; j < cols; ++j) {
        double sum = 0;
        for (int k = 0; k < n; ++k) sum += left[k * rows + i] * right[k * cols + j];
        const double before = K::write == Write::kAdd || K::write == Write::kSubtract ? C[i * cols + j] : 0;
        const double expected = before + (K::write == Write::kSubtract || K::write == Write::kNegate ? -sum : sum);
        EXPECT_NEAR(known[i * cols + j], expected, 1e-13) << rows << " x " << cols << " x " << n << ", " << lanes << " lanes, " << i << ", " << j;
        EXPECT_EQ(any[i * cols + j], known[i * cols + j]) << rows << " x " << cols << " x " << n << ", " << lanes << " lanes, " << i << ", " << j;
      }
  }
}

template <Write W>
void expect_products() {
  for (int rows : {1, 3, 7, 12})
    for (int cols : {1, 6, 10}) {
      for (int n : {0, 1, 5, 20})
        expect_product(ProductOf<W, Sum::kAll, Fill::kAll>{}, rows, cols, n), expect_product(ProductOf<W, Sum::kAll, Fill::kUpper>{}, rows, rows, n);
      expect_product(ProductOf<W, Sum::kUpTo, Fill::kAll>{}, rows, cols, rows),
          expect_product(ProductOf<W, Sum::kFrom, Fill::kAll>{}, rows, cols, rows);
    }
}

TEST(DenseKernels, ProductsOfEveryKindWhetherItIsKnownWhenCompiledOrNot) {
  expect_products<Write::kSet>();
  expect_products<Write::kAdd>();
  expect_products<Write::kSubtract>();
  expect_products<Write::kNegate>();
}

struct Square {
  std::vector<double> data;
  int n;
  Square(int size, double value) : data(size_t(size) * size, value), n(size) {}
  MatrixView<double> view() { return {data.data(), n, n, n}; }
};

// Symmetric and positive definite, with a row and a column of zeros where `zero` says; NaN under the diagonal, which nobody may read.
Square upper_definite(int n, int zero, std::mt19937& rng) {
  std::normal_distribution<double> normal;
  Square root(n, 0), A(n, std::numeric_limits<double>::quiet_NaN());
  for (double& x : root.data) x = normal(rng);
  for (int i = 0; i < n; ++i)
    for (int j = i; j < n; ++j) {
      A.view()(i, j) = i == j && i != zero ? 1 : 0;
      for (int k = 0; k < n && i != zero && j != zero; ++k) A.view()(i, j) += root.view()(k, i) * root.view()(k, j);
    }
  return A;
}

TEST(CholeskyInverse, OfEverySizeIsAnInverseAndTheSameOnFourLanes) {
  std::mt19937 rng(23);
  for (int n : {1, 2, 3, 4, 5, 6, 7, 8, 30, 53}) {
    Square A = upper_definite(n, -1, rng), copy = A, other = A, L(n, -1), L4(n, -1);
    EXPECT_EQ(cholesky_inverse(SerialTeam{}, copy.view(), L.view(), 1e-13), 0) << n;
    run_team(4, [&](const ThreadTeam& team) { cholesky_inverse(team, other.view(), L4.view(), 1e-13); });
    EXPECT_EQ(L.data, L4.data) << n;
    for (int i = 0; i < n; ++i)
      for (int j = 0; j < n; ++j) {
        if (j > i) {
          EXPECT_EQ(L.view()(i, j), 0) << n;
        }
        double sum = 0;  // of L^-1 A L^-T
        for (int a = 0; a <= i; ++a)
          for (int b = 0; b <= j; ++b) sum += L.view()(i, a) * A.view()(std::min(a, b), std::max(a, b)) * L.view()(j, b);
        EXPECT_NEAR(sum, i == j ? 1 : 0, 1e-11) << n;
      }
  }
}

TEST(CholeskyInverse, ReportsAndReplacesAPivotThatIsNotPositive) {
  std::mt19937 rng(24);
  for (int n : {1, 3, 7, 8})
    for (int zero = 0; zero < n; ++zero) {
      Square A = upper_definite(n, zero, rng), L(n, -1);
      EXPECT_EQ(cholesky_inverse(SerialTeam{}, A.view(), L.view(), 1e-13), 1) << n << ", " << zero;
      for (double x : L.data) EXPECT_TRUE(std::isfinite(x)) << n << ", " << zero;
      EXPECT_EQ(L.view()(zero, zero), 1) << n;  // the pivot became 1 + 0
    }
}

}  // namespace
}  // namespace tandem
