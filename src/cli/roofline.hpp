// What a GPU made of the work of a control step: arithmetic and traffic of every stage against what the device could do. docs/gpu.md, section 5.
#pragma once

#include "base/device.hpp"
#include "cli/closed_loop.hpp"
#include "cli/report.hpp"
#include "mpc/mpc_cuda.hpp"
#include "mpc/step_work.hpp"

namespace tandem {

// The two peaks of a device.
struct Roof {
  double flops;      // [1/s]
  double bandwidth;  // of its memory [bytes/s]
};

// Something that was timed, against its roof.
struct RooflinePoint {
  double flops, bandwidth;              // achieved [1/s], [bytes/s]
  double flops_share, bandwidth_share;  // of the peaks, 0 .. 1
  const char* bound;                    // which of the two would take longer at its peak: "arithmetic" or "memory"
};
RooflinePoint roofline_point(double flops, double bytes, double seconds, const Roof& roof);

// Arithmetic [flop] and traffic [bytes] of one robot in one stage.
struct StageWork {
  const char* name;              // "prepare", ..., "inverse dynamics"
  double MpcProfile::* seconds;  // its time; nullptr: the whole step
  double flops, bytes;
};
std::vector<StageWork> stage_work(const StepWork& work, const StepTraffic& traffic, int iterations);

// Counts of a robot by stage: operations by kind, flops, bytes.
Json describe_work(const RunSettings& settings, const StepWork& work);
// One row per stage: ms of the batch, what was achieved, shares of the peaks, what bounds it.
Json describe_stages(const std::vector<StageWork>& stages, const MpcProfile& profile, double step_seconds, int worlds, const Roof& roof);
Json describe(const CudaDevice& device);
Json describe(const KernelUse& kernel);

// Prints what a result holds of the keys "device", "kernels", "work", "stages", "memory", "energy", "baseline".
void print_gpu_tables(const Json& more);

}  // namespace tandem
