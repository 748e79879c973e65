#include "env/reward.hpp"

namespace tandem {

const std::vector<std::string>& reward_names() {
  static const std::vector<std::string> names = {"linear_velocity", "yaw_rate", "action_rate",    "action_rate_2", "torque", "orientation",
                                                 "height",          "joint",    "self_collision", "termination",   "slip",   "power"};
  return names;
}

void compute_reward(const RewardSettings& settings, const Robot& robot, const RewardInput& input, double control_dt, float* terms) {
  compute_reward(settings, robot.model.njnt, robot.nominal.data(), input, control_dt, terms);
}

}  // namespace tandem
