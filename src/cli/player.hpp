// One robot in closed loop, recorded step by step: what play shows.
#pragma once

#include <string>
#include <vector>

#include "cli/closed_loop.hpp"
#include "cli/report.hpp"

namespace tandem {

// What one run gave.
struct Played {
  RunSettings settings;
  WorldResult result;
  std::vector<double> step_us, peak;  // controller's step; largest |torque| per joint [N m]
};

// Runs the scenario's one world and writes its motion to `folder`. Throws Error as ClosedLoop, run and TrajectoryWriter do.
Played play_one(const RunSettings& settings, const Scenario& scenario, const std::string& folder);

// Prints tracking, torques and times.   command: forward, left, yaw rate
void print(Played& played, const std::vector<double>& command);
// The same for several controllers side by side.
void print_beside(std::vector<Played>& all);
Json results(Played& played);

}  // namespace tandem
