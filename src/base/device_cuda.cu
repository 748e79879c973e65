#include <cuda_runtime.h>

#include "base/cuda.cuh"
#include "base/device.hpp"

namespace tandem {

bool built_with_cuda() { return true; }

int cuda_device_count() {
  int count = 0;
  return cudaGetDeviceCount(&count) == cudaSuccess ? count : 0;
}

std::string cuda_problem() {
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error != cudaSuccess) return cudaGetErrorString(error);
  return count > 0 ? "" : "there is none";
}

CudaDevice cuda_device() {
  int number = 0;
  cudaDeviceProp properties;
  check_cuda(cudaGetDevice(&number), "device");
  check_cuda(cudaGetDeviceProperties(&properties, number), "device properties");
  CudaDevice device{properties.name,
                    properties.major,
                    properties.minor,
                    properties.multiProcessorCount,
                    properties.sharedMemPerBlockOptin,
                    properties.sharedMemPerMultiprocessor};
  check_cuda(cudaMemGetInfo(&device.free_memory, &device.memory), "free memory");
  return device;
}

}  // namespace tandem
