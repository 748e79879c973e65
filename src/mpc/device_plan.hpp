// What the MPC takes of a GPU's memory, worked out on the host before anything is allocated: docs/gpu.md, section 2. Knows no CUDA: tests check it anywhere.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "mpc/arrays.hpp"
#include "qp/work.hpp"

namespace tandem {

// What counts of a GPU.
struct DeviceLimits {
  int multiprocessors = 132;
  std::size_t shared_per_block = 227 << 10;           // that a block may ask for [bytes]
  std::size_t shared_per_multiprocessor = 228 << 10;  // [bytes]; each block costs 1 KiB more than it asks for
};

// How a multiprocessor may solve, in the order in which they are tried: docs/gpu.md, section 2. The last one fits any robot and device.
struct SolveVariant {
  int blocks;           // of a multiprocessor
  int threads;          // of a block
  int parts_in_shared;  // of the work, from the last one on; the rest is global, one copy per resident block
  Copies copies;        // that the iterations read, in the scratch

  constexpr bool has_copies() const { return copies != Copies::kNone; }
  bool operator==(const SolveVariant&) const = default;
};
inline constexpr SolveVariant kSolveVariants[] = {{2, 128, 2, Copies::kInverses},
                                                  {1, 256, 3, Copies::kMatrices},
                                                  {1, 256, 2, Copies::kGains},
                                                  {1, 256, 1, Copies::kNone},
                                                  {1, 256, 0, Copies::kNone}};

// Solves that are compiled for the sizes of a problem, those of robots that come with the project: number in kSolveVariants, sizes as in QpDims. With
// the bits of those whose sizes are known only when they run, by an estimate in two thirds of the time: docs/gpu.md, section 5.
struct CompiledSolve {
  int variant;
  int np, na, nf, nc, nd;
};
inline constexpr CompiledSolve kCompiledSolves[] = {{0, 6, 18, 12, 11, 16},
                                                    {1, 6, 18, 12, 11, 16},  // MIT Humanoid
                                                    {0, 6, 12, 12, 14, 16},
                                                    {1, 6, 12, 12, 14, 16},   // Unitree Go2
                                                    {2, 6, 29, 24, 13, 32}};  // Unitree G1

// Sizes in numbers (floats on a GPU), memory in bytes.
struct MpcDevicePlan {
  int nworld;
  int world_stride, qp_stride, solution_stride;                         // of a robot's plan, problem and warm start
  int q_stride, v_stride, command_stride, ground_stride, joint_stride;  // rows of inputs and outputs start at multiples of 16 bytes
  int begin_size, linearise_size, finish_size;                          // shared memory of a robot or node in the launches by warp
  WorkSizes work;                                                       // of one solve
  SolveVariant solve;                                                   // one of kSolveVariants
  int compiled;                                                         // one of kCompiledSolves, -1: none
  int block_shared, block_global;                                       // of one block of the solve
  int blocks;                                                           // that are resident together; each takes one robot after the other
  std::size_t constant_bytes, robot_bytes, block_bytes, total_bytes;    // for all, per robot, per block; constants + robots + blocks
};

// Warps of a block in the launches by warp; nodes that a warp linearises.
inline constexpr int kWarpsPerBlock = 2;
inline constexpr int kNodesPerWarp = 2;
inline constexpr int kMaxDeviceWorlds = 65536;

// Whether a part of the solve's scratch lies in shared memory.
inline bool in_shared(const MpcDevicePlan& plan, WorkPart part) { return part >= kWorkParts - plan.solve.parts_in_shared; }

// blocks: that solve on a multiprocessor, 1 or 2; 0: 2 where they fit and there are more robots than multiprocessors. known_sizes: a solve that is compiled for
// the sizes of the problem is taken where there is one; false: that for any sizes, which computes the same. Throws Error where nworld is not in
// 1 .. 65,536, the solver's mode is not kRiccati, or so many blocks do not fit.
MpcDevicePlan plan_device(const MpcArrays<float>& arrays, const MpcSettings& settings, int nworld, const DeviceLimits& limits, int blocks = 0,
                          bool known_sizes = true);

// "MPC on the GPU: 4096 robots x 123.4 KiB + 264 blocks x 116.6 KiB + 110.9 KiB = 523.8 MiB; ..." in one line.
std::string describe(const MpcDevicePlan& plan);

// Throws Error, naming how many robots would fit, unless the plan fits into `free_bytes`.
void check_device_memory(const MpcDevicePlan& plan, std::size_t free_bytes);

// The constants that the pointers of a view lead to as one block of bytes, and the view of a copy of that block at the address `base`.
template <class S>
struct PackedConstants {
  std::vector<std::byte> bytes;
  MpcView<S> view;
};
template <class S>
PackedConstants<S> pack_constants(const MpcArrays<S>& arrays, const void* base);
// Bytes of that block.
template <class S>
std::size_t constants_size(const MpcArrays<S>& arrays);

}  // namespace tandem
