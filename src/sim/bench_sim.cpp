#include "sim/bench_sim.hpp"

#include <mujoco/mujoco.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <numeric>

#include "base/check.hpp"
#include "base/processors.hpp"
#include "sim/mujoco_load.hpp"
#include "sim/mujoco_map.hpp"
#include "sim/simulator.hpp"

namespace tandem {
namespace {

constexpr double kControlDt = 0.01;
constexpr double kStiffer = 5;   // gains over the robot's own, so that it stands without balancing
constexpr double kRough = 0.02;  // amplitude of the uneven ground [m]
constexpr int kSteps = 20;       // control steps before it is put back upright

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// The reference: MuJoCo's own loop over one robot.
struct PlainLoop {
  std::unique_ptr<mjModel, void (*)(mjModel*)> m;
  std::unique_ptr<mjData, void (*)(mjData*)> d;
  int steps;  // physics steps of a control step
  std::vector<double> stand, ctrl;

  PlainLoop(const Robot& robot, const Terrain& terrain, double physics_dt)
      : m(load_mujoco(robot.model_path, terrain), mj_deleteModel),
        d(mj_makeData(m.get()), mj_deleteData),
        steps(int(std::lround(kControlDt / physics_dt))),
        stand(robot.stand),
        ctrl(m->nu, 0.0) {
    place_on_terrain(robot.model, terrain, stand.data());
    m->opt.timestep = physics_dt;
    const MujocoMap map = make_mujoco_map(m.get(), robot.model, robot.foot_geoms);
    for (int j = 0; j < robot.model.njnt; ++j) {
      double* bias = m->actuator_biasprm + mjNBIAS * map.actuator[j];
      bias[1] = -kStiffer * robot.kp[j];
      bias[2] = -kStiffer * robot.kd[j];
      ctrl[map.ctrl[j]] = kStiffer * robot.kp[j] * robot.stand[robot.model.nq - robot.model.njnt + j];
    }
    restart();
  }
  void restart() {
    mj_resetData(m.get(), d.get());
    std::copy(stand.begin(), stand.end(), d->qpos);
    std::copy(ctrl.begin(), ctrl.end(), d->ctrl);
  }
  void step() {
    for (int k = 0; k < steps; ++k) mj_step(m.get(), d.get());
  }
};

std::unique_ptr<Simulator> standing(const Robot& robot, const Terrain& terrain, int worlds, int threads, double physics_dt) {
  auto sim = make_simulator(robot, worlds, {.control_dt = kControlDt, .physics_dt = physics_dt, .threads = threads, .terrain = terrain});
  std::vector<double> stand = robot.stand;
  place_on_terrain(robot.model, terrain, stand.data());
  std::vector<int> ids(worlds);
  std::iota(ids.begin(), ids.end(), 0);
  std::vector<double> q, v(size_t(worlds) * robot.model.nv, 0.0);
  for (int w = 0; w < worlds; ++w) q.insert(q.end(), stand.begin(), stand.end());
  sim->set_state(ids, q, v);
  const size_t njnt = robot.model.njnt;
  for (size_t i = 0; i < worlds * njnt; ++i) {
    sim->input.kp[i] *= kStiffer;
    sim->input.kd[i] *= kStiffer;
    sim->input.q_des[i] = robot.stand[robot.model.nq - njnt + i % njnt];
  }
  return sim;
}

double percentile(std::vector<double>& times, double fraction) {
  const size_t i = std::min(times.size() - 1, size_t(fraction * times.size()));
  std::nth_element(times.begin(), times.begin() + i, times.end());
  return times[i];
}

// Largest difference of all worlds to the plain loop after 0.2 s.
double check_against_plain(PlainLoop& plain, Simulator& sim, const std::function<void()>& poll) {
  plain.restart();
  for (int k = 0; k < kSteps; ++k) {
    poll();
    sim.step();
    plain.step();
  }
  double error = 0;
  const size_t nq = sim.model().nq, nv = sim.model().nv;
  for (size_t i = 0; i < sim.output.q.size(); ++i) error = std::max(error, std::abs(sim.output.q[i] - plain.d->qpos[i % nq]));
  for (size_t i = 0; i < sim.output.v.size(); ++i) error = std::max(error, std::abs(sim.output.v[i] - plain.d->qvel[i % nv]));
  return error;
}

// One row: check, then time simulator and plain loop in turn, so that both see the same machine.
BenchRow bench_row(const SimBenchSettings& settings, const Robot& robot, const Terrain& terrain, int worlds, int threads, double physics_dt) {
  PlainLoop plain(robot, terrain, physics_dt);
  const auto sim = standing(robot, terrain, worlds, threads, physics_dt);
  const std::vector<double> q = sim->output.q, v = sim->output.v;
  BenchRow row{cat("sim/", 1 / physics_dt, " Hz", terrain.height.empty() ? "" : " rough"),
               robot.name,
               worlds,
               threads,
               plain.steps,
               0,
               0,
               0,
               "mj_step, 1 thread",
               0,
               0};
  row.check = check_against_plain(plain, *sim, settings.poll);
  std::vector<int> ids(worlds);
  std::iota(ids.begin(), ids.end(), 0);
  std::vector<double> times, plain_times;
  const auto start = Clock::now();
  while (seconds_since(start) < settings.seconds || times.size() < 100) {
    plain.restart();
    sim->set_state(ids, q, v);
    for (int k = 0; k < kSteps; ++k) {
      settings.poll();
      const auto t0 = Clock::now();
      sim->step();
      const auto t1 = Clock::now();
      plain.step();
      times.push_back(1e6 * std::chrono::duration<double>(t1 - t0).count());
      plain_times.push_back(1e6 * seconds_since(t1));
    }
  }
  row.median_us = percentile(times, 0.5);
  row.p99_us = percentile(times, 0.99);
  row.per_second = double(worlds) * plain.steps * 1e6 / row.median_us;
  row.ratio = worlds * percentile(plain_times, 0.5) / row.median_us;
  return row;
}

}  // namespace

std::vector<BenchRow> bench_sim(const SimBenchSettings& settings) {
  std::vector<BenchRow> rows;
  const int threads = settings.threads > 0 ? settings.threads : processors();
  const Terrain level, rough = make_terrain({.kind = TerrainKind::kRough, .amplitude = kRough});
  for (const std::string& name : settings.robots) {
    const Robot robot = load_robot(name);
    for (double physics_dt : {0.001, 0.0025}) {
      rows.push_back(bench_row(settings, robot, level, 1, 1, physics_dt));
      rows.push_back(bench_row(settings, robot, level, settings.worlds, 1, physics_dt));
      if (threads > 1) rows.push_back(bench_row(settings, robot, level, settings.worlds, threads, physics_dt));
    }
    rows.push_back(bench_row(settings, robot, rough, 1, 1, 0.0025));
  }
  return rows;
}

}  // namespace tandem
