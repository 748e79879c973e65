#include "learn/network_shape.hpp"

#include <algorithm>
#include <cmath>

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

}  // namespace

NetworkShape::NetworkShape(const PpoSettings& settings, const PpoSizes& sizes)
    : actor(hidden_shape(settings, sizes.nobs, sizes.naction)),
      critic(hidden_shape(settings, sizes.nobs, 1)),
      critic_begin(actor.size),
      log_sigma_begin(actor.size + critic.size),
      ld(round_up_16(sizes.nobs)) {}

void initialise(const NetworkShape& shape, const PpoSettings& settings, bool zero_last_layer, std::uint64_t seed, float* parameters) {
  std::fill_n(parameters, shape.size(), 0.0f);
  initialise_layers(shape.actor, parameters, seed, 0);
  initialise_layers(shape.critic, parameters + shape.critic_begin, seed, 1);
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
