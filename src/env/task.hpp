// The locomotion task: follow a velocity command for an episode under noise, kicks, pushes and randomised worlds. docs/training.md.
#pragma once

#include <memory>

#include "env/control_loop.hpp"
#include "env/record.hpp"
#include "env/vector_env.hpp"

namespace tandem {

// Where the time of the steps since the last call of Task::take_times() went [s].
struct TaskTimes {
  double mpc = 0;      // planning
  double physics = 0;  // the simulator, and the ground under the feet
  double reward = 0;   // rewards, terminations
  double reset = 0;    // new episodes, kicks, pushes
  double other = 0;    // noise, observations, blending, the guard against numbers that are not finite
};

// Every random number is a function of (seed, number of the world, number of its episode): runs do not depend on threads, and the same seed gives every
// controller the same commands, states, noise, kicks, pushes and worlds. Measures: "power", positive mechanical power [W].
class Task : public VectorEnv {
 public:
  //   threads      that share the worlds, the caller's included; 0: one per processor
  //   first_world  number of world 0, so that several processes can share one task
  // Throws Error where ControlLoop does.
  Task(const Robot& robot, const TaskSettings& settings, int nworld, int threads, std::uint64_t seed, std::uint32_t first_world = 0);
  ~Task() override;

  ControlLoop& loop();
  const TaskSettings& settings() const;
  TaskTimes take_times();

  void reset() override;
  // Starts the episode with this number in every world.
  void reset(std::uint32_t episode);
  // Throws Error before the first reset(). Allocates nothing, but for the record of the first world that is not finite.
  void step(std::span<const float> action) override;
  void set_seed(std::uint64_t seed) override;
  void set_progress(double progress) override;
  std::vector<std::byte> save() const override;
  void load(std::span<const std::byte> bytes) override;

  // The episode of one world so far.
  EpisodeRecord record(int world) const;
  // How many episodes ended because a number was not finite, and the first of them; nullptr if there was none since the task was made.
  long not_finite_count() const;
  const EpisodeRecord* not_finite_record() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tandem
