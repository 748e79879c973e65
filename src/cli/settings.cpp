#include "cli/settings.hpp"

#include "mpc/fields.hpp"

namespace tandem {

RunSettings load_settings(const std::string& name) {
  RunSettings settings{load_robot(name), {}, {}};
  settings.mpc = make_mpc_settings(settings.robot);
  settings.sim.control_dt = settings.mpc.control_dt;
  return settings;
}

Fields fields(RunSettings& s) {
  Fields out = fields(s.mpc);
  const Fields own = {{"robot.base_height", &s.robot.base_height, more_than(0)},
                      {"robot.kp", &s.robot.kp, at_least(0)},
                      {"robot.kd", &s.robot.kd, at_least(0)},
                      {"robot.min_base_height", &s.robot.limits.min_base_height},
                      {"robot.max_tilt", &s.robot.limits.max_tilt},
                      {"sim.physics_dt", &s.sim.physics_dt, more_than(0)}};
  out.insert(out.end(), own.begin(), own.end());
  return out;
}

void apply_override(RunSettings& settings, const std::string& assignment) {
  apply_assignment(fields(settings), assignment);
  settings.sim.control_dt = settings.mpc.control_dt;
}

nlohmann::ordered_json to_json(RunSettings& settings) {
  nlohmann::ordered_json json;
  json["robot"] = settings.robot.name;
  json.update(to_json(fields(settings)));
  return json;
}

}  // namespace tandem
