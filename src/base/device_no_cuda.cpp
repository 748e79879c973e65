#include "base/device.hpp"

namespace tandem {

bool built_with_cuda() { return false; }

int cuda_device_count() { return 0; }

std::string cuda_problem() { return "built without CUDA"; }

CudaDevice cuda_device() { throw_built_without_cuda(); }

}  // namespace tandem
