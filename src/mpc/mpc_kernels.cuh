// The launches of a control step on a GPU, for mpc_cuda.cu: docs/gpu.md, section 2.
#pragma once

#include <algorithm>
#include <array>

#include "base/team_cuda.cuh"
#include "mpc/robot_step_kernel.hpp"

namespace tandem {
namespace {

// Who linearises a node: a tree of bodies has work for few lanes at a time.
using NodeTeam = PartWarpTeam<WarpTeam::kLanes / kNodesPerWarp>;

// Of a block in the launches that go through the arrays of a robot.
constexpr int kThreadsPerRobot = 256;

// Which parts of the first launch to do: both, or one at a time where stages are timed.
enum Part : int { kPrepare = 1, kForm = 2, kBothParts = 3 };

__device__ bool takes_part(const FleetView<float>& fleet, int w) { return !fleet.active || fleet.active[w]; }

// The number of this warp, or part of one, among all of a launch.
template <class T>
__device__ int team_number() {
  return static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x) / T::kLanes;
}
// Its part of the block's shared memory, `size` numbers.
template <class T>
__device__ float* team_memory(int size) {
  extern __shared__ float shared[];
  return shared + static_cast<int>(threadIdx.x) / T::kLanes * size;
}

// One warp per robot.
__global__ void begin_kernel(const __grid_constant__ MpcView<float> mpc, const __grid_constant__ FleetView<float> fleet, int parts) {
  const int w = team_number<WarpTeam>();
  if (w >= fleet.plan.nworld || !takes_part(fleet, w)) return;
  const RobotView<float> robot = robot_at(mpc, fleet, w);
  if (parts & kPrepare) begin_step(WarpTeam(), mpc, robot, team_memory<WarpTeam>(fleet.plan.begin_size));
  if (parts & kForm) form_robot(WarpTeam(), mpc, robot);
}

// A part of a warp per robot and node.
__global__ void linearise_kernel(const __grid_constant__ MpcView<float> mpc, const __grid_constant__ FleetView<float> fleet) {
  const int node = team_number<NodeTeam>(), w = node / mpc.nodes;
  if (w >= fleet.plan.nworld || !takes_part(fleet, w)) return;
  linearise_robot(NodeTeam(), mpc, robot_at(mpc, fleet, w), node % mpc.nodes, team_memory<NodeTeam>(fleet.plan.linearise_size));
}

// Brings n numbers from p on into the second-level cache, without waiting.
__device__ void prefetch(const float* p, int n) {
  constexpr int kLine = 128 / sizeof(float);
  for (int i = kLine * static_cast<int>(threadIdx.x); i < n; i += kLine * static_cast<int>(blockDim.x))
    asm volatile("prefetch.global.L2 [%0];" ::"l"(p + i));
}

// One block per robot, and then for the next robot. Of the solver's scratch the last parts lie in shared memory, the others in `global`, block_global numbers
// per block. Compiled for each of kSolveVariants, whose addresses of shared memory take 32 bits, and for kCompiledSolves[kCompiled] where that is not -1. Those
// without copies are one: it tells memories apart when it runs.
template <int kVariant, int kCompiled>
__global__ void __launch_bounds__(kSolveVariants[kVariant].threads, kSolveVariants[kVariant].blocks)
    solve_kernel(const __grid_constant__ MpcView<float> mpc, const __grid_constant__ FleetView<float> fleet,
                 const __grid_constant__ SolverSettings settings, float* global) {
  constexpr SolveVariant kSolve = kSolveVariants[kVariant];
  // where the compiler knows the sizes it should know the threads too, and a copy of a product is hardly longer than a call
  constexpr bool kKnown = kCompiled >= 0;
  const BlockTeam<kKnown ? kSolve.threads : 0, !kKnown> team;
  QpDims dims = problem_dims(mpc);
  if constexpr (kKnown) {
    constexpr CompiledSolve kSizes = kCompiledSolves[kCompiled];
    dims = integrator_dims(dims.N, kSizes.np, kSizes.na, kSizes.nf, kSizes.nc, kSizes.nd);
  }
  extern __shared__ float shared[];
  const MpcDevicePlan& plan = fleet.plan;
  const int parts_in_shared = kSolve.has_copies() ? kSolve.parts_in_shared : plan.solve.parts_in_shared;
  float *in_shared = shared, *in_global = global + static_cast<size_t>(blockIdx.x) * plan.block_global;
  WorkMemory<float> memory;
#pragma unroll
  for (int i = 0; i < kWorkParts; ++i) {
    float*& from = i >= kWorkParts - parts_in_shared ? in_shared : in_global;
    memory.part[i] = from;
    from += plan.work.part[i];
  }
  for (int w = static_cast<int>(blockIdx.x); w < plan.nworld; w += static_cast<int>(gridDim.x)) {
    if (const int next = w + static_cast<int>(gridDim.x); next < plan.nworld) prefetch(robot_at(mpc, fleet, next).qp, plan.qp_stride);
    if (takes_part(fleet, w)) solve_robot(team, dims, settings, robot_at(mpc, fleet, w), memory, kSolve.copies);
  }
}

auto solve_kernel_for(const MpcDevicePlan& plan) {
  constexpr int kWays = std::ranges::find_if_not(kSolveVariants, &SolveVariant::has_copies) - std::begin(kSolveVariants) + 1;
  constexpr auto kAny = []<int... i>(std::integer_sequence<int, i...>) {
    return std::array{solve_kernel<i, -1>...};
  }(std::make_integer_sequence<int, kWays>());
  constexpr auto kCompiled = []<int... i>(std::integer_sequence<int, i...>) {
    return std::array{solve_kernel<kCompiledSolves[i].variant, i>...};
  }(std::make_integer_sequence<int, std::size(kCompiledSolves)>());
  if (plan.compiled >= 0) return kCompiled[plan.compiled];
  return kAny[std::min<int>(std::ranges::find(kSolveVariants, plan.solve) - std::begin(kSolveVariants), kWays - 1)];
}

// One warp per robot.
__global__ void finish_kernel(const __grid_constant__ MpcView<float> mpc, const __grid_constant__ FleetView<float> fleet) {
  const int w = team_number<WarpTeam>();
  if (w >= fleet.plan.nworld || !takes_part(fleet, w)) return;
  finish_robot(WarpTeam(), mpc, robot_at(mpc, fleet, w), team_memory<WarpTeam>(fleet.plan.finish_size));
}

// One block per robot.
__global__ void reset_kernel(MpcView<float> mpc, FleetView<float> fleet, const unsigned char* mask, const float* phase) {
  const int w = static_cast<int>(blockIdx.x);
  if (mask && !mask[w]) return;
  reset_robot(BlockTeam<kThreadsPerRobot>(), mpc, robot_at(mpc, fleet, w), phase ? phase[w] : 0.0f);
}

// Copies the constant parts of a problem to that of every robot.
__global__ void copy_constants_kernel(FleetView<float> fleet, const float* constants) {
  float* qp = fleet.qp + static_cast<size_t>(blockIdx.x) * fleet.plan.qp_stride;
  for (int i = static_cast<int>(threadIdx.x); i < fleet.plan.qp_stride; i += static_cast<int>(blockDim.x)) qp[i] = constants[i];
}

}  // namespace
}  // namespace tandem
