// A point mass that is to stay near the origin: the smallest task that a learner must solve. Deterministic for a seed, saved as bytes.
#pragma once

#include <algorithm>
#include <cmath>

#include "base/bytes.hpp"
#include "base/rng.hpp"
#include "env/vector_env.hpp"

namespace tandem {

// State (position, velocity), action a force; reward exp(-4 position^2) per step; failure beyond |position| > 2, time-out after kEpisode steps.
class ToyEnv : public VectorEnv {
 public:
  static constexpr int kEpisode = 60;
  static constexpr double kDt = 0.1;

  ToyEnv(int worlds, std::uint64_t seed) : seed_(seed), position_(worlds), velocity_(worlds), step_(worlds), episode_(worlds, 0) {
    nworld = worlds, nobs = 2, naction = 1;
    term_names = {"near", "effort"};
    measure_names = {"distance"};
    termination_names = {"far", "time_out"};
    observation.resize(2 * worlds), reward.resize(worlds), terms.resize(2 * worlds), measures.resize(worlds);
    done.resize(worlds), time_out.resize(worlds), termination.resize(worlds);
  }

  void set_seed(std::uint64_t seed) override {
    seed_ = seed;
    std::fill(episode_.begin(), episode_.end(), 0);
  }
  void reset() override {
    for (int w = 0; w < nworld; ++w) start(w);
  }
  void step(std::span<const float> action) override {
    for (int w = 0; w < nworld; ++w) {
      const double force = std::clamp<double>(action[w], -3, 3);
      velocity_[w] += kDt * force;
      position_[w] += kDt * velocity_[w];
      terms[2 * w] = static_cast<float>(std::exp(-4 * position_[w] * position_[w]));
      terms[2 * w + 1] = static_cast<float>(-0.01 * force * force);
      reward[w] = terms[2 * w] + terms[2 * w + 1];
      measures[w] = static_cast<float>(std::abs(position_[w]));
      const bool far = std::abs(position_[w]) > 2, late = ++step_[w] >= kEpisode;
      done[w] = far || late;
      time_out[w] = late && !far;
      termination[w] = far ? 0 : late ? 1 : -1;
      if (done[w]) start(w);
      observe(w);
    }
  }
  std::vector<std::byte> save() const override {
    ByteWriter bytes("toy", 1);
    bytes(position_), bytes(velocity_), bytes(step_), bytes(episode_), bytes(observation);
    return bytes.finish();
  }
  void load(std::span<const std::byte> saved) override {
    ByteReader bytes("toy", 1, saved);
    bytes(position_), bytes(velocity_), bytes(step_), bytes(episode_), bytes(observation);
  }

 private:
  void start(int w) {
    Rng rng{seed_, static_cast<std::uint32_t>(w), 0, 2 * static_cast<std::uint64_t>(episode_[w]++)};
    position_[w] = rng.uniform(-1, 1);
    velocity_[w] = rng.uniform(-0.5, 0.5);
    step_[w] = 0;
    observe(w);
  }
  void observe(int w) {
    observation[2 * w] = static_cast<float>(position_[w]);
    observation[2 * w + 1] = static_cast<float>(velocity_[w]);
  }

  std::uint64_t seed_;
  std::vector<double> position_, velocity_;
  std::vector<int> step_;
  std::vector<std::int64_t> episode_;
};

}  // namespace tandem
