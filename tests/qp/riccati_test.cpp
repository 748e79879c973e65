// solve_qp in double against plain oracles: the dense KKT system, the optimality conditions, the same dynamics written as a dense matrix.
#include <gtest/gtest.h>

#include "qp/qp_kernel.hpp"
#include "tests/support/qp_problems.hpp"

namespace tandem {
namespace {

struct Solved {
  std::vector<double> data;
  LaneInfo<double> info;
  SolutionView<double> view;
};

Solved solve(RandomProblem& p, const SolverSettings& settings) {
  Solved s{std::vector<double>(solution_size(p.dims), 0.0), {}, {}};
  std::vector<double> work(qp_workspace_size(p.dims, settings), std::numeric_limits<double>::quiet_NaN());
  s.view = solution_view(p.dims, s.data.data());
  solve_qp(SerialTeam{}, settings, problem_view(p), s.view, s.info, work.data());
  return s;
}

double difference(const std::vector<double>& a, const std::vector<double>& b) {
  EXPECT_EQ(a.size(), b.size());
  double worst = 0;
  for (size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
  return std::isfinite(worst) ? worst : std::numeric_limits<double>::infinity();
}

struct Case {
  const char* name;
  QpDims dims;
};
std::vector<Case> cases() {
  QpDims dense;
  dense.N = 6, dense.nx = 7, dense.nu = 3, dense.nc = 4, dense.nd = 2;
  QpDims cost = dense;
  cost.dense_cost = true;
  QpDims padded = integrator_dims(5, 6, 4, 6, 3, 5);
  padded.align = 8;
  QpDims fixed_base = integrator_dims(5, 0, 4, 3, 2, 2);
  QpDims padded_dense = cost;
  padded_dense.align = 16;
  return {{"dense", dense},   {"dense_cost", cost},           {"integrator", integrator_dims(5, 6, 4, 6, 3, 5)},
          {"padded", padded}, {"padded_dense", padded_dense}, {"fixed_base", fixed_base}};
}

class Riccati : public testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(Kinds, Riccati, testing::ValuesIn(cases()), [](const auto& info) { return info.param.name; });

TEST_P(Riccati, WithoutRowsOneIterationSolvesTheKktSystem) {
  RandomProblem p = random_problem(GetParam().dims, {.seed = 3});
  const Solved s = solve(p, {.iterations = 1});
  EXPECT_LT(difference(test::variables(s.view), test::solve_equality_kkt(expand(problem_view(p)))), 1e-10);
}

TEST_P(Riccati, ConvergesToAKktPointWithActiveRows) {
  RandomProblem p = random_problem(GetParam().dims, {.seed = 5, .tightness = 1.0, .rho = 3});
  const Solved s = solve(p, {.iterations = 4000, .tolerance = 1e-8f});
  const std::vector<double> y = test::multipliers(problem_view(p), s.view, 1.0);
  EXPECT_LT(test::kkt_residual(expand(problem_view(p)), p.dims, test::variables(s.view), y), 1e-8);
  EXPECT_GT(std::count_if(y.begin(), y.end(), [](double v) { return std::abs(v) > 1e-3; }), 5) << "the problem has no active rows";
  EXPECT_EQ(s.info.status, double(Status::kSolved));
}

// Exact, soft and absent mixed rows on every kind of problem.
TEST_P(Riccati, WithMixedRowsOneIterationSolvesTheKktSystem) {
  QpDims dims = GetParam().dims;
  dims.ne = std::min(dims.nu - 1, 5);
  RandomProblem p = random_problem(dims, {.seed = 21});
  const Solved s = solve(p, {.iterations = 1});
  EXPECT_LT(difference(test::variables(s.view), test::solve_equality_kkt(expand(problem_view(p)))), 1e-9);
}

TEST(RiccatiMixedRows, AreMetWhileInequalitiesAreActive) {
  QpDims dims;
  dims.N = 6, dims.nx = 7, dims.nu = 5, dims.nc = 3, dims.nd = 2, dims.ne = 2;
  RandomProblem p = random_problem(dims, {.seed = 8, .tightness = 0.7, .rho = 3});
  const QpView<double> qp = problem_view(p);
  const Solved s = solve(p, {.iterations = 30});
  for (int k = 0; k < dims.N; ++k)
    for (int e = 0; e < dims.ne; ++e) {
      double value = qp.m(k)[e];
      for (int i = 0; i < dims.nx; ++i) value += qp.M(k)[e * qp.lay.ldz + i] * s.view.x(k)[i];
      for (int i = 0; i < dims.nu; ++i) value += qp.M(k)[e * qp.lay.ldz + qp.lay.ldx + i] * s.view.u(k)[i];
      EXPECT_NEAR(value, 0, 1e-10) << "stage " << k << ", row " << e;
    }
}

TEST(RiccatiKinds, AnIntegratorWrittenAsDenseMatrixHasTheSameSolution) {
  RandomProblem p = random_problem(integrator_dims(6, 6, 5, 6, 4, 5), {.seed = 9, .tightness = 0.5});
  RandomProblem dense;
  dense.data = integrator_to_dense(problem_view(p), dense.dims);
  const SolverSettings settings{.iterations = 10};
  EXPECT_LT(difference(test::variables(solve(p, settings).view), test::variables(solve(dense, settings).view)), 1e-10);
}

}  // namespace
}  // namespace tandem
