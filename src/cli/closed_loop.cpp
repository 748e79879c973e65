#include "cli/closed_loop.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include "base/check.hpp"
#include "base/rng.hpp"
#include "cli/progress.hpp"

namespace tandem {
namespace {

constexpr std::uint32_t kPhaseStream = 2;  // 0 and 1 are initial state and command (randomise.cpp)
constexpr double kStandingSpeed = 0.05;    // below it cost of transport means nothing [m/s]
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// Sums of one world over the steady state.
struct Sums {
  HeadingVelocity velocity{};
  double torque_squared = 0, power = 0, slip = 0;
};

void check_scenario(const ClosedLoop& loop, const Scenario& scenario) {
  const Model& model = loop.robot.model;
  const size_t n = loop.nworld();
  check(model.floating, "closed loop: \"", loop.robot.name, "\" has a fixed base; walking needs a floating one");
  check(std::isfinite(scenario.seconds) && scenario.seconds > 0, "closed loop: ", scenario.seconds, " s, expected more than 0");
  check(scenario.q.size() == n * model.nq && scenario.v.size() == n * model.nv && scenario.phase.size() == n && scenario.command.size() == 4 * n,
        "closed loop: the scenario is not one of ", n, " worlds of \"", loop.robot.name, "\"");
  for (const TimedPush& push : scenario.pushes)
    check(push.world >= 0 && push.world < loop.nworld(), "closed loop: push on world ", push.world, ", expected 0 to ", n - 1);
}

void place_worlds(ClosedLoop& loop, const Scenario& scenario) {
  std::vector<int> worlds(loop.nworld());
  for (int w = 0; w < loop.nworld(); ++w) worlds[w] = w;
  loop.sim->set_state(worlds, scenario.q, scenario.v);
  for (int w = 0; w < loop.nworld(); ++w) loop.mpc.reset(w, scenario.phase[w]);
}

void start_pushes(ClosedLoop& loop, const std::vector<TimedPush>& pushes, int step) {
  const double dt = loop.sim->settings().control_dt;
  for (const TimedPush& push : pushes) {
    if (std::lround(push.start / dt) != step) continue;
    const int steps = static_cast<int>(std::lround(push.duration / dt));
    loop.sim->set_push({push.world, push.body, {push.force[0], push.force[1], push.force[2]}, steps});
  }
}

void hand_over_set_points(ClosedLoop& loop) {
  std::copy(loop.mpc.output.tau_ff.begin(), loop.mpc.output.tau_ff.end(), loop.sim->input.tau_ff.begin());
  std::copy(loop.mpc.output.q_des.begin(), loop.mpc.output.q_des.end(), loop.sim->input.q_des.begin());
  std::copy(loop.mpc.output.v_des.begin(), loop.mpc.output.v_des.end(), loop.sim->input.v_des.begin());
}

void add_step(const ClosedLoop& loop, int world, Sums& sums) {
  const Model& model = loop.robot.model;
  const SimOutput& out = loop.sim->output;
  const size_t w = world, nfoot = model.foot_name.size();
  const HeadingVelocity velocity = heading_velocity(&out.q[w * model.nq], &out.v[w * model.nv]);
  sums.velocity.forward += velocity.forward;
  sums.velocity.left += velocity.left;
  sums.velocity.yaw_rate += velocity.yaw_rate;
  for (int j = 0; j < model.njnt; ++j) sums.torque_squared += out.tau[w * model.njnt + j] * out.tau[w * model.njnt + j];
  sums.power += out.power[w];
  for (size_t f = 0; f < nfoot; ++f) sums.slip += out.foot_slip[w * nfoot + f];
}

void finish_result(const ClosedLoop& loop, const Sums& sums, int steps, const double* command, WorldResult& r) {
  if (r.cause != FallCause::kNone) {
    r.velocity = {kNaN, kNaN, kNaN};
    r.velocity_error = r.yaw_rate_error = r.mean_squared_torque = r.positive_power = r.cost_of_transport = r.foot_slip = kNaN;
    return;
  }
  const Model& model = loop.robot.model;
  const double weight = total_mass(model) * std::hypot(model.gravity[0], model.gravity[1], model.gravity[2]);
  r.velocity = {sums.velocity.forward / steps, sums.velocity.left / steps, sums.velocity.yaw_rate / steps};
  r.velocity_error = std::hypot(r.velocity.forward - command[1], r.velocity.left - command[2]);
  r.yaw_rate_error = std::abs(r.velocity.yaw_rate - command[3]);
  r.mean_squared_torque = sums.torque_squared / steps / model.njnt;
  r.positive_power = sums.power / steps;
  const double speed = std::hypot(r.velocity.forward, r.velocity.left);
  r.cost_of_transport = speed < kStandingSpeed ? kNaN : r.positive_power / (weight * speed);
  r.foot_slip = sums.slip / (steps * loop.sim->settings().control_dt);
}

}  // namespace

ClosedLoop::ClosedLoop(const Robot& r, const MpcSettings& mpc_settings, const SimSettings& sim_settings, int nworld, int threads)
    : robot(r), mpc(r.model, mpc_settings, nworld, threads) {
  SimSettings settings = sim_settings;
  settings.threads = threads;
  settings.control_dt = mpc_settings.control_dt;
  sim = make_simulator(robot, nworld, settings);
}

int step_count(const ClosedLoop& loop, double seconds) {
  return std::max(1, static_cast<int>(std::lround(seconds / loop.sim->settings().control_dt)));
}

std::vector<WorldResult> run(ClosedLoop& loop, const Scenario& scenario, const Observer& observer) {
  check_scenario(loop, scenario);
  const Model& model = loop.robot.model;
  const double dt = loop.sim->settings().control_dt;
  const int steps = step_count(loop, scenario.seconds), steady = steady_state_start(steps, loop.mpc.settings().gait.period, dt);
  std::vector<WorldResult> results(loop.nworld());
  std::vector<Sums> sums(loop.nworld());
  std::vector<unsigned char> active(loop.nworld(), 1);
  place_worlds(loop, scenario);
  for (int step = 0, standing = loop.nworld(); step < steps && standing > 0; ++step) {
    throw_if_interrupted();
    if (observer) observer(Moment::kBeforeControl, step, active);
    const auto start = std::chrono::steady_clock::now();
    loop.mpc.step(loop.sim->output.q, loop.sim->output.v, scenario.command, active);
    loop.step_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    hand_over_set_points(loop);
    // a set point that is not finite makes the simulator leave a fallen world alone
    for (int w = 0; w < loop.nworld(); ++w)
      if (!active[w]) loop.sim->input.tau_ff[static_cast<size_t>(w) * model.njnt] = kNaN;
    start_pushes(loop, scenario.pushes, step);
    loop.sim->step();
    if (observer) observer(Moment::kAfterStep, step, active);
    for (int w = 0; w < loop.nworld(); ++w) {
      if (!active[w]) continue;
      WorldResult& r = results[w];
      r.survived = (step + 1) * dt;
      for (int j = 0; j < model.njnt; ++j)
        r.peak_torque = std::max(r.peak_torque, std::abs(loop.sim->output.tau[static_cast<size_t>(w) * model.njnt + j]));
      if (step >= steady) add_step(loop, w, sums[w]);
      r.cause = detect_fall(model, loop.sim->output, loop.robot.limits, w);
      if (r.cause != FallCause::kNone) active[w] = 0, --standing;
    }
  }
  for (int w = 0; w < loop.nworld(); ++w) finish_result(loop, sums[w], steps - steady, &scenario.command[4 * static_cast<size_t>(w)], results[w]);
  return results;
}

Scenario standing_start(const Robot& robot, int nworld, double seconds) {
  Scenario scenario;
  scenario.seconds = seconds;
  const size_t n = nworld;
  for (size_t w = 0; w < n; ++w) {
    scenario.q.insert(scenario.q.end(), robot.stand.begin(), robot.stand.end());
    scenario.command.insert(scenario.command.end(), {robot.base_height, 0, 0, 0});
  }
  scenario.v.assign(n * robot.model.nv, 0);
  scenario.phase.assign(n, 0);
  return scenario;
}

void draw_states(const Robot& robot, const InitialStateRange& range, double scale, std::uint64_t seed, Scenario& scenario) {
  const size_t nq = robot.model.nq, nv = robot.model.nv;
  for (size_t w = 0; w < scenario.phase.size(); ++w) {
    sample_initial_state(robot.model, robot.stand.data(), range, scale, seed, static_cast<int>(w), &scenario.q[w * nq], &scenario.v[w * nv]);
    scenario.phase[w] = Rng{seed, static_cast<std::uint32_t>(w), kPhaseStream}.uniform();
  }
}

void draw_commands(const CommandRange& range, std::uint64_t seed, Scenario& scenario) {
  for (size_t w = 0; w < scenario.phase.size(); ++w) sample_command(range, seed, static_cast<int>(w), &scenario.command[4 * w + 1]);
}

void set_command(Scenario& scenario, int world, const std::array<double, 3>& command) {
  std::copy(command.begin(), command.end(), &scenario.command[4 * static_cast<size_t>(world) + 1]);
}

}  // namespace tandem
