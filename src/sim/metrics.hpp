// When a robot counts as fallen, and why; how its base leans and moves.
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

// Cosine of the angle between the base and upright.   q of a floating-base robot, its quaternion of unit length
double cos_tilt(const double* q);

// Velocity of the base in its heading frame (the world turned by the base's yaw): forward [m/s], left [m/s], yaw rate about the vertical [rad/s].
struct HeadingVelocity {
  double forward, left, yaw_rate;
};
// q, v: of a floating-base robot, conventions of Model.
HeadingVelocity heading_velocity(const double* q, const double* v);

}  // namespace tandem
