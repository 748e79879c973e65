// The QP of the centroidal MPC: that it is the plan's linearisation, and that its solution is optimal.
#include <gtest/gtest.h>

#include <memory>

#include "centroidal/centroidal.hpp"
#include "centroidal/evaluate.hpp"
#include "qp/copy.hpp"
#include "qp/qp_kernel.hpp"
#include "tests/centroidal/fixture.hpp"
#include "tests/support/qp_problems.hpp"

namespace tandem {
namespace {

using Vec = std::vector<double>;

// The QP of a walking robot that was disturbed, and the plan it is about.
class Problem : public testing::Test {
 protected:
  void SetUp() override {
    settings.control_dt = 1e-9, settings.start_hold = 0;
    mpc = std::make_unique<CentroidalMpc>(robot, settings, 1);
    q = robot.stand, v.assign(robot.model.nv, 0.1);
    q[8] += 0.05;
    const Vec command = {robot.base_height, 0.3, 0, 0};
    mpc->reset(0, 0.4);
    mpc->step(q, v, command);
    const std::vector<float> formed = mpc->form(0, q, v, command);
    dims = mpc->dims();
    dims.align = 1;
    data = convert_problem<double>(mpc->dims(), formed.data(), dims);
    qp = qp_view(dims, data.data());
  }
  const Robot robot = load_robot("unitree_g1");
  CentroidalSettings settings;
  std::unique_ptr<CentroidalMpc> mpc;
  Vec q, v, data;
  QpDims dims;
  QpView<double> qp;
};

TEST_F(Problem, HasTheDerivativesOfThePredictionAndOfTheCost) {
  CentroidalEvaluator evaluator(robot, settings);
  const int n = dims.nx, ldz = qp.lay.ldz;
  StepDerivatives d;
  Vec next(n), gx(n), gu(n);
  for (int k : {1, 7, 20, 41, 59}) {
    const CentroidalNodeInput<double> node = widen(mpc->plan(0)[k]);
    evaluator.predict(node, next, &d);
    const double cost_scale = std::abs(evaluator.gradient(node, gx, gu));
    for (int i = 0; i < n; ++i) {
      for (int j = 0; j < n; ++j) {
        ASSERT_NEAR(qp.AB(k)[i * ldz + j], d.A[i * n + j], 1e-4) << "stage " << k << ", A " << i << " " << j;
        ASSERT_NEAR(qp.AB(k)[i * ldz + n + j], d.B[i * n + j], 1e-4) << "stage " << k << ", B " << i << " " << j;
      }
      ASSERT_NEAR(qp.b(k)[i], next[i] - mpc->plan(0)[k + 1].x[i], 1e-5) << "stage " << k << ", row " << i;
      ASSERT_NEAR(qp.g(k)[i], gx[i], 1e-3 * (cost_scale + std::abs(gx[i]))) << "stage " << k << ", state " << i;
      ASSERT_NEAR(qp.g(k)[n + i], gu[i], 1e-3 * (cost_scale + std::abs(gu[i]))) << "stage " << k << ", input " << i;
    }
  }
}

// Riccati recursion and objective rely on both triangles and on convexity.
TEST_F(Problem, HasASymmetricPositiveHessian) {
  const int nz = dims.nx + dims.nu, ldz = qp.lay.ldz;
  std::mt19937 random(3);
  std::normal_distribution<double> normal;
  for (int k = 0; k < dims.N; ++k) {
    Vec z(nz);
    for (double& value : z) value = normal(random);
    double curvature = 0;
    for (int i = 0; i < nz; ++i) {
      curvature += qp.hdiag(k)[i] * z[i] * z[i];
      for (int j = 0; j < nz; ++j) {
        curvature += qp.H(k)[i * ldz + j] * z[i] * z[j];
        ASSERT_NEAR(qp.H(k)[i * ldz + j], qp.H(k)[j * ldz + i], 1e-5 * (1 + std::abs(qp.H(k)[i * ldz + j]))) << "stage " << k;
      }
    }
    EXPECT_GT(curvature, 0) << "stage " << k;
  }
}

// Optimality conditions of the QP at a solution: costates backward, multipliers of the mixed rows by least squares from the stationarity of the input.
double kkt_residual(const QpView<double>& qp, const SolutionView<double>& s) {
  const int n = qp.dims.nx, m = qp.dims.nu, ne = qp.dims.ne, ldz = qp.lay.ldz;
  double worst = 0;
  const auto gradient = [&](int k, int i) {
    const int nz = n + (k < qp.dims.N ? m : 0);
    const double* z = s.x(k);
    double sum = qp.g(k)[i] + qp.hdiag(k)[i] * z[i];
    for (int j = 0; j < nz; ++j) sum += qp.H(k)[i * ldz + j] * z[j];
    return sum;
  };
  Vec costate(n);
  for (int i = 0; i < n; ++i) costate[i] = gradient(qp.dims.N, i);
  for (int k = qp.dims.N - 1; k >= 0; --k) {
    Vec g(n + m);
    for (int i = 0; i < n + m; ++i) {
      g[i] = gradient(k, i);
      for (int r = 0; r < n; ++r) g[i] += qp.AB(k)[r * ldz + i] * costate[r];
    }
    Vec gram(ne * ne, 0.0), rhs(ne, 0.0);
    for (int a = 0; a < ne; ++a) {
      double row = qp.m(k)[a];
      for (int i = 0; i < n + m; ++i) row += qp.M(k)[a * ldz + i] * s.x(k)[i];
      if (qp.soft(k)[a] == 0) worst = std::max(worst, std::abs(row));
      for (int b = 0; b < ne; ++b)
        for (int i = n; i < n + m; ++i) gram[a * ne + b] += qp.M(k)[a * ldz + i] * qp.M(k)[b * ldz + i];
      if (qp.soft(k)[a] > 0) gram[a * ne + a] += 1;
      for (int i = n; i < n + m; ++i) rhs[a] -= qp.M(k)[a * ldz + i] * g[i];
    }
    const Vec multiplier = test::solve_dense(gram, rhs);
    for (int a = 0; a < ne; ++a)
      for (int i = 0; i < n + m; ++i) g[i] += qp.M(k)[a * ldz + i] * multiplier[a];
    for (int i = n; i < n + m; ++i) worst = std::max(worst, std::abs(g[i]));
    for (int i = 0; i < n; ++i) {
      double next = qp.b(k)[i];
      for (int j = 0; j < n + m; ++j) next += qp.AB(k)[i * ldz + j] * s.x(k)[j];
      worst = std::max(worst, std::abs(next - s.x(k + 1)[i]));
      costate[i] = g[i];
    }
  }
  return worst;
}

TEST_F(Problem, IsSolvedToAKktPoint) {
  const SolverSettings solver{.iterations = 1, .relaxation = 1.0f, .warm_start = false};
  Vec solution(solution_size(dims), 0.0), work(qp_workspace_size(dims, solver));
  LaneInfo<double> info;
  const SolutionView<double> view = solution_view(dims, solution.data());
  solve_qp(SerialTeam{}, solver, qp, view, info, work.data());
  EXPECT_LT(kkt_residual(qp, view), 1e-8);
}

// What the controller does to its plan in single precision against the exact step.
TEST_F(Problem, TheControllerTakesTheExactStepToRounding) {
  const SolverSettings solver{.iterations = 1, .relaxation = 1.0f, .warm_start = false};
  Vec solution(solution_size(dims), 0.0), work(qp_workspace_size(dims, solver));
  LaneInfo<double> info;
  const SolutionView<double> view = solution_view(dims, solution.data());
  solve_qp(SerialTeam{}, solver, qp, view, info, work.data());
  const std::vector<CentroidalNodeInput<float>> before(mpc->plan(0).begin(), mpc->plan(0).end());
  const Vec command = {robot.base_height, 0.3, 0, 0};
  mpc->step(q, v, command);
  for (int k : {0, 5, 30, 59})
    for (int i = 0; i < dims.nu; ++i) {
      const double taken = mpc->plan(0)[k].u[i] - before[k].u[i], exact = view.u(k)[i];
      EXPECT_NEAR(taken, exact, (i < kVelocities ? 0.05 : 2e-3) + 5e-3 * std::abs(exact)) << "stage " << k << ", input " << i;
    }
}

}  // namespace
}  // namespace tandem
