// Networks with a symmetry: what they do in the mirror, and that their gradient is that of all samples together with their images.
#include <gtest/gtest.h>

#include <cmath>

#include "base/aligned.hpp"
#include "base/rng.hpp"
#include "learn/network_shape.hpp"
#include "tests/support/message_of.hpp"
#include "tests/support/mirrored.hpp"

namespace tandem {
namespace {

PpoSettings narrow() {
  PpoSettings settings;
  settings.layers = 2;
  settings.width = 20;
  return settings;
}

// Five observations and three actions, of which two change places.
const Symmetry kSymmetry{{{1, 0, 2, 3, 4}, {-1, -1, 1, -1, 1}}, {{2, 1, 0}, {1, -1, 1}}};

// Outputs and gradient of the actor, or of the critic, for rows of inputs with derivatives by the outputs.
struct Passes {
  std::vector<float> output, gradient;

  Passes(const NetworkShape& shape, bool actor, const std::vector<float>& parameters, const std::vector<std::vector<float>>& x,
         const std::vector<std::vector<float>>& by_output)
      : gradient(shape.size(), 0.0f) {
    const MlpShape& mlp = actor ? shape.actor : shape.critic;
    const MlpLayer& last = mlp.layer.back();
    const int rows = static_cast<int>(x.size()), begin = actor ? 0 : shape.critic_begin;
    AlignedFloats p(mlp.size), in(rows * shape.ld), d(rows * last.ld), g(mlp.size), memory(mlp_memory(mlp, rows)), transposed(mlp.transposed);
    std::copy_n(parameters.begin() + begin, mlp.size, p.data);
    for (int r = 0; r < rows; ++r) {
      std::copy(x[r].begin(), x[r].end(), in.data + r * shape.ld);
      std::copy(by_output[r].begin(), by_output[r].end(), d.data + r * last.ld);
    }
    mlp_forward(mlp, p.data, {in.data, rows, shape.ld}, memory.data);
    const float* y = mlp_output(mlp, rows, memory.data);
    for (int r = 0; r < rows; ++r) output.insert(output.end(), y + r * last.ld, y + r * last.ld + last.out);
    mlp_transpose(mlp, p.data, transposed.data);
    mlp_backward(mlp, transposed.data, {in.data, rows, shape.ld}, d.data, g.data, memory.data);
    std::copy_n(g.data, mlp.size, gradient.begin() + begin);
  }
};

class SymmetricNetwork : public testing::TestWithParam<int> {  // hidden layers
 protected:
  PpoSettings settings = narrow();
  std::vector<std::vector<float>> x, image_x, d, image_d, value_d;
  void SetUp() override {
    settings.layers = GetParam();
    Rng rng{3, 0, 0};
    const auto random = [&](int n) {
      std::vector<float> numbers(n);
      for (float& number : numbers) number = static_cast<float>(rng.uniform(-1, 1));
      return numbers;
    };
    for (int r = 0; r < 9; ++r) {
      x.push_back(random(5)), d.push_back(random(3)), value_d.push_back(random(1));
      image_x.push_back(image(kSymmetry.observation, x.back())), image_d.push_back(image(kSymmetry.action, d.back()));
    }
  }
};
INSTANTIATE_TEST_SUITE_P(Layers, SymmetricNetwork, testing::Values(0, 1, 3));

TEST_P(SymmetricNetwork, DoesInTheMirrorWhatItDoesMirrored) {
  const NetworkShape shape(settings, {1, 5, 3, false, kSymmetry});
  std::vector<float> parameters(shape.size());
  initialise(shape, settings, false, 5, parameters.data());
  EXPECT_EQ(image(shape.mirror, parameters), parameters);
  EXPECT_EQ(image(shape.mirror, image(shape.mirror, parameters)), parameters);
  const std::vector<float> here = Passes(shape, true, parameters, x, d).output, there = Passes(shape, true, parameters, image_x, d).output;
  const std::vector<float> value = Passes(shape, false, parameters, x, value_d).output,
                           value2 = Passes(shape, false, parameters, image_x, value_d).output;
  for (int r = 0; r < 9; ++r) {
    const std::vector<float> expected = image(kSymmetry.action, std::vector<float>(&here[3 * r], &here[3 * r] + 3));
    for (int a = 0; a < 3; ++a) EXPECT_NEAR(there[3 * r + a], expected[a], 1e-6);
    EXPECT_GT(std::abs(here[3 * r + 1]), 1e-4) << "an action that changes its sign must not be zero";
    EXPECT_NEAR(value[r], value2[r], 1e-6);
  }
}

TEST_P(SymmetricNetwork, SymmetrisedGradientIsThatOfSamplesAndTheirImages) {
  const NetworkShape shape(settings, {1, 5, 3, false, kSymmetry});
  std::vector<float> parameters(shape.size());
  initialise(shape, settings, false, 5, parameters.data());
  for (const bool actor : {true, false}) {
    std::vector<float> gradient = Passes(shape, actor, parameters, x, actor ? d : value_d).gradient;
    const std::vector<float> of_images = Passes(shape, actor, parameters, image_x, actor ? image_d : value_d).gradient, own = gradient;
    symmetrise(shape.mirror, std::span(gradient));
    double differed = 0;
    for (size_t i = 0; i < gradient.size(); ++i) {
      EXPECT_NEAR(gradient[i], (own[i] + of_images[i]) / 2, 2e-6) << "parameter " << i;
      differed = std::max(differed, static_cast<double>(std::abs(gradient[i] - own[i])));
    }
    EXPECT_GT(differed, 0.1);
  }
}

TEST(SymmetricNetworkStart, HasTheSpreadOfOneWithoutSymmetry) {
  PpoSettings settings;
  double squares[2] = {};
  for (const bool symmetric : {false, true}) {
    const NetworkShape shape(settings, {1, 5, 3, false, symmetric ? kSymmetry : Symmetry{}});
    std::vector<float> parameters(shape.size());
    initialise(shape, settings, false, 5, parameters.data());
    for (float number : parameters) squares[symmetric] += number * number;
    for (int i = 0; i < 3; ++i) EXPECT_EQ(parameters[shape.log_sigma_begin + i], 0) << "log sigma of 1";
  }
  EXPECT_NEAR(squares[1] / squares[0], 1, 0.02);
}

TEST(SymmetricNetworkErrors, ASymmetryOfOtherSizesIsRefused) {
  EXPECT_NE(
      message_of([] { NetworkShape(narrow(), {1, 6, 3, false, kSymmetry}); }).find("a symmetry of 5 observations and 3 actions, expected 6 and 3"),
      std::string::npos);
}

}  // namespace
}  // namespace tandem
