#include <limits>

#include "base/check.hpp"
#include "base/device.hpp"
#include "base/team_cuda.cuh"
#include "tests/base/matvec_cuda.hpp"
#include "tests/base/matvec_kernel.hpp"

namespace tandem {
namespace {

constexpr int kBlockThreads = 96;
constexpr int kWarpsPerBlock = 3;

__global__ void block_kernel(int n, const double* A, const double* x, double* y, double* z) {
  const int world = blockIdx.x;
  matvec_twice(BlockTeam<>(), n, A + world * n * n, x + world * n, y + world * n, z + world * n);
}

__global__ void warp_kernel(int nworld, int n, const double* A, const double* x, double* y, double* z) {
  const int world = blockIdx.x * kWarpsPerBlock + threadIdx.x / WarpTeam::kLanes;
  if (world >= nworld) return;
  matvec_twice(WarpTeam(), n, A + world * n * n, x + world * n, y + world * n, z + world * n);
}

void check_cuda(cudaError_t error, const char* what) { check(error == cudaSuccess, what, ": ", cudaGetErrorString(error)); }

// a buffer on the device that starts as a copy of `host`
struct DeviceBuffer {
  double* data = nullptr;
  explicit DeviceBuffer(const std::vector<double>& host) {
    check_cuda(cudaMalloc(&data, host.size() * sizeof(double)), "cudaMalloc");
    check_cuda(cudaMemcpy(data, host.data(), host.size() * sizeof(double), cudaMemcpyHostToDevice), "cudaMemcpy");
  }
  ~DeviceBuffer() { cudaFree(data); }
  DeviceBuffer(const DeviceBuffer&) = delete;
};

}  // namespace

std::vector<double> matvec_twice_cuda(CudaTeam team, int nworld, int n, const std::vector<double>& A, const std::vector<double>& x) {
  check_cuda_device();
  std::vector<double> result(x.size(), std::numeric_limits<double>::quiet_NaN());
  const DeviceBuffer dA(A), dx(x), dy(result), dz(result);
  if (team == CudaTeam::kBlock) {
    block_kernel<<<nworld, kBlockThreads>>>(n, dA.data, dx.data, dy.data, dz.data);
  } else {
    const int nblock = (nworld + kWarpsPerBlock - 1) / kWarpsPerBlock;
    warp_kernel<<<nblock, kWarpsPerBlock * WarpTeam::kLanes>>>(nworld, n, dA.data, dx.data, dy.data, dz.data);
  }
  check_cuda(cudaGetLastError(), "kernel launch");
  check_cuda(cudaMemcpy(result.data(), dz.data, result.size() * sizeof(double), cudaMemcpyDeviceToHost), "kernel");
  return result;
}

}  // namespace tandem
