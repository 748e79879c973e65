#include "env/control_loop.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "base/bytes.hpp"
#include "base/check.hpp"
#include "base/memory.hpp"
#include "base/stopwatch.hpp"
#include "env/episode_kernel.hpp"
#include "env/measure.hpp"
#include "mpc/arrays.hpp"
#include "mpc/saved.hpp"

namespace tandem {
namespace {

constexpr int kLoopSaveVersion = 2;

// What a world remembers beyond its arrays.
struct LoopWorld {
  EpisodeKey key;
  double noise_scale = 1;
  int delay = 0;     // [control steps]
  int age = 0;       // control steps since reset
  int measured = 0;  // measurements since reset
};

Robot with_gait(Robot robot, const GaitSettings& gait) {
  robot.gait = gait;
  return robot;
}

bool same_size(const Mpc& a, const Mpc& b) {
  const QpDims &x = a.dims(), &y = b.dims();
  return x.N == y.N && x.nx == y.nx && x.nu == y.nu && x.nc == y.nc && x.nd == y.nd;
}

std::unique_ptr<Simulator> make_task_simulator(const Robot& robot, const TaskSettings& settings, const Terrain& terrain, int nworld, int threads) {
  check_memory(nworld * loop_bytes(robot, settings), cat(nworld, nworld == 1 ? " world of " : " worlds of ", robot.name), "take fewer worlds");
  SimSettings sim;
  sim.control_dt = settings.mpc.control_dt;
  sim.physics_dt = settings.physics_dt;
  sim.threads = threads;
  sim.terrain = terrain;
  sim.program = settings.simulator;
  return make_simulator(robot, nworld, sim);
}

}  // namespace

// MuJoCo's state row, gains and masses grow with the links: 1.6 to 2.3 KiB of each, measured.
double simulator_bytes(const Model& model) { return 3072.0 * (model.nbody + 1); }

double loop_bytes(const Robot& robot, const TaskSettings& settings) {
  const Model& model = robot.model;
  const double slots = control_steps(settings.randomise.delay[1], settings.mpc.control_dt) + 1.0;
  const double bytes = simulator_bytes(model) + sizeof(double) * (slots * kSetPointRows * model.njnt + 4.0 * (model.nq + model.nv));
  if (settings.controller == Controller::kRl) return bytes;
  const MpcView<float> mpc = make_arrays<float>(model, settings.mpc, kMpcAlign).view;
  return bytes + sizeof(float) * double(world_size(mpc) + solution_size(mpc.dims)) + sizeof(double) * 3 * model.njnt;
}

struct ControlLoop::Impl {
  Robot robot;
  TaskSettings settings;
  int nworld, njnt;
  ThreadPool pool;
  ObservationLayout layout;
  Blending blending;
  Terrain terrain;
  TerrainPlacer placer;
  GroundSensor sensor;
  std::unique_ptr<Simulator> sim;
  std::optional<Mpc> mpc;
  int nslot;  // set points that a delay line holds
  std::vector<LoopWorld> worlds;
  std::vector<double> line;                // set points of the last nslot control steps  (nworld, nslot, kSetPointRows, njnt)
  std::vector<double> kp_scale, kd_scale;  // (nworld, njnt)
  std::vector<double> start_q;             // scratch of reset()  (nq)
  std::vector<float> no_action;            // zeros  (naction)

  Impl(const Robot& r, const TaskSettings& s, int n, int threads)
      : robot(with_gait(r, s.mpc.gait)),
        settings(s),
        nworld(n),
        njnt(r.model.njnt),
        pool(threads),
        layout(make_observation_layout(robot, s.controller != Controller::kRl, s.value_scale)),
        blending(make_blending(robot, s)),
        terrain(make_terrain(s.terrain)),
        placer(r.model),
        sensor(r.model, pool.size()),
        sim(make_task_simulator(robot, s, terrain, n, pool.size())),
        nslot(control_steps(s.randomise.delay[1], s.mpc.control_dt) + 1),
        worlds(n) {
    if (s.controller != Controller::kRl) mpc.emplace(r.model, s.mpc, n, pool.size());
    line.assign(static_cast<size_t>(n) * nslot * kSetPointRows * njnt, 0);
    kp_scale.assign(static_cast<size_t>(n) * njnt, 1);
    kd_scale = kp_scale;
    start_q.resize(r.model.nq);
    no_action.assign(blending.joint.size(), 0);
  }

  // The MPC of other settings, with the plan of this one if it fits.
  std::optional<Mpc> changed_mpc(const TaskSettings& next, const std::vector<double>& phase) {
    if (next.controller == Controller::kRl) return {};
    Mpc made(robot.model, next.mpc, nworld, pool.size());
    if (mpc && same_size(*mpc, made)) {
      made.load(mpc->save());
    } else {
      for (int w = 0; w < nworld; ++w) made.reset(w, phase[w]);
    }
    return made;
  }

  double* slot(int world, int age) { return &line[(static_cast<size_t>(world) * nslot + age % nslot) * kSetPointRows * njnt]; }
  SetPoints newest(int world) {
    double* row = slot(world, worlds[world].age);
    return {row, row + njnt, row + 2 * njnt, row + 3 * njnt, row + 4 * njnt};
  }

  // The set points asked for now, into the newest slot of the line.
  void write_set_points(int world, const float* action) {
    const SetPoints points = newest(world);
    if (mpc) {
      const size_t first = static_cast<size_t>(world) * njnt;
      std::copy_n(&mpc->output.tau_ff[first], njnt, points.tau_ff);
      std::copy_n(&mpc->output.q_des[first], njnt, points.q_des);
      std::copy_n(&mpc->output.v_des[first], njnt, points.v_des);
    }
    if (settings.controller == Controller::kMpc) {
      std::copy(blending.kp.begin(), blending.kp.end(), points.kp);
      std::copy(blending.kd.begin(), blending.kd.end(), points.kd);
    } else {
      blend(blending, action, points);
    }
  }

  // Gives every active world its newest set points, write(world), and moves all on by one control step.
  template <class Write>
  void move(ControlLoop& loop, std::span<const unsigned char> active, const Write& write) {
    const size_t nq = robot.model.nq;
    const auto idle = [&](int w) { return !active.empty() && !active[w]; };
    Stopwatch watch;
    pool.run(nworld, [&](int w, int) {
      if (idle(w)) {  // a set point that is not finite makes the simulator leave a world alone
        sim->input.tau_ff[static_cast<size_t>(w) * njnt] = std::numeric_limits<double>::quiet_NaN();
        return;
      }
      write(w);
      apply_set_points(w);
      ++worlds[w].age;
    });
    loop.times.blend = watch.lap();
    sim->step();
    const double periods = settings.mpc.control_dt / settings.mpc.gait.period;
    pool.run(nworld, [&](int w, int thread) {
      if (idle(w)) return;
      loop.phase[w] += periods;
      loop.phase[w] -= std::floor(loop.phase[w]);
      feel_ground(loop, w, &sim->output.q[w * nq], thread, false);
    });
    loop.times.physics = watch.lap();
  }

  // first: at the start of an episode, where there is nothing to go on from
  void feel_ground(ControlLoop& loop, int world, const double* q, int thread, bool first) {
    const GroundPlane felt = sensor.under(terrain, q, thread);
    loop.ground[world] = felt.height;
    follow_ground(felt, slope_share(settings, settings.mpc.control_dt, first), &loop.plane[3 * static_cast<size_t>(world)]);
  }

  // The set points of `delay` control steps ago, or the first ones, to the motors.
  void apply_set_points(int world) {
    const LoopWorld& w = worlds[world];
    const double* row = slot(world, std::max(0, w.age - w.delay));
    SimInput& in = sim->input;
    const size_t first = static_cast<size_t>(world) * njnt;
    std::copy_n(row, njnt, &in.tau_ff[first]);
    std::copy_n(row + njnt, njnt, &in.q_des[first]);
    std::copy_n(row + 2 * njnt, njnt, &in.v_des[first]);
    for (int j = 0; j < njnt; ++j) {
      in.kp[first + j] = kp_scale[first + j] * row[3 * njnt + j];
      in.kd[first + j] = kd_scale[first + j] * row[4 * njnt + j];
    }
  }

  // The fields that save() and load() share; `loop` is the ControlLoop, const or not.
  template <class Archive, class Loop, class Self>
  static void archive(Archive& bytes, Loop& loop, Self& self, std::vector<std::byte>& sim_bytes, std::vector<std::byte>& mpc_bytes) {
    bytes.expect("robot", self.robot.name);
    bytes.expect("controller", static_cast<int>(self.settings.controller));
    bytes.expect("nworld", self.nworld);
    bytes.expect("numbers per observation", self.layout.size);
    bytes.expect("longest delay in control steps", self.nslot - 1);
    for (auto& w : self.worlds) {
      bytes(w.key.seed), bytes(w.key.world), bytes(w.key.episode);
      bytes(w.noise_scale), bytes(w.delay), bytes(w.age), bytes(w.measured);
    }
    bytes(self.line), bytes(self.kp_scale), bytes(self.kd_scale);
    bytes(loop.command), bytes(loop.phase), bytes(loop.ground), bytes(loop.plane), bytes(loop.measured_q), bytes(loop.measured_v),
        bytes(loop.observation);
    bytes(sim_bytes), bytes(mpc_bytes);
  }
};

ControlLoop::ControlLoop(const Robot& robot, const TaskSettings& settings, int nworld, int threads) {
  check(nworld >= 1, "nworld = ", nworld, ", expected at least 1");
  impl_ = std::make_unique<Impl>(robot, settings, nworld, threads);
  const size_t n = nworld;
  command.assign(4 * n, 0);
  phase.assign(n, 0), ground.assign(n, 0), plane.assign(3 * n, 0);
  measured_q.assign(n * robot.model.nq, 0), measured_v.assign(n * robot.model.nv, 0);
  observation.assign(n * layout().size, 0);
  const std::vector<double> rest(robot.model.nv, 0.0);
  for (int w = 0; w < nworld; ++w) {
    command[4 * w] = robot.base_height;
    reset(w, {.q = robot.stand, .v = rest});
  }
}
ControlLoop::~ControlLoop() = default;

const Robot& ControlLoop::robot() const { return impl_->robot; }
const TaskSettings& ControlLoop::settings() const { return impl_->settings; }
const ObservationLayout& ControlLoop::layout() const { return impl_->layout; }
const Blending& ControlLoop::blending() const { return impl_->blending; }
const Terrain& ControlLoop::terrain() const { return impl_->terrain; }
int ControlLoop::nworld() const { return impl_->nworld; }
int ControlLoop::naction() const { return static_cast<int>(impl_->blending.joint.size()); }
double ControlLoop::control_dt() const { return impl_->settings.mpc.control_dt; }
Simulator& ControlLoop::simulator() { return *impl_->sim; }
Mpc* ControlLoop::mpc() { return impl_->mpc ? &*impl_->mpc : nullptr; }
ThreadPool& ControlLoop::pool() { return impl_->pool; }

void ControlLoop::reset(int world, const WorldStart& start) {
  Impl& s = *impl_;
  const size_t nq = s.robot.model.nq, njnt = s.njnt;
  check(world >= 0 && world < s.nworld, "reset: world ", world, ", expected 0 to ", s.nworld - 1);
  check(start.q.size() == nq, "reset: q has ", start.q.size(), " values, expected nq = ", nq);
  check(std::isfinite(start.phase), "reset: phase = ", start.phase, ", expected a number of periods");
  for (const auto scale : {start.kp_scale, start.kd_scale})
    check(scale.empty() || scale.size() == njnt, "reset: ", scale.size(), " scales of gains, expected none or njnt = ", njnt);
  const int delay = control_steps(start.delay, control_dt());
  check(delay >= 0 && delay < s.nslot, "reset: delay = ", start.delay, " s, expected 0 to ", s.settings.randomise.delay[1],
        " s; raise randomise.delay");

  s.worlds[world] = {start.key, start.noise_scale, delay, 0, 0};
  for (const auto& [scale, to] : {std::pair{start.kp_scale, &s.kp_scale}, {start.kd_scale, &s.kd_scale}}) {
    double* row = &(*to)[world * njnt];
    scale.empty() ? std::fill_n(row, njnt, 1.0) : std::copy(scale.begin(), scale.end(), row);
  }
  std::copy(start.q.begin(), start.q.end(), s.start_q.begin());
  s.placer.place(s.terrain, s.start_q.data());
  s.sim->set_parameters(world, start.parameters);
  s.sim->set_state(std::span(&world, 1), s.start_q, start.v);
  if (s.mpc) s.mpc->reset(world, start.phase);
  phase[world] = start.phase - std::floor(start.phase);
  s.feel_ground(*this, world, s.start_q.data(), 0, true);
}

void ControlLoop::change(const Robot& robot, const TaskSettings& settings) {
  Impl& s = *impl_;
  const TaskSettings& old = s.settings;
  check(robot.name == s.robot.name, "change: robot ", robot.name, ", expected ", s.robot.name, "; make another loop");
  check(settings.mpc.control_dt == old.mpc.control_dt && settings.physics_dt == old.physics_dt,
        "change: mpc.control_dt or env.physics_dt differs; make ", "another loop");
  check(control_steps(settings.randomise.delay[1], control_dt()) == s.nslot - 1, "change: randomise.delay differs; make another loop");
  check(settings.terrain == old.terrain, "change: terrain differs; make another loop");
  Robot next = with_gait(robot, settings.mpc.gait);
  ObservationLayout layout = make_observation_layout(next, settings.controller != Controller::kRl, settings.value_scale);
  Blending blending = make_blending(next, settings);
  std::optional<Mpc> mpc = s.changed_mpc(settings, phase);
  if (settings.slope_time == 0) std::fill(plane.begin(), plane.end(), 0.0);
  s.robot = std::move(next), s.settings = settings, s.layout = std::move(layout), s.blending = std::move(blending);
  s.mpc.reset();
  if (mpc) s.mpc.emplace(std::move(*mpc));
  s.no_action.assign(s.blending.joint.size(), 0);
  observation.assign(static_cast<size_t>(s.nworld) * s.layout.size, 0);
}

void ControlLoop::prepare(std::span<const unsigned char> active) {
  Impl& s = *impl_;
  const Model& model = s.robot.model;
  const size_t nq = model.nq, nv = model.nv, nobs = s.layout.size;
  check(active.empty() || active.size() == static_cast<size_t>(s.nworld), "prepare: active has ", active.size(), " values, expected ", s.nworld);
  const auto idle = [&](int w) { return !active.empty() && !active[w]; };
  Stopwatch watch;
  s.pool.run(s.nworld, [&](int w, int) {
    if (idle(w)) return;
    LoopWorld& world = s.worlds[w];
    double *q = &measured_q[w * nq], *v = &measured_v[w * nv];
    std::copy_n(&s.sim->output.q[w * nq], nq, q);
    std::copy_n(&s.sim->output.v[w * nv], nv, v);
    q[2] -= ground[w];
    const std::uint32_t first = static_cast<std::uint32_t>(world.measured++) * noise_draws(model);
    add_noise(s.settings.noise, world.noise_scale, episode_rng(world.key, kStreamNoise, first), model, q, v);
  });
  times.measure = watch.lap();
  if (s.mpc) s.mpc->step(measured_q, measured_v, command, active, plane);
  times.mpc = watch.lap();
  s.pool.run(s.nworld, [&](int w, int) {
    if (idle(w)) return;
    if (s.mpc) phase[w] = s.mpc->output.phase[w];
    const double value = s.mpc ? s.mpc->output.value[w] : 0;
    const size_t i = w;
    observe(s.layout, {&measured_q[i * nq], &measured_v[i * nv], &command[4 * i], phase[w], value, plane[3 * i + 2]}, &observation[i * nobs]);
  });
  times.observe = watch.lap();
}

void ControlLoop::advance(std::span<const float> actions, std::span<const unsigned char> active) {
  Impl& s = *impl_;
  const size_t n = s.nworld, naction = s.blending.joint.size();
  check(actions.empty() || actions.size() == n * naction, "advance: ", actions.size(), " actions, expected none or ", n, " worlds x ", naction);
  check(active.empty() || active.size() == n, "advance: active has ", active.size(), " values, expected ", n);
  s.move(*this, active, [&](int w) { s.write_set_points(w, actions.empty() ? s.no_action.data() : &actions[w * naction]); });
}

void ControlLoop::follow(std::span<const double> tau_ff, std::span<const double> q_des, std::span<const double> v_des) {
  Impl& s = *impl_;
  const size_t njnt = s.njnt, expected = s.nworld * njnt;
  for (const auto given : {tau_ff, q_des, v_des})
    check(given.size() == expected, "follow: ", given.size(), " set points, expected ", s.nworld, " worlds x ", njnt);
  s.move(*this, {}, [&](int w) {
    const SetPoints points = s.newest(w);
    std::copy_n(&tau_ff[w * njnt], njnt, points.tau_ff);
    std::copy_n(&q_des[w * njnt], njnt, points.q_des);
    std::copy_n(&v_des[w * njnt], njnt, points.v_des);
    std::copy(s.robot.kp.begin(), s.robot.kp.end(), points.kp);
    std::copy(s.robot.kd.begin(), s.robot.kd.end(), points.kd);
  });
}

void split_torques(ControlLoop& loop, int world, double* mpc, double* residual) {
  const Model& model = loop.robot().model;
  const SimInput& in = loop.simulator().input;
  const Blending& b = loop.blending();
  const size_t w = world, njnt = model.njnt;
  const double *q = &loop.measured_q[w * model.nq + model.nq - njnt], *v = &loop.measured_v[w * model.nv + model.nv - njnt];
  const MpcOutput* plan = loop.mpc() ? &loop.mpc()->output : nullptr;
  for (size_t j = 0; j < njnt; ++j) {
    const size_t i = w * njnt + j;
    const double asked = in.tau_ff[i] + in.kp[i] * (in.q_des[i] - q[j]) + in.kd[i] * (in.v_des[i] - v[j]);
    mpc[j] = plan ? plan->tau_ff[i] + b.kp[j] * (plan->q_des[i] - q[j]) + b.kd[j] * (plan->v_des[i] - v[j]) : 0;
    residual[j] = asked - mpc[j];
  }
}

void compute_reward(ControlLoop& loop, int world, const LastActions& actions, bool terminated, float* terms) {
  const Model& model = loop.robot().model;
  const SimOutput& out = loop.simulator().output;
  const size_t w = world, nfoot = model.foot_name.size();
  double slip = 0;
  for (size_t f = 0; f < nfoot; ++f) slip += out.foot_slip[w * nfoot + f] / loop.control_dt();
  compute_reward(loop.settings().reward, loop.robot(),
                 {.q = &out.q[w * model.nq],
                  .v = &out.v[w * model.nv],
                  .height = out.q[w * model.nq + 2] - loop.ground[w],
                  .command = &loop.command[4 * w],
                  .tau = &out.tau[w * model.njnt],
                  .action = actions.now,
                  .previous = actions.previous,
                  .before_previous = actions.before_previous,
                  .naction = loop.naction(),
                  .slip = slip,
                  .power = out.power[w],
                  .self_collision = out.self_collision[w] != 0,
                  .terminated = terminated},
                 loop.control_dt(), terms);
}

std::vector<std::byte> ControlLoop::save() const {
  std::vector<std::byte> sim_bytes = impl_->sim->save(), mpc_bytes;
  if (impl_->mpc) mpc_bytes = impl_->mpc->save();
  ByteWriter bytes("control loop", kLoopSaveVersion);
  Impl::archive(bytes, *this, *impl_, sim_bytes, mpc_bytes);
  return bytes.finish();
}

void ControlLoop::load(std::span<const std::byte> bytes) {
  std::vector<std::byte> sim_bytes, mpc_bytes;
  ByteReader reader("control loop", kLoopSaveVersion, bytes);
  Impl::archive(reader, *this, *impl_, sim_bytes, mpc_bytes);
  impl_->sim->load(sim_bytes);
  if (impl_->mpc) impl_->mpc->load(mpc_bytes);
}

}  // namespace tandem
