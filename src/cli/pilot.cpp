#include "cli/pilot.hpp"

#include <algorithm>
#include <filesystem>

#include "base/check.hpp"
#include "base/rng.hpp"
#include "cli/settings.hpp"
#include "deploy/trained_settings.hpp"
#include "model/names.hpp"

namespace tandem {
namespace {

constexpr std::uint32_t kActionStream = 100;  // beyond those of env/streams.hpp
const std::vector<std::string> kNames = {"mpc", "residual", "rl", "zero", "random"};

// The policy's own gains, pose, blending and MPC: what it was trained with.
void use_policy(const Policy& policy, const std::string& policy_file, RunSettings& settings) {
  const Blending& b = policy.blending;
  Robot& robot = settings.robot;
  robot.action_kp = b.kp_a, robot.action_kd = b.kd_a;
  robot.kp = b.kp, robot.kd = b.kd;
  robot.nominal = b.nominal;
  TaskSettings& task = settings.task;
  task.controller = policy.controller;
  if (policy.controller == Controller::kResidual) task.blend = b.blend;
  task.lambda = b.lambda;
  task.action_scale = b.scale;
  task.value_scale = policy.layout.value_scale;
  use_trained_settings(policy, policy_file, task.mpc);
}

}  // namespace

void choose_controller(const std::string& controller, const std::string& policy_file, RunSettings& settings) {
  check(controller != "centroidal", "--controller centroidal: only play and eval take it; choose another controller");
  check(controller.empty() || std::find(kNames.begin(), kNames.end(), controller) != kNames.end(), "--controller ", controller,
        ": there is no such controller; nearest: ", nearest(controller, kNames));
  const bool needs_file = controller == "residual" || controller == "rl";
  check(!needs_file || !policy_file.empty(), "--controller ", controller, " needs a policy; name its file with --policy");
  check(needs_file || controller.empty() || policy_file.empty(), "--policy ", policy_file, ": --controller ", controller,
        " takes no policy; leave one of them out");
  Pilot& pilot = settings.pilot;
  if (!policy_file.empty()) {
    auto policy = std::make_shared<Policy>(load_policy(policy_file));
    check_policy(*policy, settings.robot, policy_file);
    check(controller.empty() || controller == name(policy->controller), policy_file, ": this is a policy for --controller ", name(policy->controller),
          ", not ", controller, "; say that or give another file");
    use_policy(*policy, policy_file, settings);
    pilot = {Actions::kPolicy, policy, policy_file, name(policy->controller)};
    return;
  }
  settings.task.controller = controller == "zero" || controller == "random" ? Controller::kResidual : Controller::kMpc;
  pilot = {};
  if (controller == "zero") pilot = {Actions::kZero, nullptr, "", "zero"};
  if (controller == "random") pilot = {Actions::kRandom, nullptr, "", "random"};
}

std::string short_name(const std::string& policy_file) {
  const std::filesystem::path path = std::filesystem::absolute(policy_file).lexically_normal();
  return (path.stem() == "policy" ? path.parent_path().filename() : path.stem()).string();
}

Actor::Actor(const Pilot& pilot, ControlLoop& loop) : pilot_(pilot) {
  if (pilot.actions != Actions::kNone) action.assign(static_cast<size_t>(loop.nworld()) * loop.naction(), 0);
  if (pilot.actions != Actions::kPolicy) return;
  const Policy& policy = *pilot.policy;
  check(policy.layout.groups == loop.layout().groups, pilot.file, ": the policy observes other things than this task offers; restore its robot.toml");
  check(policy.control_dt == loop.control_dt(), pilot.file, ": the policy acts every ", policy.control_dt, " s, the controller every ",
        loop.control_dt(), " s; set mpc.control_dt=", policy.control_dt);
  scratch_.resize(static_cast<size_t>(loop.pool().size()) * scratch_size(policy));
}

void Actor::act(ControlLoop& loop, std::uint64_t seed, int step, std::span<const unsigned char> active) {
  const size_t nobs = loop.layout().size, naction = loop.naction();
  if (pilot_.actions == Actions::kPolicy) {
    const Policy& policy = *pilot_.policy;
    const size_t room = scratch_.size() / loop.pool().size();
    loop.pool().run(loop.nworld(), [&](int w, int thread) {
      if (active[w]) tandem::act(policy, &loop.observation[w * nobs], &action[w * naction], &scratch_[thread * room]);
    });
  }
  if (pilot_.actions == Actions::kRandom)
    for (int w = 0; w < loop.nworld(); ++w) {
      Rng rng{seed, static_cast<std::uint32_t>(w), kActionStream, static_cast<std::uint64_t>(step) * naction};
      for (size_t i = 0; i < naction; ++i) action[w * naction + i] = static_cast<float>(rng.uniform(-1, 1));
    }
}

}  // namespace tandem
