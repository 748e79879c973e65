#include "learn/mlp.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "base/isa.hpp"
#include "learn/mlp_kernels.hpp"

namespace tandem {
namespace {

const MlpKernels& kernels() {
  static const MlpKernels chosen = detect_isa() == Isa::kAvx512 ? avx512::mlp_kernels() : avx2::mlp_kernels();
  return chosen;
}

}  // namespace

MlpShape make_mlp_shape(const std::vector<int>& widths) {
  check(widths.size() >= 2, "a network has ", widths.size(), " layer sizes, expected its inputs and its outputs at least");
  MlpShape shape;
  for (size_t i = 0; i + 1 < widths.size(); ++i) {
    check(widths[i] >= 1 && widths[i + 1] >= 1, "a layer of a network has ", widths[i], " inputs and ", widths[i + 1],
          " outputs, expected 1 or more");
    MlpLayer layer{.in = widths[i],
                   .out = widths[i + 1],
                   .ld = round_up_16(widths[i + 1]),
                   .ld_in = round_up_16(widths[i]),
                   .weight = shape.size,
                   .bias = 0,
                   .transposed = shape.transposed};
    layer.bias = layer.weight + layer.in * layer.ld;
    shape.size = layer.bias + layer.ld;
    shape.transposed += layer.out * layer.ld_in;
    shape.widest = std::max({shape.widest, layer.ld, layer.ld_in});
    shape.layer.push_back(layer);
  }
  return shape;
}

int mlp_memory(const MlpShape& shape, int rows) {
  int size = rows * shape.widest + round_up_16(rows);
  for (const MlpLayer& layer : shape.layer) size += rows * layer.ld;
  return size;
}

float* mlp_output(const MlpShape& shape, int rows, float* memory) {
  for (size_t i = 0; i + 1 < shape.layer.size(); ++i) memory += rows * shape.layer[i].ld;
  return memory;
}

void mlp_transpose(const MlpShape& shape, const float* parameters, float* transposed) {
  constexpr int kBlock = 16;  // a cache line of both
  for (const MlpLayer& layer : shape.layer) {
    const float* w = parameters + layer.weight;
    float* t = transposed + layer.transposed;
    for (int i0 = 0; i0 < layer.in; i0 += kBlock)
      for (int o = 0; o < layer.out; ++o)
        for (int i = i0; i < std::min(i0 + kBlock, layer.in); ++i) t[o * layer.ld_in + i] = w[i * layer.ld + o];
  }
}

void mlp_forward(const MlpShape& shape, float* parameters, MlpInput x, float* memory) { kernels().forward(shape, parameters, x, memory); }

void mlp_backward(const MlpShape& shape, float* transposed, MlpInput x, float* d, float* gradient, float* memory) {
  kernels().backward(shape, transposed, x, d, gradient, memory);
}

}  // namespace tandem
