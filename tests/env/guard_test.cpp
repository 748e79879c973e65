// A world whose numbers are not finite ends, starts anew and is counted; its neighbours do not notice.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "env/termination.hpp"
#include "tests/env/support.hpp"

namespace tandem {
namespace {

constexpr int kGuarded = 3, kBroken = 1, kWhen = 20, kSteps = 60;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

enum class Fault { kAction, kInfiniteAction, kCommand, kPush };

struct GuardCase {
  Controller controller;
  Fault fault;
};

class GuardTest : public testing::TestWithParam<GuardCase> {
 protected:
  Robot robot = load_robot("mit_humanoid");
  TaskSettings settings = quick_settings(robot, GetParam().controller);

  // an action that is not finite is noticed before it gets through the delay
  GuardTest() { settings.randomise.delay[0] = settings.randomise.delay[1] = 0.02; }

  void inject(Task& task, std::vector<float>& actions) const {
    switch (GetParam().fault) {
      case Fault::kAction:
        actions[kBroken * task.naction + 3] = static_cast<float>(kNaN);
        break;
      case Fault::kInfiniteAction:
        actions[kBroken * task.naction] = -std::numeric_limits<float>::infinity();
        break;
      case Fault::kCommand:
        task.loop().command[4 * kBroken + 2] = kNaN;
        break;
      case Fault::kPush:
        task.loop().simulator().set_push({kBroken, 0, {kNaN, 0, 0}, 1});
        break;
    }
  }
};

TEST_P(GuardTest, OnlyTheBrokenWorldStartsAnew) {
  Task healthy(robot, settings, kGuarded, 1, 4), hurt(robot, settings, kGuarded, 1, 4);
  healthy.reset(), hurt.reset();
  for (int k = 0; k < kSteps; ++k) {
    std::vector<float> actions = random_actions(kGuarded, hurt.naction, k, 0.3);
    healthy.step(actions);
    if (k == kWhen) inject(hurt, actions);
    hurt.step(actions);
    for (const float obs : hurt.observation) ASSERT_TRUE(std::isfinite(obs)) << "control step " << k;
    for (const int w : {0, 2}) {
      ASSERT_EQ(row_of(hurt.observation, w, hurt.nobs), row_of(healthy.observation, w, healthy.nobs)) << "world " << w << ", control step " << k;
      ASSERT_EQ(hurt.reward[w], healthy.reward[w]);
    }
    if (k != kWhen) continue;
    EXPECT_EQ(hurt.termination[kBroken], kEndNotFinite);
    EXPECT_FLOAT_EQ(hurt.reward[kBroken], -1);  // the term of the termination: -100 x 0.01
    EXPECT_EQ(hurt.time_out[kBroken], 0);
    EXPECT_EQ(hurt.not_finite_count(), 1);
    ASSERT_NE(hurt.not_finite_record(), nullptr);
    EXPECT_EQ(hurt.not_finite_record()->key.world, static_cast<std::uint32_t>(kBroken));
    EXPECT_EQ(hurt.not_finite_record()->termination, "not_finite");
    EXPECT_EQ(hurt.not_finite_record()->action.size() % hurt.naction, 0u);
    EXPECT_FALSE(hurt.not_finite_record()->action.empty());
  }
}

std::string case_name(const testing::TestParamInfo<GuardCase>& info) {
  constexpr const char* kFaults[] = {"action", "infinite_action", "command", "push"};
  return std::string(name(info.param.controller)) + "_" + kFaults[static_cast<int>(info.param.fault)];
}
INSTANTIATE_TEST_SUITE_P(All, GuardTest,
                         testing::Values(GuardCase{Controller::kResidual, Fault::kAction}, GuardCase{Controller::kRl, Fault::kAction},
                                         GuardCase{Controller::kResidual, Fault::kInfiniteAction}, GuardCase{Controller::kMpc, Fault::kCommand},
                                         GuardCase{Controller::kRl, Fault::kCommand}, GuardCase{Controller::kMpc, Fault::kPush},
                                         GuardCase{Controller::kResidual, Fault::kPush}),
                         case_name);

// A state within the doubles whose observation is beyond the floats: noise of the height that overflows them once in a hundred times.
TEST(GuardObservation, OneThatIsNotFiniteNeverReachesTheLearner) {
  const Robot robot = load_robot("mit_humanoid");
  TaskSettings settings = quick_settings(robot, Controller::kRl);
  settings.noise = {1, 1.01 * std::numeric_limits<float>::max(), 0, 0, 0, 0, 0};
  Task task(robot, settings, kGuarded, 1, 4);
  task.reset();
  int ended = 0;
  for (int k = 0; k < 200; ++k) {
    task.step(std::vector<float>(kGuarded * task.naction));
    for (const float obs : task.observation) ASSERT_TRUE(std::isfinite(obs)) << "control step " << k;
    for (int w = 0; w < kGuarded; ++w) {
      if (task.termination[w] != kEndNotFinite) continue;
      ++ended;
      EXPECT_FLOAT_EQ(task.reward[w], -1);
    }
  }
  EXPECT_GT(ended, 0);
  EXPECT_GE(task.not_finite_count(), ended);
}

// What went wrong goes wrong again when the record is run.
TEST(GuardRecord, RunsIntoTheSameEnd) {
  const Robot robot = load_robot("mit_humanoid");
  Task task(robot, quick_settings(robot, Controller::kResidual), 2, 1, 4);
  task.reset();
  for (int k = 0; k < 30; ++k) {
    std::vector<float> actions = random_actions(2, task.naction, k, 0.3);
    if (k == 25) actions[task.naction] = static_cast<float>(kNaN);
    task.step(actions);
  }
  const EpisodeRecord* record = task.not_finite_record();
  ASSERT_NE(record, nullptr);
  EXPECT_EQ(replay(*record, robot).termination, "not_finite");
  EXPECT_EQ(replay(*record, robot).terms.size() / task.term_names.size(), record->action.size() / task.naction);
}

TEST(GuardRecord, RefusesWhatIsNotARecordOfThisRobot) {
  const Robot robot = load_robot("mit_humanoid");
  Task task(robot, quick_settings(robot, Controller::kRl), 1, 1, 4);
  task.reset();
  task.step(std::vector<float>(task.naction));
  const EpisodeRecord record = task.record(0);
  const std::vector<std::byte> bytes = to_bytes(record);
  EXPECT_THROW(record_from_bytes(std::span(bytes).first(bytes.size() - 1)), Error);
  EXPECT_THROW(record_from_bytes(task.save()), Error);
  EXPECT_THROW(replay(record, load_robot("unitree_go2")), Error);
}

}  // namespace
}  // namespace tandem
