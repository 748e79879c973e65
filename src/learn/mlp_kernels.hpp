// The passes of mlp.hpp, compiled once per instruction set.
#pragma once

#include "learn/mlp.hpp"

namespace tandem {

struct MlpKernels {
  void (*forward)(const MlpShape&, float* parameters, MlpInput x, float* memory);
  void (*backward)(const MlpShape&, float* transposed, MlpInput x, float* d, float* gradient, float* memory);
};

namespace avx2 {
MlpKernels mlp_kernels();
}
namespace avx512 {
MlpKernels mlp_kernels();
}

}  // namespace tandem
