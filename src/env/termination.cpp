#include "env/termination.hpp"

#include <cmath>

#include "math/vec3.hpp"

namespace tandem {

const std::vector<std::string>& episode_end_names() {
  static const std::vector<std::string> names = {"not_finite", "fall_contact", "height", "tilt", "velocity", "time_out"};
  return names;
}

Termination detect_failure(const TaskSettings& settings, const Model& model, const SimOutput& output, int world, double height,
                           const double* command) {
  const double* q = &output.q[static_cast<size_t>(world) * model.nq];
  const double* v = &output.v[static_cast<size_t>(world) * model.nv];
  if ((output.fault[world] & (kFaultSetPoint | kFaultState)) || !std::isfinite(command[0] + command[1] + command[2] + command[3]))
    return kEndNotFinite;
  if (output.floor_contact[world]) return kEndFallContact;
  if (height < settings.min_height_ratio * command[0]) return kEndHeight;
  const Mat3<double> R_WB = quat_to_rotation(q + 3);  // gravity in the base frame is minus its last row
  if (std::abs(R_WB.m[6]) > settings.max_gravity_xy || std::abs(R_WB.m[7]) > settings.max_gravity_xy) return kEndTilt;
  if (std::hypot(v[0], v[1], v[2]) > settings.max_velocity || std::hypot(v[3], v[4], v[5]) > settings.max_angular_velocity) return kEndVelocity;
  return kRunning;
}

}  // namespace tandem
