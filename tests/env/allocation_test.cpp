// A control step of the task allocates nothing, episodes that end and start included.
#include <gtest/gtest.h>

#include "tests/env/support.hpp"
#include "tests/support/allocations.hpp"

namespace tandem {
namespace {

class TaskAllocationTest : public testing::TestWithParam<Controller> {};

TEST_P(TaskAllocationTest, NoneInAStep) {
  const Robot robot = load_robot("unitree_go2");
  TaskSettings settings = quick_settings(robot, GetParam());
  settings.episode = 0.3, settings.kick_interval = 0.1, settings.push_impulse[1] = 5;
  Task task(robot, settings, 4, 1, 1);
  task.reset();
  int ended = 0;
  std::size_t inside = 0;
  for (int k = 0; k < 60; ++k) {
    const std::vector<float> actions = random_actions(4, task.naction, k, 0.5);
    const std::size_t before = allocations;
    task.step(actions);
    inside += allocations - before;
    for (int w = 0; w < 4; ++w) ended += task.done[w];
  }
  EXPECT_GT(ended, 4);
  EXPECT_EQ(inside, 0u);
}
INSTANTIATE_TEST_SUITE_P(All, TaskAllocationTest, testing::Values(Controller::kMpc, Controller::kResidual, Controller::kRl),
                         [](const auto& info) { return name(info.param); });

}  // namespace
}  // namespace tandem
