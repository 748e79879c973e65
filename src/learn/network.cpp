#include "learn/network.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace tandem {
namespace {

constexpr int kBlock = 128;  // rows of one task

}  // namespace

Network::Network(const PpoSettings& settings, const PpoSizes& sizes) : NetworkShape(settings, sizes), parameters(at::zeros({size()})) {}

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
