// Actor, critic and log sigma in one array of parameters, which the optimiser and the checkpoints see as a whole.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "base/parallel.hpp"
#include "learn/network_shape.hpp"

namespace tandem {

struct Network : NetworkShape {
  at::Tensor parameters;

  Network(const PpoSettings& settings, const PpoSizes& sizes);

  float* data() { return parameters.data_ptr<float>(); }
  float* critic_data() { return data() + critic_begin; }
  at::Tensor log_sigma() const { return parameters.slice(0, log_sigma_begin, log_sigma_begin + naction()); }
};

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
