// The learner as a whole: what one update does, that it solves a task, that the same seed gives the same bits.
#include "learn/ppo.hpp"

#include <gtest/gtest.h>
#include <torch/nn/utils/clip_grad.h>
#include <torch/optim/adam.h>

#include <cmath>

#include "base/check.hpp"
#include "base/rng.hpp"
#include "tests/support/message_of.hpp"
#include "tests/support/mirrored.hpp"
#include "tests/support/toy_env.hpp"

namespace tandem {
namespace {

// Small enough for a test; the task is solved within seconds.
PpoSettings small() {
  PpoSettings settings;
  settings.width = 32;
  settings.layers = 2;
  settings.learning_rate = 1e-3;
  return settings;
}

void collect(Ppo& ppo, VectorEnv& env, int steps) {
  for (int t = 0; t < steps; ++t) {
    env.step(ppo.act(env.observation));
    ppo.process_step(env.reward, env.done, env.time_out);
  }
  ppo.compute_returns(env.observation);
}

std::vector<float> parameters(Ppo& ppo) {
  const auto bytes = ppo.state()[0].bytes;
  const auto* first = reinterpret_cast<const float*>(bytes.data());
  return {first, first + bytes.size() / sizeof(float)};
}

double mean_reward(Ppo& ppo, VectorEnv& env, const PpoSettings& settings) {
  double sum = 0;
  for (int t = 0; t < settings.steps; ++t) {
    env.step(ppo.act(env.observation));
    ppo.process_step(env.reward, env.done, env.time_out);
    for (float reward : env.reward) sum += reward;
  }
  ppo.compute_returns(env.observation);
  return sum / (settings.steps * env.nworld);
}

// Learns the toy task in so many iterations.   settings: those of the learner, 64 worlds
void expect_solved(Ppo& ppo, const PpoSettings& settings, int iterations) {
  ToyEnv env(64, 1);
  env.reset();
  double first = 0, last = 0;
  for (int i = 0; i < iterations; ++i) {
    last = mean_reward(ppo, env, settings);
    if (i == 0) first = last;
    ppo.update();
  }
  // at rest in the origin is worth 1; drifting about 0.3, arriving from the random start costs some
  EXPECT_LT(first, 0.5);
  EXPECT_GT(last, 0.8);
}

TEST(Ppo, SolvesTheToyTask) {
  const PpoSettings settings = small();
  Ppo ppo(settings, {64, 2, 1, false}, 2, 1);
  expect_solved(ppo, settings, 150);
}

TEST(Ppo, TheSameSeedGivesTheSameBitsOnAnyNumberOfThreads) {
  std::vector<float> result[3];
  for (int run = 0; run < 3; ++run) {
    ToyEnv env(37, 1);
    Ppo ppo(small(), {37, 2, 1, false}, run + 1, run == 2 ? 6 : 5);
    env.reset();
    for (int i = 0; i < 3; ++i) {
      collect(ppo, env, 24);
      ppo.update();
    }
    result[run] = parameters(ppo);
  }
  EXPECT_EQ(result[0], result[1]);
  EXPECT_NE(result[0], result[2]);
}

// With one minibatch and one epoch the update is one step of Adam along the gradient of eq. (21), which Torch computes from its own graph.
TEST(Ppo, OneUpdateIsTheStepThatTorchTakes) {
  PpoSettings settings = small();
  settings.epochs = settings.minibatches = 1;
  settings.layers = 1;
  settings.width = 16;
  settings.desired_kl = 0;
  settings.normalise = false;
  settings.max_gradient_norm = 0.05;
  settings.weight_decay = 0.01;
  settings.steps = ToyEnv::kEpisode + 10;  // so that time-outs happen
  constexpr int kWorlds = 8;
  ToyEnv env(kWorlds, 1);
  Ppo ppo(settings, {kWorlds, 2, 1, false}, 2, 1);
  env.reset();
  const std::vector<float> before = parameters(ppo);

  // what happened, kept outside
  std::vector<at::Tensor> observation, action, reward, done, time_out;
  const auto keep = [](auto values, std::vector<std::int64_t> sizes) {
    at::Tensor copy = at::empty(sizes);
    std::copy(values.begin(), values.end(), copy.data_ptr<float>());
    return copy;
  };
  for (int t = 0; t < settings.steps; ++t) {
    observation.push_back(keep(env.observation, {kWorlds, 2}));
    action.push_back(keep(ppo.act(env.observation), {kWorlds, 1}));
    env.step({action.back().data_ptr<float>(), kWorlds});
    ppo.process_step(env.reward, env.done, env.time_out);
    reward.push_back(keep(env.reward, {kWorlds}));
    done.push_back(keep(env.done, {kWorlds}));
    time_out.push_back(keep(env.time_out, {kWorlds}));
  }
  ASSERT_GT(at::stack(time_out).sum().item<double>(), 0);
  ppo.compute_returns(env.observation);
  observation.push_back(keep(env.observation, {kWorlds, 2}));
  const UpdateInfo info = ppo.update();
  const std::vector<float> after = parameters(ppo);

  // the layout of the parameters: actor, critic, log sigma; layers of 2 -> 16 -> 1 with rows 16 apart
  const at::Tensor p = keep(before, {static_cast<std::int64_t>(before.size())}).requires_grad_();
  constexpr std::int64_t kNetwork = 2 * 16 + 16 + 16 * 16 + 16;
  const auto forward = [&](std::int64_t begin, const at::Tensor& x) {
    const at::Tensor w1 = p.slice(0, begin, begin + 32).view({2, 16}), b1 = p.slice(0, begin + 32, begin + 48);
    const at::Tensor w2 = p.slice(0, begin + 48, begin + 304).view({16, 16}).slice(1, 0, 1), b2 = p[begin + 304];
    return torch::elu((x / 1.01).matmul(w1) + b1).matmul(w2) + b2;
  };
  const at::Tensor obs = at::stack(observation), log_sigma = p[2 * kNetwork];
  const at::Tensor value = forward(kNetwork, obs).squeeze(2), old_value = value.detach();
  at::Tensor next = at::zeros({kWorlds}), advantage = at::empty({settings.steps, kWorlds});
  for (int t = settings.steps - 1; t >= 0; --t) {
    const at::Tensor go_on = 1 - done[t], bootstrapped = reward[t] + 0.99 * time_out[t] * old_value[t];
    next = bootstrapped + 0.99 * go_on * old_value[t + 1] - old_value[t] + 0.99 * 0.95 * go_on * next;
    advantage[t] = next;
  }
  const at::Tensor returns = advantage + old_value.slice(0, 0, settings.steps);
  advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8);
  const at::Tensor z = (at::stack(action) - forward(0, obs.slice(0, 0, settings.steps))) / log_sigma.exp();
  const at::Tensor log_prob = (-0.5 * z * z - log_sigma).squeeze(2);
  const at::Tensor surrogate = -((log_prob - log_prob.detach()).exp() * advantage).mean();
  const at::Tensor value_loss = (value.slice(0, 0, settings.steps) - returns).pow(2).mean();
  (surrogate + value_loss - 0.01 * (log_sigma + 1.418938533)).backward();
  EXPECT_NEAR(info.value, value_loss.item<double>(), 1e-5);
  const double norm = torch::nn::utils::clip_grad_norm_(p, settings.max_gradient_norm);
  EXPECT_NEAR(info.gradient_norm, norm, 1e-4 * norm);
  ASSERT_GT(norm, settings.max_gradient_norm);
  torch::optim::Adam adam({p}, torch::optim::AdamOptions(1e-3).weight_decay(0.01));
  adam.step();
  // a step of Adam is about the learning rate, with the sign of the gradient
  double worst = 0;
  for (size_t i = 0; i < before.size(); ++i) worst = std::max(worst, std::abs(double(after[i]) - p.data()[i].item<double>()));
  EXPECT_LT(worst, 2e-5);
}

// The exported policy, run without a library, computes what the learner's actor does.
TEST(Ppo, TheExportedPolicyActsAsTheLearner) {
  constexpr int kWorlds = 64, kObs = 37, kActions = 10;
  PpoSettings settings;
  settings.sigma = settings.min_sigma = 1e-12;  // no noise
  settings.learning_rate = settings.min_learning_rate = settings.max_learning_rate = 1e-3;
  settings.desired_kl = 0;
  settings.steps = 4;
  Ppo ppo(settings, {kWorlds, kObs, kActions, false}, 1, 1);
  Rng rng{7, 0, 0};
  std::vector<float> observation(kWorlds * kObs), reward(kWorlds);
  const std::vector<std::uint8_t> never(kWorlds, 0);
  std::span<const float> action;
  for (int iteration = 0; iteration < 2; ++iteration)
    for (int t = 0; t < settings.steps; ++t) {
      for (float& value : observation) value = static_cast<float>(rng.uniform(-3, 30));
      for (float& value : reward) value = static_cast<float>(rng.uniform(-1, 1));
      action = ppo.act(observation);
      if (iteration == 1) break;
      ppo.process_step(reward, never, never);
      if (t + 1 < settings.steps) continue;
      ppo.compute_returns(observation);
      ppo.update();
    }
  Policy policy;
  policy.layers = ppo.actor();
  policy.mean.assign(ppo.observation_mean().begin(), ppo.observation_mean().end());
  policy.std = ppo.observation_deviation();
  policy.layout.size = kObs;
  std::vector<float> scratch(scratch_size(policy)), expected(kActions);
  for (int w = 0; w < kWorlds; ++w) {
    act(policy, &observation[w * kObs], expected.data(), scratch.data());
    for (int i = 0; i < kActions; ++i) EXPECT_NEAR(action[w * kActions + i], expected[i], 1e-5);
  }
}

// Mean 0, deviation sigma, and nothing to do with the noise of the step before or of the next world.
TEST(Ppo, TheNoiseOfTheActionsIsNormalAndNewAtEveryStep) {
  constexpr int kWorlds = 200, kSteps = 50;
  PpoSettings settings = small();
  settings.steps = kSteps;
  settings.sigma = 0.5;
  Ppo ppo(settings, {kWorlds, 1, 1, true}, 2, 1);  // the mean is zero
  const std::vector<float> observation(kWorlds, 0.0f), reward(kWorlds, 0.0f);
  const std::vector<std::uint8_t> never(kWorlds, 0);
  std::vector<float> before(kWorlds, 0.0f);
  double mean = 0, square = 0, fourth = 0, with_before = 0, with_next = 0;
  for (int t = 0; t < kSteps; ++t) {
    const std::span<const float> action = ppo.act(observation);
    for (int w = 0; w < kWorlds; ++w) {
      const double z = action[w] / 0.5;
      mean += z, square += z * z, fourth += z * z * z * z;
      with_before += z * before[w] / 0.5;
      with_next += z * action[(w + 1) % kWorlds] / 0.5;
    }
    before.assign(action.begin(), action.end());
    ppo.process_step(reward, never, never);
  }
  constexpr double kSamples = kWorlds * kSteps, kBound = 0.04;  // four standard deviations of a mean of 10,000
  EXPECT_NEAR(mean / kSamples, 0, kBound);
  EXPECT_NEAR(square / kSamples, 1, 1.5 * kBound);
  EXPECT_NEAR(fourth / kSamples, 3, 10 * kBound);
  EXPECT_NEAR(with_before / kSamples, 0, kBound);
  EXPECT_NEAR(with_next / kSamples, 0, kBound);
}

// The toy task turned round is itself. So are the policy and the value that are learnt, to the last bit of their parameters.
TEST(Ppo, WithSymmetryLeftAndRightAreLearntAtOnce) {
  const Symmetry turned{{{0, 1}, {-1, -1}}, {{0}, {-1}}};
  const PpoSettings settings = small();
  const PpoSizes sizes{64, 2, 1, false, turned};
  Ppo ppo(settings, sizes, 2, 1);
  expect_solved(ppo, settings, 120);
  const NetworkShape shape(settings, sizes);
  EXPECT_EQ(image(shape.mirror, parameters(ppo)), parameters(ppo));
  EXPECT_EQ(ppo.observation_mean(), (std::vector<double>{0, 0}));
}

TEST(Ppo, AResidualStartsAsZero) {
  Ppo ppo(small(), {4, 2, 3, true}, 1, 1);
  const Layer last = ppo.actor().back();
  EXPECT_EQ(last.rows, 3);
  for (float value : last.weight) EXPECT_EQ(value, 0);
  for (float value : last.bias) EXPECT_EQ(value, 0);
}

TEST(Ppo, TheLearningRateFollowsTheDivergence) {
  for (double desired : {1e-9, 1e3}) {
    PpoSettings settings = small();
    settings.desired_kl = desired;
    ToyEnv env(16, 1);
    Ppo ppo(settings, {16, 2, 1, false}, 1, 1);
    env.reset();
    collect(ppo, env, 24);
    const UpdateInfo info = ppo.update();
    // 20 minibatches; the first has no divergence yet
    EXPECT_NEAR(info.learning_rate, desired == 1e3 ? settings.max_learning_rate : settings.min_learning_rate, 1e-12);
  }
}

TEST(Ppo, SigmaStaysAboveItsBound) {
  PpoSettings settings = small();
  settings.sigma = 0.5;
  settings.min_sigma = 0.5;
  settings.entropy_coefficient = 0;
  ToyEnv env(16, 1);
  Ppo ppo(settings, {16, 2, 1, false}, 1, 1);
  env.reset();
  for (int i = 0; i < 10; ++i) {
    collect(ppo, env, 24);
    EXPECT_GE(ppo.update().mean_sigma, 0.5 * (1 - 1e-6));
  }
}

TEST(Ppo, ANumberThatIsNotFiniteInTheNetworkStopsTheUpdate) {
  ToyEnv env(16, 1);
  Ppo ppo(small(), {16, 2, 1, false}, 1, 1);
  env.reset();
  collect(ppo, env, 24);
  EXPECT_TRUE(ppo.finite());
  reinterpret_cast<float*>(ppo.state()[0].bytes.data())[5] = NAN;
  EXPECT_FALSE(ppo.finite());
  const std::string message = message_of([&] { ppo.update(); });
  EXPECT_NE(message.find("not finite"), std::string::npos) << message;
}

TEST(Ppo, RefusesWhatCannotBe) {
  EXPECT_THROW(Ppo(small(), {0, 2, 1, false}, 1, 1), Error);
  PpoSettings settings = small();
  settings.minibatches = 25;
  EXPECT_THROW(Ppo(settings, {1, 2, 1, false}, 1, 1), Error);
  settings.minibatches = 24;
  Ppo one(settings, {1, 2, 1, false}, 1, 1);
  ToyEnv env(1, 1);
  env.reset();
  collect(one, env, 24);
  EXPECT_TRUE(std::isfinite(one.update().value));
}

}  // namespace
}  // namespace tandem
