#include "centroidal/bench_centroidal.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/check.hpp"
#include "qp/copy.hpp"
#include "qp/qp_kernel.hpp"

namespace tandem {
namespace {

constexpr double kLargestError = 2e-2;
constexpr int kProblems = 5;

double percentile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(share * (values.size() - 1))];
}

// Joint velocities that the exact solution of a QP adds in its first stage.
std::vector<double> exact_step(const QpDims& from, const std::vector<float>& qp) {
  QpDims dims = from;
  dims.align = 1;
  std::vector<double> data = convert_problem<double>(from, qp.data(), dims);
  const SolverSettings solver{.iterations = 1, .relaxation = 1.0f, .warm_start = false};
  std::vector<double> solution(solution_size(dims), 0.0), work(qp_workspace_size(dims, solver));
  LaneInfo<double> info;
  const SolutionView<double> view = solution_view(dims, solution.data());
  solve_qp(SerialTeam{}, solver, qp_view(dims, data.data()), view, info, work.data());
  return {view.u(0) + kVelocities, view.u(0) + dims.nu};
}

// Largest relative error of a step of the controller, which does not move its plan in time.
double step_error(const Robot& robot, CentroidalSettings settings, const std::vector<double>& v, const std::vector<double>& command) {
  settings.control_dt = 1e-9;
  CentroidalMpc mpc(robot, settings, 1);
  mpc.step(robot.stand, v, command);
  const std::vector<double> exact = exact_step(mpc.dims(), mpc.form(0, robot.stand, v, command));
  const CentroidalNodeInput<float> before = mpc.plan(0)[0];
  mpc.step(robot.stand, v, command);
  double worst = 0;
  for (size_t j = 0; j < exact.size(); ++j) {
    const double taken = mpc.plan(0)[0].u[kVelocities + j] - before.u[kVelocities + j];
    worst = std::max(worst, std::abs(taken - exact[j]) / (0.1 + std::abs(exact[j])));
  }
  return worst;
}

}  // namespace

CentroidalBench bench_centroidal(const Robot& robot, const CentroidalSettings& settings, double seconds) {
  using Clock = std::chrono::steady_clock;
  const std::vector<double> v(robot.model.nv, 0.05), command = {robot.base_height, 0.3, 0, 0};
  const double error = step_error(robot, settings, v, command);
  check(error < kLargestError, "centroidal bench: the step is off by ", error, ", expected below ", kLargestError);
  CentroidalMpc mpc(robot, settings, 1);
  CentroidalBench bench{{}, {}, {}, mpc.dims()};
  mpc.profile(true);
  std::vector<double> us;
  constexpr double CentroidalProfile::* kStages[] = {&CentroidalProfile::prepare, &CentroidalProfile::linearise, &CentroidalProfile::form,
                                                     &CentroidalProfile::solve, &CentroidalProfile::finish};
  std::vector<double> stage[std::size(kStages)];
  mpc.step(robot.stand, v, command);  // the first step makes several iterations
  for (const auto start = Clock::now(); std::chrono::duration<double>(Clock::now() - start).count() < seconds || us.size() < 20;) {
    if (us.size() % 10 == 0 && bench.qp.size() < kProblems) bench.qp.push_back(mpc.form(0, robot.stand, v, command));
    const auto before = Clock::now();
    mpc.step(robot.stand, v, command);
    us.push_back(std::chrono::duration<double, std::micro>(Clock::now() - before).count());
    const CentroidalProfile profile = mpc.last_profile();
    for (size_t i = 0; i < std::size(kStages); ++i) stage[i].push_back(profile.*kStages[i]);
  }
  for (size_t i = 0; i < std::size(kStages); ++i) bench.median.*kStages[i] = percentile(stage[i], 0.5);
  const double median = percentile(us, 0.5);
  bench.row = {"centroidal/step", robot.name, 1, 1, 1, median, percentile(us, 0.99), 1e6 / median, "", 0, error};
  return bench;
}

}  // namespace tandem
