// The task in plain arrays, as it runs on a device, against Task: here on the processor, around the same physics and the same MPC.
#include "env/task_worlds.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/device.hpp"
#include "env/task.hpp"
#include "tests/env/support.hpp"

namespace tandem {
namespace {

// A simulator and an MPC of the processor behind the arrays of a device.
struct DeviceLoop {
  Robot robot;
  TaskSettings settings;
  int nworld;
  TaskWorlds worlds;
  std::unique_ptr<Simulator> sim;
  std::unique_ptr<Mpc> mpc;
  std::vector<float> q, v, tau, power, slip, set_points, tau_ff, q_des, v_des, value, phase;
  std::vector<int> floor, self, fault;

  DeviceLoop(const Robot& r, const TaskSettings& s, int n, std::uint64_t seed, int threads = 1)
      : robot(r), settings(s), nworld(n), worlds(r, s, n, seed, TaskDevice::kCpu, threads) {
    SimSettings in;
    in.control_dt = s.mpc.control_dt, in.physics_dt = s.physics_dt, in.terrain = make_terrain(s.terrain);
    sim = make_simulator(r, n, in);
    if (s.controller != Controller::kRl) mpc = std::make_unique<Mpc>(r.model, s.mpc, n);
    const size_t w = n, nj = r.model.njnt;
    set_points.assign(kSetPointRows * w * nj, NAN), tau_ff.assign(w * nj, 0), q_des = v_des = tau_ff, value.assign(w, 0), phase = value;
    read_simulator();
    const PlanRows plan{tau_ff.data(), q_des.data(), v_des.data(), int(nj), value.data(), phase.data()};
    worlds.connect({q.data(), v.data(), tau.data(), power.data(), slip.data(), floor.data(), self.data(), fault.data(), set_points.data()},
                   mpc ? plan : PlanRows{});
  }

  void read_simulator() {
    const SimOutput& out = sim->output;
    const auto copy = [](const auto& from, auto& to) { to.resize(from.size()), std::copy(from.begin(), from.end(), to.begin()); };
    copy(out.q, q), copy(out.v, v), copy(out.tau, tau), copy(out.power, power), copy(out.foot_slip, slip);
    copy(out.floor_contact, floor), copy(out.self_collision, self), copy(out.fault, fault);
  }
  void write_simulator() {
    const size_t size = static_cast<size_t>(nworld) * robot.model.njnt;
    int row = 0;
    for (auto* to : {&sim->input.tau_ff, &sim->input.q_des, &sim->input.v_des, &sim->input.kp, &sim->input.kd})
      std::copy_n(&set_points[size * row++], size, to->begin());
  }
  static std::vector<double> row(const float* all, int w, int width) { return {all + w * width, all + (w + 1) * width}; }
  void obey_masks() {
    const TaskArrays& a = worlds.arrays();
    const Model& m = robot.model;
    for (int w = 0; w < nworld; ++w) {
      ASSERT_EQ(a.restart[w], a.replan[w]);
      if (a.restart[w]) {
        WorldParameters p;
        p.friction = a.friction[w], p.added_mass = a.added_mass[w];
        std::copy_n(a.com_offset + 3 * w, 3, p.com_offset);
        p.mass_scale = row(a.mass_scale, w, m.nbody), p.armature_scale = row(a.armature_scale, w, m.njnt), p.strength = row(a.strength, w, m.njnt);
        sim->set_parameters(w, p);
        sim->set_state(std::span(&w, 1), row(a.q, w, m.nq), row(a.v, w, m.nv));
        if (mpc) mpc->reset(w, a.phase[w]);
      }
      if (a.kicked[w]) sim->kick(w, row(a.kick, w, 6));
      if (a.pushed[w]) {
        Push push{w, a.push_body[w], {0, 0, 0}, a.push_steps[w]};
        std::copy_n(a.push_force + 3 * w, 3, push.force);
        sim->set_push(push);
      }
    }
  }
  void prepare() {
    obey_masks();
    read_simulator();
    worlds.run(TaskStage::kMeasure);
    const TaskArrays& a = worlds.arrays();
    if (mpc) {
      const auto doubles = [&](const float* x, int width) { return std::vector<double>(x, x + static_cast<size_t>(nworld) * width); };
      mpc->step(doubles(a.measured_q, robot.model.nq), doubles(a.measured_v, robot.model.nv), doubles(a.command, 4));
      const MpcOutput& out = mpc->output;
      std::copy(out.tau_ff.begin(), out.tau_ff.end(), tau_ff.begin()), std::copy(out.q_des.begin(), out.q_des.end(), q_des.begin());
      std::copy(out.v_des.begin(), out.v_des.end(), v_des.begin()), std::copy(out.value.begin(), out.value.end(), value.begin());
      std::copy(out.phase.begin(), out.phase.end(), phase.begin());
    }
    worlds.run(TaskStage::kObserve);
  }
  void reset() {
    worlds.run(TaskStage::kStart);
    prepare();
  }
  void step(const std::vector<float>& action) {
    worlds.act(action.data());
    worlds.run(TaskStage::kCommand);
    write_simulator();
    sim->step();
    read_simulator();
    worlds.run(TaskStage::kFinish);
    prepare();
  }
};

// Everything differs between worlds and happens within a second.
TaskSettings busy_settings(const Robot& robot, Controller controller) {
  TaskSettings settings = quick_settings(robot, controller);
  settings.episode = 0.3;
  settings.kick_interval = 0.12;
  settings.push_impulse[0] = 2, settings.push_impulse[1] = 10;
  settings.command_start = 0.2;
  settings.reward.slip = -0.1, settings.reward.power = -1e-3;
  RandomiseSettings& r = settings.randomise;
  for (auto* range : {&r.mass_scale, &r.armature_scale, &r.gain_scale, &r.strength, &r.noise_scale}) (*range)[0] = 0.9, (*range)[1] = 1.1;
  r.delay[1] = 0.02, r.added_mass[1] = 1, r.com_offset[0] = -0.01, r.com_offset[1] = 0.01;
  return settings;
}

struct Case {
  const char* robot;
  Controller controller;
  Blend blend = Blend::kJointTorque;
  TerrainKind terrain = TerrainKind::kFlat;
};
class TaskWorldsTest : public testing::TestWithParam<Case> {};

// Single precision against double; the physics, which is the same, magnifies the difference as an episode grows, most where feet meet uneven ground.
// Largest seen: 2e-4, and 2e-3 on a slope.
TEST_P(TaskWorldsTest, DoesWhatTheTaskDoes) {
  const Robot robot = load_robot(GetParam().robot);
  TaskSettings settings = busy_settings(robot, GetParam().controller);
  settings.blend = GetParam().blend;
  settings.terrain.kind = GetParam().terrain;
  settings.terrain.extent = 10;
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
