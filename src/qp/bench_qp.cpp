#include "qp/bench_qp.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/aligned.hpp"
#include "base/check.hpp"
#include "base/processors.hpp"
#include "qp/copy.hpp"
#include "qp/qp_kernel.hpp"
#include "qp/random_problem.hpp"
#include "qp/solve.hpp"

namespace tandem {

namespace {

constexpr double kLargestError = 1e-2;

struct Times {
  double median, p99;  // [us]
};

// Sorted times of repeated calls, after a few that do not count.
template <class Call>
Times time_calls(double seconds, Call&& call) {
  using Clock = std::chrono::steady_clock;
  std::vector<double> us;
  for (int i = 0; i < 3; ++i) call();
  for (const auto start = Clock::now(); std::chrono::duration<double>(Clock::now() - start).count() < seconds || us.size() < 20;) {
    const auto before = Clock::now();
    call();
    us.push_back(std::chrono::duration<double, std::micro>(Clock::now() - before).count());
  }
  std::sort(us.begin(), us.end());
  return {us[us.size() / 2], us[us.size() * 99 / 100]};
}

// One way to solve the first `worlds` problems, cold.
struct Runner {
  const BenchProblems& problems;
  SolverSettings settings;
  int worlds, threads;
  Lanes lanes;
  Isa isa;
  Workspace workspace;
  AlignedFloats qp, solution;
  std::vector<QpInfo> info;

  Runner(const BenchProblems& p, const SolverSettings& s, int n, int nthread, Lanes l, Isa i)
      : problems(p),
        settings(s),
        worlds(n),
        threads(nthread),
        lanes(l),
        isa(i),
        workspace(p.dims, s, nthread, l, i),
        qp(static_cast<size_t>(n) * qp_size(p.dims)),
        solution(static_cast<size_t>(n) * solution_size(p.dims)),
        info(n) {
    settings.warm_start = false;
    std::copy_n(p.qp.begin(), static_cast<size_t>(n) * qp_size(p.dims), qp.data);
  }
  void run() { solve({problems.dims, worlds, qp.data, solution.data, info.data()}, settings, workspace); }

  // largest error of an input of the first problems against double, over the largest input
  double error() {
    run();
    QpDims exact_dims = problems.dims;
    exact_dims.align = 1;
    double worst = 0, scale = 1e-30;
    for (int w = 0; w < std::min(worlds, 4); ++w) {
      if (!usable(info[w].status)) return HUGE_VAL;
      std::vector<double> data = convert_problem<double>(problems.dims, qp.data + static_cast<size_t>(w) * qp_size(problems.dims), exact_dims);
      std::vector<double> exact(solution_size(exact_dims)), work(qp_workspace_size(exact_dims, settings));
      LaneInfo<double> exact_info;
      const SolutionView<double> expected = solution_view(exact_dims, exact.data());
      solve_qp(SerialTeam{}, settings, qp_view(exact_dims, data.data()), expected, exact_info, work.data());
      const SolutionView<float> found = solution_view(problems.dims, solution.data + static_cast<size_t>(w) * solution_size(problems.dims));
      for (int k = 0; k < exact_dims.N; ++k)
        for (int i = 0; i < exact_dims.nu; ++i) {
          const double difference = std::abs(found.u(k)[i] - expected.u(k)[i]);
          worst = std::isfinite(difference) ? std::max(worst, difference) : HUGE_VAL;
          scale = std::max(scale, std::abs(expected.u(k)[i]));
        }
    }
    return worst / scale;
  }

  BenchRow row(const std::string& name, double seconds) {
    const double check_value = error();
    check(check_value < kLargestError, "qp benchmark ", name, " of ", problems.robot, ": error ", check_value, ", expected less than ",
          kLargestError);
    const Times t = time_calls(seconds, [&] { run(); });
    return {name, problems.robot, worlds, threads, settings.iterations, t.median, t.p99, 1e6 * worlds / t.median, "", 0, check_value};
  }
};

// Factorisation and one iteration from the times at two numbers of iterations.
void append_parts(const BenchProblems& p, const SolverSettings& settings, double seconds, std::vector<BenchRow>& rows) {
  SolverSettings few = settings, many = settings;
  few.iterations = 10, many.iterations = 30;
  const Isa isa = detect_isa();
  const BenchRow a = Runner(p, few, 1, 1, Lanes::kSingle, isa).row("ten", seconds),
                 b = Runner(p, many, 1, 1, Lanes::kSingle, isa).row("thirty", seconds);
  const double iteration = (b.median_us - a.median_us) / 20, factor = a.median_us - 10 * iteration;
  rows.push_back({"factor and checks", p.robot, 1, 1, 0, factor, 0, 1e6 / factor, "", 0, a.check});
  rows.push_back({"one iteration", p.robot, 1, 1, 1, iteration, 0, 1e6 / iteration, "", 0, b.check});
}

}  // namespace

std::vector<BenchProblems> random_bench_problems(int count) {
  const std::pair<const char*, QpDims> robots[] = {{"mit_humanoid", integrator_dims(11, 6, 18, 12, 10, 16)},
                                                   {"unitree_go2", integrator_dims(11, 6, 12, 12, 12, 16)},
                                                   {"unitree_g1", integrator_dims(11, 6, 29, 24, 12, 32)}};
  std::vector<BenchProblems> out;
  for (const auto& [name, exact_dims] : robots) {
    BenchProblems p{name, exact_dims, count, {}};
    p.dims.align = 16;
    for (int i = 0; i < count; ++i) {
      const RandomProblem one = random_problem(exact_dims, {.seed = 1u + i, .tightness = 0.5});
      const std::vector<float> data = convert_problem<float>(exact_dims, one.data.data(), p.dims);
      p.qp.insert(p.qp.end(), data.begin(), data.end());
    }
    out.push_back(std::move(p));
  }
  return out;
}

std::vector<BenchRow> bench_qp(const std::vector<BenchProblems>& problems, int iterations, double seconds) {
  std::vector<BenchRow> rows;
  const Isa best = detect_isa();
  const int cores = processors();
  for (const BenchProblems& p : problems) {
    const size_t first = rows.size();
    SolverSettings settings, osqp;
    settings.iterations = iterations;
    osqp.mode = SolverMode::kOsqp, osqp.iterations = 25;
    rows.push_back(Runner(p, osqp, 1, 1, Lanes::kSingle, best).row("OSQP splitting, 25", seconds));
    append_parts(p, settings, seconds, rows);
    for (const Isa isa : {Isa::kAvx2, Isa::kAvx512}) {
      if (isa == Isa::kAvx512 && best == Isa::kAvx2) continue;
      const int lanes = std::min(p.count, isa == Isa::kAvx512 ? 16 : 8);
      rows.push_back(Runner(p, settings, 1, 1, Lanes::kSingle, isa).row(cat("solve, ", isa_name(isa)), seconds));
      rows.push_back(Runner(p, settings, lanes, 1, Lanes::kPack, isa).row(cat("solve, ", isa_name(isa), " lanes"), seconds));
    }
    rows.push_back(Runner(p, settings, p.count, 1, Lanes::kSingle, best).row("batch, one core", seconds));
    rows.push_back(Runner(p, settings, p.count, cores, Lanes::kSingle, best).row("batch, all cores", seconds));
    for (size_t i = first + 3; i < rows.size(); ++i)
      rows[i].reference = rows[first].name, rows[i].ratio = rows[i].per_second / rows[first].per_second;
  }
  return rows;
}

}  // namespace tandem
