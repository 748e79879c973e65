// The closed loop of MPC and simulator, many worlds at once: what play, eval, sweep and bench run. docs/programs.md, "The closed loop".
//
//   ClosedLoop loop(robot, mpc_settings, sim_settings, nworld, threads);
//   Scenario scenario = standing_start(robot, nworld, seconds);          // then draw_states, draw_commands, pushes ...
//   std::vector<WorldResult> results = run(loop, scenario);
//
// A world that falls is left out of the rest of the run. Same scenario, same bits, for every number of threads. Nothing is allocated per control step.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "cli/metrics.hpp"
#include "mpc/mpc.hpp"
#include "sim/metrics.hpp"
#include "sim/randomise.hpp"
#include "sim/simulator.hpp"

namespace tandem {

// A force on one world's body for a while.
struct TimedPush {
  int world;
  int body;                     // index in Model; 0: the base
  std::array<double, 3> force;  // world frame [N]
  double start;                 // [s]
  double duration;              // [s]
};

// Where every world starts and what is asked of it.
struct Scenario {
  double seconds;
  std::vector<double> q, v;     // initial state  (nworld, nq), (nworld, nv)
  std::vector<double> phase;    // gait time at the start, in periods, in [0, 1)  (nworld)
  std::vector<double> command;  // base height [m], forward, left [m/s], yaw rate [rad/s]  (nworld, 4)
  std::vector<TimedPush> pushes;
};

// What became of one world. Means are over the steady state (metrics.hpp: steady_state_start); NaN where the robot fell before the end.
struct WorldResult {
  double survived = 0;                 // time until the fall, or all of it [s]
  FallCause cause = FallCause::kNone;  // kNone: survived
  HeadingVelocity velocity{};          // mean
  double velocity_error = 0;           // norm of (mean forward, mean left) - (commanded forward, left) [m/s]
  double yaw_rate_error = 0;           // |mean yaw rate - commanded| [rad/s]
  double mean_squared_torque = 0;      // over steps and joints, torques as applied [N^2 m^2]
  double positive_power = 0;           // sum over joints of max(tau v, 0) [W]
  double cost_of_transport = 0;        // positive power / (weight x mean horizontal speed); NaN below 0.05 m/s
  double foot_slip = 0;                // distance that loaded feet slid, summed over feet, per second [m/s]
  double peak_torque = 0;              // largest |torque| of any joint over the whole run [N m]
};

// Robot, controller and simulator of a batch of worlds, sized once.
struct ClosedLoop {
  Robot robot;
  Mpc mpc;
  std::unique_ptr<Simulator> sim;
  double step_seconds = 0;  // what the last Mpc::step took, all worlds [s]

  ClosedLoop(const Robot& robot, const MpcSettings& mpc_settings, const SimSettings& sim_settings, int nworld, int threads);
  int nworld() const { return mpc.nworld(); }
};

// Where an observer is called in a control step: with the measured state, before the controller; or after the simulator has advanced.
enum class Moment { kBeforeControl, kAfterStep };
// step: number of the control step;  active (nworld): 1 while the world has not fallen
using Observer = std::function<void(Moment moment, int step, const std::vector<unsigned char>& active)>;

// Runs `scenario` from its start: results of worlds 0 .. nworld - 1. Throws Interrupted (progress.hpp) after Ctrl-C, Error on arrays of wrong length.
std::vector<WorldResult> run(ClosedLoop& loop, const Scenario& scenario, const Observer& observer = {});

// Number of control steps of a run: seconds / control_dt, rounded.
int step_count(const ClosedLoop& loop, double seconds);

// Every world standing at rest, gait time 0, commanded to step in place at the robot's base height.
Scenario standing_start(const Robot& robot, int nworld, double seconds);

// Random start of every world: state (randomise.hpp, `scale` times `range`) and gait time.
void draw_states(const Robot& robot, const InitialStateRange& range, double scale, std::uint64_t seed, Scenario& scenario);
// Random command of every world, uniform in `range`.
void draw_commands(const CommandRange& range, std::uint64_t seed, Scenario& scenario);
// Sets the command of one world: forward, left, yaw rate.
void set_command(Scenario& scenario, int world, const std::array<double, 3>& command);

}  // namespace tandem
