// What launchers share: errors of CUDA's functions, memory on the device.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>

#include "base/check.hpp"

namespace tandem {

// Throws Error "CUDA: what: CUDA's own words" unless a call succeeded.
inline void check_cuda(cudaError_t error, const char* what) { check(error == cudaSuccess, "CUDA: ", what, ": ", cudaGetErrorString(error)); }

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
