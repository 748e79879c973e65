// The perceptron's kernels on one lane and on several, in double precision: outputs against a plain loop, gradients against finite differences.
#include "learn/mlp_kernel.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "base/rng.hpp"
#include "tests/support/thread_team.hpp"

namespace tandem {
namespace {

constexpr int kRows = 5;
constexpr std::uint64_t kSeed = 11;

struct Case {
  MlpShape shape = make_mlp_shape({3, 7, 18, 2});
  std::vector<double> parameters, x, weight;  // weight of each output in the loss

  Case() : parameters(shape.size, 0.0), x(kRows * 16, 0.0), weight(kRows * 16, 0.0) {
    Rng rng{kSeed, 0, 0};
    for (const MlpLayer& layer : shape.layer)
      for (int o = 0; o < layer.out; ++o) {
        parameters[layer.bias + o] = rng.uniform(-1, 1);
        for (int i = 0; i < layer.in; ++i) parameters[layer.weight + i * layer.ld + o] = rng.uniform(-1, 1);
      }
    for (int r = 0; r < kRows; ++r) {
      for (int i = 0; i < 3; ++i) x[r * 16 + i] = rng.uniform(-2, 2);
      for (int o = 0; o < 2; ++o) weight[r * 16 + o] = rng.uniform(-1, 1);
    }
  }
};

// Plain forward pass; the loss is the weighted sum of the outputs.
double plain_loss(const Case& c) {
  double loss = 0;
  for (int r = 0; r < kRows; ++r) {
    std::vector<double> h(c.x.begin() + r * 16, c.x.begin() + r * 16 + 3);
    for (const MlpLayer& layer : c.shape.layer) {
      std::vector<double> y(layer.out);
      for (int o = 0; o < layer.out; ++o) {
        y[o] = c.parameters[layer.bias + o];
        for (int i = 0; i < layer.in; ++i) y[o] += c.parameters[layer.weight + i * layer.ld + o] * h[i];
        if (&layer != &c.shape.layer.back() && y[o] < 0) y[o] = std::exp(y[o]) - 1;
      }
      h = y;
    }
    for (int o = 0; o < 2; ++o) loss += c.weight[r * 16 + o] * h[o];
  }
  return loss;
}

struct Passes {
  double loss = 0;
  std::vector<double> gradient;
};

template <Team T>
void run_passes(const T& team, Case& c, std::vector<double>& transposed, std::vector<double>& memory, Passes& result) {
  const MatrixView<double> x{c.x.data(), kRows, 3, 16};
  forward_pass(team, c.shape, c.parameters.data(), x, memory.data());
  if (team.lane() == 0) {
    const double* output = layer_output(c.shape, 2, kRows, memory.data());
    for (int r = 0; r < kRows; ++r)
      for (int o = 0; o < 2; ++o) result.loss += c.weight[r * 16 + o] * output[r * 16 + o];
  }
  backward_pass(team, c.shape, transposed.data(), x, MatrixView<double>{c.weight.data(), kRows, 2, 16}, result.gradient.data(), memory.data());
}

class MlpKernel : public testing::TestWithParam<int> {
 protected:
  Case c;
  Passes passes;

  void SetUp() override {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    std::vector<double> transposed(c.shape.transposed, 0.0), memory(mlp_memory(c.shape, kRows), nan);
    for (const MlpLayer& layer : c.shape.layer)
      for (int o = 0; o < layer.out; ++o)
        for (int i = 0; i < layer.in; ++i) transposed[layer.transposed + o * layer.ld_in + i] = c.parameters[layer.weight + i * layer.ld + o];
    passes.gradient.assign(c.shape.size, nan);
    if (GetParam() == 1)
      run_passes(SerialTeam{}, c, transposed, memory, passes);
    else
      run_team(GetParam(), [&](const ThreadTeam& team) { run_passes(team, c, transposed, memory, passes); });
  }
};

TEST_P(MlpKernel, ForwardIsThePlainFormula) { EXPECT_NEAR(passes.loss, plain_loss(c), 1e-12); }

TEST_P(MlpKernel, BackwardIsTheFiniteDifference) {
  constexpr double kStep = 1e-6;
  for (const MlpLayer& layer : c.shape.layer)
    for (int row = 0; row <= layer.in; ++row)  // the last row is the bias
      for (int o = 0; o < layer.out; ++o) {
        const int i = layer.weight + row * layer.ld + o;
        const double value = c.parameters[i];
        c.parameters[i] = value + kStep;
        const double above = plain_loss(c);
        c.parameters[i] = value - kStep;
        const double below = plain_loss(c);
        c.parameters[i] = value;
        EXPECT_NEAR(passes.gradient[i], (above - below) / (2 * kStep), 1e-7) << "seed " << kSeed << ", parameter " << i;
      }
}

INSTANTIATE_TEST_SUITE_P(Lanes, MlpKernel, testing::Values(1, 4));

TEST(Elu, FollowsTheExponential) {
  float worst = 0;
  for (int i = 0; i <= 100000; ++i) {
    const float x = -90.0f * static_cast<float>(i) / 100000.0f;
    worst = std::max(worst, std::abs(elu(x) - static_cast<float>(std::expm1(static_cast<double>(x)))));
  }
  EXPECT_LT(worst, 2e-7f);
  EXPECT_EQ(elu(0.0f), 0.0f);
  EXPECT_EQ(elu(2.5f), 2.5f);
}

}  // namespace
}  // namespace tandem
