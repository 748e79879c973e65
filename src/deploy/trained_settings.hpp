// The settings of the MPC that a policy was trained with: its file keeps them by name, since another MPC below it makes another controller.
#pragma once

#include <string>
#include <vector>

#include "mpc/settings.hpp"
#include "policy/policy.hpp"

namespace tandem {

// For Policy::mpc_settings: {"mpc.nodes": 12, ...}; of a policy end to end, which has no MPC, those of the gait alone.
std::string mpc_settings_text(MpcSettings settings, Controller controller);

// Writes what the policy says into `settings`; policies of earlier programs say nothing. Throws Error naming a setting that this program does not have or take.
//   policy_path   its file, for messages
void use_trained_settings(const Policy& policy, const std::string& policy_path, MpcSettings& settings);

// make_mpc_settings with what the file of the policy says; an empty path stands for no policy. Throws Error as load_policy, check_policy and the above do.
MpcSettings trained_settings(const Robot& robot, const std::string& policy_path);

// What differs from training, as "mpc.step_rate = 1.7 (trained with 1)"; of lists the name alone. Empty where the file does not say.
std::vector<std::string> changed_settings(const Policy& policy, MpcSettings settings);

}  // namespace tandem
