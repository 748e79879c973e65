#include "base/device.hpp"

#include "base/check.hpp"

namespace tandem {

void check_cuda_device() {
  if (!built_with_cuda()) throw_built_without_cuda();
  check(cuda_device_count() > 0, "no CUDA device that this program can use (", cuda_problem(),
        "); run `nvidia-smi` to see what the driver finds, or use the CPU backend");
  check_device(cuda_device());
}

void check_device(const CudaDevice& device) {
  constexpr int kMajor = 9;  // CMAKE_CUDA_ARCHITECTURES in tools/cmake/TandemCuda.cmake
  check(device.major >= kMajor, "the CUDA device ", device.name, " has compute capability ", device.major, ".", device.minor, ", expected ", kMajor,
        ".0 or newer; use the CPU backend, or build with -DCMAKE_CUDA_ARCHITECTURES=", device.major, device.minor);
  check(device.number == 0, "the current CUDA device is number ", device.number, ", expected 0; choose a GPU by CUDA_VISIBLE_DEVICES");
}

void throw_built_without_cuda() {
  throw Error("built without CUDA; run ./tandem test once, which installs nvcc and rebuilds, or use the CPU backend");
}

}  // namespace tandem
