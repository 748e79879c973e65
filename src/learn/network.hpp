// Actor, critic and log sigma in one array of parameters, which the optimiser and the checkpoints see as a whole.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "base/parallel.hpp"
#include "learn/mlp.hpp"
#include "learn/ppo.hpp"

namespace tandem {

struct Network {
  MlpShape actor, critic;
  int critic_begin, log_sigma_begin;  // offsets; the actor is first
  int ld;                             // of rows of observations
  at::Tensor parameters;

  Network(const PpoSettings& settings, const PpoSizes& sizes);

  int size() const { return static_cast<int>(parameters.numel()); }
  float* data() { return parameters.data_ptr<float>(); }
  float* critic_data() { return data() + critic_begin; }
  at::Tensor log_sigma() const { return parameters.slice(0, log_sigma_begin, log_sigma_begin + actor.layer.back().out); }
};

// Weights and biases uniform in +-1/sqrt(inputs), as Torch's linear layers; the actor's last layer zero if asked for; sigma everywhere the same.
void initialise(Network& network, double sigma, bool zero_last_layer, std::uint64_t seed);

// Raises log sigma to its bound.
void bound_sigma(Network& network, double min_sigma);

// The outputs of a perceptron for many rows, spread over threads.   parameters read; x (rows, ld); result (rows, outputs) written
struct Inference {
  ThreadPool* pool;
  std::vector<at::Tensor> memory;  // per thread

  Inference(ThreadPool& pool, const MlpShape& a, const MlpShape& b);
  void run(const MlpShape& shape, float* parameters, MlpInput x, float* result);
};

}  // namespace tandem
