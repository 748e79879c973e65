// The task as a learner sees it: episodes, rewards, and that runs repeat bit for bit.
#include "env/task.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "env/episode.hpp"
#include "env/termination.hpp"
#include "tests/env/support.hpp"
#include "tests/support/message_of.hpp"

namespace tandem {
namespace {

const Robot& humanoid() {
  static const Robot robot = load_robot("mit_humanoid");
  return robot;
}

// Everything that a learner reads, of all steps of a run.
struct Trace {
  std::vector<float> observation, reward;
  std::vector<int> termination;
  bool operator==(const Trace&) const = default;
};
void take_step(Task& task, int k, double action, Trace* trace = nullptr) {
  task.step(random_actions(task.nworld, task.naction, k, action));
  if (!trace) return;
  trace->observation.insert(trace->observation.end(), task.observation.begin(), task.observation.end());
  trace->reward.insert(trace->reward.end(), task.reward.begin(), task.reward.end());
  trace->termination.insert(trace->termination.end(), task.termination.begin(), task.termination.end());
}

// Randomised in every way, so that a state that is forgotten somewhere shows.
TaskSettings rough_settings(Controller controller) {
  TaskSettings settings = quick_settings(humanoid(), controller);
  settings.episode = 1;
  settings.kick_interval = 0.25;
  settings.push_impulse[1] = 10;
  settings.command_start = 0.2;
  RandomiseSettings& r = settings.randomise;
  for (auto* range : {&r.mass_scale, &r.armature_scale, &r.gain_scale, &r.strength, &r.noise_scale}) (*range)[0] = 0.9, (*range)[1] = 1.1;
  r.delay[1] = 0.02, r.added_mass[1] = 1, r.com_offset[1] = 0.01;
  return settings;
}

// --- every robot, every controller, still and random -------------------------------------------------------------------------------------------------

struct Smoke {
  const char* robot;
  Controller controller;
  double action;
};
class TaskSmokeTest : public testing::TestWithParam<Smoke> {};

TEST_P(TaskSmokeTest, TwoSecondsAreFiniteAndRewardsAreSumsOfTheirTerms) {
  const Robot robot = load_robot(GetParam().robot);
  Task task(robot, quick_settings(robot, GetParam().controller), 2, 1, 1);
  task.reset();
  for (int k = 0; k < 200; ++k) {
    take_step(task, k, GetParam().action);
    for (const float obs : task.observation) ASSERT_TRUE(std::isfinite(obs));
    for (int w = 0; w < 2; ++w) {
      float sum = 0;
      for (const float term : row_of(task.terms, w, task.term_names.size())) sum += term;
      ASSERT_FLOAT_EQ(task.reward[w], sum);
      ASSERT_EQ(task.done[w] != 0, task.termination[w] != kRunning);
      ASSERT_EQ(task.time_out[w] != 0, task.termination[w] == kEndTimeOut);
    }
  }
  EXPECT_EQ(task.not_finite_count(), 0);
}

std::vector<Smoke> smokes() {
  std::vector<Smoke> all;
  for (const char* robot : {"mit_humanoid", "unitree_go2", "unitree_g1"})
    for (const Controller controller : {Controller::kMpc, Controller::kResidual, Controller::kRl})
      for (const double action : {0.0, 1.0}) all.push_back({robot, controller, action});
  return all;
}
INSTANTIATE_TEST_SUITE_P(All, TaskSmokeTest, testing::ValuesIn(smokes()), [](const auto& info) {
  return std::string(info.param.robot) + "_" + name(info.param.controller) + (info.param.action > 0 ? "_random" : "_zero");
});

// --- episodes ------------------------------------------------------------------------------------------------------------------------------------------

TEST(Task, AnEpisodeTimesOutAfterItsLength) {
  TaskSettings settings = quick_settings(humanoid(), Controller::kMpc);
  settings.episode = 0.2, settings.staggered_start = false;
  Task task(humanoid(), settings, 2, 1, 1);
  task.reset();
  for (int k = 1; k <= 60; ++k) {
    take_step(task, k, 0);
    for (int w = 0; w < 2; ++w) {
      ASSERT_EQ(task.time_out[w], k % 20 == 0) << "control step " << k;
      ASSERT_EQ(task.terms[w * task.term_names.size() + kTermTermination], 0);
    }
  }
}

TEST(Task, StaggeredEpisodesEndAtDifferentTimes) {
  TaskSettings settings = quick_settings(humanoid(), Controller::kMpc);
  settings.episode = 0.2;
  Task task(humanoid(), settings, 8, 1, 1);
  task.reset();
  int most = 0;
  std::vector<int> ended(8, 0);
  for (int k = 1; k <= 20; ++k) {
    take_step(task, k, 0);
    int now = 0;
    for (int w = 0; w < 8; ++w) now += task.done[w], ended[w] += task.done[w];
    most = std::max(most, now);
  }
  EXPECT_LT(most, 6);
  for (const int count : ended) EXPECT_EQ(count, 1);
}

// A robot without strength falls: the episode fails, the reward has the penalty, and the next episode stands.
TEST(Task, AFallEndsTheEpisodeAndTheNextOneStands) {
  TaskSettings settings = quick_settings(humanoid(), Controller::kRl);
  settings.randomise.strength[0] = settings.randomise.strength[1] = 0.01;
  settings.noise.scale = 0;
  Task task(humanoid(), settings, 1, 1, 1);
  task.reset();
  int steps = 0;
  do take_step(task, steps, 0);
  while (!task.done[0] && ++steps < 200);
  ASSERT_LT(steps, 150);
  EXPECT_EQ(task.time_out[0], 0);
  EXPECT_FLOAT_EQ(task.terms[kTermTermination], -1);
  EXPECT_GT(task.observation[0], 0.5);  // height
  EXPECT_EQ(task.record(0).key.episode, 1u);
  EXPECT_TRUE(task.record(0).action.empty());
}

TEST(Task, AKickChangesTheMeasuredVelocity) {
  TaskSettings settings = quick_settings(humanoid(), Controller::kRl);
  settings.noise.scale = 0, settings.staggered_start = false, settings.kick_interval = 0.05;
  TaskSettings calm_settings = settings;
  calm_settings.kick_interval = 0;
  Task kicked(humanoid(), settings, 1, 1, 1), calm(humanoid(), calm_settings, 1, 1, 1);
  kicked.reset(), calm.reset();
  for (int k = 0; k < 5; ++k) {
    EXPECT_EQ(kicked.loop().measured_v, calm.loop().measured_v);
    take_step(kicked, k, 0), take_step(calm, k, 0);
  }
  double dv[6];
  ASSERT_TRUE(EpisodeSampler(humanoid(), settings).kick({1, 0, 0}, 5, dv));
  for (int i = 0; i < 3; ++i) EXPECT_NEAR(kicked.loop().measured_v[i] - calm.loop().measured_v[i], dv[i], 1e-12);
}

TEST(Task, HeightInRewardsIsAboveTheGround) {
  TaskSettings settings = quick_settings(humanoid(), Controller::kMpc);
  settings.terrain = {.kind = TerrainKind::kSteps, .amplitude = 0.3, .cell = 1, .extent = 40, .seed = 1};
  Task task(humanoid(), settings, 8, 2, 1);
  task.reset();
  take_step(task, 0, 0);
  double highest = 0;
  for (int w = 0; w < 8; ++w) {
    if (task.done[w]) continue;
    const double ground = task.loop().ground[w], height = task.loop().simulator().output.q[w * humanoid().model.nq + 2] - ground;
    const double error = humanoid().base_height - height;
    EXPECT_NEAR(task.terms[w * task.term_names.size() + kTermHeight], 0.01 * std::exp(-error * error / 0.5), 1e-7);
    highest = std::max(highest, std::abs(ground));
  }
  EXPECT_GT(highest, 0.25);
}

// Robots under the MPC that nothing disturbs walk for so many control steps, and none falls.
void expect_nobody_falls(const std::string& name, const TerrainSettings& terrain, double start_scale, int nworld, std::uint64_t seed, int steps) {
  const Robot robot = load_robot(name);
  TaskSettings settings = make_task_settings(robot, Controller::kMpc);
  settings.staggered_start = false;
  settings.noise.scale = 0, settings.kick_interval = 0, settings.start_scale = start_scale;
  settings.terrain = terrain;
  Task task(robot, settings, nworld, 2, seed);
  task.reset();
  for (int k = 0; k < steps; ++k) {
    take_step(task, k, 0);
    for (int w = 0; w < nworld; ++w) ASSERT_FALSE(task.done[w]) << name << ", world " << w << ", control step " << k;
  }
}

// Level ground made of triangles is ground to walk on: of a fall there, the robot is the reason or its controller. All of these stand on the plane.
TEST(Task, NobodyFallsOnALevelHeightFieldBecauseOfTheGround) {
  for (const bool plane : {true, false}) {
    SCOPED_TRACE(plane ? "plane" : "height field");
    expect_nobody_falls("unitree_g1", {.kind = plane ? TerrainKind::kFlat : TerrainKind::kSlope, .angle = 1e-4}, 1, 8, 1, 200);
  }
}

// Steep ground that the MPC is told of: uphill, downhill and across.
TEST(Task, NobodyFallsOnASlope) {
  for (const char* name : {"mit_humanoid", "unitree_g1", "unitree_go2"})
    expect_nobody_falls(name, {.kind = TerrainKind::kSlope, .angle = 0.2}, 0.5, 6, 3, 300);
}

// --- repetition ----------------------------------------------------------------------------------------------------------------------------------------

class TaskRepeatTest : public testing::TestWithParam<Controller> {
 protected:
  TaskSettings settings = rough_settings(GetParam());
  Task make(int nworld, int threads, std::uint32_t first_world = 0) const { return {humanoid(), settings, nworld, threads, 8, first_world}; }
};
INSTANTIATE_TEST_SUITE_P(All, TaskRepeatTest, testing::Values(Controller::kMpc, Controller::kResidual, Controller::kRl),
                         [](const auto& info) { return name(info.param); });

TEST_P(TaskRepeatTest, ThreadsChangeNothing) {
  Task one = make(5, 1), two = make(5, 2);
  one.reset(), two.reset();
  Trace a, b;
  for (int k = 0; k < 150; ++k) take_step(one, k, 0.5, &a), take_step(two, k, 0.5, &b);
  EXPECT_EQ(a, b);
}

// World 2 of five is the only world of a task that begins there.
TEST_P(TaskRepeatTest, AWorldDoesNotDependOnTheOthers) {
  Task many = make(5, 1), alone = make(1, 1, 2);
  many.reset(), alone.reset();
  for (int k = 0; k < 150; ++k) {
    take_step(many, k, 0.5);
    alone.step(random_actions(1, alone.naction, k, 0.5, 2));
    ASSERT_EQ(row_of(many.observation, 2, many.nobs), alone.observation) << "control step " << k;
    ASSERT_EQ(many.reward[2], alone.reward[0]);
  }
}

TEST_P(TaskRepeatTest, GoesOnFromSavedBytesBitForBit) {
  Task whole = make(3, 1), resumed = make(3, 2);
  whole.reset();
  whole.set_progress(0.3);
  for (int k = 0; k < 70; ++k) take_step(whole, k, 0.5);
  resumed.load(whole.save());
  EXPECT_EQ(whole.observation, resumed.observation);
  Trace a, b;
  for (int k = 70; k < 200; ++k) take_step(whole, k, 0.5, &a), take_step(resumed, k, 0.5, &b);
  EXPECT_EQ(a, b);
  EXPECT_EQ(to_bytes(whole.record(1)), to_bytes(resumed.record(1)));
}

TEST_P(TaskRepeatTest, AnEpisodeRunsAgainFromItsRecord) {
  Task task = make(3, 1);
  task.reset();
  task.set_progress(0.25);
  for (int k = 0; k < 130; ++k) take_step(task, k, 0.5);  // into a later episode of world 1
  std::vector<double> q;
  std::vector<float> terms;
  for (int k = 130; k < 150; ++k) {
    const SimOutput& out = task.loop().simulator().output;
    if (task.done[1]) q.clear(), terms.clear();
    const std::vector<double> row = row_of(out.q, 1, humanoid().model.nq);
    q.insert(q.end(), row.begin(), row.end());
    take_step(task, k, 0.5);
    const std::vector<float> values = row_of(task.terms, 1, task.term_names.size());
    terms.insert(terms.end(), values.begin(), values.end());
  }
  const EpisodeRecord record = task.record(1);
  ASSERT_GT(record.key.episode, 0u);
  ASSERT_FALSE(task.done[1]);
  const Replay again = replay(record_from_bytes(to_bytes(record)), humanoid());
  ASSERT_GE(again.q.size(), q.size());
  EXPECT_TRUE(std::equal(q.begin(), q.end(), again.q.end() - static_cast<long>(q.size())));
  EXPECT_TRUE(std::equal(terms.begin(), terms.end(), again.terms.end() - static_cast<long>(terms.size())));
}

TEST(Task, AnotherSeedIsAnotherRun) {
  const TaskSettings settings = rough_settings(Controller::kRl);
  Task a(humanoid(), settings, 1, 1, 1), b(humanoid(), settings, 1, 1, 2);
  a.reset(), b.reset();
  EXPECT_NE(a.observation, b.observation);
}

// Commands, states and noise at the start of each episode are the same for the three controllers.
TEST(Task, ControllersGetTheSameEpisodes) {
  std::vector<std::vector<double>> q, command;
  for (const Controller controller : {Controller::kMpc, Controller::kResidual, Controller::kRl}) {
    Task task(humanoid(), rough_settings(controller), 4, 1, 3);
    task.reset(5);
    q.push_back(task.loop().measured_q), command.push_back(task.loop().command);
  }
  EXPECT_EQ(q[0], q[1]);
  EXPECT_EQ(q[0], q[2]);
  EXPECT_EQ(command[0], command[1]);
  EXPECT_EQ(command[0], command[2]);
}

// --- what a caller may do wrong, and sizes -----------------------------------------------------------------------------------------------------------------

TEST(Task, RunsWithOneWorldAndWithOneMoreThanAPowerOfTwo) {
  for (const int nworld : {1, 513}) {
    TaskSettings settings = quick_settings(humanoid(), Controller::kResidual);
    settings.mpc.solver.iterations = 1;
    Task task(humanoid(), settings, nworld, 2, 1);
    task.reset();
    for (int k = 0; k < 2; ++k) take_step(task, k, 0.1);
    EXPECT_EQ(task.observation.size(), static_cast<size_t>(nworld) * 54);
  }
}

TEST(Task, RefusesNoWorldsWrongActionsAndStepsBeforeReset) {
  const TaskSettings settings = quick_settings(humanoid(), Controller::kRl);
  EXPECT_THROW(Task(humanoid(), settings, 0, 1, 1), Error);
  Task task(humanoid(), settings, 1, 1, 1);
  EXPECT_THROW(task.step(std::vector<float>(10)), Error);
  task.reset();
  EXPECT_THROW(task.step(std::vector<float>(9)), Error);
  EXPECT_THROW(task.set_progress(1.5), Error);
  EXPECT_THROW(task.record(1), Error);
}

TEST(Task, RefusesBytesOfAnother) {
  const TaskSettings settings = quick_settings(humanoid(), Controller::kRl);
  Task task(humanoid(), settings, 1, 1, 1);
  const Task other(humanoid(), settings, 2, 1, 1);
  EXPECT_THROW(task.load(other.save()), Error);
  const std::vector<std::byte> bytes = task.save();
  EXPECT_THROW(task.load(std::span(bytes).first(bytes.size() / 2)), Error);
}

// What was read before the difference showed is not kept: after a reset the task is as a new one.
TEST(Task, IsANewOneAfterBytesOfAnotherController) {
  const Controller controllers[] = {Controller::kRl, Controller::kResidual};
  for (int k = 0; k < 2; ++k) {
    Task task(humanoid(), rough_settings(controllers[k]), 2, 1, 1), fresh(humanoid(), rough_settings(controllers[k]), 2, 1, 1);
    Task other(humanoid(), rough_settings(controllers[1 - k]), 2, 1, 9);
    other.reset();
    for (int step = 0; step < 3; ++step) take_step(other, step, 0.1);
    const float* where = task.observation.data();
    EXPECT_THROW(task.load(other.save()), Error);
    task.reset(), fresh.reset();
    EXPECT_EQ(task.observation, fresh.observation);
    EXPECT_EQ(task.observation.data(), where) << "arrays of Python look at it";
    EXPECT_EQ(to_bytes(task.record(1)), to_bytes(fresh.record(1)));
  }
}

// An episode that begins with a push has it however it begins.
TEST(Task, APushThatIsDrawnForTheStartComes) {
  TaskSettings settings = quick_settings(humanoid(), Controller::kRl);
  settings.episode = 0.03, settings.staggered_start = false;
  settings.push_impulse[0] = settings.push_impulse[1] = 10;
  Task by_restart(humanoid(), settings, 16, 1, 1), by_reset(humanoid(), settings, 16, 1, 1);
  by_restart.reset();
  for (int k = 0; k < 3; ++k) take_step(by_restart, k, 0);
  by_reset.reset(1);
  EXPECT_EQ(by_restart.observation, by_reset.observation);
  for (int k = 0; k < 2; ++k) take_step(by_restart, k, 0), take_step(by_reset, k, 0);
  EXPECT_EQ(by_restart.observation, by_reset.observation);
}

TEST(Task, RefusesWhatLeavesNoMassAndEpisodesBeyondTheMemory) {
  TaskSettings settings = quick_settings(humanoid(), Controller::kRl);
  settings.randomise.added_mass[0] = -100;
  EXPECT_NE(message_of([&] { Task(humanoid(), settings, 1, 1, 1); }).find("added_mass = -100 kg leaves the base without mass"), std::string::npos);
  settings.randomise.added_mass[0] = 0, settings.episode = 1e6;
  EXPECT_NE(message_of([&] { Task(humanoid(), settings, 1000, 1, 1); }).find("env.episode = 1e+06 s of 1000 worlds needs about"), std::string::npos);
}

}  // namespace
}  // namespace tandem
