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

}  // namespace tandem
