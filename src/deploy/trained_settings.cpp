#include "deploy/trained_settings.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/check.hpp"
#include "mpc/fields.hpp"

namespace tandem {
namespace {

using Json = nlohmann::ordered_json;

Json settings_of(const Policy& policy) { return policy.mpc_settings.empty() ? Json::object() : Json::parse(policy.mpc_settings); }

}  // namespace

std::string mpc_settings_text(MpcSettings settings, Controller controller) {
  Json json = Json::object();
  for (const Field& field : fields(settings))
    if (controller != Controller::kRl || field.name.starts_with("gait.")) json[field.name] = value_of(field);
  return json.dump();
}

void use_trained_settings(const Policy& policy, const std::string& policy_path, MpcSettings& settings) {
  const Fields all = fields(settings);
  const Json then = settings_of(policy);
  for (const auto& [name, value] : then.items()) {
    const auto field = std::find_if(all.begin(), all.end(), [&](const Field& f) { return f.name == name; });
    check(field != all.end(), policy_path, ": trained with ", name, " = ", value.dump(),
          ", a setting that this program does not have; update the program");
    set_field(*field, value);
  }
}

MpcSettings trained_settings(const Robot& robot, const std::string& policy_path) {
  MpcSettings settings = make_mpc_settings(robot);
  if (policy_path.empty()) return settings;
  const Policy policy = load_policy(policy_path);
  check_policy(policy, robot, policy_path);
  use_trained_settings(policy, policy_path, settings);
  return settings;
}

std::vector<std::string> changed_settings(const Policy& policy, MpcSettings settings) {
  const Json then = settings_of(policy);
  std::vector<std::string> changed;
  for (const Field& field : fields(settings)) {
    const Json now = value_of(field);
    if (!then.contains(field.name) || then[field.name] == now) continue;
    changed.push_back(now.is_array() ? field.name : cat(field.name, " = ", now.dump(), " (trained with ", then[field.name].dump(), ")"));
  }
  return changed;
}

}  // namespace tandem
