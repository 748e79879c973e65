// The command line of a training, the same for the program and for Python.
#include <CLI/CLI.hpp>

#include "cli/train_settings.hpp"

namespace tandem {
namespace {

void add_options(CLI::App& app, TrainOptions& o) {
  CLI::App* sub = app.add_subcommand("train", "Trains a policy on many simulated robots at once");
  sub->add_option("--robot", o.robot, "a folder of robots/, or the path of a robot.toml; default: mit_humanoid");
  sub->add_option("--controller", o.controller,
                  "residual: a policy on top of the MPC (default); rl: a policy end to end; mpc, zero, random: nothing is learnt")
      ->check(CLI::IsMember({"residual", "rl", "mpc", "zero", "random"}));
  sub->add_option("--blend", o.blend, "how a residual joins the MPC: joint_torque (default), joint_joint, torque_torque");
  sub->add_option("--worlds", o.worlds, "robots; default: train.worlds")->check(CLI::Range(1, 1000000));
  sub->add_option("--iterations", o.iterations, "updates; default: train.iterations")->check(CLI::Range(1, 1000000000));
  sub->add_option("--seed", o.seed, "of everything random; default: train.seed")->check(CLI::Range(std::uint64_t{0}, kLargestSeed));
  sub->add_option("--config", o.configs, "a file of settings as robots/task.toml; repeatable")->allow_extra_args(false);
  sub->add_option("--set", o.overrides, "name=value: another value for a setting, for example reward.torque=-2e-4; repeatable")
      ->allow_extra_args(false);
  sub->add_option("--name", o.name, "of the run's folder, after the time; default: blending and seed");
  sub->add_option("--logs", o.logs, "where run folders are made; default: logs");
  sub->add_option("--resume", o.resume, "folder of a run to go on with, from its latest checkpoint");
  CLI::Option* device =
      sub->add_option(
             "--device", o.device,
             "cuda, cpu: physics, MPC and learning in MuJoCo Warp and Torch, which stay on this device; default: MuJoCo and this program's learner")
          ->check(CLI::IsMember({"cuda", "cpu"}));
  sub->add_flag("--any-order", o.any_order, "with --device: faster sums in any order; on a GPU the same seed is not the same bits then")
      ->needs(device);
  sub->add_option("--threads", o.threads, "that share the work; 0: one per processor")->check(CLI::Range(0, 1024));
  sub->add_option("--json", o.json, "also write argv, commit, machine, settings and results to this file");
}

}  // namespace

std::variant<TrainOptions, int> parse_train_options(const std::vector<std::string>& argv) {
  constexpr int kUsage = 2;
  TrainOptions options;
  options.argv = argv;
  CLI::App app("Training of policies for legged robots", "tandem");
  app.require_subcommand(1);
  app.failure_message([](const CLI::App*, const CLI::Error& error) {
    return std::string("tandem: ") + error.what() + "; tandem train --help lists what there is\n";
  });
  add_options(app, options);
  std::vector<const char*> words;
  for (const std::string& word : argv) words.push_back(word.c_str());
  try {
    app.parse(static_cast<int>(words.size()), words.data());
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error) == 0 ? 0 : kUsage;
    std::cout.flush();
    return code;
  }
  return options;
}

}  // namespace tandem
