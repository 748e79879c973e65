// `tandem bench mpc --device cuda`: the stages of a control step on a GPU, checked against the same batch on the processor and timed.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>

#include "base/check.hpp"
#include "base/device.hpp"
#include "cli/bench.hpp"
#include "cli/progress.hpp"
#include "mpc/mpc_cuda.hpp"

namespace tandem {
namespace {

constexpr int kRecorded = 256;  // worlds that are recorded; a larger batch repeats them
constexpr int kSteps = 60, kWarmUp = 20;

using Clock = std::chrono::steady_clock;

// States and commands of `worlds` robots at one step of a recording of fewer.
struct Batch {
  std::vector<double> q, v, command;
};
std::vector<double> repeated(std::span<const double> rows, int width, int worlds) {
  const size_t n = rows.size() / width;
  std::vector<double> all;
  all.reserve(static_cast<size_t>(worlds) * width);
  for (size_t w = 0; w < static_cast<size_t>(worlds); ++w) all.insert(all.end(), rows.begin() + w % n * width, rows.begin() + (w % n + 1) * width);
  return all;
}
Batch batch_at(const StateRecording& r, int step, int worlds) {
  return {repeated(r.q_at(step), r.nq, worlds), repeated(r.v_at(step), r.nv, worlds), repeated(r.command, 4, worlds)};
}

// Largest difference of the feed-forward torques of the first worlds [N m]; a world that only one of the two could solve counts as infinite.
double difference(const MpcOutput& gpu, const MpcOutput& cpu, int njnt) {
  double largest = 0;
  for (size_t w = 0; w < std::min(gpu.info.size(), cpu.info.size()); ++w) {
    if (usable(gpu.info[w].status) != usable(cpu.info[w].status)) return INFINITY;
    for (size_t i = w * njnt; i < (w + 1) * njnt; ++i) {
      const double d = std::abs(gpu.tau_ff[i] - cpu.tau_ff[i]);
      largest = std::isfinite(d) ? std::max(largest, d) : INFINITY;
    }
  }
  return largest;
}

struct Timed {
  std::vector<double> us;           // of whole steps
  std::vector<MpcProfile> profile;  // of steps by stages [s per robot]
  double check = 0;                 // against the processor [N m]
};

Timed time_gpu(const RunSettings& settings, const StateRecording& recording, int worlds) {
  const Model& model = settings.robot.model;
  std::printf("%s\n", describe(MpcCuda::plan(model, settings.task.mpc, worlds)).c_str());
  MpcCuda gpu(model, settings.task.mpc, worlds);
  Mpc cpu(model, settings.task.mpc, std::min(worlds, recording.nworld));
  Timed timed;
  MpcOutput out;
  for (int step = 0; step < recording.steps(); ++step) {
    throw_if_interrupted();
    const Batch batch = batch_at(recording, step, worlds), few = batch_at(recording, step, cpu.nworld());
    gpu.upload(batch.q, batch.v, batch.command);
    if (step % 2 == 1) {
      timed.profile.push_back(gpu.step_by_stages(gpu.input()));
    } else {
      const Clock::time_point start = Clock::now();
      gpu.step(gpu.input());
      gpu.wait();
      timed.us.push_back(1e6 * std::chrono::duration<double>(Clock::now() - start).count());
    }
    cpu.step(few.q, few.v, few.command);
    gpu.download(out);
    timed.check = std::max(timed.check, difference(out, cpu.output, model.njnt));
  }
  timed.us.erase(timed.us.begin(), timed.us.begin() + kWarmUp / 2);
  timed.profile.erase(timed.profile.begin(), timed.profile.begin() + kWarmUp / 2);
  return timed;
}

// Worlds a second of the same states on the processor's threads.
double cpu_per_second(const RunSettings& settings, const StateRecording& recording, int threads) {
  Mpc cpu(settings.robot.model, settings.task.mpc, recording.nworld, threads);
  std::vector<double> us;
  for (const StepTime& time : replay(cpu, recording)) us.push_back(time.us);
  us.erase(us.begin(), us.begin() + kWarmUp);
  return recording.nworld * 1e6 / percentile(us, 0.5);
}

void add_rows(const Timed& timed, const RunSettings& settings, int worlds, double cpu, int threads, std::vector<BenchRow>& rows) {
  using Field = double MpcProfile::*;
  constexpr std::pair<const char*, Field> kStages[] = {{"mpc/prepare", &MpcProfile::prepare},
                                                       {"mpc/linearise", &MpcProfile::linearise},
                                                       {"mpc/form", &MpcProfile::form},
                                                       {"mpc/solve", &MpcProfile::solve},
                                                       {"mpc/inverse dynamics", &MpcProfile::finish}};
  const int iterations = settings.task.mpc.solver.iterations;
  for (const auto& [name, field] : kStages) {
    std::vector<double> us;
    for (const MpcProfile& profile : timed.profile) us.push_back(1e6 * profile.*field * worlds);
    rows.push_back(make_row(name, settings.robot.name, worlds, 0, iterations, us));
    rows.back().check = timed.check;
  }
  BenchRow step = make_row("mpc/step", settings.robot.name, worlds, 0, iterations, timed.us);
  step.check = timed.check;
  step.reference = cat("the processor, ", threads, " threads");
  step.ratio = step.per_second / cpu;
  rows.push_back(step);
}

}  // namespace

BenchResult bench_mpc_cuda(const BenchOptions& options) {
  check_cuda_device();
  BenchResult out;
  const CudaDevice device = cuda_device();
  out.more["device"] = {{"name", device.name}, {"memory", device.memory}, {"multiprocessors", device.multiprocessors}};
  Progress progress("bench mpc");
  const int largest = *std::max_element(options.worlds.begin(), options.worlds.end());
  int done = 0;
  for (const std::string& robot : options.robots) {
    CommonOptions named = options.common;
    named.robot = robot;
    RunSettings settings = resolve(named);
    const StateRecording recording = record_batch(settings, options, std::min(largest, kRecorded), kSteps);
    for (int iterations : options.iterations) {
      settings.task.mpc.solver.iterations = iterations;
      const double cpu = cpu_per_second(settings, recording, options.common.threads);
      for (int worlds : options.worlds) {
        add_rows(time_gpu(settings, recording, worlds), settings, worlds, cpu, options.common.threads, out.rows);
        progress.update(++done / double(options.robots.size() * options.iterations.size() * options.worlds.size()));
      }
    }
  }
  return out;
}

}  // namespace tandem
