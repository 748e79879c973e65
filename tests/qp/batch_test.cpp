// solve() on whole batches: instruction sets, SIMD lanes, threads, bad neighbours, memory.
#include "qp/solve.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/check.hpp"
#include "base/isa.hpp"
#include "qp/copy.hpp"
#include "qp/qp_kernel.hpp"
#include "tests/support/allocations.hpp"
#include "tests/support/qp_problems.hpp"

namespace tandem {
namespace {

struct Robot {
  const char* name;
  QpDims dims;
};
QpDims centroidal_dims() {
  QpDims d;
  d.N = 20, d.nx = 35, d.nu = 35, d.ne = 12, d.dense_cost = true;
  return d;
}
const Robot kRobots[] = {{"humanoid", integrator_dims(11, 6, 18, 12, 10, 16)},
                         {"quadruped", integrator_dims(11, 6, 12, 12, 12, 16)},
                         {"large", integrator_dims(11, 6, 29, 24, 12, 32)},
                         {"mixed rows", centroidal_dims()}};

// Batches of random problems in float, and their exact solutions.
struct Batch {
  QpDims dims;
  int nworld;
  std::vector<float> qp, solution;
  std::vector<QpInfo> info;
  std::vector<RandomProblem> problems;

  Batch(QpDims exact_dims, int n) : dims(exact_dims), nworld(n), info(n) {
    dims.align = 16;
    for (int w = 0; w < n; ++w) {
      problems.push_back(random_problem(exact_dims, {.seed = 100u + w, .tightness = 0.5}));
      const std::vector<float> one = convert_problem<float>(exact_dims, problems.back().data.data(), dims);
      qp.insert(qp.end(), one.begin(), one.end());
    }
    solution.assign(static_cast<size_t>(n) * solution_size(dims), 0.0f);
  }
  void solve(const SolverSettings& settings, int threads, Lanes lanes) {
    Workspace workspace(dims, settings, threads, lanes);
    std::fill(solution.begin(), solution.end(), 0.0f);
    tandem::solve({dims, nworld, qp.data(), solution.data(), info.data()}, settings, workspace);
  }
  SolutionView<float> view(int w) { return solution_view(dims, solution.data() + static_cast<size_t>(w) * solution_size(dims)); }
  // largest difference of u to the solution in double
  double error(int w, const SolverSettings& settings) {
    RandomProblem& p = problems[w];
    std::vector<double> exact(solution_size(p.dims)), work(qp_workspace_size(p.dims, settings));
    LaneInfo<double> exact_info;
    solve_qp(SerialTeam{}, settings, problem_view(p), solution_view(p.dims, exact.data()), exact_info, work.data());
    double worst = 0;
    for (int k = 0; k < dims.N; ++k)
      for (int i = 0; i < dims.nu; ++i) {
        const double d = std::abs(view(w).u(k)[i] - solution_view(p.dims, exact.data()).u(k)[i]);
        worst = std::isfinite(d) ? std::max(worst, d) : std::numeric_limits<double>::infinity();
      }
    return worst;
  }
};

struct Machine {
  const char* isa;
  Lanes lanes;
};
class QpBatchOn : public testing::TestWithParam<Machine> {
 protected:
  void SetUp() override {
    setenv("TANDEM_ISA", GetParam().isa, 1);
    try {
      detect_isa();
    } catch (const Error& e) {
      GTEST_SKIP() << e.what();
    }
  }
  void TearDown() override { unsetenv("TANDEM_ISA"); }
};
INSTANTIATE_TEST_SUITE_P(Machines, QpBatchOn,
                         testing::Values(Machine{"avx2", Lanes::kSingle}, Machine{"avx512", Lanes::kSingle}, Machine{"avx2", Lanes::kPack},
                                         Machine{"avx512", Lanes::kPack}),
                         [](const auto& info) { return std::string(info.param.isa) + (info.param.lanes == Lanes::kPack ? "_pack" : "_single"); });

TEST_P(QpBatchOn, FloatAgreesWithDouble) {
  for (const Robot& robot : kRobots) {
    Batch batch(robot.dims, 3);
    const SolverSettings settings{.iterations = 10};
    batch.solve(settings, 1, GetParam().lanes);
    for (int w = 0; w < batch.nworld; ++w) EXPECT_LT(batch.error(w, settings), 1e-4) << robot.name << " world " << w;
  }
}

TEST_P(QpBatchOn, ResultsDoNotDependOnTheNumberOfThreads) {
  Batch a(kRobots[0].dims, 37), b(kRobots[0].dims, 37);
  a.solve({}, 1, GetParam().lanes);
  b.solve({}, 3, GetParam().lanes);
  EXPECT_EQ(a.solution, b.solution);
}

TEST_P(QpBatchOn, ABadProblemDoesNotDisturbItsNeighbours) {
  Batch good(kRobots[1].dims, 17), bad(kRobots[1].dims, 17);
  const int size = qp_size(bad.dims), n = solution_size(bad.dims);
  qp_view(bad.dims, bad.qp.data() + 5 * size).g(2)[3] = std::numeric_limits<float>::quiet_NaN();
  qp_view(bad.dims, bad.qp.data() + 9 * size).hdiag(2)[bad.view(0).lay.ldx] = -1e3f;
  good.solve({}, 1, GetParam().lanes);
  bad.solve({}, 1, GetParam().lanes);
  EXPECT_EQ(bad.info[5].status, Status::kNotFinite);
  EXPECT_EQ(bad.info[9].status, Status::kNotConvex);
  for (int w = 0; w < 17; ++w) {
    if (w == 5 || w == 9) continue;
    EXPECT_EQ(bad.info[w].status, good.info[w].status) << w;
    EXPECT_TRUE(std::equal(bad.solution.begin() + w * n, bad.solution.begin() + (w + 1) * n, good.solution.begin() + w * n)) << w;
  }
}

TEST_P(QpBatchOn, SolvingDoesNotAllocate) {
  Batch batch(kRobots[1].dims, 5);
  const SolverSettings settings;
  Workspace workspace(batch.dims, settings, 2, GetParam().lanes);
  const long before = allocations;
  solve({batch.dims, batch.nworld, batch.qp.data(), batch.solution.data(), batch.info.data()}, settings, workspace);
  EXPECT_EQ(allocations - before, 0);
}

TEST_P(QpBatchOn, WarmStartsContinueWhereTheLastSolveStopped) {
  Batch once(kRobots[1].dims, 2), twice(kRobots[1].dims, 2);
  const SolverSettings ten{.iterations = 10}, twenty{.iterations = 20};
  once.solve(twenty, 1, GetParam().lanes);
  Workspace workspace(twice.dims, ten, 1, GetParam().lanes);
  for (int i = 0; i < 2; ++i) solve({twice.dims, 2, twice.qp.data(), twice.solution.data(), twice.info.data()}, ten, workspace);
  for (size_t i = 0; i < once.solution.size(); ++i) EXPECT_NEAR(once.solution[i], twice.solution[i], 2e-4) << i;
}

TEST(QpBatch, WrongSizesAndSettingsAreErrorsBeforeAnyWork) {
  const QpDims dims = [] {
    QpDims d = integrator_dims(3, 6, 2, 3, 0, 0);
    d.align = 16;
    return d;
  }();
  EXPECT_THROW(Workspace(dims, {.iterations = 0}), Error);
  EXPECT_THROW(Workspace(dims, {.relaxation = 2.0f}), Error);
  QpDims wrong = dims;
  wrong.nx = 7;
  EXPECT_THROW(Workspace(wrong, {}), Error);
  wrong = dims, wrong.align = 1;
  EXPECT_THROW(Workspace(wrong, {}), Error);
  Workspace workspace(dims, {}, 1);
  QpDims other = dims;
  other.N = 4;
  EXPECT_THROW(solve({other, 1, nullptr, nullptr, nullptr}, {}, workspace), Error);
  // of the same size, since rows are padded
  other = integrator_dims(3, 6, 1, 4, 0, 0);
  other.align = 16;
  ASSERT_EQ(qp_size(other), qp_size(dims));
  EXPECT_THROW(solve({other, 1, nullptr, nullptr, nullptr}, {}, workspace), Error);
}

}  // namespace
}  // namespace tandem
