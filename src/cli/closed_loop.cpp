#include "cli/closed_loop.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/check.hpp"
#include "cli/progress.hpp"

namespace tandem {
namespace {

// Sums of one world over the steady state; of the reward, over all steps.
struct WorldSums {
  HeadingVelocity velocity{};
  double torque_squared = 0, power = 0, slip = 0;
  std::array<double, kRewardTerms> terms{};
};

// The last three actions of every world, zeros at the start and for the MPC alone.
class ActionHistory {
 public:
  ActionHistory(int nworld, int naction) : size_(static_cast<size_t>(nworld) * naction), naction_(naction), rows_(3 * size_) {}
  void push(const std::vector<float>& action) {
    std::copy_backward(rows_.begin(), rows_.end() - static_cast<long>(size_), rows_.end());
    std::copy(action.begin(), action.end(), rows_.begin());
  }
  const float* row(int age, int world) const { return &rows_[age * size_ + static_cast<size_t>(world) * naction_]; }

 private:
  size_t size_, naction_;
  std::vector<float> rows_;  // newest first  (3, nworld, naction)
};

void check_scenario(const ClosedLoop& loop, const Scenario& scenario) {
  check(std::isfinite(scenario.seconds) && scenario.seconds > 0, "closed loop: ", scenario.seconds, " s, expected more than 0");
  check(scenario.world.size() == static_cast<size_t>(loop.nworld()), "closed loop: the scenario has ", scenario.world.size(), " worlds, expected ",
        loop.nworld());
  const double dt = loop.control.control_dt(), last = (step_count(loop, scenario.seconds) - 1) * dt;  // when the last control step begins
  for (const TimedPush& push : scenario.pushes) {
    check(push.world >= 0 && push.world < loop.nworld(), "closed loop: push on world ", push.world, ", expected 0 to ", loop.nworld() - 1);
    check(push.start >= 0 && push.start < last + dt / 2, "closed loop: a push at ", push.start, " s, expected 0 to ", last, " s");
  }
}

void place_worlds(ClosedLoop& loop, const Scenario& scenario) {
  for (int w = 0; w < loop.nworld(); ++w) start_episode(loop.control, w, scenario.world[w], {scenario.seed, static_cast<std::uint32_t>(w), 0});
}

// Kicks and pushes that the task has for this step: as many per second as in training, whatever the length of the run.
void disturb(ClosedLoop& loop, const EpisodeSampler& sampler, std::uint64_t seed, int step, const std::vector<unsigned char>& active) {
  for (int w = 0; w < loop.nworld(); ++w) {
    if (!active[w]) continue;
    const EpisodeKey key{seed, static_cast<std::uint32_t>(w), static_cast<std::uint32_t>(step / sampler.steps())};
    tandem::disturb(loop.control, w, sampler, key, step % sampler.steps());
  }
}

void start_pushes(ClosedLoop& loop, const std::vector<TimedPush>& pushes, int step) {
  const double dt = loop.control.control_dt();
  for (const TimedPush& push : pushes) {
    if (std::lround(push.start / dt) == step) loop.sim().set_push(in_steps(push, dt));
  }
}

void add_step(ClosedLoop& loop, int world, WorldSums& sums) {
  const Model& model = loop.robot().model;
  const SimOutput& out = loop.sim().output;
  const size_t w = world, nfoot = model.foot_name.size();
  const HeadingVelocity velocity = heading_velocity(&out.q[w * model.nq], &out.v[w * model.nv]);
  sums.velocity.forward += velocity.forward;
  sums.velocity.left += velocity.left;
  sums.velocity.yaw_rate += velocity.yaw_rate;
  for (int j = 0; j < model.njnt; ++j) sums.torque_squared += out.tau[w * model.njnt + j] * out.tau[w * model.njnt + j];
  sums.power += out.power[w];
  for (size_t f = 0; f < nfoot; ++f) sums.slip += out.foot_slip[w * nfoot + f];
}

void add_reward(ClosedLoop& loop, int world, const ActionHistory& actions, bool fell, WorldSums& sums) {
  float terms[kRewardTerms];
  compute_reward(loop.control, world, {actions.row(0, world), actions.row(1, world), actions.row(2, world)}, fell, terms);
  for (int t = 0; t < kRewardTerms; ++t) sums.terms[t] += std::isfinite(terms[t]) ? terms[t] : 0;
}

void finish_rewards(const WorldSums& sums, int lived, int steps, WorldResult& r) {
  for (int t = 0; t < kRewardTerms; ++t) {
    r.reward_terms[t] = sums.terms[t] / lived;
    r.reward += r.reward_terms[t];
    r.reward_of_run += sums.terms[t] / steps;
  }
}

void finish_means(const ClosedLoop& loop, const WorldSums& sums, int steps, const double* command, WorldResult& r) {
  if (r.cause != FallCause::kNone) {
    r.velocity = {kNaN, kNaN, kNaN};
    r.velocity_error = r.yaw_rate_error = r.mean_squared_torque = r.positive_power = r.cost_of_transport = r.foot_slip = kNaN;
    return;
  }
  const Model& model = loop.robot().model;
  const double weight = total_mass(model) * std::hypot(model.gravity[0], model.gravity[1], model.gravity[2]);
  r.velocity = {sums.velocity.forward / steps, sums.velocity.left / steps, sums.velocity.yaw_rate / steps};
  r.velocity_error = std::hypot(r.velocity.forward - command[1], r.velocity.left - command[2]);
  r.yaw_rate_error = std::abs(r.velocity.yaw_rate - command[3]);
  r.mean_squared_torque = sums.torque_squared / steps / model.njnt;
  r.positive_power = sums.power / steps;
  const double speed = std::hypot(r.velocity.forward, r.velocity.left);
  r.cost_of_transport = speed < kStandingSpeed ? kNaN : r.positive_power / (weight * speed);
  r.foot_slip = sums.slip / (steps * loop.control.control_dt());
}

// One control step of all worlds that stand.
void advance(ClosedLoop& loop, const Scenario& scenario, int step, const std::vector<unsigned char>& active, const Observer& observer) {
  loop.control.prepare(active);
  if (observer) observer(Moment::kPrepared, step, active);
  const auto start = std::chrono::steady_clock::now();
  loop.actor.act(loop.control, scenario.seed, step, active);
  const double acting = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  start_pushes(loop, scenario.pushes, step);
  loop.control.advance(loop.actor.action, active);
  const LoopTimes& times = loop.control.times;
  loop.step_seconds = times.mpc + times.observe + acting + times.blend;
  if (observer) observer(Moment::kAfterStep, step, active);
}

}  // namespace

ClosedLoop::ClosedLoop(const RunSettings& settings, int nworld, int threads)
    : control(settings.robot, settings.task, nworld, threads), actor(settings.pilot, control) {}

int step_count(const ClosedLoop& loop, double seconds) { return std::max(1, static_cast<int>(std::lround(seconds / loop.control.control_dt()))); }

std::vector<WorldResult> run(ClosedLoop& loop, const Scenario& scenario, const Observer& observer) {
  check_scenario(loop, scenario);
  const Model& model = loop.robot().model;
  const double dt = loop.control.control_dt();
  const int nworld = loop.nworld(), steps = step_count(loop, scenario.seconds);
  const int steady = steady_state_start(steps, loop.task().mpc.gait.period, dt);
  const EpisodeSampler sampler(loop.robot(), loop.task());
  ActionHistory actions(nworld, loop.control.naction());
  std::vector<WorldResult> results(nworld);
  std::vector<WorldSums> sums(nworld);
  std::vector<unsigned char> active(nworld, 1);
  place_worlds(loop, scenario);
  for (int step = 0, standing = nworld; step < steps && standing > 0; ++step) {
    throw_if_interrupted();
    disturb(loop, sampler, scenario.seed, step, active);
    advance(loop, scenario, step, active, observer);
    actions.push(loop.actor.action);
    for (int w = 0; w < nworld; ++w) {
      if (!active[w]) continue;
      WorldResult& r = results[w];
      r.survived = (step + 1) * dt;
      if (const Mpc* mpc = loop.control.mpc()) r.failed_solves += !usable(mpc->output.info[w].status);
      for (int j = 0; j < model.njnt; ++j)
        r.peak_torque = std::max(r.peak_torque, std::abs(loop.sim().output.tau[static_cast<size_t>(w) * model.njnt + j]));
      if (step >= steady) add_step(loop, w, sums[w]);
      r.cause = detect_fall(model, loop.sim().output, loop.robot().limits, w, loop.control.ground[w]);
      add_reward(loop, w, actions, r.cause != FallCause::kNone, sums[w]);
      if (r.cause != FallCause::kNone) active[w] = 0, --standing;
    }
  }
  for (int w = 0; w < nworld; ++w) {
    finish_rewards(sums[w], static_cast<int>(std::lround(results[w].survived / dt)), steps, results[w]);
    finish_means(loop, sums[w], steps - steady, scenario.world[w].command, results[w]);
  }
  return results;
}

}  // namespace tandem
