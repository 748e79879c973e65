// What a solve reports for problems that have no answer, and what it leaves in the output: qp.hpp, Status.
#include <gtest/gtest.h>

#include "qp/qp_kernel.hpp"
#include "tests/support/qp_problems.hpp"

namespace tandem {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Fixture {
  RandomProblem problem;
  std::vector<double> solution, before, work;
  LaneInfo<double> info{};

  explicit Fixture(RandomQp options = {.seed = 4, .tightness = 0.5}) : problem(random_problem(integrator_dims(4, 6, 3, 6, 3, 4), options)) {
    solution.assign(solution_size(problem.dims), 0.25);
    before = solution;
  }
  SolutionView<double> view() { return solution_view(problem.dims, solution.data()); }
  Status solve(const SolverSettings& settings) {
    work.assign(qp_workspace_size(problem.dims, settings), kNan);
    solve_qp(SerialTeam{}, settings, problem_view(problem), view(), info, work.data());
    return static_cast<Status>(static_cast<int>(info.status));
  }
  bool trajectory_unchanged() {
    for (int k = 0; k <= problem.dims.N; ++k)
      for (int i = 0; i < problem.dims.nx; ++i)
        if (view().x(k)[i] != 0.25) return false;
    return true;
  }
  double largest() {
    double worst = 0;
    for (double v : solution) worst = std::isfinite(v) ? std::max(worst, std::abs(v)) : kInfinity;
    return worst;
  }
};

TEST(QpStatus, AFewIterationsOfAFeasibleProblemAreUsable) {
  EXPECT_EQ(Fixture().solve({.iterations = 3, .tolerance = 1e-9f}), Status::kMaxIterations);
}

TEST(QpStatus, EveryDataFieldThatIsNotFiniteIsReportedAndTheTrajectoryKept) {
  const Fixture clean;
  const QpLayout l = qp_layout(clean.problem.dims);
  const int fields[] = {l.hdiag, l.g,     l.g + l.ldx, l.E,     l.e,  l.Phi, l.Gam, l.bq, l.dt, l.C,
                        l.D,     l.rho_c, l.rho_d,     l.rho_z, l.lc, l.uc,  l.ld,  l.ud, l.lz, l.uz};
  for (int stage : {0, 2}) {
    for (int field : fields) {
      Fixture f;
      problem_view(f.problem).at(stage, field)[0] = kNan;
      EXPECT_EQ(f.solve({}), Status::kNotFinite) << "stage " << stage << " offset " << field;
      EXPECT_TRUE(f.trajectory_unchanged()) << "stage " << stage << " offset " << field;
    }
  }
}

TEST(QpStatus, AfterNotFiniteTheNextSolveStartsCold) {
  Fixture f;
  problem_view(f.problem).x0()[1] = kInfinity;
  EXPECT_EQ(f.solve({}), Status::kNotFinite);
  for (int k = 0; k <= f.problem.dims.N; ++k) EXPECT_EQ(f.view().dual_x(k)[0], 0.0);
}

TEST(QpStatus, AWarmStartThatIsNotFiniteIsThrownAway) {
  Fixture f;
  f.view().dual_x(1)[0] = kNan;
  EXPECT_EQ(f.solve({}), Status::kNotFinite);
  EXPECT_NE(f.solve({}), Status::kNotFinite);
}

TEST(QpStatus, CrossedBoundsAreInfeasibleAndTheOutputFinite) {
  Fixture f;
  const QpView<double> qp = problem_view(f.problem);
  qp.lu(1)[2] = 1, qp.uu(1)[2] = -1;
  EXPECT_EQ(f.solve({}), Status::kInfeasible);
  EXPECT_LT(f.largest(), 1e6);
}

TEST(QpStatus, CrossedBoundsOfARowThatIsSwitchedOffDoNotMatter) {
  Fixture f;
  const QpView<double> qp = problem_view(f.problem);
  qp.lc(1)[2] = 1, qp.uc(1)[2] = -1, qp.rho_c(1)[2] = 0;
  EXPECT_NE(f.solve({}), Status::kInfeasible);
}

TEST(QpStatus, RowsThatContradictEachOtherAreFoundInfeasible) {
  Fixture f;
  const QpView<double> qp = problem_view(f.problem);
  for (int j = 0; j < qp.dims.nx; ++j) qp.C(2)[qp.lay.ldx + j] = qp.C(2)[j];
  qp.lc(2)[0] = qp.uc(2)[0] = 1, qp.lc(2)[1] = qp.uc(2)[1] = -1;
  EXPECT_EQ(f.solve({.iterations = 3000}), Status::kInfeasible);
  EXPECT_LT(f.largest(), 1e6);
}

TEST(QpStatus, WithoutRowsNothingIsInfeasible) {
  for (const SolverMode mode : {SolverMode::kRiccati, SolverMode::kOsqp})
    for (const int iterations : {5, 10, 25, 100}) {
      Fixture f;
      const QpView<double> qp = problem_view(f.problem);
      for (int k = 0; k <= qp.dims.N; ++k) {
        std::fill_n(qp.rho_c(k), qp.lay.ldc, 0.0), std::fill_n(qp.rho_x(k), qp.lay.ldz, 0.0);
        if (k < qp.dims.N) std::fill_n(qp.rho_d(k), qp.lay.ldd, 0.0);
      }
      EXPECT_NE(f.solve({.mode = mode, .iterations = iterations}), Status::kInfeasible) << iterations;
    }
}

TEST(QpStatus, AnInputWithoutCostIsReportedAsUnbounded) {
  Fixture f({.seed = 4});
  const QpView<double> qp = problem_view(f.problem);
  // a force that moves nothing and costs nothing but pays
  for (int i = 0; i < 6; ++i) qp.E(1)[i * qp.lay.ldz + qp.lay.ldx] = 0;
  qp.hdiag(1)[qp.lay.ldx] = 0, qp.g(1)[qp.lay.ldx] = 1;
  EXPECT_EQ(f.solve({}), Status::kNotConvex);
  EXPECT_TRUE(f.trajectory_unchanged());
}

TEST(QpStatus, ANegativeCurvatureIsReported) {
  Fixture f({.seed = 4});
  problem_view(f.problem).hdiag(2)[problem_view(f.problem).lay.ldx + 1] = -100;
  EXPECT_EQ(f.solve({}), Status::kNotConvex);
}

}  // namespace
}  // namespace tandem
