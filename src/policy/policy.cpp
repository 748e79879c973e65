#include "policy/policy.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace tandem {
namespace {

template <class T>
std::string joined(const std::vector<T>& values) {
  std::string out;
  for (const T& value : values) out += cat(out.empty() ? "" : ", ", value);
  return out;
}

}  // namespace

const char* name(Controller controller) { return kControllerNames[static_cast<int>(controller)]; }

void check_policy(const Policy& policy, const Robot& robot, const std::string& path) {
  check(policy.robot == robot.name, path, ": this policy is for the robot \"", policy.robot, "\", expected \"", robot.name, "\"; give --robot ",
        policy.robot, ", or that robot's folder, or another policy");
  std::vector<std::string> acting;
  for (const int j : robot.action_joint) acting.push_back(robot.model.joint_name[j]);
  check(policy.action_joint == acting, path, ": this policy moves the joints ", joined(policy.action_joint), ", expected those under [policy] in ",
        robot.toml_path, ": ", joined(acting), "; train a new one or restore that file");
  check(policy.blending.joint == robot.action_joint, path, ": the joints that this policy moves have the numbers ", joined(policy.blending.joint),
        ", those of ", robot.model_path, " are ", joined(robot.action_joint), "; train a new one or restore the order of the joints in that file");
  const ObservationLayout layout = make_observation_layout(robot, policy.layout.with_value, policy.layout.value_scale);
  check(policy.layout.groups == layout.groups, path, ": this policy observes ", described(policy.layout.groups), ", expected ",
        described(layout.groups), "; train a new one for this robot");
}

int scratch_size(const Policy& policy) {
  int widest = policy.layout.size;
  for (const Layer& layer : policy.layers) widest = std::max(widest, layer.rows);
  return 2 * widest;
}

}  // namespace tandem
