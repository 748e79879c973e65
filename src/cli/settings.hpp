// Every number of the controller, the solver and the simulator by name: for --set on the command line and for the `settings` of a JSON file.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "model/fields.hpp"
#include "model/robot.hpp"
#include "mpc/settings.hpp"
#include "sim/simulator.hpp"

namespace tandem {

// All that a run can be told to change. Robot carries the gains, heights and command ranges.
struct RunSettings {
  Robot robot;
  MpcSettings mpc;
  SimSettings sim;
};

// A robot with the default settings. Throws Error as load_robot does.
RunSettings load_settings(const std::string& robot);

// All of them by name, pointing into `settings`.
Fields fields(RunSettings& settings);

// Applies "name=value"; lists are comma-separated. Throws Error on an unknown name (with the nearest ones), on a value of the wrong kind or number, or on
// one that is out of range.
void apply_override(RunSettings& settings, const std::string& assignment);

// {"robot": name, "mpc.nodes": 12, ...}: every field resolved.
nlohmann::ordered_json to_json(RunSettings& settings);

}  // namespace tandem
