// The learner against Torch's own layers, derivatives and optimiser, and against plain loops in double precision.
#include <gtest/gtest.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>

#include "base/rng.hpp"
#include "learn/mlp.hpp"
#include "learn/ppo.hpp"
#include "learn/ppo_loss.hpp"

namespace tandem {
namespace {

constexpr std::uint64_t kSeed = 3;

at::Tensor random(std::vector<std::int64_t> sizes, double low, double high, std::uint32_t stream) {
  Rng rng{kSeed, 0, stream};
  at::Tensor result = at::empty(sizes);
  std::generate_n(result.data_ptr<float>(), result.numel(), [&] { return static_cast<float>(rng.uniform(low, high)); });
  return result;
}

// A network of Torch with the same weights.
torch::nn::Sequential torch_network(const MlpShape& shape, const float* parameters) {
  torch::nn::Sequential network;
  torch::NoGradGuard no_graph;
  for (size_t i = 0; i < shape.layer.size(); ++i) {
    const MlpLayer& layer = shape.layer[i];
    torch::nn::Linear linear(layer.in, layer.out);
    float* data = const_cast<float*>(parameters);
    linear->weight.copy_(at::from_blob(data + layer.weight, {layer.in, layer.out}, {layer.ld, 1}).t());
    linear->bias.copy_(at::from_blob(data + layer.bias, {layer.out}));
    network->push_back(linear);
    if (i + 1 < shape.layer.size()) network->push_back(torch::nn::ELU());
  }
  return network;
}

// Largest difference over the largest entry.
double error(const at::Tensor& a, const at::Tensor& b) { return ((a - b).abs().max() / b.abs().max()).item<double>(); }

TEST(MlpAgainstTorch, OutputsAndGradientsAgree) {
  const MlpShape shape = make_mlp_shape({54, 256, 250, 256, 10});
  constexpr int kRows = 77;
  at::Tensor parameters = at::zeros({shape.size});
  for (const MlpLayer& layer : shape.layer)
    parameters.slice(0, layer.weight, layer.bias)
        .view({layer.in, layer.ld})
        .slice(1, 0, layer.out)
        .copy_(random({layer.in, layer.out}, -0.1, 0.1, 1)),
        parameters.slice(0, layer.bias, layer.bias + layer.out).copy_(random({layer.out}, -0.5, 0.5, 2));
  at::Tensor x = at::zeros({kRows, 64}), by_output = at::zeros({kRows, 16});
  x.slice(1, 0, 54).copy_(random({kRows, 54}, -2, 2, 3));
  by_output.slice(1, 0, 10).copy_(random({kRows, 10}, -1, 1, 4));
  at::Tensor memory = at::zeros({mlp_memory(shape, kRows)}), gradient = at::full({shape.size}, NAN), transposed = at::zeros({shape.transposed});
  const MlpInput input{x.data_ptr<float>(), kRows, 64};

  torch::nn::Sequential network = torch_network(shape, parameters.data_ptr<float>());
  const at::Tensor expected = network->forward(x.slice(1, 0, 54));
  (expected * by_output.slice(1, 0, 10)).sum().backward();

  mlp_forward(shape, parameters.data_ptr<float>(), input, memory.data_ptr<float>());
  const at::Tensor output = at::from_blob(mlp_output(shape, kRows, memory.data_ptr<float>()), {kRows, 10}, {16, 1});
  EXPECT_LT(error(output, expected.detach()), 1e-5);
  mlp_transpose(shape, parameters.data_ptr<float>(), transposed.data_ptr<float>());
  mlp_backward(shape, transposed.data_ptr<float>(), input, by_output.data_ptr<float>(), gradient.data_ptr<float>(), memory.data_ptr<float>());
  for (size_t i = 0; i < shape.layer.size(); ++i) {
    const MlpLayer& layer = shape.layer[i];
    const auto of_torch = network->parameters();
    const at::Tensor weight = gradient.slice(0, layer.weight, layer.bias).view({layer.in, layer.ld});
    EXPECT_LT(error(weight.slice(1, 0, layer.out).t(), of_torch[2 * i].grad()), 1e-5) << "layer " << i;
    EXPECT_LT(error(gradient.slice(0, layer.bias, layer.bias + layer.out), of_torch[2 * i + 1].grad()), 1e-5) << "layer " << i;
    EXPECT_EQ(weight.slice(1, layer.out).abs().sum().item<double>(), 0) << "padding of layer " << i;
  }
}

TEST(PpoLoss, ActorDerivativesAreThoseOfTorch) {
  PpoSettings settings;
  constexpr int kRows = 200, kActions = 4;
  ActorSamples old{
      random({kRows, kActions}, -1, 1, 1), random({kRows, kActions}, -1, 1, 2), random({kActions}, -0.5, 0.5, 3), {}, random({kRows}, -2, 2, 4)};
  old.log_prob = log_probability(old.action, old.mean, old.log_sigma);
  const at::Tensor mean = (old.mean + random({kRows, kActions}, -0.2, 0.2, 5)).requires_grad_();
  const at::Tensor log_sigma = (old.log_sigma + random({kActions}, -0.1, 0.1, 6)).requires_grad_();

  // eq. (21) with Torch's distributions and derivatives
  const at::Tensor z = (old.action - mean) / log_sigma.exp();
  const at::Tensor log_prob = (-0.5 * z * z - log_sigma - 0.918938533).sum(1);
  const at::Tensor ratio = (log_prob - old.log_prob).exp();
  const at::Tensor surrogate = torch::max(-ratio * old.advantage, -ratio.clamp(0.8, 1.2) * old.advantage);
  const at::Tensor entropy_bonus = (log_sigma + 1.418938533).sum();
  (surrogate.sum() / 500 - settings.entropy_coefficient * entropy_bonus * kRows / 500).backward();
  ASSERT_GT((ratio > 1.2).sum().item<int>(), 10) << "the bound must matter";
  ASSERT_GT((ratio < 0.8).sum().item<int>(), 10);

  torch::NoGradGuard no_graph;
  const ActorLoss loss = actor_loss(settings, old, mean.detach(), log_sigma.detach(), 500);
  EXPECT_NEAR(loss.surrogate, surrogate.sum().item<double>(), 1e-3);
  EXPECT_NEAR(entropy(log_sigma), entropy_bonus.item<double>(), 1e-5);
  EXPECT_LT(error(loss.by_mean, mean.grad()), 1e-5);
  EXPECT_LT(error(loss.by_log_sigma, log_sigma.grad()), 1e-5);

  // KL of normal distributions, summed in double precision
  double divergence = 0;
  for (int r = 0; r < kRows; ++r)
    for (int i = 0; i < kActions; ++i) {
      const double s0 = std::exp(old.log_sigma[i].item<double>()), s1 = std::exp(log_sigma[i].item<double>());
      const double m = old.mean[r][i].item<double>() - mean[r][i].item<double>();
      divergence += std::log(s1 / s0) + (s0 * s0 + m * m) / (2 * s1 * s1) - 0.5;
    }
  EXPECT_NEAR(loss.divergence, divergence, 1e-4 * divergence);
}

TEST(PpoLoss, CriticDerivativeIsThatOfTorch) {
  PpoSettings settings;
  settings.value_coefficient = 0.7;
  constexpr int kRows = 300;
  const at::Tensor old_value = random({kRows}, -1, 1, 1), returns = random({kRows}, -1, 1, 2);
  const at::Tensor value = (old_value + random({kRows}, -0.5, 0.5, 3)).requires_grad_();
  const at::Tensor clipped = old_value + (value - old_value).clamp(-0.2, 0.2);
  const at::Tensor loss = torch::max((value - returns).pow(2), (clipped - returns).pow(2));
  (0.7 * loss.sum() / 400).backward();
  torch::NoGradGuard no_graph;
  const CriticLoss ours = critic_loss(settings, old_value, returns, value.detach(), 400);
  EXPECT_NEAR(ours.value, loss.sum().item<double>(), 1e-3);
  EXPECT_LT(error(ours.by_value, value.grad()), 1e-5);
}

TEST(Advantages, AreThePlainRecursion) {
  PpoSettings settings;
  constexpr int kSteps = 24, kWorlds = 5;
  const at::Tensor reward = random({kSteps, kWorlds}, -1, 1, 1), value = random({kSteps + 1, kWorlds}, -1, 1, 2);
  const at::Tensor done = (random({kSteps, kWorlds}, 0, 1, 3) < 0.2).to(at::kFloat);
  at::Tensor advantage = at::full({kSteps, kWorlds}, NAN);
  generalised_advantages(settings, reward, done, value, advantage);
  for (int w = 0; w < kWorlds; ++w)
    for (int t = 0; t < kSteps; ++t) {
      // the sum of (gamma lambda)^k delta_{t+k}, up to the end of the episode
      double expected = 0, weight = 1;
      for (int k = t; k < kSteps; ++k) {
        const bool ended = done[k][w].item<float>() == 1;
        expected += weight * (reward[k][w].item<double>() + (ended ? 0 : 0.99 * value[k + 1][w].item<double>()) - value[k][w].item<double>());
        weight *= 0.99 * 0.95;
        if (ended) break;
      }
      EXPECT_NEAR(advantage[t][w].item<double>(), expected, 1e-5) << "seed " << kSeed << " step " << t << " world " << w;
    }
}

}  // namespace
}  // namespace tandem
