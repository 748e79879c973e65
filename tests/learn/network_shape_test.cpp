// The array of parameters: its layout, and what it starts from.
#include "learn/network_shape.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace tandem {
namespace {

PpoSettings small() {
  PpoSettings settings;
  settings.layers = 2;
  settings.width = 20;
  settings.sigma = 0.5;
  return settings;
}

TEST(NetworkShape, EveryNumberIsAWeightABiasALogSigmaOrZero) {
  const PpoSettings settings = small();
  const NetworkShape shape(settings, {1, 7, 3, false});
  std::vector<float> parameters(shape.size(), NAN);
  initialise(shape, settings, false, 5, parameters.data());
  std::vector<float> rest = parameters;
  int weights = 0;
  const auto take = [&](int at, double bound) {
    EXPECT_LE(std::abs(rest[at]), bound);
    EXPECT_NE(rest[at], 0);
    rest[at] = 0;
    ++weights;
  };
  const auto take_layers = [&](const MlpShape& network, int begin) {
    for (const MlpLayer& layer : network.layer)
      for (int o = 0; o < layer.out; ++o) {
        for (int i = 0; i < layer.in; ++i) take(begin + layer.weight + i * layer.ld + o, 1 / std::sqrt(layer.in));
        take(begin + layer.bias + o, 1 / std::sqrt(layer.in));
      }
  };
  take_layers(shape.actor, 0);
  take_layers(shape.critic, shape.critic_begin);
  EXPECT_EQ(weights, 8 * 20 + 21 * 20 + 21 * 3 + 8 * 20 + 21 * 20 + 21);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(rest[shape.log_sigma_begin + i], std::log(0.5f));
    rest[shape.log_sigma_begin + i] = 0;
  }
  for (float number : rest) EXPECT_EQ(number, 0);
}

TEST(NetworkShape, TheActorOfAPolicyFileHasRowsPerOutput) {
  const PpoSettings settings = small();
  const NetworkShape shape(settings, {1, 7, 3, true});
  std::vector<float> parameters(shape.size());
  initialise(shape, settings, true, 5, parameters.data());
  const std::vector<Layer> layers = actor_layers(shape, parameters.data());
  ASSERT_EQ(layers.size(), 3u);
  EXPECT_EQ(layers[0].rows, 20);
  EXPECT_EQ(layers[0].columns, 7);
  const MlpLayer& first = shape.actor.layer[0];
  EXPECT_EQ(layers[0].weight[4 * 7 + 2], parameters[first.weight + 2 * first.ld + 4]);
  EXPECT_EQ(layers[0].bias[4], parameters[first.bias + 4]);
  for (float number : layers[2].weight) EXPECT_EQ(number, 0) << "the last layer was to be zero";
}

TEST(NetworkShape, OneSeedOneStart) {
  const PpoSettings settings = small();
  const NetworkShape shape(settings, {1, 7, 3, false});
  std::vector<float> a(shape.size()), b(shape.size()), c(shape.size());
  initialise(shape, settings, false, 5, a.data());
  initialise(shape, settings, false, 5, b.data());
  initialise(shape, settings, false, 6, c.data());
  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
}

}  // namespace
}  // namespace tandem
