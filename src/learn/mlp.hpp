// A perceptron with ELU between its layers, for many rows at once: forward pass, and the gradient of all parameters. docs/training.md, eq. (22)-(25).
// Plain arrays, so that it runs through the project's own vector kernels, which are twice as fast as Torch's products on AVX-512.
#pragma once

#include <vector>

namespace tandem {

// Length of a row in memory: whole vector registers.
constexpr int round_up_16(int n) { return (n + 15) / 16 * 16; }

// Where one layer lies in an array of parameters. Offsets and ld are multiples of 16; what lies beyond `out` columns is zero.
struct MlpLayer {
  int in, out;
  int ld;          // distance of rows of weights (in, out), of outputs and their derivatives
  int ld_in;       // the same for the transposed weights (out, in)
  int weight;      // offset of the weights (in, ld)
  int bias;        // offset of the biases (ld)
  int transposed;  // offset of the transposed weights in their own array (out, ld_in)
};

struct MlpShape {
  std::vector<MlpLayer> layer;
  int size = 0;        // of an array of parameters
  int transposed = 0;  // of the array of transposed weights
  int widest = 0;      // largest ld
};

// A perceptron with layer sizes widths[0] -> widths[1] -> ... Throws Error unless there are two or more, each at least 1.
MlpShape make_mlp_shape(const std::vector<int>& widths);

// Every array below starts on a 64-byte boundary.
struct MlpInput {
  float* data;  // read  (rows, ld), ld a multiple of 16
  int rows, ld;
};

// Memory of one thread that passes up to `rows` rows through: outputs of every layer, then scratch of the backward pass.
int mlp_memory(const MlpShape& shape, int rows);
// The last layer's output within it  (rows, ld of the last layer).
float* mlp_output(const MlpShape& shape, int rows, float* memory);

// The weights of all layers, transposed: what mlp_backward reads.
void mlp_transpose(const MlpShape& shape, const float* parameters, float* transposed);

// Writes the outputs of all layers into `memory`. parameters (shape.size) read.
void mlp_forward(const MlpShape& shape, float* parameters, MlpInput x, float* memory);

// From dL/d(output), (rows, ld of the last layer), to the gradient of all parameters; after mlp_forward with the same memory, which it destroys.
//   gradient (shape.size) written; padding becomes zero
void mlp_backward(const MlpShape& shape, float* transposed, MlpInput x, float* d, float* gradient, float* memory);

}  // namespace tandem
