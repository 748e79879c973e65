// Every number of a run by name: for --set and --config, and for the `settings` of a JSON file.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "cli/pilot.hpp"
#include "env/settings.hpp"

namespace tandem {

// All that a run can be told to change.
struct RunSettings {
  Robot robot;        // gains, heights, limits
  TaskSettings task;  // controller, commands, disturbances, rewards, ground, physics, MPC
  Pilot pilot;        // who gives the actions, where the controller takes any
};

// A robot with the settings of an evaluation: those of the task without what disturbs it, and physics at 1 kHz. Throws Error as load_robot does.
RunSettings load_settings(const std::string& robot);

// Switches off noise, delay, kicks, pushes and the differences between worlds. Friction becomes that of the robot's MJCF: {-1, -1}.
void remove_disturbances(TaskSettings& task);
// Gives them the values of the task of this robot: robots/task.toml and its robot.toml.
void restore_disturbances(RunSettings& settings);

// All of them by name, pointing into `settings`.
Fields fields(RunSettings& settings);

// Applies "name=value"; lists are comma-separated. Throws Error on an unknown name (with the nearest ones), on a value of the wrong kind or number, or on
// one that is out of range.
void apply_override(RunSettings& settings, const std::string& assignment);
// Applies a file of settings; its tables [ppo] and [train], which are for the training, are passed over. Throws Error with file:line.
void apply_config(RunSettings& settings, const std::string& path);

// {"robot": name, "mpc.nodes": 12, ...}: every field resolved.
nlohmann::ordered_json to_json(RunSettings& settings);

}  // namespace tandem
