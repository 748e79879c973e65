// The same kernels on host threads as on one lane, bit by bit. Built a second time under ThreadSanitizer, which reports missing syncs.
#include <gtest/gtest.h>

#include "qp/qp_kernel.hpp"
#include "tests/support/qp_problems.hpp"
#include "tests/support/thread_team.hpp"

namespace tandem {
namespace {

class QpTeam : public testing::TestWithParam<std::tuple<QpDims, SolverMode>> {};
QpDims dense_dims() {
  QpDims d;
  d.N = 3, d.nx = 5, d.nu = 3, d.nc = 3, d.nd = 2, d.dense_cost = true;
  return d;
}
QpDims mixed_dims() {
  QpDims d = dense_dims();
  d.nu = 5, d.ne = 3;
  return d;
}
INSTANTIATE_TEST_SUITE_P(Kinds, QpTeam,
                         testing::Combine(testing::Values(integrator_dims(3, 6, 3, 6, 3, 4), dense_dims()),
                                          testing::Values(SolverMode::kRiccati, SolverMode::kOsqp)));
INSTANTIATE_TEST_SUITE_P(MixedRows, QpTeam, testing::Combine(testing::Values(mixed_dims()), testing::Values(SolverMode::kRiccati)));

template <class T>
std::vector<double> solve_on(const T& team, RandomProblem& p, const SolverSettings& settings, std::vector<double>& solution,
                             std::vector<double>& work) {
  LaneInfo<double> info;
  solve_qp(team, settings, problem_view(p), solution_view(p.dims, solution.data()), info, work.data());
  return {info.status, info.primal_residual, info.dual_residual, info.objective};
}

TEST_P(QpTeam, FourThreadsGiveTheBitsOfOneLane) {
  RandomProblem p = random_problem(std::get<0>(GetParam()), {.seed = 11, .tightness = 0.5});
  const SolverSettings settings{.mode = std::get<1>(GetParam()), .iterations = 4};
  const double nan = std::numeric_limits<double>::quiet_NaN();
  std::vector<double> one(solution_size(p.dims), 0.1), four = one, work(qp_workspace_size(p.dims, settings), nan);
  const std::vector<double> one_info = solve_on(SerialTeam{}, p, settings, one, work);
  std::fill(work.begin(), work.end(), nan);
  std::vector<double> four_info;
  run_team(4, [&](const ThreadTeam& team) {
    const std::vector<double> info = solve_on(team, p, settings, four, work);
    if (team.lane() == 0) four_info = info;
  });
  EXPECT_EQ(one, four);
  EXPECT_EQ(one_info, four_info);
}

}  // namespace
}  // namespace tandem
