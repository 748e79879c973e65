#include "base/device.hpp"

#include "base/check.hpp"

namespace tandem {

void check_cuda_device() {
  if (!built_with_cuda()) throw_built_without_cuda();
  check(cuda_device_count() > 0, "no CUDA device that this program can use; run `nvidia-smi` to see what the driver finds, or use the CPU backend");
}

void throw_built_without_cuda() {
  throw Error("built without CUDA; run ./tandem test once, which installs nvcc and rebuilds, or use the CPU backend");
}

}  // namespace tandem
