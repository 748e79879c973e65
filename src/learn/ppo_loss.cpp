#include "learn/ppo_loss.hpp"

#include <ATen/ATen.h>

#include <cmath>
#include <numbers>

namespace tandem {
namespace {

const double kLog2Pi = std::log(2 * std::numbers::pi);

}  // namespace

at::Tensor log_probability(const at::Tensor& action, const at::Tensor& mean, const at::Tensor& log_sigma) {
  const at::Tensor z = (action - mean) * (-log_sigma).exp();
  return (-0.5 * z.square() - log_sigma - 0.5 * kLog2Pi).sum(1);
}

double entropy(const at::Tensor& log_sigma) { return (log_sigma + 0.5 * (1 + kLog2Pi)).sum().item<double>(); }

ActorLoss actor_loss(const PpoSettings& settings, const ActorSamples& old, const at::Tensor& mean, const at::Tensor& log_sigma, double total) {
  const at::Tensor inverse_sigma = (-log_sigma).exp();
  const at::Tensor z = (old.action - mean) * inverse_sigma;
  const at::Tensor ratio = (log_probability(old.action, mean, log_sigma) - old.log_prob).exp();

  // max(-ratio A, -clip(ratio) A)
  const at::Tensor plain = -ratio * old.advantage;
  const at::Tensor clipped = -ratio.clamp(1 - settings.clip, 1 + settings.clip) * old.advantage;
  const at::Tensor surrogate = at::maximum(plain, clipped);

  // KL(old || new) of the normal distributions
  const at::Tensor change = (old.mean - mean) * inverse_sigma;
  const at::Tensor spread = log_sigma - old.log_sigma + 0.5 * (2 * (old.log_sigma - log_sigma)).exp() - 0.5;
  const double divergence = 0.5 * change.square().sum().item<double>() + static_cast<double>(mean.size(0)) * spread.sum().item<double>();

  // where the unclipped term is the larger one: d surrogate = plain d log pi; d log pi = z / sigma d mean + (z^2 - 1) d log_sigma
  const at::Tensor by_log_prob = at::where(plain >= clipped, plain, 0.0).unsqueeze(1) / total;
  const double share = static_cast<double>(mean.size(0)) / total;
  return {surrogate.sum().item<double>(), divergence, by_log_prob * z * inverse_sigma,
          (by_log_prob * (z.square() - 1)).sum(0) - settings.entropy_coefficient * share};
}

CriticLoss critic_loss(const PpoSettings& settings, const at::Tensor& old_value, const at::Tensor& returns, const at::Tensor& value, double total) {
  // max((V - R)^2, (V_old + clip(V - V_old) - R)^2)
  const at::Tensor change = value - old_value;
  const at::Tensor error = value - returns;
  const at::Tensor clipped_error = old_value + change.clamp(-settings.clip, settings.clip) - returns;
  const at::Tensor plain = error.square(), clipped = clipped_error.square();

  // inside the bounds both terms are the same; outside, the clipped one does not change with V
  const at::Tensor follows = (change.abs() <= settings.clip).logical_or(plain >= clipped);
  const at::Tensor by_value = at::where(follows, error, 0.0) * (2 * settings.value_coefficient / total);
  return {at::maximum(plain, clipped).sum().item<double>(), by_value};
}

void generalised_advantages(const PpoSettings& settings, const at::Tensor& reward, const at::Tensor& done, const at::Tensor& value,
                            at::Tensor& advantage) {
  at::Tensor next = at::zeros_like(reward[0]);
  for (int64_t t = reward.size(0) - 1; t >= 0; --t) {
    const at::Tensor go_on = 1 - done[t];
    const at::Tensor delta = reward[t] + settings.gamma * value[t + 1] * go_on - value[t];
    next = delta + settings.gamma * settings.lambda * go_on * next;
    advantage[t].copy_(next);
  }
}

}  // namespace tandem
