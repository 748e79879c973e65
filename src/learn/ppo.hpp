// Proximal policy optimisation, as small as rsl_rl's: act, process_step, compute_returns, update. docs/training.md, eq. (19)-(27).
//
//   for every iteration:
//     for every step: actions = ppo.act(observation); the worlds advance; ppo.process_step(reward, done, time_out)
//     ppo.compute_returns(observation); ppo.update();
//
// The same seed gives the same numbers, bit for bit, on any number of threads of a machine with the same instruction set.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "learn/network_shape.hpp"

namespace tandem {

// Means over the minibatches of an update.
struct UpdateInfo {
  double surrogate = 0, value = 0, entropy = 0, divergence = 0;
  double gradient_norm = 0;  // before it is shortened
  double learning_rate = 0;  // at the end
  double mean_sigma = 0;     // over the actions
};

// A piece of the learner's state, by name, as raw memory.
struct StateArray {
  std::string name, type;  // "F32", "F64", "I64"
  std::span<std::byte> bytes;
};

class Ppo {
 public:
  // Throws Error if a size is not positive, the settings contradict each other, or the samples of an iteration do not fit into the memory.
  Ppo(const PpoSettings& settings, const PpoSizes& sizes, int threads, std::uint64_t seed);
  ~Ppo();

  // Draws the actions of all worlds and keeps them with the observation.   observation (nworld, nobs); returns (nworld, naction), valid until the next call
  std::span<const float> act(std::span<const float> observation);
  // Keeps what came of the actions.   each (nworld)
  void process_step(std::span<const float> reward, std::span<const std::uint8_t> done, std::span<const std::uint8_t> time_out);
  // After ppo.steps steps, with the observation that the last one led to.   observation (nworld, nobs)
  void compute_returns(std::span<const float> observation);
  // Improves policy and value. Throws Error if the loss is not finite; the state is of no use then.
  UpdateInfo update();

  // Everything that the next iteration depends on. What is written into the arrays takes effect with restored().
  std::vector<StateArray> state();
  void restored();
  // Whether all parameters are finite.
  bool finite() const;

  // The actor, and what its observations are normalised by.
  std::vector<Layer> actor() const;
  const std::vector<double>& observation_mean() const;
  const std::vector<float>& observation_deviation() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tandem
