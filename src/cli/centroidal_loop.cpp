#include "cli/centroidal_loop.hpp"

#include <algorithm>
#include <cmath>

#include "base/check.hpp"
#include "base/stopwatch.hpp"
#include "cli/progress.hpp"
#include "sim/simulator.hpp"

namespace tandem {
namespace {

// How many `part` make up `whole`; they must divide.
int whole_ratio(double whole, double part, const char* what) {
  const int ratio = static_cast<int>(std::lround(whole / part));
  check(ratio >= 1 && std::abs(ratio * part - whole) < 1e-9, what, ": ", whole, " s is not a whole multiple of ", part, " s");
  return ratio;
}

std::unique_ptr<Simulator> make_plant(const Robot& robot, const CentroidalLoopSettings& settings, const Plant& plant) {
  SimSettings sim;
  sim.control_dt = sim.physics_dt = settings.physics_dt;
  sim.program = settings.simulator;
  const double* c = plant.com_offset;
  if (plant.torso_mass != 1 || c[0] != 0 || c[1] != 0 || c[2] != 0)
    sim.changes.push_back({settings.mpc.torso, plant.torso_mass, 1, {c[0], c[1], c[2]}});
  if (plant.inertia != 1) sim.changes.push_back({"*", 1, plant.inertia});
  auto simulator = make_simulator(robot, 1, sim);
  WorldParameters parameters;
  parameters.friction = plant.friction;
  simulator->set_parameters(0, parameters);
  for (auto* gains : {&simulator->input.kp, &simulator->input.kd})
    for (double& gain : *gains) gain *= plant.gains;
  return simulator;
}

// Set points on their way to the motors.
class DelayLine {
 public:
  DelayLine(int steps, const TrackerOutput& size) : line_(steps + 1, size) {}
  void clear() { pushed_ = 0; }
  // Takes the newest set points and gives those that arrive now: the first ever until then.
  const TrackerOutput& pass(const TrackerOutput& newest) {
    const int n = static_cast<int>(line_.size());
    if (pushed_ == 0) std::fill(line_.begin(), line_.end(), newest);
    line_[pushed_ % n] = newest;
    return line_[++pushed_ % n];
  }

 private:
  std::vector<TrackerOutput> line_;
  int pushed_ = 0;
};

struct TrialSums {
  HeadingVelocity velocity{};
  double torque_squared = 0, power = 0, slip = 0;
};

}  // namespace

struct CentroidalLoop::Impl {
  Robot robot;
  CentroidalLoopSettings settings;
  Plant plant;
  CentroidalMpc mpc;
  Tracker tracker;
  std::unique_ptr<Simulator> sim;
  int per_track, per_control;
  DelayLine delay;
  double weight;

  Impl(const Robot& r, const CentroidalLoopSettings& s, const Plant& p)
      : robot(r),
        settings(s),
        plant(p),
        mpc(r, s.mpc, 1),
        tracker(mpc),
        sim(make_plant(r, s, p)),
        per_track(whole_ratio(s.track_dt, s.physics_dt, "loop.track_dt")),
        per_control(whole_ratio(s.mpc.control_dt, s.track_dt, "centroidal.control_dt over loop.track_dt")),
        delay(static_cast<int>(std::lround(p.delay / s.physics_dt)), tracker.output),
        weight(total_mass(r.model) * std::hypot(r.model.gravity[0], r.model.gravity[1], r.model.gravity[2])) {}

  void place(const Trial& trial);
  bool control_step(const Trial& trial, int step, const CentroidalObserver& observer, TrialSums& sums, WorldResult& result);
  bool physics_step(const Trial& trial, double time, TrialSums& sums, WorldResult& result);
  void finish(const TrialSums& sums, double steps, const double* command, WorldResult& result) const;
};

void CentroidalLoop::Impl::place(const Trial& trial) {
  check(static_cast<int>(trial.q.size()) == robot.model.nq && static_cast<int>(trial.v.size()) == robot.model.nv,
        "closed loop: the trial's start has ", trial.q.size(), " and ", trial.v.size(), " values, expected nq = ", robot.model.nq,
        " and nv = ", robot.model.nv);
  const int world = 0;
  sim->set_state(std::span(&world, 1), trial.q, trial.v);
  mpc.reset(0, trial.phase);
  mpc.stand(0, trial.standing);
  delay.clear();
}

// Returns whether the robot still stands.
bool CentroidalLoop::Impl::physics_step(const Trial& trial, double time, TrialSums& sums, WorldResult& result) {
  const TrackerOutput& arriving = delay.pass(tracker.output);
  sim->input.tau_ff = arriving.tau_ff, sim->input.q_des = arriving.q_des, sim->input.v_des = arriving.v_des;
  const double dt = settings.physics_dt;
  for (const TimedPush& push : trial.pushes)
    if (std::lround(push.start / dt) == std::lround(time / dt)) sim->set_push(in_steps(push, dt, plant.push));
  sim->step();
  const SimOutput& out = sim->output;
  for (double tau : out.tau) {
    sums.torque_squared += tau * tau;
    result.peak_torque = std::max(result.peak_torque, std::abs(tau));
  }
  sums.power += out.power[0];
  for (double slip : out.foot_slip) sums.slip += slip;
  result.survived = time + settings.physics_dt;
  result.cause = detect_fall(robot.model, out, robot.limits, 0);
  return result.cause == FallCause::kNone;
}

bool CentroidalLoop::Impl::control_step(const Trial& trial, int step, const CentroidalObserver& observer, TrialSums& sums, WorldResult& result) {
  const SimOutput& out = sim->output;
  const double start = step * settings.mpc.control_dt;
  const std::array<double, 4> command = command_at(trial, robot.base_height, start);
  const HeadingVelocity velocity = heading_velocity(out.q.data(), out.v.data());
  sums.velocity.forward += velocity.forward, sums.velocity.left += velocity.left, sums.velocity.yaw_rate += velocity.yaw_rate;
  Stopwatch watch;
  mpc.step(out.q, out.v, command);
  double controller_seconds = watch.lap();
  result.failed_solves += !usable(mpc.output.info[0].status);
  if (observer.planned) observer.planned(mpc, command);
  bool stands = true;
  for (int t = 0; t < per_control && stands; ++t) {
    watch.lap();
    tracker.follow(mpc.plan(0), t * settings.track_dt, out.q.data(), out.v.data());
    controller_seconds += watch.lap();
    for (int s = 0; s < per_track && stands; ++s) {
      stands = physics_step(trial, start + (t * per_track + s) * settings.physics_dt, sums, result);
      if (observer.measured) observer.measured(*sim);
    }
  }
  if (observer.stepped) observer.stepped(start + settings.mpc.control_dt, controller_seconds);
  return stands;
}

void CentroidalLoop::Impl::finish(const TrialSums& sums, double steps, const double* command, WorldResult& r) const {
  r.reward = r.reward_of_run = kNaN;
  r.reward_terms.fill(kNaN);
  if (r.cause != FallCause::kNone || steps == 0) {
    r.velocity = {kNaN, kNaN, kNaN};
    r.velocity_error = r.yaw_rate_error = r.mean_squared_torque = r.positive_power = r.cost_of_transport = r.foot_slip = kNaN;
    return;
  }
  const double physics = steps * per_control * per_track;
  r.velocity = {sums.velocity.forward / steps, sums.velocity.left / steps, sums.velocity.yaw_rate / steps};
  r.velocity_error = std::hypot(r.velocity.forward - command[1], r.velocity.left - command[2]);
  r.yaw_rate_error = std::abs(r.velocity.yaw_rate - command[3]);
  r.mean_squared_torque = sums.torque_squared / physics / robot.model.njnt;
  r.positive_power = sums.power / physics;
  const double speed = std::hypot(r.velocity.forward, r.velocity.left);
  r.cost_of_transport = speed < kStandingSpeed ? kNaN : r.positive_power / (weight * speed);
  r.foot_slip = sums.slip / (steps * settings.mpc.control_dt);
}

CentroidalLoop::CentroidalLoop(const Robot& robot, const CentroidalLoopSettings& settings, const Plant& plant)
    : impl_(std::make_unique<Impl>(robot, settings, plant)) {}
CentroidalLoop::~CentroidalLoop() = default;
CentroidalLoop::CentroidalLoop(CentroidalLoop&&) noexcept = default;

CentroidalMpc& CentroidalLoop::mpc() { return impl_->mpc; }
Simulator& CentroidalLoop::sim() { return *impl_->sim; }
const Tracker& CentroidalLoop::tracker() const { return impl_->tracker; }
const Robot& CentroidalLoop::robot() const { return impl_->robot; }

WorldResult CentroidalLoop::run(const Trial& trial, const CentroidalObserver& observer) {
  Impl& s = *impl_;
  s.place(trial);
  const double dt = s.settings.mpc.control_dt;
  const int steps = std::max(1, static_cast<int>(std::lround(trial.seconds / dt)));
  const int steady = steady_state_start(steps, s.settings.mpc.gait.period, dt);
  TrialSums sums;
  WorldResult result;
  for (int step = 0; step < steps; ++step) {
    throw_if_interrupted();
    if (step == steady) sums = {};
    if (!s.control_step(trial, step, observer, sums, result)) break;
  }
  s.finish(sums, steps - steady, command_at(trial, s.robot.base_height, trial.seconds).data(), result);
  return result;
}

Fields fields(CentroidalLoopSettings& s) {
  CentroidalSettings& m = s.mpc;
  return {{"loop.physics_dt", &s.physics_dt, more_than(0)},
          {"loop.track_dt", &s.track_dt, more_than(0)},
          {"centroidal.horizon", &m.horizon, {4, 500}},
          {"centroidal.dt", &m.dt, more_than(0)},
          {"centroidal.control_dt", &m.control_dt, more_than(0)},
          {"centroidal.start_hold", &m.start_hold, at_least(0)},
          {"centroidal.start_iterations", &m.start_iterations, at_least(1)},
          {"centroidal.friction", &m.friction, more_than(0)},
          {"centroidal.knee_bend", &m.knee_bend},
          {"centroidal.height_gain", &m.height_gain, at_least(0)},
          {"centroidal.orientation_gain", &m.orientation_gain, at_least(0)},
          {"centroidal.tracking_position", &m.tracking_position, at_least(0)},
          {"centroidal.tracking_velocity", &m.tracking_velocity, at_least(0)},
          {"gait.period", &m.gait.period, more_than(0)},
          {"gait.stance_fraction", &m.gait.stance_fraction, {0, 1, true}},
          {"gait.swing_height", &m.gait.swing_height, at_least(0)},
          {"gait.takeoff_velocity", &m.gait.takeoff_velocity},
          {"gait.touchdown_velocity", &m.gait.touchdown_velocity}};
}

}  // namespace tandem
