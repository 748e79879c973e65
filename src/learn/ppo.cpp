#include "learn/ppo.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "base/check.hpp"
#include "base/memory.hpp"
#include "base/rng.hpp"
#include "learn/adam.hpp"
#include "learn/network.hpp"
#include "learn/normaliser.hpp"
#include "learn/ppo_loss.hpp"

namespace tandem {
namespace {

constexpr std::uint32_t kActionStream = 1001, kShuffleStream = 1002;
// Parts of a minibatch whose gradients are summed in a fixed order, so that the result does not depend on the number of threads.
constexpr int kShares = 4;

// What one iteration collected.
struct Rollout {
  at::Tensor observation;         // normalised  (steps + 1, nworld, ld)
  at::Tensor action, mean;        // (steps, nworld, naction)
  at::Tensor reward, done;        // of time-outs with the value of the state added  (steps, nworld)
  at::Tensor time_out;            // (steps, nworld)
  at::Tensor value;               // (steps + 1, nworld)
  at::Tensor advantage, returns;  // (steps, nworld)
  at::Tensor log_prob;            // of the actions  (steps nworld)
  at::Tensor log_sigma;           // (naction)
};

// Memory of one share of a minibatch.
struct Share {
  at::Tensor x, by_output, gradient, memory;
};

// Sums over a minibatch, one per share.
struct Sums {
  std::array<double, kShares> surrogate{}, divergence{}, value{};
};

double total(const std::array<double, kShares>& parts) { return std::accumulate(parts.begin(), parts.end(), 0.0); }

MlpInput rows_of(const at::Tensor& x, int rows) { return {x.data_ptr<float>(), rows, static_cast<int>(x.size(-1))}; }

// Throws Error if what an iteration collects and the activations of a minibatch do not fit into the memory.
void check_sizes(const PpoSettings& settings, const PpoSizes& sizes) {
  const NetworkShape shape(settings, sizes);
  const double samples = double(settings.steps) * sizes.nworld, rows = samples / settings.minibatches;
  const double largest = rows / kShares * std::max(mlp_memory(shape.actor, 1), mlp_memory(shape.critic, 1));
  check(largest < std::numeric_limits<int>::max(), "ppo.minibatches = ", settings.minibatches, ": each of ", rows,
        " samples is too large; take more of them");
  const double of_sample = shape.ld + 2.0 * sizes.naction + 9, of_row = mlp_memory(shape.actor, 1) + mlp_memory(shape.critic, 1) + 2.0 * shape.ld;
  check_memory(sizeof(std::int64_t) * samples + sizeof(float) * (samples * of_sample + rows * of_row),
               cat("learning from ", settings.steps, " steps of ", sizes.nworld, " worlds"), "take fewer worlds");
}

}  // namespace

struct Ppo::Impl {
  PpoSettings settings;
  PpoSizes sizes;
  std::uint64_t seed;
  ThreadPool pool;
  Network network;
  Normaliser normaliser;
  Inference inference;
  Rollout rollout;
  Adam adam;
  at::Tensor transposed;  // weights of actor and critic
  std::array<Share, kShares> actor_share, critic_share;
  std::vector<std::int64_t> order;    // of the samples in an epoch
  std::vector<std::int64_t> counter;  // control steps of every world, shuffles  (2)
  std::vector<double> learning_rate;  // (1)
  int t = 0;                          // steps since the last update

  Impl(const PpoSettings& given, const PpoSizes& wanted, int threads, std::uint64_t s);
  void shuffle();
  void minibatch(std::span<std::int64_t> samples, UpdateInfo& info);
  void run_actor(int share, const at::Tensor& index, double count, Sums& sums);
  void run_critic(int share, const at::Tensor& index, double count, Sums& sums);
  void adapt(double divergence);
};

Ppo::Impl::Impl(const PpoSettings& given, const PpoSizes& wanted, int threads, std::uint64_t s)
    : settings(given),
      sizes(wanted),
      seed(s),
      pool(threads),
      network(given, wanted),
      normaliser(wanted.nobs, wanted.symmetry.observation),
      inference(pool, network.actor, network.critic),
      adam(network.size()),
      transposed(at::zeros({network.actor.transposed + network.critic.transposed})),
      order(static_cast<size_t>(given.steps) * wanted.nworld),
      counter(2, 0),
      learning_rate(1, given.learning_rate) {
  const int steps = settings.steps, nworld = sizes.nworld;
  rollout.observation = at::zeros({steps + 1, nworld, network.ld});
  rollout.value = at::zeros({steps + 1, nworld});
  for (at::Tensor* of_actions : {&rollout.action, &rollout.mean}) *of_actions = at::zeros({steps, nworld, sizes.naction});
  for (at::Tensor* of_steps : {&rollout.reward, &rollout.done, &rollout.time_out, &rollout.advantage}) *of_steps = at::zeros({steps, nworld});

  const int rows = static_cast<int>(order.size() / settings.minibatches / kShares) + 1;
  for (int k = 0; k < kShares; ++k) {
    for (auto [share, shape] : {std::pair{&actor_share[k], &network.actor}, std::pair{&critic_share[k], &network.critic}}) {
      share->x = at::zeros({rows, network.ld});
      share->by_output = at::zeros({rows, shape->layer.back().ld});
      share->memory = at::zeros({mlp_memory(*shape, rows)});
    }
    actor_share[k].gradient = at::zeros({network.size()});
    critic_share[k].gradient = actor_share[k].gradient;  // actor and critic write parts of their own
  }
  initialise(network, settings, sizes.zero_last_layer, seed, network.data());
}

// Orders the samples of an epoch anew (Fisher and Yates).
void Ppo::Impl::shuffle() {
  std::iota(order.begin(), order.end(), 0);
  Rng rng{seed, static_cast<std::uint32_t>(counter[1]++), kShuffleStream};
  for (size_t i = order.size() - 1; i > 0; --i) std::swap(order[i], order[static_cast<size_t>(rng.uniform() * static_cast<double>(i + 1))]);
}

// Copies the observations of the samples into a share.
void gather(const at::Tensor& observation, const at::Tensor& index, at::Tensor& x) {
  const float* source = observation.data_ptr<float>();
  const std::int64_t* sample = index.data_ptr<std::int64_t>();
  const std::int64_t ld = x.size(1);
  for (std::int64_t r = 0; r < index.size(0); ++r) std::copy_n(source + sample[r] * ld, ld, x.data_ptr<float>() + r * ld);
}

void Ppo::Impl::run_actor(int k, const at::Tensor& index, double count, Sums& sums) {
  Share& share = actor_share[k];
  const MlpShape& shape = network.actor;
  const int rows = static_cast<int>(index.size(0)), naction = sizes.naction;
  float* memory = share.memory.data_ptr<float>();
  gather(rollout.observation, index, share.x);
  mlp_forward(shape, network.data(), rows_of(share.x, rows), memory);
  const at::Tensor mean = at::from_blob(mlp_output(shape, rows, memory), {rows, naction}, {shape.layer.back().ld, 1});

  const auto pick = [&](const at::Tensor& of_samples) { return of_samples.flatten(0, 1).index_select(0, index); };
  const ActorSamples samples{pick(rollout.action), pick(rollout.mean), rollout.log_sigma, rollout.log_prob.index_select(0, index),
                             pick(rollout.advantage)};
  const ActorLoss loss = actor_loss(settings, samples, mean, network.log_sigma(), count);
  sums.surrogate[k] = loss.surrogate;
  sums.divergence[k] = loss.divergence;

  share.by_output.slice(0, 0, rows).slice(1, 0, naction).copy_(loss.by_mean);
  share.gradient.slice(0, network.log_sigma_begin, network.log_sigma_begin + naction).copy_(loss.by_log_sigma);
  mlp_backward(shape, transposed.data_ptr<float>(), rows_of(share.x, rows), share.by_output.data_ptr<float>(), share.gradient.data_ptr<float>(),
               memory);
}

void Ppo::Impl::run_critic(int k, const at::Tensor& index, double count, Sums& sums) {
  Share& share = critic_share[k];
  const MlpShape& shape = network.critic;
  const int rows = static_cast<int>(index.size(0));
  float* memory = share.memory.data_ptr<float>();
  gather(rollout.observation, index, share.x);
  mlp_forward(shape, network.critic_data(), rows_of(share.x, rows), memory);
  const at::Tensor value = at::from_blob(mlp_output(shape, rows, memory), {rows}, {shape.layer.back().ld});

  const auto pick = [&](const at::Tensor& of_samples) { return of_samples.flatten().index_select(0, index); };
  const CriticLoss loss = critic_loss(settings, pick(rollout.value), pick(rollout.returns), value, count);
  sums.value[k] = loss.value;

  share.by_output.slice(0, 0, rows).select(1, 0).copy_(loss.by_value);
  mlp_backward(shape, transposed.data_ptr<float>() + network.actor.transposed, rows_of(share.x, rows), share.by_output.data_ptr<float>(),
               share.gradient.data_ptr<float>() + network.critic_begin, memory);
}

// The learning rate follows the divergence of the new from the old policy.
void Ppo::Impl::adapt(double divergence) {
  if (settings.desired_kl == 0) return;
  double& rate = learning_rate[0];
  if (divergence > 2 * settings.desired_kl) rate /= 1.5;
  if (divergence < 0.5 * settings.desired_kl) rate *= 1.5;
  rate = std::clamp(rate, settings.min_learning_rate, settings.max_learning_rate);
}

void Ppo::Impl::minibatch(std::span<std::int64_t> samples, UpdateInfo& info) {
  const auto count = static_cast<std::int64_t>(samples.size());
  mlp_transpose(network.actor, network.data(), transposed.data_ptr<float>());
  mlp_transpose(network.critic, network.critic_data(), transposed.data_ptr<float>() + network.actor.transposed);

  // loss and its gradient, share by share
  Sums sums;
  pool.run(2 * kShares, [&](int task, int) {
    c10::InferenceMode no_graph;
    const int k = task % kShares;
    const std::int64_t begin = count * k / kShares, end = count * (k + 1) / kShares;
    const at::Tensor index = at::from_blob(samples.data() + begin, {end - begin}, at::kLong);
    if (task < kShares)
      run_actor(k, index, static_cast<double>(count), sums);
    else
      run_critic(k, index, static_cast<double>(count), sums);
  });
  const double n = static_cast<double>(count), divergence = total(sums.divergence) / n;
  std::array<const float*, kShares> partial;
  std::transform(actor_share.begin(), actor_share.end(), partial.begin(), [](const Share& share) { return share.gradient.data_ptr<float>(); });
  adam.sum_gradients(partial, pool);
  symmetrise(network.mirror, std::span(adam.gradient));
  const double norm = adam.gradient_norm(pool);
  check(std::isfinite(norm + divergence + total(sums.surrogate) + total(sums.value)), "the loss or its gradient is not finite: surrogate ",
        total(sums.surrogate) / n, ", value ", total(sums.value) / n, ", divergence ", divergence, ", norm of the gradient ", norm);

  adapt(divergence);
  adam.step({network.data(), static_cast<size_t>(network.size())}, norm, settings.max_gradient_norm, learning_rate[0], settings.weight_decay, pool);
  bound_sigma(network, settings.min_sigma);

  const double share = 1.0 / (settings.epochs * settings.minibatches);
  info.surrogate += share * total(sums.surrogate) / n;
  info.value += share * total(sums.value) / n;
  info.divergence += share * divergence;
  info.gradient_norm += share * norm;
}

Ppo::Ppo(const PpoSettings& settings, const PpoSizes& sizes, int threads, std::uint64_t seed) {
  check(sizes.nworld >= 1 && sizes.nobs >= 1 && sizes.naction >= 1, "a learner for ", sizes.nworld, " worlds, ", sizes.nobs, " observations and ",
        sizes.naction, " actions: expected 1 or more of each");
  check_settings(settings, {.worlds = sizes.nworld});
  check_sizes(settings, sizes);
  c10::InferenceMode no_graph;
  at::set_num_threads(1);  // the threads are those of the pool
  impl_ = std::make_unique<Impl>(settings, sizes, threads, seed);
}
Ppo::~Ppo() = default;

std::span<const float> Ppo::act(std::span<const float> observation) {
  Impl& p = *impl_;
  const int nworld = p.sizes.nworld, naction = p.sizes.naction;
  check(p.t < p.settings.steps, "act() was called ", p.t + 1, " times without update(), expected ppo.steps = ", p.settings.steps);
  check(observation.size() == static_cast<size_t>(nworld) * p.sizes.nobs, "observations have ", observation.size(),
        " values, expected nworld x nobs = ", nworld * p.sizes.nobs);
  const auto step_data = [&](const at::Tensor& tensor) { return tensor.data_ptr<float>() + p.t * tensor.stride(0); };
  float *x = step_data(p.rollout.observation), *mean = step_data(p.rollout.mean), *action = step_data(p.rollout.action);
  p.normaliser.collect(observation);
  p.normaliser.apply(observation, p.settings.observation_clip, x, p.network.ld);
  p.inference.run(p.network.actor, p.network.data(), {x, nworld, p.network.ld}, mean);

  // action = mean + sigma noise
  const float* log_sigma = p.network.data() + p.network.log_sigma_begin;
  const std::uint64_t first = 2 * static_cast<std::uint64_t>(p.counter[0]) * naction;  // normal() takes two numbers
  p.pool.run(nworld, [&](int world, int) {
    Rng rng{p.seed, static_cast<std::uint32_t>(world), kActionStream, first};
    for (int i = 0; i < naction; ++i)
      action[world * naction + i] = mean[world * naction + i] + std::exp(log_sigma[i]) * static_cast<float>(rng.normal());
  });
  return {action, static_cast<size_t>(nworld) * naction};
}

void Ppo::process_step(std::span<const float> reward, std::span<const std::uint8_t> done, std::span<const std::uint8_t> time_out) {
  Impl& p = *impl_;
  const auto row = [&](const at::Tensor& tensor) { return tensor.data_ptr<float>() + p.t * tensor.stride(0); };
  std::copy(reward.begin(), reward.end(), row(p.rollout.reward));
  std::copy(done.begin(), done.end(), row(p.rollout.done));
  std::copy(time_out.begin(), time_out.end(), row(p.rollout.time_out));
  ++p.t;
  ++p.counter[0];
}

void Ppo::compute_returns(std::span<const float> observation) {
  c10::InferenceMode no_graph;
  Impl& p = *impl_;
  Rollout& r = p.rollout;
  check(p.t == p.settings.steps, "compute_returns() after ", p.t, " steps, expected ppo.steps = ", p.settings.steps);
  float* x = r.observation.data_ptr<float>();
  p.normaliser.apply(observation, p.settings.observation_clip, x + p.t * r.observation.stride(0), p.network.ld);
  p.inference.run(p.network.critic, p.network.critic_data(), {x, (p.t + 1) * p.sizes.nworld, p.network.ld}, r.value.data_ptr<float>());

  // a time-out is not a failure: what would have followed is worth as much as the state before it
  r.reward += p.settings.gamma * r.value.slice(0, 0, p.t) * r.time_out;
  generalised_advantages(p.settings, r.reward, r.done, r.value, r.advantage);
  r.returns = r.advantage + r.value.slice(0, 0, p.t);
  r.advantage.sub_(r.advantage.mean()).div_(r.advantage.std() + 1e-8);
  r.log_sigma = p.network.log_sigma().clone();
  r.log_prob = log_probability(r.action.flatten(0, 1), r.mean.flatten(0, 1), r.log_sigma);
}

UpdateInfo Ppo::update() {
  c10::InferenceMode no_graph;
  Impl& p = *impl_;
  UpdateInfo info;
  const size_t size = p.order.size() / p.settings.minibatches;
  for (int epoch = 0; epoch < p.settings.epochs; ++epoch) {
    p.shuffle();
    for (int b = 0; b < p.settings.minibatches; ++b) p.minibatch(std::span(p.order).subspan(b * size, size), info);
  }
  if (p.settings.normalise) p.normaliser.fold();
  p.t = 0;
  const at::Tensor log_sigma = p.network.log_sigma();
  info.entropy = entropy(log_sigma);
  info.mean_sigma = log_sigma.exp().mean().item<double>();
  info.learning_rate = p.learning_rate[0];
  return info;
}

std::vector<StateArray> Ppo::state() {
  Impl& p = *impl_;
  const auto bytes = [](auto& values) { return std::as_writable_bytes(std::span(values)); };
  std::span<float> parameters{p.network.data(), static_cast<size_t>(p.network.size())};
  return {{"ppo.parameters", "F32", std::as_writable_bytes(parameters)},
          {"adam.m", "F32", bytes(p.adam.m)},
          {"adam.v", "F32", bytes(p.adam.v)},
          {"adam.updates", "I64", bytes(p.adam.updates)},
          {"normaliser.mean", "F64", bytes(p.normaliser.mean)},
          {"normaliser.variance", "F64", bytes(p.normaliser.variance)},
          {"normaliser.count", "F64", bytes(p.normaliser.count)},
          {"ppo.counter", "I64", bytes(p.counter)},
          {"ppo.learning_rate", "F64", bytes(p.learning_rate)}};
}

void Ppo::restored() { impl_->normaliser.refresh(); }

bool Ppo::finite() const {
  const float* values = impl_->network.data();
  return std::all_of(values, values + impl_->network.size(), [](float value) { return std::isfinite(value); });
}

std::vector<Layer> Ppo::actor() const { return actor_layers(impl_->network, impl_->network.data()); }

const std::vector<double>& Ppo::observation_mean() const { return impl_->normaliser.mean; }
const std::vector<float>& Ppo::observation_deviation() const { return impl_->normaliser.deviation(); }

}  // namespace tandem
