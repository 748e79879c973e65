// Controllers with and without a policy in the closed loop: the same worlds for all, actions that arrive, rewards that add up, mistakes that are told.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "base/check.hpp"
#include "cli/closed_loop.hpp"
#include "cli/controller_time.hpp"
#include "cli/options.hpp"
#include "tests/cli/walks.hpp"
#include "tests/policy/policies.hpp"
#include "tests/support/message_of.hpp"
#include "tests/support/own_path.hpp"

namespace tandem {
namespace {

RunSettings settings_of(const std::string& robot, const std::string& controller, const std::string& policy = "") {
  RunSettings settings = load_settings(robot);
  choose_controller(controller, policy, settings);
  return settings;
}

// A policy with random weights in a file of its own.
class PolicyFile : public testing::Test {
 protected:
  std::string path = own_path("tandem-", ".safetensors").string();
  Policy policy;
  void save(const std::string& robot, Controller controller) {
    policy = random_policy(load_robot(robot), controller, {16, 8}, 3);
    save_policy(policy, path);
  }
  void TearDown() override { std::filesystem::remove(path); }
};

// A residual of zero torque is no residual, in every bit.
TEST(Controllers, ZeroTorqueOnTopOfTheMpcIsTheMpc) {
  RunSettings alone = settings_of("mit_humanoid", "mpc"), zero = settings_of("mit_humanoid", "zero");
  zero.task.blend = Blend::kTorqueTorque;
  ClosedLoop a(alone, 2, 1), b(zero, 2, 2);
  const auto x = run(a, random_walk(a, 0.8)), y = run(b, random_walk(b, 0.8));
  EXPECT_EQ(a.sim().output.q, b.sim().output.q);
  EXPECT_EQ(a.sim().output.tau, b.sim().output.tau);
  for (int w = 0; w < 2; ++w) EXPECT_EQ(x[w].reward, y[w].reward);
}

// The same seed gives every controller the same start, noise, delay and kicks.
TEST(Controllers, AreDisturbedAlike) {
  std::vector<double> first_q, first_v;
  for (const char* controller : {"mpc", "zero", "random"}) {
    RunSettings settings = settings_of("unitree_go2", controller);
    restore_disturbances(settings);
    settings.task.kick_interval = 0.02;
    ClosedLoop loop(settings, 2, 1);
    std::vector<double> q, kicks;
    std::vector<double> before;
    run(loop, random_walk(loop, 0.04), [&](Moment moment, int step, const std::vector<unsigned char>&) {
      if (moment == Moment::kPrepared && step == 0) q = loop.control.measured_q;
      if (moment == Moment::kAfterStep && step == 1) before = loop.sim().output.v;
      if (moment == Moment::kPrepared && step == 2)
        for (size_t i = 0; i < before.size(); ++i) kicks.push_back(loop.sim().output.v[i] - before[i]);
    });
    double largest = 0;
    for (double kick : kicks) largest = std::max(largest, std::abs(kick));
    EXPECT_GT(largest, 0.01) << "no kick came";
    if (first_q.empty()) first_q = q, first_v = kicks;
    EXPECT_EQ(q, first_q) << controller;
    for (size_t i = 0; i < kicks.size(); ++i) EXPECT_NEAR(kicks[i], first_v[i], 1e-12) << controller;
  }
}

TEST(Controllers, NothingDisturbsAnEvaluationUnlessAsked) {
  RunSettings settings = load_settings("unitree_go2");
  ClosedLoop loop(settings, 1, 1);
  const Scenario scenario = standing_start(loop.robot(), loop.task(), 1, 0.1, kSeed);
  EXPECT_LT(scenario.world[0].parameters.friction, 0) << "not the model's";
  EXPECT_EQ(scenario.world[0].delay, 0);
  run(loop, scenario, [&](Moment moment, int, const std::vector<unsigned char>&) {
    if (moment == Moment::kPrepared) {
      EXPECT_EQ(loop.control.measured_q, loop.sim().output.q);
    }
  });
  EXPECT_EQ(loop.task().physics_dt, 0.001);
}

// The terms are those of each step, until the fall, which adds its own once; written down step by step.
TEST(Reward, AddsUpUntilTheFall) {
  ClosedLoop loop(settings_of("mit_humanoid", "mpc"), 1, 1);
  Scenario scenario = standing_start(loop.robot(), loop.task(), 1, 2, kSeed);
  scenario.pushes.push_back({0, 0, {0, 5000, 0}, 0.2, 0.1});
  double torque = 0;
  int steps = 0;
  const WorldResult r = run(loop, scenario, [&](Moment moment, int, const std::vector<unsigned char>&) {
    if (moment == Moment::kPrepared) return;
    ++steps;
    for (double tau : loop.sim().output.tau) torque += -1e-4 * 0.01 * tau * tau;
  })[0];
  ASSERT_NE(r.cause, FallCause::kNone);
  EXPECT_NEAR(r.survived, 0.01 * steps, 1e-9);
  EXPECT_NEAR(r.reward_terms[kTermTorque], torque / steps, 1e-5 * std::abs(torque / steps));
  EXPECT_NEAR(r.reward_terms[kTermTermination], -100 * 0.01 / steps, 1e-9);
  EXPECT_NEAR(r.reward_of_run * 200, r.reward * steps, 1e-9);
}

// By hand for a robot that random actions move: (8) needs the actions of two steps, (9) those of three.
TEST(Reward, SeesTheLastThreeActions) {
  ClosedLoop loop(settings_of("unitree_go2", "random"), 1, 1);
  const Scenario scenario = standing_start(loop.robot(), loop.task(), 1, 0.05, kSeed);
  std::vector<std::vector<float>> a(2, std::vector<float>(loop.control.naction(), 0.0f));
  const WorldResult r = run(loop, scenario, [&](Moment moment, int, const std::vector<unsigned char>&) {
    if (moment == Moment::kAfterStep) a.push_back(loop.actor.action);
  })[0];
  double first = 0, second = 0;
  for (size_t t = 2; t < a.size(); ++t)
    for (size_t i = 0; i < a[t].size(); ++i) {
      first += std::pow(a[t][i] - a[t - 1][i], 2) / 0.01;
      second += std::pow(a[t][i] - 2 * a[t - 1][i] + a[t - 2][i], 2) / 0.01;
    }
  ASSERT_EQ(a.size(), 7u);
  first *= -1e-3 * 0.01 / 5, second *= -1e-4 * 0.01 / 5;
  EXPECT_NEAR(r.reward_terms[kTermActionRate], first, 1e-5 * std::abs(first));
  EXPECT_NEAR(r.reward_terms[kTermActionRate2], second, 1e-5 * std::abs(second));
}

TEST_F(PolicyFile, BringsItsControllerBlendingAndGains) {
  save("unitree_go2", Controller::kResidual);
  RunSettings settings = settings_of("unitree_go2", "", path);
  EXPECT_EQ(settings.task.controller, Controller::kResidual);
  EXPECT_EQ(settings.task.blend, policy.blending.blend);
  EXPECT_EQ(settings.task.action_scale, 0.3);
  EXPECT_EQ(settings.task.value_scale, 2.5);
  const ClosedLoop loop(settings, 1, 1);
  EXPECT_EQ(loop.control.blending().kp_a, policy.blending.kp_a);
}

TEST_F(PolicyFile, ActsOnWhatTheLoopObservesOnAnyNumberOfThreads) {
  for (const Controller controller : {Controller::kResidual, Controller::kRl}) {
    save("unitree_go2", controller);
    std::vector<double> first;
    for (int threads : {1, 2}) {
      ClosedLoop loop(settings_of("unitree_go2", "", path), 3, threads);
      std::vector<float> scratch(scratch_size(policy)), expected(policy.action_joint.size());
      run(loop, random_walk(loop, 0.2), [&](Moment moment, int, const std::vector<unsigned char>& active) {
        if (moment == Moment::kPrepared || !active[2]) return;
        act(policy, &loop.control.observation[2 * policy.layout.size], expected.data(), scratch.data());
        const auto row = loop.actor.action.begin() + 2 * static_cast<long>(expected.size());
        EXPECT_TRUE(std::equal(expected.begin(), expected.end(), row));
      });
      if (first.empty()) first = loop.sim().output.q;
      EXPECT_EQ(loop.sim().output.q, first) << threads << " threads, " << name(controller);
    }
  }
}

TEST_F(PolicyFile, MustFitWhatIsAskedOfIt) {
  save("unitree_go2", Controller::kResidual);
  EXPECT_NE(message_of([&] { settings_of("unitree_go2", "rl", path); }).find("--controller residual"), std::string::npos);
  EXPECT_NE(message_of([&] { settings_of("unitree_go2", "mpc", path); }).find("takes no policy"), std::string::npos);
  EXPECT_NE(message_of([&] { settings_of("mit_humanoid", "residual", path); }).find("unitree_go2"), std::string::npos);
  EXPECT_NE(message_of([&] { settings_of("unitree_go2", "residual"); }).find("--policy"), std::string::npos);
  EXPECT_NE(message_of([&] { settings_of("unitree_go2", "residual", path + "x"); }).find(path + "x"), std::string::npos);
  RunSettings slow = settings_of("unitree_go2", "residual", path);
  slow.task.mpc.control_dt = 0.02;
  EXPECT_NE(message_of([&] { ClosedLoop(slow, 1, 1); }).find("mpc.control_dt=0.01"), std::string::npos);
}

TEST_F(PolicyFile, TheCommandLineDecidesAfterFileAndConfiguration) {
  save("unitree_go2", Controller::kResidual);
  CommonOptions options;
  options.robot = "unitree_go2", options.policy = path;
  EXPECT_EQ(resolve(options).task.lambda, policy.blending.lambda);
  options.overrides = {"env.lambda=0.05"};
  EXPECT_EQ(resolve(options).task.lambda, 0.05);
  EXPECT_EQ(resolve(options).task.controller, Controller::kResidual);
  options.configs = {TANDEM_SOURCE_DIR "/robots/task.toml"};
  EXPECT_EQ(resolve(options).task.noise.scale, 1);
  EXPECT_EQ(resolve(options).task.lambda, 0.05);
}

TEST_F(PolicyFile, BringsItsMpcAndSaysWhatChanged) {
  save("unitree_go2", Controller::kResidual);
  policy.mpc_settings = R"({"mpc.delay":0.015})";
  save_policy(policy, path);
  CommonOptions options;
  options.robot = "unitree_go2", options.policy = path;
  testing::internal::CaptureStderr();
  EXPECT_EQ(resolve(options).task.mpc.delay, 0.015);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  options.overrides = {"mpc.delay=0.01"};
  testing::internal::CaptureStderr();
  EXPECT_EQ(resolve(options).task.mpc.delay, 0.01);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "tandem: " + path + " was trained with other settings: mpc.delay = 0.01 (trained with 0.015)\n");
  EXPECT_EQ(resolve(options, "mpc", "").task.mpc.delay, 0.01);
}

// One time per step of every world that stood, for every controller.
TEST_F(PolicyFile, EveryControllerIsTimed) {
  save("unitree_go2", Controller::kRl);
  for (const std::string& file : {std::string(), path}) {
    const RunSettings settings = settings_of("unitree_go2", "", file);
    ClosedLoop loop(settings, 2, 1);
    const Scenario scenario = standing_start(loop.robot(), loop.task(), 2, 0.03, kSeed);
    StateRecording recording = make_recording(loop, scenario, 2, 3);
    run(loop, scenario, [&](Moment moment, int, const std::vector<unsigned char>& active) {
      if (moment == Moment::kPrepared) append(recording, loop, active);
    });
    const ControllerTimes times = time_controller(settings, recording);
    EXPECT_EQ(times.us.size(), 6u);
    EXPECT_EQ(times.best.size(), 6u);
  }
}

}  // namespace
}  // namespace tandem
