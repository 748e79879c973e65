// The task in plain arrays, as it runs on a device, around a simulator and an MPC of the processor.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "env/task_worlds.hpp"
#include "tests/env/support.hpp"

namespace tandem {

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
  std::function<void(TaskStage)> after;  // a stage, where set

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

  void run(TaskStage stage) {
    worlds.run(stage);
    if (after) after(stage);
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
    run(TaskStage::kMeasure);
    const TaskArrays& a = worlds.arrays();
    if (mpc) {
      const auto doubles = [&](const float* x, int width) { return std::vector<double>(x, x + static_cast<size_t>(nworld) * width); };
      mpc->step(doubles(a.measured_q, robot.model.nq), doubles(a.measured_v, robot.model.nv), doubles(a.command, 4), {}, doubles(a.plane, 3));
      read_plan();
    }
    run(TaskStage::kObserve);
  }
  void read_plan() {
    const MpcOutput& out = mpc->output;
    std::copy(out.tau_ff.begin(), out.tau_ff.end(), tau_ff.begin()), std::copy(out.q_des.begin(), out.q_des.end(), q_des.begin());
    std::copy(out.v_des.begin(), out.v_des.end(), v_des.begin()), std::copy(out.value.begin(), out.value.end(), value.begin());
    std::copy(out.phase.begin(), out.phase.end(), phase.begin());
  }
  void reset() {
    run(TaskStage::kStart);
    prepare();
  }
  void step(const std::vector<float>& action) {
    worlds.act(action.data());
    run(TaskStage::kCommand);
    write_simulator();
    sim->step();
    read_simulator();
    run(TaskStage::kFinish);
    prepare();
  }
  std::vector<std::byte> save() const { return worlds.save({sim->save(), mpc ? mpc->save() : std::vector<std::byte>()}); }
  void load(const std::vector<std::byte>& bytes) {
    const SavedBeside beside = worlds.load(bytes);
    sim->load(beside.simulator);
    if (mpc) mpc->load(beside.plan), read_plan();
  }
};

// Everything differs between worlds and happens within a second.
inline TaskSettings busy_settings(const Robot& robot, Controller controller) {
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

}  // namespace tandem
