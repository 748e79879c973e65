// The locomotion task: follow a velocity command for an episode under noise, kicks, pushes and randomised worlds. docs/training.md.
#pragma once

#include <memory>

#include "env/control_loop.hpp"
#include "env/vector_env.hpp"

namespace tandem {

// Where the time of the steps since the last call of Task::take_times() went [s].
struct TaskTimes {
  double mpc = 0, physics = 0, reward = 0, reset = 0, other = 0;
};

class Task : public VectorEnv {
 public:
  Task(const Robot& robot, const TaskSettings& settings, int nworld, int threads, std::uint64_t seed);
  ~Task() override;

  ControlLoop& loop();
  const TaskSettings& settings() const;
  TaskTimes take_times();

  void reset() override;
  void step(std::span<const float> action) override;
  void set_progress(double progress) override;
  std::vector<std::byte> save() const override;
  void load(std::span<const std::byte> bytes) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tandem
