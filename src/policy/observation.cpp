#include "policy/observation.hpp"

#include "base/check.hpp"

namespace tandem {

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

ObservationView<double> view_of(const ObservationLayout& layout) {
  return {static_cast<int>(layout.nominal.size()),
          static_cast<int>(layout.gait_offset.size()),
          layout.size,
          layout.with_value,
          layout.value_scale,
          layout.nominal.data(),
          layout.gait_offset.data()};
}

void observe(const ObservationLayout& layout, const Measurement& measurement, float* obs) { observe(view_of(layout), measurement, obs); }

}  // namespace tandem
