// Forward and backward pass of a perceptron with ELU over many rows at once. docs/training.md, eq. (22)-(25). Weights are stored (inputs, outputs), rows
// `ld` apart; padding columns are zero and stay so, because elu(0) = 0.
#pragma once

#include <bit>
#include <cstdint>

#include "learn/mlp.hpp"
#include "math/dense.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

// exp(x) - 1 for x <= 0, to 1.2e-7: 2^n times a polynomial, without a branch, so that it goes through vector registers.
TANDEM_FN float expm1_negative(float x) {
  const float t = (x < -87.0f ? -87.0f : x) * 1.44269504f;
  const float n = (t + 12582912.0f) - 12582912.0f;  // nearest whole number: 1.5 * 2^23 leaves no bits for a fraction
  const float r = (t - n) * 0.693147181f;
  const float e = 1.0f + r * (1.0f + r * (0.5f + r * (0.166666667f + r * (0.0416666667f + r * (0.00833333333f + r * 0.00138888889f)))));
  return e * std::bit_cast<float>((static_cast<std::int32_t>(n) + 127) << 23) - 1.0f;
}
TANDEM_FN double expm1_negative(double x) { return std::expm1(x); }

template <class Real>
TANDEM_FN Real elu(Real x) {
  return x > Real(0) ? x : expm1_negative(x);
}

// The layer's part of an array of parameters or gradients.
template <class Real>
TANDEM_FN MatrixView<Real> weight_view(const MlpLayer& layer, Real* parameters) {
  return {parameters + layer.weight, layer.in, layer.out, layer.ld};
}

// Memory of a pass: outputs h of all layers, one after the other, then two buffers of the backward pass.
template <class Real>
TANDEM_FN Real* layer_output(const MlpShape& shape, int i, int rows, Real* memory) {
  for (int k = 0; k < i; ++k) memory += rows * shape.layer[k].ld;
  return memory;
}

// h_i = elu(h_{i-1} W_i + b_i), without elu in the last layer, eq. (22). Syncs at the end.   x (rows, in of the first layer); memory written
template <Team T, class Real>
TANDEM_FN void forward_pass(const T& team, const MlpShape& shape, Real* parameters, MatrixView<Real> x, Real* memory) {
  const int last = static_cast<int>(shape.layer.size()) - 1;
  MatrixView<Real> input = x;
  for (int i = 0; i <= last; ++i) {
    const MlpLayer& layer = shape.layer[i];
    const MatrixView<Real> h{layer_output(shape, i, x.rows, memory), x.rows, layer.out, layer.ld};
    const Real* b = parameters + layer.bias;
    multiply_nn<Write::kSet>(team, h, input, weight_view(layer, parameters));
    team.sync();
    if (i < last)
      for_each_2d(team, h.rows, h.cols, [=](int r, int c) { h(r, c) = elu(h(r, c) + b[c]); });
    else
      for_each_2d(team, h.rows, h.cols, [=](int r, int c) { h(r, c) += b[c]; });
    team.sync();
    input = h;
  }
}

// From d = dL/dh of the last layer to the gradient of all parameters, eq. (23)-(25). Syncs at the end.
//   transposed  weights (out, in) of every layer, read
//   memory      as forward_pass left it; destroyed: h_i of a hidden layer becomes the derivative by what went into its elu
//   gradient    like parameters, written
template <Team T, class Real>
TANDEM_FN void backward_pass(const T& team, const MlpShape& shape, Real* transposed, MatrixView<Real> x, MatrixView<Real> d, Real* gradient,
                             Real* memory) {
  const int layers = static_cast<int>(shape.layer.size());
  Real* back = layer_output(shape, layers, x.rows, memory);
  Real* ones = back + x.rows * shape.widest;
  for_each(team, 0, x.rows, [=](int r) { ones[r] = Real(1); });
  team.sync();
  for (int i = layers - 1; i >= 0; --i) {
    const MlpLayer& layer = shape.layer[i];
    const MatrixView<Real> h = i ? MatrixView<Real>{layer_output(shape, i - 1, x.rows, memory), x.rows, layer.in, shape.layer[i - 1].ld} : x;
    multiply_tn<Write::kSet>(team, weight_view(layer, gradient), h, d);  // dL/dW = h' d
    multiply_t<Write::kSet>(team, gradient + layer.bias, d, ones);       // dL/db = sum of the rows of d
    if (i > 0) {
      const MatrixView<Real> e{back, x.rows, layer.in, layer.ld_in};
      multiply_nn<Write::kSet>(team, e, d, MatrixView<Real>{transposed + layer.transposed, layer.out, layer.in, layer.ld_in});  // d W'
      team.sync();
      // elu'(x) is 1, or exp(x) = h + 1
      for_each_2d(team, h.rows, h.cols, [=](int r, int c) { h(r, c) = e(r, c) * (h(r, c) > Real(0) ? Real(1) : h(r, c) + Real(1)); });
      d = h;
    }
    team.sync();
  }
}

}  // namespace TANDEM_ISA
}  // namespace tandem
