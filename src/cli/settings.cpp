#include "cli/settings.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/check.hpp"

namespace tandem {
namespace {

constexpr double kPhysicsDt = 0.001;  // [s]

// Settings of the episodes of a training, which no closed loop of so many seconds has, and what to give in their place.
constexpr std::pair<const char*, const char*> kOfEpisodes[] = {{"env.controller", "--controller"},
                                                               {"env.episode", "--seconds"},
                                                               {"env.command_start", "command.*"},
                                                               {"env.command_full", "command.*"},
                                                               {"env.start_scale", "--start-scale"},
                                                               {"env.staggered_start", "--seconds"},
                                                               {"env.max_velocity", "robot.min_base_height or robot.max_tilt"},
                                                               {"env.max_angular_velocity", "robot.min_base_height or robot.max_tilt"},
                                                               {"env.max_gravity_xy", "robot.max_tilt"},
                                                               {"env.min_height_ratio", "robot.min_base_height"}};

void set_range(double (&range)[2], double low, double high) { range[0] = low, range[1] = high; }

}  // namespace

RunSettings load_settings(const std::string& name) {
  RunSettings settings{load_robot(name), {}, {}};
  settings.task = make_task_settings(settings.robot, Controller::kMpc);
  settings.task.physics_dt = kPhysicsDt;
  remove_disturbances(settings.task);
  return settings;
}

void remove_disturbances(TaskSettings& task) {
  task.noise.scale = 0;
  task.kick_velocity = 0;
  set_range(task.push_impulse, 0, 0);
  task.randomise = {};
  set_range(task.randomise.friction, -1, -1);
}

void restore_disturbances(RunSettings& settings) {
  const TaskSettings task = make_task_settings(settings.robot, settings.task.controller);
  settings.task.noise = task.noise;
  settings.task.kick_interval = task.kick_interval;
  settings.task.kick_velocity = task.kick_velocity;
  std::copy_n(task.push_impulse, 2, settings.task.push_impulse);
  settings.task.randomise = task.randomise;
}

Fields fields(RunSettings& s) {
  Fields out = fields(s.task);
  const Fields own = {{"robot.base_height", &s.robot.base_height, more_than(0)},
                      {"robot.kp", &s.robot.kp, at_least(0)},
                      {"robot.kd", &s.robot.kd, at_least(0)},
                      {"robot.min_base_height", &s.robot.limits.min_base_height},
                      {"robot.max_tilt", &s.robot.limits.max_tilt}};
  out.insert(out.end(), own.begin(), own.end());
  return out;
}

void apply_override(RunSettings& settings, const std::string& assignment) {
  for (const auto& [name, instead] : kOfEpisodes)
    check(assignment.substr(0, assignment.find('=')) != name, "--set ", assignment, ": only the episodes of a training have it; here give ", instead);
  apply_assignment(fields(settings), assignment);
}

void apply_config(RunSettings& settings, const std::string& path) { read_fields(path, fields(settings), "", {"ppo", "train"}); }

nlohmann::ordered_json to_json(RunSettings& settings) {
  nlohmann::ordered_json json;
  json["robot"] = settings.robot.name;
  json.update(to_json(fields(settings)));
  return json;
}

}  // namespace tandem
