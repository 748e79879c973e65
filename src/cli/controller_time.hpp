// What a robot's computer would have to compute in one control step, timed on what worlds of a run saw.
#pragma once

#include <vector>

#include "cli/recording.hpp"

namespace tandem {

// Shows a recording to a controller of one world, one world after the other: plan, and for policies observation, inference and blending.
// Returns the time of each step [us].
std::vector<double> time_controller(const RunSettings& settings, const StateRecording& recording);

}  // namespace tandem
