#include "base/cuda.cuh"
#include "tests/support/device_bytes.hpp"

namespace tandem {

DeviceBytes::DeviceBytes(const void* host, std::size_t n) {
  check_cuda(cudaMalloc(&data, n), "memory");
  check_cuda(cudaMemcpy(data, host, n, cudaMemcpyHostToDevice), "copy");
}
DeviceBytes::~DeviceBytes() { cudaFree(data); }

void copy_to_device(void* to, const void* host, std::size_t n) { check_cuda(cudaMemcpy(to, host, n, cudaMemcpyHostToDevice), "copy"); }
void copy_to_host(void* to, const void* device, std::size_t n) { check_cuda(cudaMemcpy(to, device, n, cudaMemcpyDeviceToHost), "copy"); }

}  // namespace tandem
