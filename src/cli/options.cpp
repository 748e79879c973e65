#include "cli/options.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/check.hpp"
#include "cli/python.hpp"
#include "cli/report.hpp"
#include "deploy/trained_settings.hpp"
#include "env/episode.hpp"
#include "model/names.hpp"

namespace tandem {

void add_common_options(CLI::App& app, CommonOptions& options) {
  app.add_option("--robot", options.robot, "a folder of robots/, or the path of a robot.toml")->capture_default_str();
  add_run_options(app, options);
}

void add_run_options(CLI::App& app, CommonOptions& options) {
  add_json_option(app, options);
  app.add_option("--seed", options.seed, "of everything random")->check(CLI::Range(std::uint64_t{0}, kLargestSeed))->capture_default_str();
  add_threads_option(app, options);
  app.add_option("--set", options.overrides, "name=value: another value for a setting, for example solver.iterations=25; repeatable")
      ->allow_extra_args(false);
}

void add_json_option(CLI::App& app, CommonOptions& options) {
  app.add_option("--json", options.json, "also write argv, commit, machine, settings and results to this file");
}

void add_threads_option(CLI::App& app, CommonOptions& options) {
  app.add_option("--threads", options.threads, "that share the worlds; 0: one per processor")->check(CLI::Range(0, 1024))->capture_default_str();
}

void add_task_options(CLI::App& app, CommonOptions& options) {
  app.add_option("--config", options.configs, "file of settings, like robots/task.toml; before --set; repeatable")->allow_extra_args(false);
  app.add_option("--disturbances", options.disturbances,
                 "none, or task: noise, delay, kicks, pushes and differences between worlds as in robots/task.toml and robot.toml")
      ->check(CLI::IsMember({"none", "task"}))
      ->capture_default_str();
}

void add_controller_options(CLI::App& app, CommonOptions& options) {
  app.add_option(
         "--controller", options.controller,
         "mpc: alone; residual, rl: with the policy of --policy; zero, random: residual with such actions; centroidal: the centroidal MPC (play "
         "and eval); default: what the policy is for, or mpc")
      ->check(CLI::IsMember({"mpc", "residual", "rl", "zero", "random", "centroidal"}));
  app.add_option("--policy", options.policy, "file that training wrote (policy.safetensors)");
  app.add_option("--simulator", options.simulator, "mujoco; drake: the physics of another team; warp: MuJoCo Warp, on a GPU if there is one")
      ->check(CLI::IsMember({"mujoco", "drake", "warp"}))
      ->capture_default_str();
  add_task_options(app, options);
}

CLI::Validator within(double low, double high) {
  const auto complain = [low, high](const std::string& text) -> std::string {
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    const bool number = end != text.c_str() && *end == 0 && std::isfinite(value);
    return number && low <= value && value <= high ? "" : cat(text, ", expected a number from ", low, " to ", high);
  };
  return {complain, cat("FLOAT in [", low, " - ", high, "]")};
}

CLI::Option* add_numbers(CLI::App& app, const std::string& name, size_t count, std::vector<double>& target, const std::string& help) {
  const auto read = [&target, name, count](const std::string& text) {
    try {
      target = parse_numbers(text, count, name);
    } catch (const Error& error) {
      throw CLI::ValidationError(error.what());
    }
  };
  return app.add_option_function<std::string>(name, read, help);
}

CLI::Option* add_integers(CLI::App& app, const std::string& name, std::vector<int>& target, const std::string& help) {
  static constexpr int kLargest = 1000000;
  const auto read = [&target, name](const std::string& text) {
    try {
      target.clear();
      for (double value : parse_numbers(text, 0, name)) {
        check(value == std::floor(value) && value >= 1 && value <= kLargest, name, " = ", text, ", expected whole numbers from 1 to ", kLargest);
        target.push_back(static_cast<int>(value));
      }
    } catch (const Error& error) {
      throw CLI::ValidationError(error.what());
    }
  };
  return app.add_option_function<std::string>(name, read, help);
}

std::vector<std::string> simulator_command(const CommonOptions& options) {
  if (options.simulator == "mujoco") return {};
  return python_command(options.simulator == "drake" ? "tandem.drake_simulator" : "tandem.warp_program");
}

// A line where --config or --set put another MPC below the policy than it learnt on.
static void say_what_changed(const RunSettings& settings) {
  const std::vector<std::string> changed = changed_settings(*settings.pilot.policy, settings.task.mpc);
  if (changed.empty()) return;
  std::string list;
  for (const std::string& line : changed) list += (list.empty() ? "" : ", ") + line;
  std::fprintf(stderr, "tandem: %s was trained with other settings: %s\n", settings.pilot.file.c_str(), list.c_str());
}

RunSettings resolve(const CommonOptions& options) { return resolve(options, options.controller, options.policy); }

RunSettings resolve(const CommonOptions& options, const std::string& controller, const std::string& policy) {
  check_report_path(options.json);
  RunSettings settings = load_settings(options.robot);
  choose_controller(controller, policy, settings);
  if (options.disturbances == "task") restore_disturbances(settings);
  const Controller chosen = settings.task.controller;
  for (const std::string& path : options.configs) apply_config(settings, path);
  for (const std::string& assignment : options.overrides) apply_override(settings, assignment);
  settings.task.controller = chosen;
  settings.task.simulator = simulator_command(options);
  if (settings.pilot.policy) say_what_changed(settings);
  return settings;
}

Json describe(const CommonOptions& options, RunSettings& settings) {
  Json json = to_json(settings);
  json["controller"] = settings.pilot.label;
  json["policy"] = settings.pilot.policy ? Json(settings.pilot.file) : Json(nullptr);
  json["disturbances"] = options.disturbances;
  json["simulator"] = options.simulator;
  json["seed"] = options.seed;
  return json;
}

int push_body(const Model& model, const std::string& name) {
  const std::vector<std::string>& names = model.body_name;
  if (name.empty()) return torso_of(model);
  const auto found = std::find(names.begin(), names.end(), name);
  check(found != names.end(), "robot \"", model.name, "\" has no body \"", name, "\"; nearest: ", nearest(name, names));
  return static_cast<int>(found - names.begin());
}

}  // namespace tandem
