// Tasks and actions for the tests of the environment.
#pragma once

#include <string>
#include <vector>

#include "base/check.hpp"
#include "base/rng.hpp"
#include "env/task.hpp"

namespace tandem {

// The task's defaults, with an MPC of few iterations so that tests are quick.
inline TaskSettings quick_settings(const Robot& robot, Controller controller) {
  TaskSettings settings = make_task_settings(robot, controller);
  settings.mpc.solver.iterations = 5;
  return settings;
}

// Uniform actions in +-size, as step `step` of any run draws them: those of a world do not depend on how many worlds there are.
inline std::vector<float> random_actions(int nworld, int naction, int step, double size, int first_world = 0) {
  std::vector<float> actions;
  for (int w = first_world; w < first_world + nworld; ++w) {
    Rng rng{99, static_cast<std::uint32_t>(w), 77, static_cast<std::uint64_t>(step) * naction};
    for (int i = 0; i < naction; ++i) actions.push_back(static_cast<float>(rng.uniform(-size, size)));
  }
  return actions;
}

template <class T>
std::vector<T> row_of(const std::vector<T>& all, int world, size_t width) {
  return {all.begin() + world * width, all.begin() + (world + 1) * width};
}

}  // namespace tandem
