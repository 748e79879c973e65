// Where the worlds of a run start, what is asked of them, and what disturbs them. docs/programs.md, "The closed loop".
//
//   Scenario scenario = standing_start(robot, task, nworld, seconds, seed);
//   draw_states(robot, {}, 0.5, scenario);  draw_commands(task.command, scenario);
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "env/episode.hpp"

namespace tandem {

// A force on one world's body for a while.
struct TimedPush {
  int world;
  int body;                     // index in Model; 0: the base
  std::array<double, 3> force;  // world frame [N]
  double start;                 // [s]
  double duration;              // [s]
};

// The same push, `strength` times as strong, in steps of `dt` [s], at least one, with the force that gives the same impulse.
Push in_steps(const TimedPush& push, double dt, double strength = 1);

// World w has the random numbers of (seed, w), whatever the controller.
struct Scenario {
  double seconds;
  std::uint64_t seed = 0;
  std::vector<Episode> world;  // state, gait time, command, parameters, delay, noise  (nworld)
  std::vector<TimedPush> pushes;
};

// Every world standing at rest, gait time 0, commanded to step in place at the robot's base height. Parameters, delay, noise and place on the terrain are
// drawn as `task` says.
Scenario standing_start(const Robot& robot, const TaskSettings& task, int nworld, double seconds, std::uint64_t seed);

// Random start of every world: state (sim/randomise.hpp, `scale` times `range`) and gait time. The place stays.
void draw_states(const Robot& robot, const InitialStateRange& range, double scale, Scenario& scenario);
// Random command of every world, uniform in `range`.
void draw_commands(const CommandRange& range, Scenario& scenario);
// Sets the command of one world: forward, left, yaw rate.
void set_command(Scenario& scenario, int world, const std::array<double, 3>& command);

}  // namespace tandem
