// The stage cost L that closed loops are judged by: the user's. docs/cost-matching.md, section 2.
#pragma once

#include <string>

#include "model/fields.hpp"
#include "tune/matched_mpc.hpp"

namespace tandem {

// Weights of the terms of L, per second. A file of them:   [cost]  own = 1.0  velocity_error = 50.0
struct StageCost {
  double own = 1;             // the controller's own cost at theta = 1
  bool penalties = false;     // with its soft constraints
  double velocity_error = 0;  // on (vx, vy) against the command, squared [s^2/m^2 /s]
  double turn_error = 0;      // on the yaw rate against the command, squared [s^2/rad^2 /s]
  double energy = 0;          // on positive mechanical power [1/J]
  double torque = 0;          // on the sum of squared joint torques [1/(N m)^2 /s]
  double foot_slip = 0;       // on the distance that loaded feet slide [1/m]
};

Fields fields(StageCost& cost);  // cost.*

// Reads a TOML file with the table [cost]. Terms that it does not name have weight 0, `own` too. Throws Error with file:line, and if all weights are 0.
StageCost load_stage_cost(const std::string& path);

// Columns of the measured terms, in every recording: velocity_error [m^2/s^2], turn_error [rad^2/s^2], power [W], torque [N^2 m^2], foot_slip [m/s].
inline constexpr const char* kMeasuredTerms[] = {"velocity_error", "turn_error", "power", "torque", "foot_slip"};

// Writes recording.cost.
void compute_stage_cost(const MatchedMpc& mpc, const StageCost& cost, Recording& recording, int threads = 0);

}  // namespace tandem
