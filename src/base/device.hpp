// What the CUDA backend finds on this machine. No CUDA type: the answers come from device_cuda.cu, or from device_no_cuda.cpp in a build without nvcc.
#pragma once

#include <string>

namespace tandem {

// Whether the program was built with nvcc.
bool built_with_cuda();

// Number of CUDA devices that can be used; 0 without driver, without device and in a build without CUDA. Never throws.
int cuda_device_count();

// Throws Error unless a CUDA device can be used: "built without CUDA; ..." or "no CUDA device; ...". Launchers call it first.
void check_cuda_device();

// Throws the Error "built without CUDA; ..." that every launcher of a build without nvcc ends in (x_no_cuda.cpp beside x_cuda.cu).
[[noreturn]] void throw_built_without_cuda();

}  // namespace tandem
