#include "policy/bench_policy.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "policy/policy.hpp"

namespace tandem {
namespace {

constexpr int kWidth = 256, kHidden = 3, kCalls = 2000;

// Numbers that differ and do not grow from layer to layer: no randomness is needed to time a product.
Policy made_up_policy(const Robot& robot) {
  Policy policy;
  policy.layout = make_observation_layout(robot, true, 1);
  policy.mean.assign(policy.layout.size, 0.1f);
  policy.std.assign(policy.layout.size, 0.5f);
  int columns = policy.layout.size;
  for (int l = 0; l <= kHidden; ++l) {
    const int rows = l < kHidden ? kWidth : static_cast<int>(robot.action_joint.size());
    Layer layer{rows, columns, std::vector<float>(size_t(rows) * columns), std::vector<float>(rows, 0.01f)};
    for (size_t i = 0; i < layer.weight.size(); ++i)
      layer.weight[i] = std::sin(static_cast<float>(i % 1000)) / std::sqrt(static_cast<float>(columns));
    policy.layers.push_back(std::move(layer));
    columns = rows;
  }
  return policy;
}

std::vector<double> plain(const Policy& policy, const std::vector<float>& obs) {
  std::vector<double> x;
  for (size_t i = 0; i < obs.size(); ++i)
    x.push_back(std::clamp((double(obs[i]) - policy.mean[i]) / policy.std[i], -double(policy.clip), double(policy.clip)));
  for (const Layer& layer : policy.layers) {
    std::vector<double> y(layer.bias.begin(), layer.bias.end());
    for (int r = 0; r < layer.rows; ++r)
      for (int c = 0; c < layer.columns; ++c) y[r] += double(layer.weight[size_t(r) * layer.columns + c]) * x[c];
    if (&layer != &policy.layers.back())
      for (double& value : y) value = value > 0 ? value : std::expm1(value);
    x = y;
  }
  return x;
}

// Sum of all weights, in 64 sums that vector registers hold.
float read_weights(const Policy& policy) {
  float sums[64] = {};
  for (const Layer& layer : policy.layers)
    for (size_t i = 0; i + 64 <= layer.weight.size(); i += 64)
      for (int k = 0; k < 64; ++k) sums[k] += layer.weight[i + k];
  float total = 0;
  for (const float sum : sums) total += sum;
  return total;
}

template <class Body>
std::vector<double> microseconds(Body body) {
  std::vector<double> times(kCalls);
  for (double& time : times) {
    const auto start = std::chrono::steady_clock::now();
    body();
    time = 1e6 * std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  std::sort(times.begin(), times.end());
  return times;
}

}  // namespace

std::vector<BenchRow> bench_policy(const Robot& robot) {
  const Policy policy = made_up_policy(robot);
  std::vector<float> obs(policy.layout.size), action(robot.action_joint.size()), scratch(scratch_size(policy));
  for (size_t i = 0; i < obs.size(); ++i) obs[i] = std::cos(static_cast<float>(i));
  const std::vector<double> expected = plain(policy, obs);
  act(policy, obs.data(), action.data(), scratch.data());
  double error = 0;
  for (size_t i = 0; i < expected.size(); ++i) error = std::max(error, std::abs(action[i] - expected[i]));

  const std::vector<double> times = microseconds([&] { act(policy, obs.data(), action.data(), scratch.data()); });
  volatile float sink = 0;
  const std::vector<double> reading = microseconds([&] { sink = read_weights(policy); });
  const double median = times[kCalls / 2];
  return {{"policy/act 3 x 256", robot.name, 1, 1, 0, median, times[kCalls * 99 / 100], 1e6 / median, "reading the weights",
           reading[kCalls / 2] / median, error}};
}

}  // namespace tandem
