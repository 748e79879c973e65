// `tandem bench centroidal`: the stages of a control step of the centroidal MPC, checked, timed, and its QP compared with OSQP.
#include <algorithm>
#include <cmath>

#include "base/check.hpp"
#include "centroidal/bench_centroidal.hpp"
#include "cli/bench.hpp"
#include "cli/metrics.hpp"
#include "cli/osqp_reference.hpp"
#include "cli/progress.hpp"
#include "qp/solve.hpp"

namespace tandem {
namespace {

constexpr double kSmallestVelocity = 0.1;  // joint velocities are compared relative to the largest of the exact ones, at least this [rad/s]

// Joint velocities of the first stage: what the controller takes from a solution.
std::vector<double> velocities(const QpDims& dims, const std::vector<double>& x0_u0_x1) {
  const auto u = x0_u0_x1.begin() + dims.nx;
  return {u + kVelocities, u + dims.nu};
}

// Largest over the problems that OSQP could solve exactly; infinite if there is none.
double worst_error(const QpDims& dims, const std::vector<std::vector<double>>& found, const OsqpReference& osqp) {
  double worst = -1;
  for (size_t i = 0; i < found.size(); ++i)
    if (!osqp.exact[i].empty()) worst = std::max(worst, relative_error(found[i], velocities(dims, osqp.exact[i]), kSmallestVelocity));
  return worst < 0 ? INFINITY : worst;
}

// The controller's solver on its problems.
std::vector<std::vector<double>> solve_all(const CentroidalBench& bench) {
  const SolverSettings solver{.iterations = 1, .relaxation = 1.0f, .warm_start = false};
  Workspace workspace(bench.dims, solver, 1);
  std::vector<std::vector<double>> out;
  for (std::vector<float> qp : bench.qp) {
    throw_if_interrupted();
    std::vector<float> solution(solution_size(bench.dims));
    QpInfo info;
    solve({bench.dims, 1, qp.data(), solution.data(), &info}, solver, workspace);
    const float* u = solution_view(bench.dims, solution.data()).u(0);
    out.emplace_back(u + kVelocities, u + bench.dims.nu);
  }
  return out;
}

}  // namespace

BenchResult bench_centroidal_mpc(const BenchOptions& options) {
  BenchResult out;
  for (const std::string& robot : options.robots) {
    throw_if_interrupted();
    const CentroidalBench bench = bench_centroidal(load_robot(robot), {});
    const OsqpReference osqp = run_osqp(bench.dims, bench.qp);
    BenchRow reference = make_row("osqp/solve", robot, 1, 1, 25, osqp.us);
    std::vector<std::vector<double>> paper;
    for (const std::vector<double>& x : osqp.paper) paper.push_back(velocities(bench.dims, x));
    reference.check = worst_error(bench.dims, paper, osqp);
    out.rows.push_back(reference);
    const CentroidalProfile& t = bench.median;
    const std::pair<const char*, double> stages[] = {
        {"prepare", t.prepare}, {"linearise", t.linearise}, {"form", t.form}, {"solve", t.solve}, {"finish", t.finish}};
    for (const auto& [stage, seconds] : stages) out.rows.push_back(make_row(cat("centroidal/", stage), robot, 1, 1, 1, {1e6 * seconds}));
    BenchRow& solve = out.rows[out.rows.size() - 2];
    solve.check = worst_error(bench.dims, solve_all(bench), osqp);
    solve.reference = cat("osqp ", osqp.version, ", 25 iterations"), solve.ratio = reference.median_us / solve.median_us;
    out.rows.push_back(bench.row);
    out.rows.back().reference = solve.reference, out.rows.back().ratio = reference.median_us / bench.row.median_us;
  }
  return out;
}

}  // namespace tandem
