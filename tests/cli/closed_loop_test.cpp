// The closed loop: deterministic, free of allocations, honest about what it measured.
#include "cli/closed_loop.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "base/check.hpp"
#include "cli/recording.hpp"
#include "cli/settings.hpp"
#include "tests/cli/walks.hpp"
#include "tests/support/allocations.hpp"

namespace tandem {
namespace {

ClosedLoop make_loop(const std::string& robot, int nworld, int threads) { return {load_settings(robot), nworld, threads}; }

// Everything that a run leaves behind, bit by bit.
std::vector<double> fingerprint(ClosedLoop& loop, const std::vector<WorldResult>& results) {
  std::vector<double> all = loop.sim().output.q;
  for (const WorldResult& r : results)
    all.insert(all.end(), {r.survived, double(r.cause), r.velocity_error, r.yaw_rate_error, r.mean_squared_torque, r.positive_power, r.foot_slip,
                           r.peak_torque, r.reward, r.reward_of_run});
  return all;
}

TEST(ClosedLoop, GivesTheSameBitsForTheSameSeedAndAnyNumberOfThreads) {
  std::vector<double> first;
  for (int threads : {1, 2, 3}) {
    ClosedLoop loop = make_loop("unitree_go2", 5, threads);
    const Scenario scenario = random_walk(loop, 0.6);
    const std::vector<double> found = fingerprint(loop, run(loop, scenario));
    if (first.empty()) {
      first = found;
      EXPECT_EQ(fingerprint(loop, run(loop, scenario)), first) << "a second run in the same memory";
    }
    EXPECT_EQ(found, first) << threads << " threads";
  }
}

TEST(ClosedLoop, OtherSeedsGiveOtherRuns) {
  const Robot robot = load_robot("unitree_go2");
  const TaskSettings task = load_settings("unitree_go2").task;
  Scenario a = standing_start(robot, task, 2, 1, 1), b = standing_start(robot, task, 2, 1, 2);
  draw_states(robot, {}, 1, a), draw_states(robot, {}, 1, b);
  EXPECT_NE(a.world[0].q, b.world[0].q);
  EXPECT_NE(a.world[0].phase, b.world[0].phase);
  EXPECT_NE(a.world[0].phase, a.world[1].phase);
}

TEST(ClosedLoop, AllocatesNothingPerControlStep) {
  ClosedLoop loop = make_loop("mit_humanoid", 3, 2);
  const auto allocations_of = [&](double seconds) {
    const Scenario scenario = random_walk(loop, seconds);
    const long before = allocations;
    run(loop, scenario);
    return allocations - before;
  };
  allocations_of(0.1);  // what is made once
  const long few = allocations_of(0.1);
  ASSERT_GT(few, 0) << "the count does not work";
  EXPECT_EQ(allocations_of(0.4), few);
}

// The means of a run against sums over what the simulator put out, written down step by step.
TEST(ClosedLoop, MeansAreThoseOfTheSimulatorsOutput) {
  RunSettings settings = load_settings("unitree_go2");
  settings.task.mpc.gait.period = 0.5;
  ClosedLoop loop(settings, 1, 1);
  Scenario scenario = standing(loop, 2);
  set_command(scenario, 0, {0.4, 0.1, 0.2});
  const Model& model = loop.robot().model;
  const int steps = 200, from = 100;  // two periods
  double torque = 0, power = 0, slip = 0, forward = 0, left = 0;
  const WorldResult r = run(loop, scenario, [&](Moment moment, int step, const std::vector<unsigned char>&) {
    if (moment == Moment::kPrepared || step < from) return;
    const SimOutput& out = loop.sim().output;
    for (double tau : out.tau) torque += tau * tau / model.njnt / (steps - from);
    power += out.power[0] / (steps - from);
    for (double s : out.foot_slip) slip += s / ((steps - from) * 0.01);
    const double yaw = std::atan2(2 * (out.q[3] * out.q[6] + out.q[4] * out.q[5]), 1 - 2 * (out.q[5] * out.q[5] + out.q[6] * out.q[6]));
    forward += (std::cos(yaw) * out.v[0] + std::sin(yaw) * out.v[1]) / (steps - from);
    left += (std::cos(yaw) * out.v[1] - std::sin(yaw) * out.v[0]) / (steps - from);
  })[0];
  ASSERT_EQ(r.cause, FallCause::kNone);
  EXPECT_NEAR(r.survived, 2, 1e-12);
  EXPECT_NEAR(r.mean_squared_torque, torque, 1e-9 * torque);
  EXPECT_NEAR(r.positive_power, power, 1e-9 * power);
  EXPECT_NEAR(r.foot_slip, slip, 1e-9);
  EXPECT_NEAR(r.velocity_error, std::hypot(forward - 0.4, left - 0.1), 1e-9);
  EXPECT_NEAR(r.cost_of_transport, power / (total_mass(model) * 9.81 * std::hypot(forward, left)), 1e-9);
}

TEST(ClosedLoop, AFallenWorldEndsThereAndDisturbsNoOther) {
  ClosedLoop loop = make_loop("mit_humanoid", 2, 1);
  Scenario scenario = standing(loop, 1.5);
  const std::vector<double> alone = fingerprint(loop, {run(loop, scenario)[1]});
  scenario.pushes.push_back({0, 0, {0, 5000, 0}, 0.2, 0.1});
  const std::vector<WorldResult> results = run(loop, scenario);
  EXPECT_NE(results[0].cause, FallCause::kNone);
  EXPECT_LT(results[0].survived, 1.2);
  EXPECT_TRUE(std::isnan(results[0].velocity_error));
  const std::vector<double> beside = fingerprint(loop, {results[1]});
  const size_t nq = loop.robot().model.nq;
  EXPECT_TRUE(std::equal(beside.begin() + static_cast<long>(nq), beside.end(), alone.begin() + static_cast<long>(nq)));
}

// 0.1 s is not a whole number of most control steps.
TEST(ClosedLoop, APushGivesItsImpulseAtEveryControlStep) {
  const TimedPush push{2, 1, {30, 0, -100}, 0.5, 0.1};
  for (double dt : {0.001, 0.01, 0.015, 0.03, 0.04, 0.25}) {
    const Push given = in_steps(push, dt);
    EXPECT_GE(given.steps, 1) << dt;
    EXPECT_NEAR(given.force[0] * given.steps * dt, 3, 1e-12) << dt;
    EXPECT_NEAR(in_steps(push, dt, 1.5).force[2] * given.steps * dt, -15, 1e-12) << dt;
  }
  for (double dt : {0.001, 0.002, 0.005, 0.01, 0.02}) EXPECT_EQ(in_steps(push, dt).force[0], 30) << "where it divides, the force as it is";
}

// The whole way: a step longer than the push.
TEST(ClosedLoop, APushShorterThanAStepIsFelt) {
  RunSettings settings = load_settings("unitree_go2");
  settings.task.mpc.control_dt = 0.25, settings.task.mpc.dt = {0.25};
  ClosedLoop loop(settings, 1, 1);
  Scenario scenario = standing(loop, 0.25);
  const std::vector<double> calm = fingerprint(loop, run(loop, scenario));
  scenario.pushes.push_back({0, 0, {0, 300, 0}, 0, 0.1});
  const std::vector<double> pushed = fingerprint(loop, run(loop, scenario));
  EXPECT_GT(pushed[1], calm[1] + 0.05) << "to the left";
  scenario.pushes[0].start = 0.2;
  EXPECT_THROW(run(loop, scenario), Error) << "the last step begins before";
}

TEST(ClosedLoop, RefusesScenariosOfAnotherSize) {
  ClosedLoop loop = make_loop("unitree_go2", 2, 1);
  EXPECT_THROW(run(loop, standing_start(loop.robot(), loop.task(), 3, 1, kSeed)), Error);
  EXPECT_THROW(run(loop, standing(loop, 0)), Error);
}

// What is shown again to the controller leads to the same plans as the closed loop did.
TEST(Recording, ReplayRepeatsTheController) {
  ClosedLoop loop = make_loop("unitree_go2", 2, 1);
  const Scenario scenario = random_walk(loop, 0.5);
  StateRecording recording = make_recording(loop, scenario, 2, 50);
  run(loop, scenario, [&](Moment moment, int, const std::vector<unsigned char>& active) {
    if (moment == Moment::kPrepared) append(recording, loop, active);
  });
  Mpc again(loop.robot().model, loop.task().mpc, 2);
  EXPECT_EQ(replay(again, recording).size(), 50u);
  EXPECT_EQ(again.output.tau_ff, loop.mpc().output.tau_ff);
  Mpc single(loop.robot().model, loop.task().mpc, 1);
  EXPECT_EQ(replay_single(single, recording).size(), 100u);
  EXPECT_EQ(single.output.q_des, std::vector<double>(again.output.q_des.begin() + loop.robot().model.njnt, again.output.q_des.end()));
}

}  // namespace
}  // namespace tandem
