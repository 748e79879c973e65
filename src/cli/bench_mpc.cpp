// `tandem bench mpc`: the stages of Table II of the Residual MPC paper, one robot and a batch, checked, timed and compared with OSQP.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/check.hpp"
#include "cli/bench.hpp"
#include "cli/progress.hpp"
#include "cli/torque_error.hpp"

namespace tandem {
namespace {

constexpr int kBatchSteps = 60;  // of a batch, of which the first are not timed
constexpr int kBatchWarmUp = 20;
constexpr double kFormLimit = 1e-3;  // a wrong problem has no speed

struct Stage {
  const char* name;
  double MpcProfile::* field;  // nullptr: the whole step
};
constexpr Stage kStages[] = {{"mpc/prepare", &MpcProfile::prepare}, {"mpc/linearise", &MpcProfile::linearise},     {"mpc/form", &MpcProfile::form},
                             {"mpc/solve", &MpcProfile::solve},     {"mpc/inverse dynamics", &MpcProfile::finish}, {"mpc/step", nullptr}};

// What was found for one robot and one number of iterations before anything is timed.
struct Checks {
  double formed;            // formed_qp_error
  double feed_forward = 0;  // feed_forward_error [N m]
  double torque, paper;     // 90 % of the torque errors [N m]
  OsqpReference osqp;
  double of(const Stage& stage) const {
    if (stage.field == &MpcProfile::finish) return feed_forward;
    return stage.field && stage.field != &MpcProfile::solve ? formed : torque;
  }
};

std::vector<double> finite(const std::vector<double>& values) {
  std::vector<double> out;
  std::copy_if(values.begin(), values.end(), std::back_inserter(out), [](double v) { return std::isfinite(v); });
  return out;
}

double p90(const std::vector<double>& values) {
  std::vector<double> kept = finite(values);
  return percentile(kept, 0.9);
}

// Torque errors by kind of state, for the report.
Json describe(const std::vector<QpSample>& samples, const TorqueErrors& errors) {
  constexpr const char* kNames[kKinds] = {"walking", "pushed", "slippery"};
  Json json;
  for (int kind = 0; kind < kKinds; ++kind) {
    std::vector<double> mpc, paper;
    for (size_t i = 0; i < samples.size(); ++i)
      if (samples[i].kind == static_cast<Kind>(kind)) mpc.push_back(errors.mpc[i]), paper.push_back(errors.paper[i]);
    json[kNames[kind]] = {{"states", mpc.size()}, {"p90", number(p90(mpc))}, {"osqp_p90", number(p90(paper))}};
  }
  return json;
}

Checks check_robot(const RunSettings& settings, const BenchStates& states, Json& accuracy) {
  Mpc mpc(settings.robot.model, settings.task.mpc, 1);
  Checks checks{};
  for (int w = 0; w < states.recording.nworld; ++w) checks.formed = std::max(checks.formed, formed_qp_error(mpc, states.recording, w, 0));
  check(checks.formed < kFormLimit, "bench mpc: the problem of \"", settings.robot.name, "\" is wrong: relative error ", checks.formed, ", at most ",
        kFormLimit);
  const std::vector<QpSample> samples = collect_samples(mpc, states, kProblemStride);
  const auto after = [&](int, int step, std::span<const double> q, std::span<const double> v, std::span<const double>) {
    if (step % kProblemStride == 0 && usable(mpc.output.info[0].status))
      checks.feed_forward = std::max(checks.feed_forward, feed_forward_error(mpc, q, v));
  };
  replay_single(mpc, states.recording, {}, after);
  std::vector<std::vector<float>> problems;
  for (const QpSample& sample : samples) problems.push_back(sample.qp);
  checks.osqp = run_osqp(mpc.dims(), problems);
  const TorqueErrors errors = torque_errors(mpc, samples, checks.osqp);
  checks.torque = p90(errors.mpc), checks.paper = p90(errors.paper);
  accuracy.push_back({{"robot", settings.robot.name},
                      {"iterations", settings.task.mpc.solver.iterations},
                      {"states", samples.size()},
                      {"without_exact_solution", samples.size() - finite(errors.mpc).size()},
                      {"torque_error_p90", number(checks.torque)},
                      {"osqp_torque_error_p90", number(checks.paper)},
                      {"by_kind", describe(samples, errors)}});
  return checks;
}

// One row per stage. Times of a stage are per world and summed over threads; a call takes worlds / threads of that.
void add_rows(const std::vector<StepTime>& times, const RunSettings& settings, int worlds, int threads, const Checks& checks,
              std::vector<BenchRow>& rows) {
  std::vector<double> osqp = checks.osqp.us;
  const double reference = percentile(osqp, 0.5);
  for (const Stage& stage : kStages) {
    std::vector<double> us;
    for (const StepTime& time : times) us.push_back(stage.field ? 1e6 * (time.profile.*stage.field) * worlds / threads : time.us);
    BenchRow row = make_row(stage.name, settings.robot.name, worlds, threads, settings.task.mpc.solver.iterations, us);
    row.check = checks.of(stage);
    if (stage.field == &MpcProfile::solve) {
      row.reference = cat("osqp ", checks.osqp.version, ", 25 iterations");
      row.ratio = reference * row.per_second / threads / 1e6;
    }
    rows.push_back(row);
  }
}

void bench_robot(const BenchOptions& options, RunSettings settings, BenchResult& out, const std::function<void()>& advance) {
  const BenchStates states = record_states(settings, options);
  const int threads = options.common.threads;
  std::vector<StateRecording> batches;
  for (int worlds : options.worlds) batches.push_back(worlds > 1 ? record_batch(settings, options, worlds, kBatchSteps) : StateRecording{});
  for (int iterations : options.iterations) {
    settings.task.mpc.solver.iterations = iterations;
    const Checks checks = check_robot(settings, states, out.more["accuracy"]);
    BenchRow osqp = make_row("osqp/solve", settings.robot.name, 1, 1, 25, checks.osqp.us);
    osqp.check = checks.paper;
    out.rows.push_back(osqp);
    for (size_t i = 0; i < options.worlds.size(); ++i) {
      const int worlds = options.worlds[i];
      Mpc mpc(settings.robot.model, settings.task.mpc, worlds, worlds > 1 ? threads : 1);
      mpc.profile(true);
      std::vector<StepTime> times = worlds > 1 ? replay(mpc, batches[i]) : replay_single(mpc, states.recording);
      if (worlds > 1) times.erase(times.begin(), times.begin() + std::min<long>(kBatchWarmUp, static_cast<long>(times.size()) - 1));
      add_rows(times, settings, worlds, worlds > 1 ? threads : 1, checks, out.rows);
    }
    advance();
  }
}

}  // namespace

BenchResult bench_mpc(const BenchOptions& options) {
  if (options.work) return count_mpc_work(options);
  if (options.device == "cuda") return bench_mpc_cuda(options);
  BenchResult out;
  out.more["accuracy"] = Json::array();
  Progress progress("bench mpc");
  int done = 0;
  for (const std::string& robot : options.robots) {
    CommonOptions named = options.common;
    named.robot = robot;
    bench_robot(options, resolve(named), out, [&] { progress.update(++done / double(options.robots.size() * options.iterations.size())); });
  }
  return out;
}

}  // namespace tandem
