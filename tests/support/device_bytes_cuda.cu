#include "base/cuda.cuh"
#include "tests/support/device_bytes.hpp"

namespace tandem {

DeviceBytes::DeviceBytes(const void* host, std::size_t n) {
  check_cuda(cudaMalloc(&data, n), "memory");
  check_cuda(cudaMemcpy(data, host, n, cudaMemcpyHostToDevice), "copy");
}
DeviceBytes::~DeviceBytes() { cudaFree(data); }

}  // namespace tandem
