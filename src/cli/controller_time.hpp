// What a robot's computer would have to compute in one control step, timed on what worlds of a run saw.
#pragma once

#include <vector>

#include "cli/recording.hpp"

namespace tandem {

struct ControllerTimes {
  std::vector<double> us;    // of every step of the recording [us]
  std::vector<double> best;  // the shortest of several repetitions of each step: the computation's own time, without what else the machine did
};

// Shows a recording to a controller of one world, one world after the other: plan, and for policies observation, inference and blending.
ControllerTimes time_controller(const RunSettings& settings, const StateRecording& recording);

}  // namespace tandem
