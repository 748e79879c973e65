// Options that all subcommands share, and what a subcommand looks like to main.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/closed_loop.hpp"
#include "cli/report.hpp"

namespace CLI {  // whose header takes longer to compile than all that is here
class App;
class Option;
class Validator;
}  // namespace CLI

namespace tandem {

struct CommonOptions {
  std::vector<std::string> argv;  // as typed, for the report
  std::string robot = "mit_humanoid";
  std::string json;  // file for the report; empty: none
  std::uint64_t seed = 0;
  int threads = 0;                     // 0: one per processor
  std::vector<std::string> overrides;  // name=value
  std::vector<std::string> configs;    // files of settings
  std::string disturbances = "none";   // or "task"
  std::string controller, policy;      // choose_controller
  std::string simulator = "mujoco";    // or "drake", "warp"
};

// --robot --json --seed --threads --set
void add_common_options(CLI::App& app, CommonOptions& options);
// The same without --robot.
void add_run_options(CLI::App& app, CommonOptions& options);
// One each of these.
void add_json_option(CLI::App& app, CommonOptions& options);
void add_threads_option(CLI::App& app, CommonOptions& options);
// --config --disturbances
void add_task_options(CLI::App& app, CommonOptions& options);
// --controller --policy --simulator, and those of add_task_options
void add_controller_options(CLI::App& app, CommonOptions& options);

// What an option of one number must be: finite, and from `low` to `high`. (CLI::Range lets NaN through.)
CLI::Validator within(double low, double high);

// An option of `count` comma-separated numbers. A value of another form is a usage error.
CLI::Option* add_numbers(CLI::App& app, const std::string& name, size_t count, std::vector<double>& target, const std::string& help);
// The same where whole numbers are listed, any number of them.
CLI::Option* add_integers(CLI::App& app, const std::string& name, std::vector<int>& target, const std::string& help);

// SimSettings::program of --simulator.
std::vector<std::string> simulator_command(const CommonOptions& options);

// The robot and controller that the options name, with disturbances, files and overrides applied in that order; the report's path is checked too.
// Throws Error.
RunSettings resolve(const CommonOptions& options);
// The same for another controller and policy file.
RunSettings resolve(const CommonOptions& options, const std::string& controller, const std::string& policy);
// Settings, seed and policy file for a report.
Json describe(const CommonOptions& options, RunSettings& settings);

// Index of the body that pushes act on: the one called `name`; with an empty name the first whose name contains "torso", and failing that the base.
int push_body(const Model& model, const std::string& name);

// Each adds its options to a new subcommand of `app` and runs when that is parsed; they return nothing and throw Error. `argv` is for the report.
void add_play(CLI::App& app, const std::vector<std::string>& argv);
void add_eval(CLI::App& app, const std::vector<std::string>& argv);
void add_sweep(CLI::App& app, const std::vector<std::string>& argv);
void add_bench(CLI::App& app, const std::vector<std::string>& argv);
void add_compare(CLI::App& app, const std::vector<std::string>& argv);
void add_replay(CLI::App& app, const std::vector<std::string>& argv);
void add_fit(CLI::App& app, const std::vector<std::string>& argv);

}  // namespace tandem
