// The task in plain arrays, as it runs on a device, against Task: here on the processor, around the same physics and the same MPC.
#include "env/task_worlds.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/device.hpp"
#include "env/task.hpp"
#include "tests/env/device_loop.hpp"
#include "tests/support/message_of.hpp"

namespace tandem {
namespace {

struct Case {
  const char* robot;
  Controller controller;
  Blend blend = Blend::kJointTorque;
  TerrainKind terrain = TerrainKind::kFlat;
};
class TaskWorldsTest : public testing::TestWithParam<Case> {
 protected:
  const Robot robot = load_robot(GetParam().robot);
  TaskSettings settings = busy_settings(robot, GetParam().controller);

  TaskWorldsTest() {
    settings.blend = GetParam().blend;
    settings.terrain.kind = GetParam().terrain;
    settings.terrain.extent = 10;
  }
};

// Single precision against double; the physics, which is the same, magnifies the difference as an episode grows, most where feet meet uneven ground.
// Largest seen: 2e-4, and 2e-3 on a slope.
TEST_P(TaskWorldsTest, DoesWhatTheTaskDoes) {
  const int nworld = 6;
  const double tolerance = GetParam().terrain == TerrainKind::kFlat ? 1e-3 : 1e-2;
  Task task(robot, settings, nworld, 2, 7);
  DeviceLoop loop(robot, settings, nworld, 7);
  const TaskArrays& a = loop.worlds.arrays();
  int ended = 0, kicked = 0, pushed = 0;
  const auto compare = [&](int step) {
    for (int w = 0; w < nworld; ++w) {
      for (int i = 0; i < task.nobs; ++i) {
        const float expected = task.observation[w * task.nobs + i];
        ASSERT_NEAR(a.observation[w * task.nobs + i], expected, tolerance * (1 + std::abs(expected)))
            << "step " << step << ", world " << w << ", number " << i;
      }
      for (int t = 0; t < kRewardTerms; ++t)
        ASSERT_NEAR(a.terms[w * kRewardTerms + t], task.terms[w * kRewardTerms + t], 0.1 * tolerance)
            << "step " << step << ", world " << w << ", " << t;
      ASSERT_NEAR(a.reward[w], task.reward[w], 0.1 * tolerance);
      ASSERT_NEAR(a.power[w], task.measures[w], 10 * tolerance * (1 + task.measures[w]));
      ASSERT_EQ(a.termination[w], task.termination[w]) << "step " << step << ", world " << w;
      ASSERT_EQ(a.done[w], task.done[w]);
      ASSERT_EQ(a.time_out[w], task.time_out[w]);
      ended += a.done[w], kicked += a.kicked[w], pushed += a.pushed[w];
    }
  };
  task.set_progress(0.25), loop.worlds.set_progress(0.25);
  task.reset(), loop.reset();
  compare(-1);
  for (int step = 0; step < 60 && !HasFatalFailure(); ++step) {
    const std::vector<float> action = random_actions(nworld, task.naction, step, 0.2);
    task.step(action), loop.step(action);
    compare(step);
  }
  EXPECT_GE(ended, nworld);
  EXPECT_GE(kicked, nworld);
  EXPECT_GE(pushed, nworld);
}
INSTANTIATE_TEST_SUITE_P(
    Tasks, TaskWorldsTest,
    testing::Values(Case{"mit_humanoid", Controller::kResidual}, Case{"mit_humanoid", Controller::kResidual, Blend::kJointJoint, TerrainKind::kRough},
                    Case{"mit_humanoid", Controller::kResidual, Blend::kTorqueTorque}, Case{"mit_humanoid", Controller::kRl},
                    Case{"mit_humanoid", Controller::kMpc, Blend::kJointTorque, TerrainKind::kSteps}, Case{"unitree_g1", Controller::kResidual},
                    Case{"unitree_go2", Controller::kResidual, Blend::kJointTorque, TerrainKind::kSlope}, Case{"unitree_go2", Controller::kRl}));

const Robot& quadruped() {
  static const Robot robot = load_robot("unitree_go2");
  return robot;
}

// A past of its own, which load() must replace; episodes end, kicks and pushes happen before and after.
TEST_P(TaskWorldsTest, GoesOnBitForBitFromWhatWasSaved) {
  DeviceLoop straight(robot, settings, 4, 7), loaded(robot, settings, 4, 8);
  const auto advance = [&](DeviceLoop& loop, int from, int to) {
    for (int step = from; step < to; ++step) loop.step(random_actions(4, loop.worlds.fleet().blending.naction, step, 0.2));
  };
  straight.reset(), loaded.reset();
  advance(straight, 0, 20), advance(loaded, 50, 53);
  const std::vector<std::byte> bytes = straight.save();
  EXPECT_NE(loaded.save(), bytes);
  loaded.load(bytes);
  EXPECT_EQ(loaded.save(), bytes);
  advance(straight, 20, 55), advance(loaded, 20, 55);
  EXPECT_EQ(loaded.save(), straight.save());
}

// Halves of control steps too, whose float is a little less.
TEST(TaskWorlds, DelaysAreThoseOfTheTask) {
  for (const double delay : {0.005, 0.015, 0.02, 0.595}) {
    TaskSettings settings = quick_settings(quadruped(), Controller::kRl);
    settings.randomise.delay[0] = settings.randomise.delay[1] = delay;
    Task task(quadruped(), settings, 1, 1, 7);
    DeviceLoop loop(quadruped(), settings, 1, 7);
    task.reset(), loop.reset();
    for (int step = 0; step < 5; ++step) {
      const std::vector<float> action = random_actions(1, task.naction, step, 0.5);
      task.step(action), loop.step(action);
    }
    for (int i = 0; i < task.nobs; ++i) EXPECT_NEAR(loop.worlds.arrays().observation[i], task.observation[i], 1e-3) << delay << " s";
  }
}

TEST(TaskWorlds, RefusesWhatAnotherTaskSavedAndStaysAsItIs) {
  const TaskSettings settings = busy_settings(quadruped(), Controller::kRl);
  DeviceLoop loop(quadruped(), settings, 3, 7);
  loop.reset();
  const std::vector<std::byte> before = loop.save();
  const auto refused = [&](std::vector<std::byte> bytes, const char* why) {
    EXPECT_NE(message_of([&] { loop.load(bytes); }).find(why), std::string::npos) << why;
    EXPECT_EQ(loop.save(), before);
  };
  const Robot humanoid = load_robot("mit_humanoid");
  refused(DeviceLoop(humanoid, busy_settings(humanoid, Controller::kRl), 3, 7).save(), "robot was mit_humanoid");
  refused(DeviceLoop(quadruped(), settings, 4, 7).save(), "nworld was 4, here it is 3");
  refused(DeviceLoop(quadruped(), busy_settings(quadruped(), Controller::kMpc), 3, 7).save(), "controller was 0, here it is 2");
  refused({before.begin(), before.end() - 1}, "it was cut off");
  refused(Task(quadruped(), settings, 3, 1, 7).save(), "something else");
  refused({}, "ends too early");
}

TEST(TaskWorlds, EndsAWorldWithAnActionThatIsNotFiniteAlone) {
  const TaskSettings settings = quick_settings(quadruped(), Controller::kRl);
  DeviceLoop broken(quadruped(), settings, 2, 3), healthy(quadruped(), settings, 2, 3);
  broken.reset(), healthy.reset();
  const int naction = static_cast<int>(quadruped().action_joint.size());
  std::vector<float> action(2 * naction, 0.0f);
  healthy.step(action);
  action[1] = std::numeric_limits<float>::quiet_NaN();
  broken.step(action);
  const TaskArrays &b = broken.worlds.arrays(), &h = healthy.worlds.arrays();
  EXPECT_EQ(b.termination[0], kEndNotFinite);
  EXPECT_EQ(b.not_finite[0], 1);
  EXPECT_EQ(b.reward[0], static_cast<float>(settings.mpc.control_dt * settings.reward.termination));
  EXPECT_EQ(b.not_finite[1], 0);
  const int nobs = broken.worlds.fleet().layout.size;
  for (int i = 0; i < nobs; ++i) {
    EXPECT_TRUE(std::isfinite(b.observation[i]));
    EXPECT_EQ(b.observation[nobs + i], h.observation[nobs + i]);
  }
}

TEST(TaskWorlds, EndsAWorldWhoseObservationIsNotFiniteWithTheNextStep) {
  TaskSettings settings = quick_settings(quadruped(), Controller::kRl);
  settings.noise.height = std::numeric_limits<double>::infinity();
  DeviceLoop loop(quadruped(), settings, 1, 3);
  loop.reset();
  const TaskArrays& a = loop.worlds.arrays();
  EXPECT_EQ(a.observation[0], 0);
  EXPECT_EQ(a.done[0], 0);
  loop.step(std::vector<float>(quadruped().action_joint.size(), 0.0f));
  EXPECT_EQ(a.termination[0], kEndNotFinite);
}

TEST(TaskWorlds, SameBitsForEveryNumberOfThreads) {
  const TaskSettings settings = busy_settings(quadruped(), Controller::kRl);
  DeviceLoop one(quadruped(), settings, 5, 3, 1), three(quadruped(), settings, 5, 3, 3);
  one.reset(), three.reset();
  for (int step = 0; step < 20; ++step) {
    const std::vector<float> action = random_actions(5, static_cast<int>(quadruped().action_joint.size()), step, 0.5);
    one.step(action), three.step(action);
  }
  const size_t n = 5 * static_cast<size_t>(one.worlds.fleet().layout.size);
  EXPECT_EQ(std::vector(one.worlds.arrays().observation, one.worlds.arrays().observation + n),
            std::vector(three.worlds.arrays().observation, three.worlds.arrays().observation + n));
}

TEST(TaskWorlds, ArraysLieApartWithinTheBytesThatItSays) {
  const TaskSettings settings = quick_settings(quadruped(), Controller::kResidual);
  const TaskWorlds worlds(quadruped(), settings, 3, 1, TaskDevice::kCpu);
  std::vector<std::pair<size_t, size_t>> ranges;
  for (const TaskArray& array : worlds.named_arrays()) {
    const size_t begin = reinterpret_cast<size_t>(array.data), size = array.type == ArrayType::kByte ? 1 : 4;
    ranges.emplace_back(begin, begin + 3 * std::max<size_t>(array.width, 1) * size);
  }
  for (size_t i = 1; i < ranges.size(); ++i) EXPECT_GE(ranges[i].first, ranges[i - 1].second);
  EXPECT_LE(ranges.back().second - ranges.front().first, TaskWorlds::bytes(quadruped(), settings, 3));
  EXPECT_LT(TaskWorlds::bytes(quadruped(), settings, 3), TaskWorlds::bytes(quadruped(), settings, 4));
}

TEST(TaskWorlds, RefusesWhatCannotWork) {
  const TaskSettings settings = quick_settings(quadruped(), Controller::kRl);
  TaskWorlds worlds(quadruped(), settings, 1, 1, TaskDevice::kCpu);
  EXPECT_THROW(worlds.run(TaskStage::kStart), Error);
  EXPECT_THROW(worlds.set_progress(1.5), Error);
  EXPECT_THROW(TaskWorlds(quadruped(), settings, 0, 1, TaskDevice::kCpu), Error);
  if (cuda_device_count() == 0) {
    EXPECT_THROW(TaskWorlds(quadruped(), settings, 1, 1, TaskDevice::kCuda), Error);
  }
}

}  // namespace
}  // namespace tandem
