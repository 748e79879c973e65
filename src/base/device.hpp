// What the CUDA backend finds on this machine. No CUDA type: the answers come from device_cuda.cu, or from device_no_cuda.cpp in a build without nvcc.
#pragma once

#include <cstddef>
#include <string>

namespace tandem {

// Whether the program was built with nvcc.
bool built_with_cuda();

// Number of CUDA devices that can be used; 0 without driver, without device and in a build without CUDA. Never throws.
int cuda_device_count();

// Why cuda_device_count() is 0, in CUDA's words ("CUDA driver version is insufficient for CUDA runtime version"); empty where it is not.
std::string cuda_problem();

// The current device.
struct CudaDevice {
  int number = 0;
  std::string name;
  int major = 0, minor = 0;  // compute capability
  int multiprocessors = 0;
  std::size_t shared_per_block = 0, shared_per_multiprocessor = 0;  // [bytes]
  std::size_t free_memory = 0, memory = 0;                          // [bytes]
  double clock = 0;                                                 // highest of the multiprocessors [Hz]
  double memory_clock = 0;                                          // highest [Hz]; data move twice per cycle
  int memory_bus = 0;                                               // [bits]
  std::string pci = "";                                             // bus id, "0000:17:00.0"
  // Arithmetic in single precision, 128 fused multiply-adds per multiprocessor and cycle (compute capability 9.0) [1/s], and bandwidth of the memory
  // [bytes/s]: what the device could do at its highest clocks.
  double peak_flops() const { return multiprocessors * 128.0 * 2 * clock; }
  double peak_bandwidth() const { return 2 * memory_clock * memory_bus / 8; }
};
CudaDevice cuda_device();

// Throws Error unless a CUDA device can be used: "built without CUDA; ..." or "no CUDA device; ...". Launchers call it first.
void check_cuda_device();

// Throws Error where a device is older than what the kernels are compiled for, compute capability 9.0, or not the first: tensors name cuda:0.
void check_device(const CudaDevice& device);

// Throws the Error "built without CUDA; ..." that every launcher of a build without nvcc ends in (x_no_cuda.cpp beside x_cuda.cu).
[[noreturn]] void throw_built_without_cuda();

}  // namespace tandem
