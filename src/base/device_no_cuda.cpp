#include "base/device.hpp"

namespace tandem {

bool built_with_cuda() { return false; }

int cuda_device_count() { return 0; }

}  // namespace tandem
