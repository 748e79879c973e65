// The loss of PPO and its derivatives by the outputs of the networks, for some of the samples of a minibatch. docs/training.md, eq. (21).
#pragma once

#include <ATen/core/Tensor.h>

#include "learn/settings.hpp"

namespace tandem {

// log pi(action) of normal distributions with independent components, summed over components.   (rows)
//   action, mean (rows, naction); log_sigma (naction)
at::Tensor log_probability(const at::Tensor& action, const at::Tensor& mean, const at::Tensor& log_sigma);

// What the old policy did.
struct ActorSamples {
  at::Tensor action, mean;  // (rows, naction)
  at::Tensor log_sigma;     // (naction)
  at::Tensor log_prob;      // log_probability(action, mean, log_sigma)  (rows)
  at::Tensor advantage;     // (rows)
};
struct ActorLoss {
  double surrogate, divergence;      // summed over the rows: first term of (21), KL(old || new)
  at::Tensor by_mean, by_log_sigma;  // derivatives of (21)  (rows, naction), (naction)
};
// Derivatives are those of the mean over `total` samples, of which these are a part.
ActorLoss actor_loss(const PpoSettings& settings, const ActorSamples& samples, const at::Tensor& mean, const at::Tensor& log_sigma, double total);

struct CriticLoss {
  double value;         // second term of (21) without c_v, summed over the rows
  at::Tensor by_value;  // derivative of (21)  (rows)
};
//   value, old_value, returns (rows)
CriticLoss critic_loss(const PpoSettings& settings, const at::Tensor& old_value, const at::Tensor& returns, const at::Tensor& value, double total);

// Mean entropy of the policy, a part of (21).
double entropy(const at::Tensor& log_sigma);

// Advantages and returns, eq. (19)-(20), over steps and worlds.
//   reward (steps, nworld), of time-outs with the value added; done (steps, nworld), 1 or 0; value (steps + 1, nworld); advantage (steps, nworld)
//   written
void generalised_advantages(const PpoSettings& settings, const at::Tensor& reward, const at::Tensor& done, const at::Tensor& value,
                            at::Tensor& advantage);

}  // namespace tandem
