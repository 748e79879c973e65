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
  CudaDevice device;
  cudaDeviceProp properties;
  check_cuda(cudaGetDevice(&device.number), "device");
  check_cuda(cudaGetDeviceProperties(&properties, device.number), "device properties");
  device.name = properties.name, device.major = properties.major, device.minor = properties.minor;
  device.multiprocessors = properties.multiProcessorCount;
  device.shared_per_block = properties.sharedMemPerBlockOptin, device.shared_per_multiprocessor = properties.sharedMemPerMultiprocessor;
  check_cuda(cudaMemGetInfo(&device.free_memory, &device.memory), "free memory");
  const auto attribute = [&](cudaDeviceAttr which) {
    int value = 0;
    check_cuda(cudaDeviceGetAttribute(&value, which, device.number), "device properties");
    return value;
  };
  device.clock = 1e3 * attribute(cudaDevAttrClockRate), device.memory_clock = 1e3 * attribute(cudaDevAttrMemoryClockRate);
  device.memory_bus = attribute(cudaDevAttrGlobalMemoryBusWidth);
  char pci[32] = "";
  check_cuda(cudaDeviceGetPCIBusId(pci, sizeof(pci), device.number), "device properties");
  device.pci = pci;
  return device;
}

}  // namespace tandem
