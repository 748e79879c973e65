#include "learn/network_shape.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/check.hpp"
#include "base/rng.hpp"

namespace tandem {
namespace {

constexpr std::uint32_t kInitialStream = 1000;

MlpShape hidden_shape(const PpoSettings& settings, int inputs, int outputs) {
  std::vector<int> widths{inputs};
  widths.insert(widths.end(), settings.layers, settings.width);
  widths.push_back(outputs);
  return make_mlp_shape(widths);
}

void initialise_layers(const MlpShape& shape, float* parameters, std::uint64_t seed, std::uint32_t which) {
  Rng rng{seed, which, kInitialStream};
  for (const MlpLayer& layer : shape.layer) {
    const double bound = 1 / std::sqrt(static_cast<double>(layer.in));
    for (int i = 0; i < layer.in; ++i)
      for (int o = 0; o < layer.out; ++o) parameters[layer.weight + i * layer.ld + o] = static_cast<float>(rng.uniform(-bound, bound));
    for (int o = 0; o < layer.out; ++o) parameters[layer.bias + o] = static_cast<float>(rng.uniform(-bound, bound));
  }
}

// The image of the hidden units: the second half takes the place of the first.
SignedPermutation swapped_halves(int width) {
  SignedPermutation units;
  for (int i = 0; i < width; ++i) units.add((i + width / 2) % width, 1);
  return units;
}

SignedPermutation unchanged(int n) {
  SignedPermutation same;
  for (int i = 0; i < n; ++i) same.add(i, 1);
  return same;
}

// Writes the images of the weights and biases of a perceptron that begins at `begin`.
void mirror_layers(const MlpShape& shape, int begin, SignedPermutation input, const SignedPermutation& output, SignedPermutation& mirror) {
  for (const MlpLayer& layer : shape.layer) {
    const SignedPermutation next = &layer == &shape.layer.back() ? output : swapped_halves(layer.out);
    for (int o = 0; o < layer.out; ++o) {
      const auto write = [&](int at, int from, double sign) { mirror.from[begin + at] = begin + from, mirror.sign[begin + at] = sign; };
      for (int i = 0; i < layer.in; ++i)
        write(layer.weight + i * layer.ld + o, layer.weight + input.from[i] * layer.ld + next.from[o], input.sign[i] * next.sign[o]);
      write(layer.bias + o, layer.bias + next.from[o], next.sign[o]);
    }
    input = next;
  }
}

SignedPermutation mirrored_parameters(const NetworkShape& shape, const Symmetry& symmetry) {
  SignedPermutation mirror = unchanged(shape.size());
  mirror_layers(shape.actor, 0, symmetry.observation, symmetry.action, mirror);
  mirror_layers(shape.critic, shape.critic_begin, symmetry.observation, unchanged(1), mirror);
  for (int i = 0; i < shape.naction(); ++i) mirror.from[shape.log_sigma_begin + i] = shape.log_sigma_begin + symmetry.action.from[i];
  return mirror;
}

}  // namespace

NetworkShape::NetworkShape(const PpoSettings& settings, const PpoSizes& sizes)
    : actor(hidden_shape(settings, sizes.nobs, sizes.naction)),
      critic(hidden_shape(settings, sizes.nobs, 1)),
      critic_begin(actor.size),
      log_sigma_begin(actor.size + critic.size),
      ld(round_up_16(sizes.nobs)) {
  const Symmetry& symmetry = sizes.symmetry;
  if (symmetry.observation.empty()) return;
  check(symmetry.observation.size() == sizes.nobs && symmetry.action.size() == sizes.naction, "a symmetry of ", symmetry.observation.size(),
        " observations and ", symmetry.action.size(), " actions, expected ", sizes.nobs, " and ", sizes.naction);
  mirror = mirrored_parameters(*this, symmetry);
}

void initialise(const NetworkShape& shape, const PpoSettings& settings, bool zero_last_layer, std::uint64_t seed, float* parameters) {
  std::fill_n(parameters, shape.size(), 0.0f);
  initialise_layers(shape.actor, parameters, seed, 0);
  initialise_layers(shape.critic, parameters + shape.critic_begin, seed, 1);
  symmetrise(shape.mirror, std::span(parameters, shape.size()));
  for (int i = 0; i < shape.mirror.size(); ++i)
    if (shape.mirror.from[i] != i) parameters[i] *= std::numbers::sqrt2_v<float>;
  if (zero_last_layer) {
    const MlpLayer& last = shape.actor.layer.back();
    std::fill_n(parameters + last.weight, last.bias + last.ld - last.weight, 0.0f);
  }
  std::fill_n(parameters + shape.log_sigma_begin, shape.naction(), static_cast<float>(std::log(settings.sigma)));
}

std::vector<Layer> actor_layers(const NetworkShape& shape, const float* parameters) {
  std::vector<Layer> layers;
  for (const MlpLayer& layer : shape.actor.layer) {
    std::vector<float> weight;
    for (int o = 0; o < layer.out; ++o)
      for (int i = 0; i < layer.in; ++i) weight.push_back(parameters[layer.weight + i * layer.ld + o]);
    layers.push_back({layer.out, layer.in, std::move(weight), {parameters + layer.bias, parameters + layer.bias + layer.out}});
  }
  return layers;
}

}  // namespace tandem
