// When a robot counts as fallen, and why.
#pragma once

#include "model/robot.hpp"
#include "sim/simulator.hpp"

namespace tandem {

enum class FallCause : int { kNone, kFloorContact, kHeight, kTilt, kNotFinite };
constexpr int kFallCauses = 5;

// "none", "floor contact", "height", "tilt", "not finite".
const char* name(FallCause cause);

// The cause, in this order of precedence, at the end of the last control step:
//   kNotFinite     the simulator stopped the world: a set point or the state is not finite
//   kFloorContact  a link other than a foot touched the floor during the step
//   kHeight        base lower than limits.min_base_height above the ground
//   kTilt          base more than limits.max_tilt from upright
//   ground  height of the ground under the robot [m]
FallCause detect_fall(const Model& model, const SimOutput& output, const FallLimits& limits, int world, double ground = 0);

}  // namespace tandem
