// The closed loop of a controller and the simulator, many worlds at once: what play, eval, sweep and bench run. docs/programs.md, "The closed loop".
//
//   ClosedLoop loop(settings, nworld, threads);
//   Scenario scenario = standing_start(loop.robot(), loop.task(), nworld, seconds, seed);
//   std::vector<WorldResult> results = run(loop, scenario);
//
// A world that falls is left out of the rest of the run. Same scenario, same bits, for every number of threads. Nothing is allocated per control step.
#pragma once

#include <array>
#include <functional>
#include <vector>

#include "cli/metrics.hpp"
#include "cli/scenario.hpp"
#include "cli/settings.hpp"
#include "sim/metrics.hpp"

namespace tandem {

// What became of one world. Means are over the steady state (metrics.hpp: steady_state_start), NaN where the robot fell before the end; but for the reward.
struct WorldResult {
  double survived = 0;                              // time until the fall, or all of it [s]
  FallCause cause = FallCause::kNone;               // kNone: survived
  HeadingVelocity velocity{};                       // mean
  double velocity_error = 0;                        // norm of (mean forward, mean left) - (commanded forward, left) [m/s]
  double yaw_rate_error = 0;                        // |mean yaw rate - commanded| [rad/s]
  double mean_squared_torque = 0;                   // over steps and joints, torques as applied [N^2 m^2]
  double positive_power = 0;                        // sum over joints of max(tau v, 0) [W]
  double cost_of_transport = 0;                     // positive power / (weight x norm of the mean (forward, left)); NaN below 0.05 m/s
  double foot_slip = 0;                             // distance that loaded feet slid, summed over feet, per second [m/s]
  int failed_solves = 0;                            // plans without a usable answer, until the fall; the robot then gets the safe output
  double peak_torque = 0;                           // largest |torque| of any joint over the whole run [N m]
  double reward = 0;                                // mean over the control steps until the fall; the step of the fall has the termination's term
  double reward_of_run = 0;                         // the same sum over all control steps of the run: a robot that lies earns nothing
  std::array<double, kRewardTerms> reward_terms{};  // of `reward`
};

// Robot, controller and simulator of a batch of worlds, sized once.
struct ClosedLoop {
  ControlLoop control;
  Actor actor;
  double step_seconds = 0;  // what controller and policy took in the last control step, all worlds [s]

  // Throws Error where ControlLoop and Actor do.
  ClosedLoop(const RunSettings& settings, int nworld, int threads);
  int nworld() const { return control.nworld(); }
  const Robot& robot() const { return control.robot(); }
  const TaskSettings& task() const { return control.settings(); }
  Simulator& sim() { return control.simulator(); }
  Mpc& mpc() { return *control.mpc(); }  // not for kRl
};

// Where an observer is called in a control step: when state, plan and observation are there; or after the simulator has advanced.
enum class Moment { kPrepared, kAfterStep };
// step: number of the control step;  active (nworld): 1 while the world has not fallen
using Observer = std::function<void(Moment moment, int step, const std::vector<unsigned char>& active)>;

// Runs `scenario` from its start: results of worlds 0 .. nworld - 1. Throws Interrupted (progress.hpp) after Ctrl-C, Error on a scenario of another size.
std::vector<WorldResult> run(ClosedLoop& loop, const Scenario& scenario, const Observer& observer = {});

// Number of control steps of a run: seconds / control_dt, rounded.
int step_count(const ClosedLoop& loop, double seconds);

}  // namespace tandem
