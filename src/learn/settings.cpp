#include "learn/settings.hpp"

#include "base/check.hpp"

namespace tandem {

Fields fields(PpoSettings& s) {
  const Range share{0, 1}, factor{0, 1, true};
  return {{"ppo.steps", &s.steps, {1, 10000}},
          {"ppo.epochs", &s.epochs, {1, 1000}},
          {"ppo.minibatches", &s.minibatches, {1, 100000}},
          {"ppo.clip", &s.clip, more_than(0)},
          {"ppo.value_coefficient", &s.value_coefficient, at_least(0)},
          {"ppo.entropy_coefficient", &s.entropy_coefficient, at_least(0)},
          {"ppo.gamma", &s.gamma, share},
          {"ppo.lambda", &s.lambda, share},
          {"ppo.learning_rate", &s.learning_rate, factor},
          {"ppo.min_learning_rate", &s.min_learning_rate, factor},
          {"ppo.max_learning_rate", &s.max_learning_rate, factor},
          {"ppo.desired_kl", &s.desired_kl, at_least(0)},
          {"ppo.max_gradient_norm", &s.max_gradient_norm, more_than(0)},
          {"ppo.weight_decay", &s.weight_decay, at_least(0)},
          {"ppo.layers", &s.layers, {0, 16}},
          {"ppo.width", &s.width, {1, 4096}},
          {"ppo.sigma", &s.sigma, more_than(0)},
          {"ppo.min_sigma", &s.min_sigma, more_than(0)},
          {"ppo.normalise", &s.normalise},
          {"ppo.observation_clip", &s.observation_clip, more_than(0)},
          {"ppo.symmetric", &s.symmetric}};
}

Fields fields(TrainSettings& s) {
  return {{"train.worlds", &s.worlds, {1, 1e6}},
          {"train.iterations", &s.iterations, {1, 1e9}},
          {"train.save_interval", &s.save_interval, {1, 1e9}},
          {"train.seed", &s.seed, at_least(0)}};
}

void check_settings(const PpoSettings& ppo, const TrainSettings& train) {
  check(train.worlds >= 1, "train.worlds = ", train.worlds, ", expected 1 or more");
  const long long samples = static_cast<long long>(train.worlds) * ppo.steps;
  check(samples >= ppo.minibatches, "an iteration has ", samples,
        " samples (train.worlds x ppo.steps), fewer than ppo.minibatches = ", ppo.minibatches, "; take more worlds or fewer minibatches");
  check(samples >= 2, "an iteration has one sample (train.worlds x ppo.steps); take more worlds");
  check(ppo.sigma >= ppo.min_sigma, "ppo.sigma = ", ppo.sigma, ", expected at least ppo.min_sigma = ", ppo.min_sigma);
  check(!ppo.symmetric || ppo.width % 2 == 0, "ppo.width = ", ppo.width, ", expected an even number with ppo.symmetric");
  check(ppo.min_learning_rate <= ppo.max_learning_rate, "ppo.min_learning_rate = ", ppo.min_learning_rate,
        ", expected at most ppo.max_learning_rate = ", ppo.max_learning_rate);
}

}  // namespace tandem
