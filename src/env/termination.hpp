// Why an episode ends. docs/training.md, "Reward".
#pragma once

#include <string>
#include <vector>

#include "env/settings.hpp"
#include "sim/simulator.hpp"

namespace tandem {

// In order of precedence; all but the last are failures.
enum Termination : int {
  kRunning = -1,
  kEndNotFinite,    // a state, action, command or observation is not finite
  kEndFallContact,  // a link other than a foot touched the ground
  kEndHeight,       // base below min_height_ratio times the commanded height
  kEndTilt,         // |g_x| or |g_y| above max_gravity_xy
  kEndVelocity,     // base faster than max_velocity or max_angular_velocity
  kEndTimeOut,      // the episode's time is over
  kTerminations
};
// "not_finite", "fall_contact", "height", "tilt", "velocity", "time_out".
const std::vector<std::string>& episode_end_names();

// The failure of one world at the end of the last control step, or kRunning.
//   height   of the base above the ground [m]
//   command  base height, forward, left, yaw rate  (4)
Termination detect_failure(const TaskSettings& settings, const Model& model, const SimOutput& output, int world, double height,
                           const double* command);

}  // namespace tandem
