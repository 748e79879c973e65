// `tandem bench qp`: the solver by itself on problems out of the closed loop, one at a time, a batch, side by side in lanes, against OSQP.
#include <algorithm>
#include <chrono>

#include "base/check.hpp"
#include "cli/bench.hpp"
#include "cli/progress.hpp"
#include "cli/torque_error.hpp"
#include "qp/solve.hpp"

namespace tandem {
namespace {

using Clock = std::chrono::steady_clock;
constexpr double kRowSeconds = 1;  // that a row is timed [s]

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

// F_0 and v_1 of an answer: what the robot gets.
struct Answer {
  std::vector<double> force, velocity;
};
Answer answer_of(const QpDims& d, const std::vector<double>& x0_F0_x1) {
  const auto from = x0_F0_x1.begin() + d.nx;
  return {{from, from + d.nf}, {from + d.nf + d.nx / 2, from + d.nf + d.nx}};
}
std::vector<Answer> answers(Problems& p) {
  std::vector<Answer> out;
  for (size_t i = 0; i < p.info.size(); ++i) {
    const SolutionView<float> s = solution_view(p.dims, p.solution.data() + i * solution_size(p.dims));
    out.push_back({{s.u(0), s.u(0) + p.dims.nf}, {s.x(1) + p.dims.nx / 2, s.x(1) + p.dims.nx}});
  }
  return out;
}

// Largest difference of F_0 and v_1 to the exact answer over the largest entry of those (at least 1 N, 1 mm/s); 90 % of the problems are better.
double answer_error(const QpDims& dims, const std::vector<Answer>& found, const OsqpReference& reference) {
  std::vector<double> errors;
  for (size_t i = 0; i < found.size(); ++i) {
    if (reference.exact[i].empty()) continue;
    const Answer exact = answer_of(dims, reference.exact[i]);
    errors.push_back(std::max(relative_error(found[i].force, exact.force, 1), relative_error(found[i].velocity, exact.velocity, 1e-3)));
  }
  return percentile(errors, 0.9);
}

// What all rows of one robot share.
struct QpSetting {
  std::string robot;
  QpDims dims;
  SolverSettings solver;
  std::vector<QpSample> samples;
  OsqpReference reference;
};

// Calls of `worlds` problems each, for a while [us].
std::vector<double> time_calls(Problems& problems, int worlds, const SolverSettings& solver, Workspace& workspace) {
  std::vector<double> us;
  const int last = static_cast<int>(problems.info.size()) - worlds;
  const Clock::time_point start = Clock::now();
  for (int at = 0; us.size() < 30 || std::chrono::duration<double>(Clock::now() - start).count() < kRowSeconds;
       at = at + worlds > last ? 0 : at + worlds) {
    throw_if_interrupted();
    QpBatch batch = problems.batch();
    batch.nworld = worlds;
    batch.qp += size_t(at) * qp_size(problems.dims), batch.solution += size_t(at) * solution_size(problems.dims), batch.info += at;
    const Clock::time_point call = Clock::now();
    solve(batch, solver, workspace);
    us.push_back(1e6 * std::chrono::duration<double>(Clock::now() - call).count());
  }
  return us;
}

BenchRow bench_way(const QpSetting& setting, const Way& way, int iterations, int worlds, int threads) {
  SolverSettings solver = setting.solver;
  solver.mode = way.mode, solver.iterations = iterations;
  solver.warm_start = false;  // every problem on its own
  const int nsample = static_cast<int>(setting.samples.size());
  Workspace workspace(setting.dims, solver, threads, way.lanes);
  Problems checked = repeat(setting.dims, setting.samples, nsample);
  solve(checked.batch(), solver, workspace);
  const double error = answer_error(setting.dims, answers(checked), setting.reference);
  Problems timed = repeat(setting.dims, setting.samples, std::max(worlds, nsample));
  BenchRow row = make_row(way.name, setting.robot, worlds, threads, iterations, time_calls(timed, worlds, solver, workspace));
  std::vector<double> osqp = setting.reference.us;
  row.check = error;
  row.reference = cat("osqp ", setting.reference.version, ", 25 iterations");
  row.ratio = percentile(osqp, 0.5) * row.per_second / threads / 1e6;
  return row;
}

QpSetting prepare(const RunSettings& settings, const BenchOptions& options) {
  const BenchStates states = record_states(settings, options);
  Mpc mpc(settings.robot.model, settings.task.mpc, 1);
  QpSetting setting{settings.robot.name, mpc.dims(), settings.task.mpc.solver, collect_samples(mpc, states, kProblemStride), {}};
  std::vector<std::vector<float>> problems;
  for (const QpSample& sample : setting.samples) problems.push_back(sample.qp);
  setting.reference = run_osqp(setting.dims, problems);
  return setting;
}

}  // namespace

BenchResult bench_qp(const BenchOptions& options) {
  BenchResult out;
  Progress progress("bench qp");
  double done = 0;
  for (const std::string& robot : options.robots) {
    CommonOptions named = options.common;
    named.robot = robot;
    const QpSetting setting = prepare(resolve(named), options);
    BenchRow osqp = make_row("osqp/solve", setting.robot, 1, 1, 25, setting.reference.us);
    std::vector<Answer> paper;
    for (const std::vector<double>& x : setting.reference.paper) paper.push_back(answer_of(setting.dims, x));
    osqp.check = answer_error(setting.dims, paper, setting.reference);
    out.rows.push_back(osqp);
    const double total = double(options.robots.size() * options.iterations.size() * std::size(kWays) * options.worlds.size());
    for (int iterations : options.iterations) {
      for (const Way& way : kWays) {
        for (int worlds : options.worlds) {
          if (worlds > 1 || way.lanes == Lanes::kSingle)
            out.rows.push_back(bench_way(setting, way, iterations, worlds, worlds > 1 ? options.common.threads : 1));
          progress.update(++done / total);
        }
      }
    }
  }
  return out;
}

}  // namespace tandem
