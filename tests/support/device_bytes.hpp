// Bytes in a GPU's memory, for tests that hand arrays of their own to a controller on the device.
#pragma once

#include <cstddef>

namespace tandem {

struct DeviceBytes {
  void* data = nullptr;
  // A copy of n bytes of the host. Throws Error without CUDA or without a device.
  DeviceBytes(const void* host, std::size_t n);
  ~DeviceBytes();
  DeviceBytes(const DeviceBytes&) = delete;
  DeviceBytes& operator=(const DeviceBytes&) = delete;
};

// n bytes to the device, and back. Throw Error.
void copy_to_device(void* to, const void* host, std::size_t n);
void copy_to_host(void* to, const void* device, std::size_t n);

}  // namespace tandem
