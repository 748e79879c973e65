// `tandem bench mpc --device cuda`: the stages of a control step on a GPU, checked against the same batch on the processor, timed, and set against what the
// device could do. docs/gpu.md, section 5.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/check.hpp"
#include "base/device.hpp"
#include "base/energy.hpp"
#include "base/parallel.hpp"
#include "cli/bench.hpp"
#include "cli/kkt_baseline.hpp"
#include "cli/progress.hpp"
#include "cli/roofline.hpp"
#include "mpc/mpc_cuda.hpp"

namespace tandem {
namespace {

constexpr int kRecorded = 1024;  // worlds that are recorded; a larger batch repeats them
constexpr int kSteps = 60, kWarmUp = 20;
constexpr double kEnergySeconds = 1;
constexpr int kBaselineProblems = 16, kBaselineRobots = 1024;  // different problems, and the largest batch, of the baseline

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

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

// What all batches of one robot share.
struct Setting {
  RunSettings run;
  StateRecording recording;
  int threads;  // of the processor
  CudaDevice device;
  StepWork work;
};

struct Timed {
  std::vector<double> us;           // of whole steps
  std::vector<MpcProfile> profile;  // of steps by stages [s per robot]
  double check = 0;                 // against the processor [N m]
};

Timed time_gpu(const Setting& setting, MpcCuda& gpu, int worlds) {
  const Model& model = setting.run.robot.model;
  Mpc cpu(model, setting.run.task.mpc, std::min(worlds, setting.recording.nworld), setting.threads);
  Timed timed;
  MpcOutput out;
  for (int step = 0; step < setting.recording.steps(); ++step) {
    throw_if_interrupted();
    const Batch batch = batch_at(setting.recording, step, worlds), few = batch_at(setting.recording, step, cpu.nworld());
    gpu.upload(batch.q, batch.v, batch.command);
    if (step % 2 == 1) {
      timed.profile.push_back(gpu.step_by_stages(gpu.input()));
    } else {
      const Clock::time_point start = Clock::now();
      gpu.step(gpu.input());
      gpu.wait();
      timed.us.push_back(1e6 * seconds_since(start));
    }
    cpu.step(few.q, few.v, few.command);
    gpu.download(out);
    timed.check = std::max(timed.check, difference(out, cpu.output, model.njnt));
  }
  timed.us.erase(timed.us.begin(), timed.us.begin() + kWarmUp / 2);
  timed.profile.erase(timed.profile.begin(), timed.profile.begin() + kWarmUp / 2);
  return timed;
}

// Rate and energy of steps one after the other, without the host in between.
Json measure_energy(MpcCuda& gpu, int worlds, const CudaDevice& device) {
  EnergyMeter meter(device.pci);
  gpu.wait();
  const double before = meter.joules();
  const Clock::time_point start = Clock::now();
  long steps = 0;
  while (seconds_since(start) < kEnergySeconds) {
    for (int i = 0; i < 10; ++i) gpu.step(gpu.input());
    gpu.wait();
    steps += 10;
  }
  const double joules = meter.joules() - before, seconds = seconds_since(start);
  const double solves = double(steps) * worlds;
  return {{"per_second", solves / seconds},
          {"watts", number(joules / seconds)},
          {"joules_per_solve", number(joules / solves)},
          {"problem", meter.problem()}};
}

// Worlds a second of the same states on the processor's threads.
double cpu_per_second(const Setting& setting) {
  Mpc cpu(setting.run.robot.model, setting.run.task.mpc, setting.recording.nworld, setting.threads);
  std::vector<double> us;
  for (const StepTime& time : replay(cpu, setting.recording)) us.push_back(time.us);
  us.erase(us.begin(), us.begin() + kWarmUp);
  return setting.recording.nworld * 1e6 / percentile(us, 0.5);
}

// Median of one stage.
MpcProfile median_profile(const Timed& timed) {
  MpcProfile median;
  for (double MpcProfile::* field : {&MpcProfile::prepare, &MpcProfile::linearise, &MpcProfile::form, &MpcProfile::solve, &MpcProfile::finish}) {
    std::vector<double> values;
    for (const MpcProfile& profile : timed.profile) values.push_back(profile.*field);
    median.*field = percentile(values, 0.5);
  }
  return median;
}

void add_rows(const Timed& timed, const Setting& setting, const std::vector<StageWork>& stages, int worlds, double cpu, std::vector<BenchRow>& rows) {
  const int iterations = setting.run.task.mpc.solver.iterations;
  for (const StageWork& stage : stages) {
    std::vector<double> us;
    for (const MpcProfile& profile : timed.profile)
      if (stage.seconds) us.push_back(1e6 * profile.*stage.seconds * worlds);
    BenchRow row = make_row(cat("mpc/", stage.name), setting.run.robot.name, worlds, 0, iterations, stage.seconds ? us : timed.us);
    row.check = timed.check;
    if (!stage.seconds) row.reference = cat("the processor, ", setting.threads, " threads"), row.ratio = row.per_second / cpu;
    rows.push_back(row);
  }
}

void bench_batch(const Setting& setting, int worlds, int blocks, double cpu, BenchResult& out) {
  const MpcSettings& mpc = setting.run.task.mpc;
  const std::string& name = setting.run.robot.name;
  const int iterations = mpc.solver.iterations;
  std::printf("%s\n", describe(MpcCuda::plan(setting.run.robot.model, mpc, worlds, blocks)).c_str());
  MpcCuda gpu(setting.run.robot.model, mpc, worlds, blocks);
  const MpcDevicePlan& plan = gpu.plan();
  const Timed timed = time_gpu(setting, gpu, worlds);
  const MpcArrays<float> arrays = make_arrays<float>(setting.run.robot.model, mpc, 1);
  const std::vector<StageWork> stages = stage_work(setting.work, count_traffic(arrays.view, plan, iterations), iterations);
  add_rows(timed, setting, stages, worlds, cpu, out.rows);
  std::vector<double> us = timed.us;
  const Roof roof{setting.device.peak_flops(), setting.device.peak_bandwidth()};
  const Json batch{{"robot", name}, {"iterations", iterations}, {"worlds", worlds}};
  const auto add = [&](const char* key, const Json& what) {
    out.more[key].push_back(batch);
    out.more[key].back().update(what);
  };
  add("stages", {{"stages", describe_stages(stages, median_profile(timed), 1e-6 * percentile(us, 0.5), worlds, roof)}});
  add("energy", measure_energy(gpu, worlds, setting.device));
  add("memory", {{"bytes", plan.total_bytes},
                 {"robot_bytes", plan.robot_bytes},
                 {"blocks", plan.blocks},
                 {"block_bytes", plan.block_bytes},
                 {"shared_bytes", plan.block_shared * sizeof(float)}});
  Json& kernels = out.more["kernels"];
  for (const KernelUse& kernel : gpu.kernels()) {
    Json row{{"robot", name}};
    row.update(describe(kernel));
    if (std::find(kernels.begin(), kernels.end(), row) == kernels.end()) kernels.push_back(row);
  }
}

// Problems of the recorded worlds, formed about the plans of a controller that has walked for a while.
Json baseline(const Setting& setting, const BenchOptions& options) {
  std::vector<int> robots;
  std::copy_if(options.worlds.begin(), options.worlds.end(), std::back_inserter(robots), [](int worlds) { return worlds <= kBaselineRobots; });
  if (robots.empty()) return {{"robot", setting.run.robot.name}, {"problem", cat("no --worlds up to ", kBaselineRobots)}};
  const StateRecording& r = setting.recording;
  Mpc cpu(setting.run.robot.model, setting.run.task.mpc, r.nworld, setting.threads);
  replay(cpu, r);
  std::vector<std::vector<float>> problems;
  for (int w = 0; w < std::min(r.nworld, kBaselineProblems); ++w) {
    const auto of_world = [&](std::span<const double> all, int width) { return all.subspan(size_t(w) * width, width); };
    const int last = r.steps() - 1;
    problems.push_back(cpu.form(w, of_world(r.q_at(last), r.nq), of_world(r.v_at(last), r.nv), of_world(r.command, 4)).qp);
  }
  return run_kkt_baseline(setting.run.robot.name, cpu.dims(), problems, "cuda", robots, options.iterations);
}

void bench_robots(const BenchOptions& options, BenchResult& out) {
  const CudaDevice device = cuda_device();
  for (const char* key : {"stages", "energy", "memory", "kernels", "work", "baseline"}) out.more[key] = Json::array();
  out.more["device"] = describe(device);
  Progress progress("bench mpc");
  const int largest = *std::max_element(options.worlds.begin(), options.worlds.end());
  const int threads = ThreadPool(options.common.threads).size();
  int done = 0;
  for (const std::string& robot : options.robots) {
    CommonOptions named = options.common;
    named.robot = robot;
    Setting setting{resolve(named), {}, threads, device, {}};
    setting.recording = record_batch(setting.run, options, std::min(largest, kRecorded), kSteps);
    setting.work = count_work(setting.run.robot.model, setting.run.task.mpc);
    for (int iterations : options.iterations) {
      setting.run.task.mpc.solver.iterations = iterations;
      out.more["work"].push_back(describe_work(setting.run, setting.work));
      const double cpu = cpu_per_second(setting);
      for (int worlds : options.worlds) {
        bench_batch(setting, worlds, options.blocks, cpu, out);
        progress.update(++done / double(options.robots.size() * options.iterations.size() * options.worlds.size()));
      }
    }
    if (options.blocks == 0) out.more["baseline"].push_back(baseline(setting, options));
  }
}

}  // namespace

BenchResult bench_mpc_cuda(const BenchOptions& options) {
  check_cuda_device();
  BenchResult out;
  try {
    bench_robots(options, out);
  } catch (const Interrupted&) {
    out.interrupted = true;
  }
  return out;
}

BenchResult count_mpc_work(const BenchOptions& options) {
  BenchResult out;
  out.more["work"] = Json::array();
  for (const std::string& robot : options.robots) {
    CommonOptions named = options.common;
    named.robot = robot;
    RunSettings settings = resolve(named);
    const StepWork work = count_work(settings.robot.model, settings.task.mpc);
    for (int iterations : options.iterations) {
      settings.task.mpc.solver.iterations = iterations;
      out.more["work"].push_back(describe_work(settings, work));
    }
  }
  return out;
}

}  // namespace tandem
