// Why an episode ends. docs/training.md, "Reward".
#pragma once

#include <string>
#include <vector>

#include "env/termination_kernel.hpp"

namespace tandem {

// "not_finite", "fall_contact", "height", "tilt", "velocity", "time_out".
const std::vector<std::string>& episode_end_names();

// The failure of one world at the end of the last control step, or kRunning.
//   height   of the base above the ground [m]
//   command  base height, forward, left, yaw rate  (4)
Termination detect_failure(const TaskSettings& settings, const Model& model, const SimOutput& output, int world, double height,
                           const double* command);

}  // namespace tandem
