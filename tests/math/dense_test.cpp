#include <gtest/gtest.h>

#include "base/check.hpp"
#include "base/isa.hpp"
#include "tests/math/dense_check.hpp"

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

}  // namespace
}  // namespace tandem
