#include <cuda_runtime.h>

#include "base/device.hpp"

namespace tandem {

bool built_with_cuda() { return true; }

int cuda_device_count() {
  int count = 0;
  return cudaGetDeviceCount(&count) == cudaSuccess ? count : 0;
}

}  // namespace tandem
