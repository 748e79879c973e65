// What the benchmarks share. docs/programs.md, "bench".
#pragma once

#include <nlohmann/json.hpp>

#include "base/bench.hpp"
#include "cli/options.hpp"
#include "cli/recording.hpp"
#include "cli/report.hpp"

namespace tandem {

struct BenchOptions {
  CommonOptions common;
  std::vector<std::string> robots;
  std::vector<int> worlds = {1, 1000};
  std::vector<int> iterations = {10, 25};
  std::string device = "cpu";  // of the MPC
  int blocks = 0;              // that solve on a multiprocessor; 0: as the number of robots asks
  bool work = false;           // count the operations of a control step instead of timing it
};

// Rows, and what else there is to report.
struct BenchResult {
  std::vector<BenchRow> rows;
  Json more = Json::object();
  bool interrupted = false;  // by Ctrl-C: this is what was measured until then
};

BenchResult bench_mpc(const BenchOptions& options);
BenchResult bench_mpc_cuda(const BenchOptions& options);  // of bench_mpc, with --device cuda; keeps what it has when it is interrupted
BenchResult count_mpc_work(const BenchOptions& options);  // of bench_mpc, with --work
BenchResult bench_qp(const BenchOptions& options);
BenchResult bench_centroidal_mpc(const BenchOptions& options);

// A row from the times of single calls [us]: median, 99th percentile, worlds per second.
BenchRow make_row(const std::string& name, const std::string& robot, int worlds, int threads, int iterations, std::vector<double> us);

// Largest difference of `a` to `exact` over the largest entry of `exact`, or over `smallest` where that is more.
double relative_error(const std::vector<double>& a, const std::vector<double>& exact, double smallest);

// States of the closed loop that benchmarks run on: a third of the worlds walk at different commands, a third is pushed, a third stands on ice
// (friction 0.35 under a controller that counts on more).
enum class Kind { kWalking, kPushed, kSlippery };
constexpr int kKinds = 3;
struct BenchStates {
  StateRecording recording;
  std::vector<Kind> kind;  // (nworld)
};
BenchStates record_states(const RunSettings& settings, const BenchOptions& options);

// The first `steps` control steps of many worlds with random starts and commands.
StateRecording record_batch(const RunSettings& settings, const BenchOptions& options, int worlds, int steps);

}  // namespace tandem
