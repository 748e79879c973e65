// `tandem bench qp`: the solver by itself on problems out of the closed loop, one at a time, a batch, side by side in lanes, against OSQP.
#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/check.hpp"
#include "cli/bench.hpp"
#include "cli/progress.hpp"
#include "cli/torque_error.hpp"
#include "qp/solve.hpp"

namespace tandem {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kStride = 30;     // control steps between two problems
constexpr double kSeconds = 1;  // that a row is timed [s]

struct Way {
  const char* name;
  SolverMode mode;
  Lanes lanes;
};
constexpr Way kWays[] = {{"qp/riccati", SolverMode::kRiccati, Lanes::kSingle},
                         {"qp/riccati in lanes", SolverMode::kRiccati, Lanes::kPack},
                         {"qp/osqp", SolverMode::kOsqp, Lanes::kSingle}};

// Problems in a row, repeated until there are `worlds`.
struct Problems {
  QpDims dims;
  std::vector<float> data, solution;
  std::vector<QpInfo> info;
  QpBatch batch() { return {dims, static_cast<int>(info.size()), data.data(), solution.data(), info.data()}; }
};
Problems repeat(const QpDims& dims, const std::vector<QpSample>& samples, int worlds) {
  Problems p{dims, {}, std::vector<float>(size_t(worlds) * solution_size(dims)), std::vector<QpInfo>(worlds)};
  for (int w = 0; w < worlds; ++w) p.data.insert(p.data.end(), samples[w % samples.size()].qp.begin(), samples[w % samples.size()].qp.end());
  return p;
}

// Largest difference of the forces and velocities that a robot gets, x_1 and F_0, to the exact answer, over the largest of those; 90 % of the problems.
double answer_error(Problems& p, const OsqpReference& reference) {
  std::vector<double> errors;
  const QpDims& d = p.dims;
  for (size_t i = 0; i < reference.exact.size() && i < p.info.size(); ++i) {
    const std::vector<double>& exact = reference.exact[i];
    if (exact.empty()) continue;
    const SolutionView<float> s = solution_view(d, p.solution.data() + i * solution_size(d));
    double difference = 0, largest = 0;
    for (int j = 0; j < d.nf; ++j)
      difference = std::max(difference, std::abs(s.u(0)[j] - exact[d.nx + j])), largest = std::max(largest, std::abs(exact[d.nx + j]));
    double dv = 0, v = 0;
    for (int j = d.nx / 2; j < d.nx; ++j) {
      const double x1 = exact[d.nx + d.nf + j];
      dv = std::max(dv, std::abs(s.x(1)[j] - x1)), v = std::max(v, std::abs(x1));
    }
    errors.push_back(std::max(difference / std::max(largest, 1.0), dv / std::max(v, 1e-3)));
  }
  return percentile(errors, 0.9);
}

BenchRow bench_way(const Way& way, SolverSettings solver, const std::string& robot, const std::vector<QpSample>& samples, int worlds,
                   const OsqpReference& reference, const QpDims& dims, int threads) {
  solver.mode = way.mode;
  solver.warm_start = false;  // every problem on its own
  Problems checked = repeat(dims, samples, static_cast<int>(samples.size()));
  Workspace workspace(dims, solver, threads, way.lanes);
  solve(checked.batch(), solver, workspace);
  const double error = answer_error(checked, reference);
  Problems timed = repeat(dims, samples, std::max<int>(worlds, static_cast<int>(samples.size())));
  std::vector<double> us;
  const Clock::time_point start = Clock::now();
  for (int at = 0; us.size() < 30 || std::chrono::duration<double>(Clock::now() - start).count() < kSeconds;
       at = (at + worlds) % (int(timed.info.size()) - worlds + 1)) {
    throw_if_interrupted();
    QpBatch batch = timed.batch();
    batch.nworld = worlds;
    batch.qp += size_t(at) * qp_size(dims), batch.solution += size_t(at) * solution_size(dims), batch.info += at;
    const Clock::time_point call = Clock::now();
    solve(batch, solver, workspace);
    us.push_back(1e6 * std::chrono::duration<double>(Clock::now() - call).count());
  }
  BenchRow row = make_row(way.name, robot, worlds, threads, solver.iterations, us);
  std::vector<double> osqp = reference.us;
  row.check = error;
  row.reference = cat("osqp ", reference.version, ", 25 iterations");
  row.ratio = percentile(osqp, 0.5) * row.per_second / threads / 1e6;
  return row;
}

}  // namespace

BenchResult bench_qp(const BenchOptions& options) {
  BenchResult out;
  Progress progress("bench qp");
  double done = 0;
  for (const std::string& robot : options.robots) {
    CommonOptions named = options.common;
    named.robot = robot;
    const RunSettings settings = resolve(named);
    const BenchStates states = record_states(settings, options);
    Mpc mpc(settings.robot.model, settings.mpc, 1);
    const std::vector<QpSample> samples = collect_samples(mpc, states, kStride);
    std::vector<std::vector<float>> problems;
    for (const QpSample& sample : samples) problems.push_back(sample.qp);
    const OsqpReference reference = run_osqp(mpc.dims(), problems);
    BenchRow osqp = make_row("osqp/solve", robot, 1, 1, 25, reference.us);
    out.rows.push_back(osqp);
    const double total = double(options.robots.size() * options.iterations.size() * std::size(kWays) * options.worlds.size());
    for (int iterations : options.iterations) {
      for (const Way& way : kWays) {
        for (int worlds : options.worlds) {
          SolverSettings solver = settings.mpc.solver;
          solver.iterations = iterations;
          const int threads = worlds > 1 ? options.common.threads : 1;
          if (worlds > 1 || way.lanes == Lanes::kSingle)
            out.rows.push_back(bench_way(way, solver, robot, samples, worlds, reference, mpc.dims(), threads));
          progress.update(++done / total);
        }
      }
    }
  }
  return out;
}

}  // namespace tandem
