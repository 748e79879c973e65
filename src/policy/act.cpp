// The network of a policy on one core: weights are read once, front to back, four rows of a layer at a time.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/pack.hpp"
#include "policy/policy.hpp"

namespace tandem {
namespace {

using Vector = Pack<float, 8>;
constexpr int kLanes = Vector::kLanes;
constexpr int kRows = 4;  // whose sums are independent, so that additions overlap

Vector load(const float* p) {
  Vector v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

float sum(Vector v) {
  float total = 0;
  for (int i = 0; i < kLanes; ++i) total += v[i];
  return total;
}

// y = W x + b for R rows of W (R, n).
template <int R>
void rows_times(const float* W, const float* b, const float* x, int n, float* y) {
  Vector sums[R];
  for (int r = 0; r < R; ++r) sums[r] = Vector(0.0f);
  int c = 0;
  for (; c + kLanes <= n; c += kLanes) {
    const Vector xc = load(x + c);
    for (int r = 0; r < R; ++r) sums[r] += load(W + r * n + c) * xc;
  }
  for (int r = 0; r < R; ++r) {
    float rest = b[r];
    for (int i = c; i < n; ++i) rest += W[r * n + i] * x[i];
    y[r] = sum(sums[r]) + rest;
  }
}

void affine(const Layer& layer, const float* x, float* y) {
  const float *W = layer.weight.data(), *b = layer.bias.data();
  int r = 0;
  for (; r + kRows <= layer.rows; r += kRows) rows_times<kRows>(W + r * layer.columns, b + r, x, layer.columns, y + r);
  for (; r < layer.rows; ++r) rows_times<1>(W + r * layer.columns, b + r, x, layer.columns, y + r);
}

}  // namespace

void act(const Policy& policy, const float* obs, float* action, float* scratch) {
  float *x = scratch, *y = scratch + scratch_size(policy) / 2;
  for (int i = 0; i < policy.layout.size; ++i) x[i] = std::clamp((obs[i] - policy.mean[i]) / policy.std[i], -policy.clip, policy.clip);
  for (size_t l = 0; l + 1 < policy.layers.size(); ++l) {
    const Layer& layer = policy.layers[l];
    affine(layer, x, y);
    for (int i = 0; i < layer.rows; ++i) y[i] = y[i] > 0 ? y[i] : std::expm1(y[i]);  // ELU
    std::swap(x, y);
  }
  affine(policy.layers.back(), x, action);
}

}  // namespace tandem
