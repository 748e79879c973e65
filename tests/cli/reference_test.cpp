// The problem as OSQP gets it, against the expansion that the solver's own tests rely on; torque errors against inverse dynamics.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "base/check.hpp"
#include "cli/body_maths.hpp"
#include "cli/osqp_reference.hpp"
#include "cli/settings.hpp"
#include "cli/torque_error.hpp"
#include "qp/copy.hpp"

namespace tandem {
namespace {

// The problem of a standing robot, in double without padding.
struct StandingProblem {
  QpDims dims;
  std::vector<double> data;
  QpView<double> view() { return qp_view(dims, data.data()); }

  explicit StandingProblem(const std::string& robot) {
    const RunSettings settings = load_settings(robot);
    Mpc mpc(settings.robot.model, settings.task.mpc, 1);
    mpc.reset(0, 0.2);
    const std::vector<double> v(settings.robot.model.nv, 0.1), command{settings.robot.base_height, 0.3, 0, 0};
    const std::vector<float> qp = mpc.form(0, settings.robot.stand, v, command).qp;
    dims = mpc.dims();
    dims.align = 1;
    data = convert_problem<double>(mpc.dims(), qp.data(), dims);
  }
};

std::vector<double> product(const SparseQp& qp, const std::vector<double>& x) {
  std::vector<double> out(qp.rows, 0.0);
  for (const Triplet& t : qp.A) out[t.row] += t.value * x[t.col];
  return out;
}
double cost(const SparseQp& qp, const std::vector<double>& x) {
  double sum = 0;
  for (const Triplet& t : qp.P) sum += 0.5 * x[t.row] * t.value * x[t.col];
  for (int i = 0; i < qp.variables; ++i) sum += qp.q[i] * x[i];
  return sum;
}
// How far each row is outside its bounds, sorted.
std::vector<double> violations(const SparseQp& qp, const std::vector<double>& x) {
  std::vector<double> out;
  const std::vector<double> Ax = product(qp, x);
  for (int i = qp.equalities; i < qp.rows; ++i) out.push_back(std::max({0.0, qp.l[i] - Ax[i], Ax[i] - qp.u[i]}));
  std::sort(out.begin(), out.end(), std::greater<>());
  return out;
}

// Forces and accelerations drawn at random, rolled out through the dynamics: feasible for the equalities of both forms, with the same cost and the same
// violations of everything else.
TEST(CompactProblem, IsTheSameProblem) {
  for (const char* robot : {"mit_humanoid", "unitree_go2", "unitree_g1"}) {
    StandingProblem standing(robot);
    const QpView<double> view = standing.view();
    const QpDims& d = standing.dims;
    const SparseQp full = expand(view), compact = compact_problem(view);
    std::mt19937 random(5);
    std::normal_distribution<double> normal;
    std::vector<double> wide(full.variables), narrow;
    std::vector<double> x(view.x0(), view.x0() + d.nx);
    for (int k = 0; k <= d.N; ++k) {
      std::copy(x.begin(), x.end(), &wide[variable_of_x(d, k)]);
      narrow.insert(narrow.end(), x.begin(), x.end());
      if (k == d.N) break;
      double* u = &wide[variable_of_u(d, k)];
      for (int j = 0; j < d.nu; ++j) u[j] = j < d.nf ? 10 * normal(random) : 0.1 * normal(random);
      narrow.insert(narrow.end(), u, u + d.nf);
      const DenseDynamics f = dense_dynamics(view, k);
      for (int i = 0; i < d.nx; ++i) {
        x[i] = f.b[i];
        for (int j = 0; j < d.nx + d.nu; ++j) x[i] += f.AB[i * (d.nx + d.nu) + j] * wide[variable_of_x(d, k) + j];
      }
    }
    ASSERT_EQ(int(narrow.size()), compact.variables);
    const std::vector<double> Ax = product(compact, narrow);
    for (int i = 0; i < compact.equalities; ++i) ASSERT_NEAR(Ax[i], compact.l[i], 1e-9) << robot << ", equality " << i;
    EXPECT_NEAR(cost(compact, narrow), cost(full, wide), 1e-9 * std::abs(cost(full, wide)));
    const std::vector<double> a = violations(compact, narrow), b = violations(full, wide);
    const size_t n = std::min(a.size(), b.size());
    for (size_t i = 0; i < n; ++i) ASSERT_NEAR(a[i], b[i], 1e-9 * std::max(1.0, b[i])) << robot << ", violation " << i;
    for (size_t i = n; i < b.size(); ++i) ASSERT_EQ(b[i], 0) << robot << ": a row that compact_problem left out is violated";
    EXPECT_LT(compact.A.size(), full.A.size());
  }
}

TEST(CompactProblem, RefusesCostsThatItWouldLose) {
  StandingProblem standing("unitree_go2");
  standing.view().hdiag(2)[standing.view().lay.ldx + standing.dims.nf] = 1;
  EXPECT_THROW(compact_problem(standing.view()), Error);
}

// torque_change is what inverse dynamics say of the two answers.
TEST(BodyMaths, TorqueChangeIsADifferenceOfTorques) {
  const Robot robot = load_robot("mit_humanoid");
  const size_t nv = robot.model.nv, nforce = 3 * robot.model.contacts.size();
  std::mt19937 random(9);
  std::normal_distribution<double> normal;
  const auto draw = [&](size_t n, double scale) {
    std::vector<double> out(n);
    for (double& x : out) x = scale * normal(random);
    return out;
  };
  const std::vector<double> v = draw(nv, 1), a = draw(nv, 5), b = draw(nv, 5), F = draw(nforce, 50), G = draw(nforce, 50);
  std::vector<double> da(nv), dF(nforce);
  for (size_t i = 0; i < nv; ++i) da[i] = b[i] - a[i];
  for (size_t i = 0; i < nforce; ++i) dF[i] = G[i] - F[i];
  BodyMaths maths(robot.model);
  const std::vector<double> first = maths.joint_torques(robot.stand.data(), v.data(), a, F),
                            second = maths.joint_torques(robot.stand.data(), v.data(), b, G);
  double largest = 0;
  for (size_t j = 0; j < first.size(); ++j) largest = std::max(largest, std::abs(second[j] - first[j]));
  EXPECT_NEAR(maths.torque_change(robot.stand.data(), da, dF), largest, 1e-9 * largest);
}

// The checks of the benchmark are small where all is well, and see it where something is not.
TEST(BenchChecks, SeeAWrongController) {
  const RunSettings settings = load_settings("unitree_go2");
  ClosedLoop loop(settings, 1, 1);
  const Scenario scenario = standing_start(loop.robot(), loop.task(), 1, 0.1, 0);
  StateRecording recording = make_recording(loop, scenario, 1, 10);
  run(loop, scenario, [&](Moment moment, int, const std::vector<unsigned char>& active) {
    if (moment == Moment::kPrepared) append(recording, loop, active);
  });
  EXPECT_LT(formed_qp_error(loop.mpc(), recording, 0, 5), 1e-4);
  const auto q = recording.q_at(5), v = recording.v_at(5);
  loop.mpc().step(q, v, recording.command);
  EXPECT_LT(feed_forward_error(loop.mpc(), q, v), 1e-2);
  loop.mpc().output.tau_ff[3] += 1;
  EXPECT_NEAR(feed_forward_error(loop.mpc(), q, v), 1, 1e-2);
}

}  // namespace
}  // namespace tandem
