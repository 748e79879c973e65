// Who gives the actions of a run: nobody (the MPC walks alone), a policy file, zeros or chance. docs/programs.md, "Controllers".
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "env/control_loop.hpp"
#include "policy/policy.hpp"

namespace tandem {

enum class Actions : int { kNone, kPolicy, kZero, kRandom };

struct Pilot {
  Actions actions = Actions::kNone;
  std::shared_ptr<const Policy> policy;  // of kPolicy
  std::string file;                      // where it is from
  std::string label = "mpc";             // as tables and pictures call the controller
};

struct RunSettings;

// Makes `settings` those of a controller.
//   controller   "mpc", "residual", "rl", "zero" (residual, all actions 0), "random" (residual, uniform in [-1, 1]); empty: what the policy is for, or mpc
//   policy_file  of residual and rl; controller, blending, gains, nominal pose and scale of the value come from it. Empty: none
// Throws Error if the two do not go together, and as load_policy and check_policy do.
void choose_controller(const std::string& controller, const std::string& policy_file, RunSettings& settings);

// What to call a policy file among others: its name, or that of its folder if it is one of a run (policy.safetensors).
std::string short_name(const std::string& policy_file);

// Computes the actions of many worlds. Allocates only when it is made.
class Actor {
 public:
  std::vector<float> action;  // (nworld, naction); empty: the MPC walks alone

  // Throws Error unless the policy fits observation and control step of `loop`.
  Actor(const Pilot& pilot, ControlLoop& loop);

  // Writes `action` for the observations of `loop`.   active (nworld)  0: leave the world alone
  // Random actions are functions of (seed, world, step).
  void act(ControlLoop& loop, std::uint64_t seed, int step, std::span<const unsigned char> active);

 private:
  Pilot pilot_;
  std::vector<float> scratch_;  // (threads, scratch_size(policy))
};

}  // namespace tandem
