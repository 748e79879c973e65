// Trials: where one robot starts, what is asked of it, what pushes it, and in what its plant differs from the controller's model. What cost matching
// records and compares. docs/cost-matching.md.
//
// Every draw is a function of (seed, number of the trial): the same for every theta and plant, so that results can be compared in pairs.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/parallel.hpp"
#include "cli/scenario.hpp"
#include "model/fields.hpp"

namespace tandem {

// What the simulated robot is like, where its controller believes the model. The defaults change nothing.
struct Plant {
  std::string name = "nominal";
  double torso_mass = 1;             // of mass and inertia of the torso
  double com_offset[3] = {0, 0, 0};  // shift of the torso's centre of mass [m]
  double inertia = 1;                // of the inertias of all links
  double friction = -1;              // of every contact; negative: the MJCF's
  double delay = 0;                  // from the controller's set points to the motors [s]
  double gains = 1;                  // of kp and kd of the motors
  double push = 1;                   // of the impulses of all pushes
};

// Nominal and the mismatches by name, "custom" last: like nominal until settings say otherwise.
std::vector<Plant> standard_plants();
// The one called `name`. Throws Error with the nearest names.
const Plant& find_plant(const std::vector<Plant>& plants, const std::string& name);
// plant.<name>.torso_mass, ... of all but "nominal".
Fields fields(std::vector<Plant>& plants);

// How trials are drawn.
struct TrialSettings {
  double seconds = 15;               // of one trial
  double start_scale = 0.3;          // of the random start; 1: 18 degrees about each axis, 0.5 m/s, 0.5 rad/s
  double command_interval = 4;       // time between two commands [s]
  double vx[2] = {0, 0.6};           // of the commands, uniform: forward [m/s]
  double vy[2] = {-0.15, 0.15};      // left [m/s]
  double wz[2] = {-0.3, 0.3};        // turning left [rad/s]
  double push_start = 1.5;           // time before the first push [s]
  double push_interval = 2;          // mean time between two pushes, each within half of it [s]; 0: no pushes
  double push_impulse[2] = {3, 10};  // of one push of 0.1 s on the torso, horizontal, any direction [N s]
};
Fields fields(TrialSettings& settings);  // trial.*

struct TimedCommand {
  double start;                 // [s]
  std::array<double, 3> value;  // forward, left [m/s], yaw rate [rad/s]
};

struct Trial {
  double seconds = 0;
  std::vector<double> q, v;            // start  (nq), (nv)
  double phase = 0;                    // gait time at the start, in periods
  bool standing = false;               // never steps
  std::vector<TimedCommand> commands;  // the first at 0; ascending
  std::vector<TimedPush> pushes;       // world 0
};

// Draws trial number `number`.
//   body  what pushes act on
Trial draw_trial(const Robot& robot, const TrialSettings& settings, int body, std::uint64_t seed, int number);

// The command in force at `time`: base height, forward, left, yaw rate  (4).
std::array<double, 4> command_at(const Trial& trial, double base_height, double time);

// Runs body(task, thread) for all tasks on the threads of `pool` and throws again what the first of them threw; the others of its thread are left out.
void run_tasks(ThreadPool& pool, int n, const std::function<void(int task, int thread)>& body);

}  // namespace tandem
