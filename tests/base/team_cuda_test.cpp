#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <string>
#include <vector>

#include "base/check.hpp"
#include "base/device.hpp"
#include "tests/base/matvec_cuda.hpp"
#include "tests/base/matvec_kernel.hpp"
#include "tests/support/message_of.hpp"

namespace tandem {
namespace {

class CudaTeamTest : public testing::TestWithParam<CudaTeam> {};

TEST_P(CudaTeamTest, AgreesWithOneLane) {
  if (cuda_device_count() == 0) GTEST_SKIP() << (built_with_cuda() ? "no CUDA device" : "built without CUDA");
  const int nworld = 10, n = 41;
  const unsigned seed = 11;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  std::vector<double> A(nworld * n * n), x(nworld * n);
  for (double& value : A) value = normal(random);
  for (double& value : x) value = normal(random);

  const std::vector<double> z = matvec_twice_cuda(GetParam(), nworld, n, A, x);
  for (int world = 0; world < nworld; ++world) {
    std::vector<double> y(n), expected(n);
    matvec_twice(SerialTeam(), n, &A[world * n * n], &x[world * n], y.data(), expected.data());
    for (int i = 0; i < n; ++i) EXPECT_NEAR(z[world * n + i], expected[i], 1e-11) << "world " << world << " row " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Teams, CudaTeamTest, testing::Values(CudaTeam::kBlock, CudaTeam::kWarp),
                         [](const auto& info) { return info.param == CudaTeam::kBlock ? "Block" : "Warp"; });

TEST(CudaDevice, WithoutADeviceTheErrorNamesTheCure) {
  if (cuda_device_count() > 0) GTEST_SKIP() << "there is a CUDA device";
  const std::string expected = built_with_cuda() ? "no CUDA device" : "built without CUDA; run ./tandem test";
  const std::string message = message_of([] { matvec_twice_cuda(CudaTeam::kBlock, 1, 1, {1.0}, {1.0}); });
  EXPECT_TRUE(message.starts_with(expected)) << message;
}

}  // namespace
}  // namespace tandem
