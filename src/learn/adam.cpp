#include "learn/adam.hpp"

#include <array>
#include <cmath>

namespace tandem {
namespace {

constexpr int kBlocks = 32;  // of the array, a task each: fixed, so that sums have the same bits for any number of threads
constexpr double kBeta1 = 0.9, kBeta2 = 0.999;
constexpr float kEpsilon = 1e-8f;

size_t block_begin(size_t n, int block) { return n * block / kBlocks; }

}  // namespace

void Adam::sum_gradients(std::span<const float* const> partial, ThreadPool& pool) {
  pool.run(kBlocks, [&](int block, int) {
    const size_t begin = block_begin(gradient.size(), block), end = block_begin(gradient.size(), block + 1);
    float* g = gradient.data();
    for (size_t i = begin; i < end; ++i) g[i] = partial[0][i];
    for (size_t k = 1; k < partial.size(); ++k)
      for (size_t i = begin; i < end; ++i) g[i] += partial[k][i];
  });
}

double Adam::gradient_norm(ThreadPool& pool) const {
  std::array<double, kBlocks> squares{};
  pool.run(kBlocks, [&](int block, int) {
    const float* g = gradient.data();
    double sum = 0;
    for (size_t i = block_begin(gradient.size(), block); i < block_begin(gradient.size(), block + 1); ++i) sum += static_cast<double>(g[i]) * g[i];
    squares[block] = sum;
  });
  double sum = 0;
  for (double s : squares) sum += s;
  return std::sqrt(sum);
}

void Adam::step(std::span<float> parameters, double norm, double max_norm, double learning_rate, double weight_decay, ThreadPool& pool) {
  const double count = static_cast<double>(++updates[0]);
  const float b1 = kBeta1, b2 = kBeta2, decay = static_cast<float>(weight_decay);
  const float shorten = norm > max_norm ? static_cast<float>(max_norm / (norm + 1e-6)) : 1.0f;
  // the corrections of the start-up bias, drawn out of the loop
  const float rate = static_cast<float>(learning_rate / (1 - std::pow(kBeta1, count)));
  const float root = static_cast<float>(1 / std::sqrt(1 - std::pow(kBeta2, count)));
  pool.run(kBlocks, [&](int block, int) {
    float *p = parameters.data(), *pm = m.data(), *pv = v.data();
    const float* pg = gradient.data();
    const size_t end = block_begin(gradient.size(), block + 1);
#pragma GCC ivdep
    for (size_t i = block_begin(gradient.size(), block); i < end; ++i) {
      const float g = shorten * pg[i] + decay * p[i];
      pm[i] = b1 * pm[i] + (1 - b1) * g;
      pv[i] = b2 * pv[i] + (1 - b2) * g * g;
      p[i] -= rate * pm[i] / (std::sqrt(pv[i]) * root + kEpsilon);
    }
  });
}

}  // namespace tandem
