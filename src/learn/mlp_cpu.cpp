#include "learn/mlp_kernel.hpp"
#include "learn/mlp_kernels.hpp"

namespace tandem {
inline namespace TANDEM_ISA {
namespace {

MatrixView<float> input_view(const MlpShape& shape, MlpInput x) { return {x.data, x.rows, shape.layer.front().in, x.ld}; }

void forward(const MlpShape& shape, float* parameters, MlpInput x, float* memory) {
  forward_pass(SerialTeam{}, shape, parameters, input_view(shape, x), memory);
}

void backward(const MlpShape& shape, float* transposed, MlpInput x, float* d, float* gradient, float* memory) {
  const MlpLayer& last = shape.layer.back();
  backward_pass(SerialTeam{}, shape, transposed, input_view(shape, x), MatrixView<float>{d, x.rows, last.out, last.ld}, gradient, memory);
}

}  // namespace

MlpKernels mlp_kernels() { return {forward, backward}; }

}  // namespace TANDEM_ISA
}  // namespace tandem
