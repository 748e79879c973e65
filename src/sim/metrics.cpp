#include "sim/metrics.hpp"

#include <cmath>

namespace tandem {

const char* name(FallCause cause) {
  constexpr const char* kNames[kFallCauses] = {"none", "floor contact", "height", "tilt", "not finite"};
  return kNames[static_cast<int>(cause)];
}

FallCause detect_fall(const Model& model, const SimOutput& output, const FallLimits& limits, int world, double ground) {
  if (output.fault[world] & kFaultStopped) return FallCause::kNotFinite;
  if (output.floor_contact[world]) return FallCause::kFloorContact;
  if (!model.floating) return FallCause::kNone;
  const double* q = &output.q[size_t(world) * model.nq];
  if (q[2] - ground < limits.min_base_height) return FallCause::kHeight;
  if (cos_tilt(q) < std::cos(limits.max_tilt)) return FallCause::kTilt;
  return FallCause::kNone;
}

// The z component of the base's z axis.
double cos_tilt(const double* q) { return 1 - 2 * (q[4] * q[4] + q[5] * q[5]); }

HeadingVelocity heading_velocity(const double* q, const double* v) {
  const double w = q[3], x = q[4], y = q[5], z = q[6];
  const double yaw = std::atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z));
  const double c = std::cos(yaw), s = std::sin(yaw);
  // the angular velocity is in the base frame: its vertical component is row 3 of the rotation matrix times it
  const double yaw_rate = 2 * (x * z - w * y) * v[3] + 2 * (y * z + w * x) * v[4] + (1 - 2 * (x * x + y * y)) * v[5];
  return {c * v[0] + s * v[1], c * v[1] - s * v[0], yaw_rate};
}

}  // namespace tandem
