// Teams on a CUDA device. Only .cu files include this; the kernels themselves know nothing of it (base/team.hpp).
#pragma once

#include <cuda_runtime.h>

#include "base/team.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

// The threads of one block work on one world: blockIdx.x is the world. Kernels are host and device functions, so the team must exist for the host
// compiler too; there it is a team of one.
struct BlockTeam {
#ifdef __CUDA_ARCH__
  __device__ int lane() const { return static_cast<int>(threadIdx.x); }
  __device__ int size() const { return static_cast<int>(blockDim.x); }
  __device__ void sync() const { __syncthreads(); }
#else
  int lane() const { return 0; }
  int size() const { return 1; }
  void sync() const {}
#endif
};

template <>
inline constexpr bool kCallsProducts<BlockTeam> = true;

// N neighbouring lanes of a warp work on one world, the next N on another: threadIdx.x / N of all threads. The parts of a warp meet at every sync, so all must
// reach the same ones or the kernel's end. blockDim.x must be a multiple of 32.
template <int N>
struct PartWarpTeam {
  static constexpr int kLanes = N;
#ifdef __CUDA_ARCH__
  __device__ int lane() const { return static_cast<int>(threadIdx.x) % kLanes; }
  __device__ int size() const { return kLanes; }
  __device__ void sync() const { __syncwarp(); }
#else
  int lane() const { return 0; }
  int size() const { return 1; }
  void sync() const {}
#endif
};
using WarpTeam = PartWarpTeam<32>;

}  // namespace TANDEM_ISA
}  // namespace tandem
