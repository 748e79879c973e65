#include "learn/network.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "base/rng.hpp"

namespace tandem {
namespace {

constexpr std::uint32_t kInitialStream = 1000;
constexpr int kBlock = 128;  // rows of one task

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

Network::Network(const PpoSettings& settings, const PpoSizes& sizes)
    : actor(hidden_shape(settings, sizes.nobs, sizes.naction)),
      critic(hidden_shape(settings, sizes.nobs, 1)),
      critic_begin(actor.size),
      log_sigma_begin(actor.size + critic.size),
      ld(round_up_16(sizes.nobs)),
      parameters(at::zeros({log_sigma_begin + round_up_16(sizes.naction)})) {}

void initialise(Network& network, double sigma, bool zero_last_layer, std::uint64_t seed) {
  network.parameters.zero_();
  initialise_layers(network.actor, network.data(), seed, 0);
  initialise_layers(network.critic, network.critic_data(), seed, 1);
  if (zero_last_layer) {
    const MlpLayer& last = network.actor.layer.back();
    std::fill_n(network.data() + last.weight, last.bias + last.ld - last.weight, 0.0f);
  }
  network.log_sigma().fill_(std::log(sigma));
}

void bound_sigma(Network& network, double min_sigma) { network.log_sigma().clamp_min_(std::log(min_sigma)); }

Inference::Inference(ThreadPool& threads, const MlpShape& a, const MlpShape& b) : pool(&threads) {
  const int size = std::max(mlp_memory(a, kBlock), mlp_memory(b, kBlock));
  for (int t = 0; t < pool->size(); ++t) memory.push_back(at::zeros({size}));
}

void Inference::run(const MlpShape& shape, float* parameters, MlpInput x, float* result) {
  const MlpLayer& last = shape.layer.back();
  pool->run((x.rows + kBlock - 1) / kBlock, [&](int task, int thread) {
    const int begin = task * kBlock, rows = std::min(kBlock, x.rows - begin);
    float* own = memory[thread].data_ptr<float>();
    mlp_forward(shape, parameters, {x.data + static_cast<size_t>(begin) * x.ld, rows, x.ld}, own);
    const float* output = mlp_output(shape, rows, own);
    for (int r = 0; r < rows; ++r) std::copy_n(output + r * last.ld, last.out, result + static_cast<size_t>(begin + r) * last.out);
  });
}

}  // namespace tandem
