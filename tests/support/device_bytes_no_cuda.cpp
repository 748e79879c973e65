#include "base/device.hpp"
#include "tests/support/device_bytes.hpp"

namespace tandem {

DeviceBytes::DeviceBytes(const void*, std::size_t) { throw_built_without_cuda(); }
DeviceBytes::~DeviceBytes() = default;

void copy_to_device(void*, const void*, std::size_t) { throw_built_without_cuda(); }
void copy_to_host(void*, const void*, std::size_t) { throw_built_without_cuda(); }

}  // namespace tandem
