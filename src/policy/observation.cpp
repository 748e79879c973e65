#include "policy/observation.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/check.hpp"
#include "math/vec3.hpp"

namespace tandem {
namespace {

constexpr double kLargestValue = 10;  // of log(1 + V / s)

float* put(float* out, Vec3<double> a) {
  *out++ = static_cast<float>(a.x);
  *out++ = static_cast<float>(a.y);
  *out++ = static_cast<float>(a.z);
  return out;
}

// log(1 + V / s) within [0, kLargestValue], and kLargestValue for a V that is not a number: such a plan is as bad as can be.
double bounded_value(double value, double scale) {
  const double logarithm = std::log1p(std::max(value, 0.0) / scale);
  return value == value ? std::min(logarithm, kLargestValue) : kLargestValue;
}

}  // namespace

std::vector<ObservationGroup> observation_groups(int njnt, int nfoot, bool with_value) {
  std::vector<ObservationGroup> groups = {{"height", 1},          {"gravity", 3},           {"joint_position", njnt}, {"angular_velocity", 3},
                                          {"linear_velocity", 3}, {"joint_velocity", njnt}, {"phase", 2 * nfoot}};
  if (with_value) groups.push_back({"value", 1});
  groups.push_back({"command", 3});
  return groups;
}

std::string described(const std::vector<ObservationGroup>& groups) {
  std::string out;
  for (const ObservationGroup& group : groups) out += cat(out.empty() ? "" : ", ", group.name, " ", group.size);
  return out;
}

ObservationLayout make_observation_layout(const Robot& robot, bool with_value, double value_scale) {
  const int njnt = robot.model.njnt, nfoot = static_cast<int>(robot.model.foot_name.size());
  check(robot.model.floating, "robot ", robot.name, " has a fixed base, expected a floating one: what a policy observes is about its base");
  check(value_scale > 0, "the scale of V_MPC in the observation is ", value_scale, ", expected more than 0");
  ObservationLayout layout;
  layout.groups = observation_groups(njnt, nfoot, with_value);
  layout.nominal = robot.nominal;
  layout.gait_offset = robot.gait.offset;
  layout.value_scale = value_scale;
  layout.with_value = with_value;
  for (const ObservationGroup& group : layout.groups) layout.size += group.size;
  return layout;
}

void observe(const ObservationLayout& layout, const Measurement& m, float* obs) {
  const int njnt = static_cast<int>(layout.nominal.size());
  const Mat3<double> R_WB = quat_to_rotation(m.q + 3);
  *obs++ = static_cast<float>(m.q[2]);
  obs = put(obs, mul_t(R_WB, Vec3<double>{0, 0, -1}));
  for (int j = 0; j < njnt; ++j) *obs++ = static_cast<float>(m.q[7 + j] - layout.nominal[j]);
  obs = put(obs, load3<double>(m.v + 3));
  obs = put(obs, mul_t(R_WB, load3<double>(m.v)));
  for (int j = 0; j < njnt; ++j) *obs++ = static_cast<float>(m.v[6 + j]);
  for (const double offset : layout.gait_offset) {
    const double angle = 2 * std::numbers::pi * (m.phase + offset);
    *obs++ = static_cast<float>(std::sin(angle));
    *obs++ = static_cast<float>(std::cos(angle));
  }
  if (layout.with_value) *obs++ = static_cast<float>(bounded_value(m.value, layout.value_scale));
  put(obs, load3<double>(m.command + 1));
}

}  // namespace tandem
