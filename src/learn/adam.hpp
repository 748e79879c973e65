// Adam (Kingma and Ba 2015) on flat arrays, together with the sum of partial gradients and the bound of their norm. docs/training.md, eq. (27).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/parallel.hpp"

namespace tandem {

class Adam {
 public:
  std::vector<float> m, v;            // running mean of gradient and squared gradient  (n)
  std::vector<std::int64_t> updates;  // so far  (1)

  explicit Adam(int n) : m(n, 0.0f), v(n, 0.0f), updates(1, 0), gradient_(n, 0.0f) {}

  // Sums the partial gradients and returns the norm of the sum, the same for any number of threads.   partial  nonempty, (n) each
  double sum_gradients(std::span<const float* const> partial, ThreadPool& pool);

  // One step against the summed gradient, shortened to max_norm if it is longer.   parameters (n) updated
  void step(std::span<float> parameters, double norm, double max_norm, double learning_rate, double weight_decay, ThreadPool& pool);

 private:
  std::vector<float> gradient_;
};

}  // namespace tandem
