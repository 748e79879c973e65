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
  // z component of the base's z axis: cos(tilt) = 1 - 2 (x^2 + y^2)
  if (1 - 2 * (q[4] * q[4] + q[5] * q[5]) < std::cos(limits.max_tilt)) return FallCause::kTilt;
  return FallCause::kNone;
}

}  // namespace tandem
