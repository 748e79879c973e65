// The solver on a GPU against the solver on the processor: needs a device, and is skipped without one.
#include <gtest/gtest.h>

#include <cmath>

#include "base/device.hpp"
#include "qp/copy.hpp"
#include "qp/solve.hpp"
#include "tests/support/qp_problems.hpp"

namespace tandem {
namespace {

// `data` is converted, solutions start from zero.
struct Solved {
  std::vector<float> qp, solution;
  std::vector<QpInfo> info;
};

class QpOnCuda : public testing::TestWithParam<std::tuple<QpDims, SolverMode>> {
 protected:
  static constexpr int kProblems = 7;
  QpDims exact = std::get<0>(GetParam()), dims = exact;
  SolverSettings settings{.mode = std::get<1>(GetParam()), .iterations = 8};
  void SetUp() override {
    if (cuda_device_count() == 0) GTEST_SKIP() << (built_with_cuda() ? "no CUDA device" : "built without CUDA");
    dims.align = 16;
  }
  Solved problems() const {
    Solved s{{}, std::vector<float>(size_t(kProblems) * solution_size(dims), 0.0f), std::vector<QpInfo>(kProblems)};
    for (unsigned w = 0; w < kProblems; ++w) {
      const RandomProblem p = random_problem(exact, {.seed = 50 + w, .tightness = 0.5});
      const std::vector<float> one = convert_problem<float>(exact, p.data.data(), dims);
      s.qp.insert(s.qp.end(), one.begin(), one.end());
    }
    return s;
  }
  QpBatch batch(Solved& s) const { return {dims, kProblems, s.qp.data(), s.solution.data(), s.info.data()}; }
};

TEST_P(QpOnCuda, AgreesWithTheProcessorAndRepeatsItsBits) {
  Solved cpu = problems(), gpu = problems(), again = problems();
  Workspace workspace(dims, settings, 1);
  solve(batch(cpu), settings, workspace);
  solve_cuda(batch(gpu), settings);
  solve_cuda(batch(again), settings);
  EXPECT_EQ(gpu.solution, again.solution);
  double largest = 1;
  for (float x : cpu.solution) largest = std::max(largest, std::abs(double(x)));
  for (size_t i = 0; i < cpu.solution.size(); ++i) ASSERT_NEAR(gpu.solution[i], cpu.solution[i], 2e-4 * largest) << i;
  for (int w = 0; w < kProblems; ++w) EXPECT_EQ(gpu.info[w].status, cpu.info[w].status) << w;
}

TEST_P(QpOnCuda, ABadProblemDoesNotDisturbItsNeighbours) {
  Solved good = problems(), bad = problems();
  qp_view(dims, bad.qp.data() + 3 * size_t(qp_size(dims))).g(1)[2] = std::numeric_limits<float>::quiet_NaN();
  solve_cuda(batch(good), settings);
  solve_cuda(batch(bad), settings);
  EXPECT_EQ(bad.info[3].status, Status::kNotFinite);
  const size_t n = solution_size(dims);
  for (size_t w = 0; w < kProblems; ++w) {
    if (w == 3) continue;
    EXPECT_TRUE(std::equal(good.solution.begin() + w * n, good.solution.begin() + (w + 1) * n, bad.solution.begin() + w * n)) << w;
  }
}

QpDims dense_dims() {
  QpDims d;
  d.N = 4, d.nx = 9, d.nu = 5, d.nc = 3, d.nd = 2, d.dense_cost = true;
  return d;
}
QpDims mixed_dims() {
  QpDims d = dense_dims();
  d.nu = 7, d.ne = 3;
  return d;
}
INSTANTIATE_TEST_SUITE_P(Kinds, QpOnCuda,
                         testing::Combine(testing::Values(integrator_dims(11, 6, 18, 12, 10, 16), dense_dims()),
                                          testing::Values(SolverMode::kRiccati, SolverMode::kOsqp)));
INSTANTIATE_TEST_SUITE_P(MixedRows, QpOnCuda, testing::Combine(testing::Values(mixed_dims()), testing::Values(SolverMode::kRiccati)));

}  // namespace
}  // namespace tandem
