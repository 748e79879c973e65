// What launchers share: errors of CUDA's functions, memory on the device.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>

#include "base/check.hpp"

namespace tandem {

// Throws Error "CUDA: what: CUDA's own words" unless a call succeeded.
inline void check_cuda(cudaError_t error, const char* what) { check(error == cudaSuccess, "CUDA: ", what, ": ", cudaGetErrorString(error)); }

// Lets a kernel ask for all the shared memory that a block may have beside its own, which is returned [bytes]; the attribute belongs to the kernel and not to
// a launch. all: every block of a multiprocessor needs much, so the most that the first-level cache can give is set aside for them.
inline std::size_t allow_shared_memory(const void* kernel, bool all = false) {
  int device = 0, at_most = 0;
  cudaFuncAttributes own{};
  check_cuda(cudaGetDevice(&device), "device");
  check_cuda(cudaDeviceGetAttribute(&at_most, cudaDevAttrMaxSharedMemoryPerBlockOptin, device), "device properties");
  check_cuda(cudaFuncGetAttributes(&own, kernel), "kernel attributes");
  at_most -= static_cast<int>(own.sharedSizeBytes);
  check_cuda(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, at_most), "shared memory");
  if (all) check_cuda(cudaFuncSetAttribute(kernel, cudaFuncAttributePreferredSharedMemoryCarveout, cudaSharedmemCarveoutMaxShared), "shared memory");
  return static_cast<std::size_t>(at_most);
}

// Memory on the device, freed at the end of a scope.
template <class T>
struct DeviceArray {
  T* data = nullptr;
  explicit DeviceArray(std::size_t n) { check_cuda(cudaMalloc(&data, n * sizeof(T)), "memory for the batch; solve fewer problems at once"); }
  ~DeviceArray() { cudaFree(data); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;
};

}  // namespace tandem
