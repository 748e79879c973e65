// The reward of the locomotion task, term by term. docs/training.md, eq. (6)-(18).
#pragma once

#include <string>
#include <vector>

#include "env/reward_kernel.hpp"
#include "model/robot.hpp"

namespace tandem {

// "linear_velocity", "yaw_rate", "action_rate", ...: the names of the weights, in that order.
const std::vector<std::string>& reward_names();

using RewardInput = RewardInputOf<double>;

// Writes the weighted terms, times control_dt.   terms (kRewardTerms)
// The robot has a floating base. Allocates nothing. Cost: 0.2 us for 18 joints.
void compute_reward(const RewardSettings& settings, const Robot& robot, const RewardInput& input, double control_dt, float* terms);

}  // namespace tandem
