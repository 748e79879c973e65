// Teams on a CUDA device. Only .cu files include this; the kernels themselves know nothing of it (base/team.hpp).
#pragma once

#include <cuda_runtime.h>

#include "base/team.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

// The threads of one block work on one world: blockIdx.x is the world. kThreads: how many, 0: known only when it runs. kCalls: whether products of matrices are
// calls. Kernels are host and device functions, so the team must exist for the host compiler too; there it is a team of one.
template <int kThreads = 0, bool kCalls = true>
struct BlockTeam {
#ifdef __CUDA_ARCH__
  __device__ int lane() const { return static_cast<int>(threadIdx.x); }
  __device__ int size() const { return kThreads > 0 ? kThreads : static_cast<int>(blockDim.x); }
  __device__ void sync() const { __syncthreads(); }
#else
  int lane() const { return 0; }
  int size() const { return 1; }
  void sync() const {}
#endif
};

template <int kThreads, bool kCalls>
inline constexpr bool kCallsProducts<BlockTeam<kThreads, kCalls>> = kCalls;

// Copies that a block does not wait for. Both sides begin at multiples of 16 bytes, and n is a multiple of 4.
template <int kThreads, bool kCalls>
TANDEM_FN void begin_copy([[maybe_unused]] const BlockTeam<kThreads, kCalls>& team, [[maybe_unused]] float* to, [[maybe_unused]] const float* from,
                          [[maybe_unused]] int n) {
#ifdef __CUDA_ARCH__
  const auto target = __cvta_generic_to_shared(to);
  const auto copy = [&](int i) { asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"l"(target + 4 * i), "l"(from + i) : "memory"); };
  const int each = n / (4 * team.size()), rest = each * 4 * team.size() + 4 * team.lane();
  for (int k = 0; k < each; ++k) copy(4 * (k * team.size() + team.lane()));
  if (rest < n) copy(rest);
#endif
}
template <int kThreads, bool kCalls>
TANDEM_FN void begin_copy(const BlockTeam<kThreads, kCalls>&, [[maybe_unused]] float* to, [[maybe_unused]] const float* from) {
#ifdef __CUDA_ARCH__
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" ::"l"(__cvta_generic_to_shared(to)), "l"(from) : "memory");
#endif
}
template <int kThreads, bool kCalls>
TANDEM_FN void end_copies(const BlockTeam<kThreads, kCalls>&) {
#ifdef __CUDA_ARCH__
  asm volatile("cp.async.wait_all;" ::: "memory");
#endif
}

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
