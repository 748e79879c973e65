// Adam (Kingma and Ba 2015) on flat arrays, together with the sum of partial gradients and the bound of their norm. docs/training.md, eq. (27).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/parallel.hpp"

namespace tandem {

struct Adam {
  std::vector<float> m, v;            // running mean of gradient and squared gradient  (n)
  std::vector<std::int64_t> updates;  // so far  (1)
  std::vector<float> gradient;        // of the next step  (n)

  explicit Adam(int n) : m(n, 0.0f), v(n, 0.0f), updates(1, 0), gradient(n, 0.0f) {}

  // Makes the gradient the sum of partial ones.   partial  nonempty, (n) each
  void sum_gradients(std::span<const float* const> partial, ThreadPool& pool);
  // The gradient's norm, the same for any number of threads.
  double gradient_norm(ThreadPool& pool) const;

  // One step against the gradient, shortened to max_norm if it is longer.   norm: the gradient's; parameters (n) updated
  void step(std::span<float> parameters, double norm, double max_norm, double learning_rate, double weight_decay, ThreadPool& pool);
};

}  // namespace tandem
