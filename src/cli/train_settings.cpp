#include "cli/train_settings.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/atomic_file.hpp"
#include "base/check.hpp"
#include "base/crc32c.hpp"
#include "model/load_mujoco.hpp"

namespace tandem {
namespace {

std::uint32_t check_sum(const std::string& path) {
  const std::string text = read_text(path);
  return crc32c(std::as_bytes(std::span(text)));
}

const std::string kConfig = "config.toml", kRun = "run.json";

Controller controller_of(const std::string& name) {
  return name == "mpc" ? Controller::kMpc : name == "rl" ? Controller::kRl : Controller::kResidual;
}

void write_text(const std::string& path, const std::string& text) { write_atomically(path, std::as_bytes(std::span(text))); }

}  // namespace

Fields fields(TrainSetup& setup) {
  Fields all = fields(setup.task);
  for (const Fields& more : {fields(setup.ppo), fields(setup.train)}) all.insert(all.end(), more.begin(), more.end());
  return all;
}

TrainSetup new_setup(const TrainOptions& options) {
  TrainSetup setup{.controller = options.controller.empty() ? "residual" : options.controller,
                   .robot = load_robot(options.robot.empty() ? "mit_humanoid" : options.robot),
                   .task = {},
                   .ppo = {},
                   .train = {}};
  setup.task = make_task_settings(setup.robot, controller_of(setup.controller));
  const Fields all = fields(setup);
  for (const std::string& path : options.configs) read_fields(path, all);
  for (const std::string& assignment : options.overrides) apply_assignment(all, assignment);
  check(options.blend.empty() || setup.controller == "residual" || setup.controller == "zero" || setup.controller == "random", "--blend ",
        options.blend, ": only a residual is blended, the controller is ", setup.controller);
  if (!options.blend.empty()) apply_assignment(all, "env.blend=" + options.blend, "--blend");
  setup.task.controller = controller_of(setup.controller);  // files do not decide it
  if (options.worlds) setup.train.worlds = *options.worlds;
  if (options.iterations) setup.train.iterations = *options.iterations;
  if (options.seed) setup.train.seed = *options.seed;
  check_settings(setup.ppo, setup.train);
  return setup;
}

TrainSetup resumed_setup(const TrainOptions& options, const RunFolder& folder) {
  check(options.robot.empty() && options.controller.empty() && options.blend.empty() && !options.worlds && !options.seed && options.configs.empty() &&
            options.overrides.empty() && options.name.empty() && options.logs.empty(),
        "--resume takes everything but --iterations, --device, --any-order, --threads and --json from the run; leave the other options out");
  std::ifstream file(folder.file(kRun));
  const Json run = Json::parse(file, nullptr, false);
  check(run.is_object() && run.contains("robot_file") && run.contains("controller"), folder.file(kRun),
        ": cannot be read as the description of a run; is this the folder of one?");
  const std::string toml = run["robot_file"];
  check(!run.contains("robot_sum") || run["robot_sum"] == check_sum(toml), toml, ": has changed since the run ", folder.path(),
        " began; restore it, or begin a new run");
  TrainSetup setup{.controller = run["controller"], .robot = load_robot(toml), .task = {}, .ppo = {}, .train = {}};
  setup.task = make_task_settings(setup.robot, controller_of(setup.controller));
  read_fields(folder.file(kConfig), fields(setup));
  if (options.iterations) setup.train.iterations = *options.iterations;
  check_settings(setup.ppo, setup.train);
  return setup;
}

void write_setup(TrainSetup& setup, const TrainOptions& options, const RunFolder& folder) {
  Json run;
  run["argv"] = options.argv;
  run["commit"] = commit();
  run["machine"] = machine();
  run["robot"] = setup.robot.name;
  run["robot_file"] = std::filesystem::absolute(setup.robot.toml_path).string();
  run["robot_sum"] = check_sum(setup.robot.toml_path);
  run["controller"] = setup.controller;
  run["blend"] = setup.task.controller == Controller::kResidual ? Json(name(setup.task.blend)) : Json(nullptr);
  run["seed"] = setup.train.seed;
  write_text(folder.file(kConfig), to_toml(fields(setup)));
  write_text(folder.file(kRun), to_text(run) + "\n");
}

}  // namespace tandem
