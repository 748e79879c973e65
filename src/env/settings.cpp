#include "env/settings.hpp"

#include "mpc/fields.hpp"

namespace tandem {
namespace {

// [env]
Fields env_fields(TaskSettings& s) {
  const Range positive = more_than(0), non_negative = at_least(0), share{0, 1};
  return {{"env.controller", make_choice(&s.controller, {kControllerNames[0], kControllerNames[1], kControllerNames[2]})},
          {"env.episode", &s.episode, {0, 1e6, true}},
          {"env.physics_dt", &s.physics_dt, positive},
          {"env.command_deadband", &s.command_deadband, non_negative},
          {"env.command_start", &s.command_start, share},
          {"env.command_full", &s.command_full, share},
          {"env.start_scale", &s.start_scale, non_negative},
          {"env.staggered_start", &s.staggered_start},
          {"env.kick_interval", &s.kick_interval, non_negative},
          {"env.kick_velocity", &s.kick_velocity, non_negative},
          {"env.push_impulse", Interval{s.push_impulse}, non_negative},
          {"env.max_velocity", &s.max_velocity, positive},
          {"env.max_angular_velocity", &s.max_angular_velocity, positive},
          {"env.max_gravity_xy", &s.max_gravity_xy, positive},
          {"env.min_height_ratio", &s.min_height_ratio, share},
          {"env.slope_time", &s.slope_time, at_least(0)},
          {"env.value_scale", &s.value_scale, positive},
          {"env.blend", make_choice(&s.blend, {kBlendNames[0], kBlendNames[1], kBlendNames[2]})},
          {"env.lambda", &s.lambda, non_negative},
          {"env.action_scale", &s.action_scale, positive},
          {"command.vx", Interval{s.command.vx}},
          {"command.vy", Interval{s.command.vy}},
          {"command.wz", Interval{s.command.wz}}};
}

// [noise] and [randomise]
Fields disturbance_fields(NoiseSettings& n, RandomiseSettings& r) {
  const Range positive = more_than(0), non_negative = at_least(0);
  return {{"noise.scale", &n.scale, non_negative},
          {"noise.height", &n.height, non_negative},
          {"noise.linear_velocity", &n.linear_velocity, non_negative},
          {"noise.angular_velocity", &n.angular_velocity, non_negative},
          {"noise.tilt", &n.tilt, non_negative},
          {"noise.joint_position", &n.joint_position, non_negative},
          {"noise.joint_velocity", &n.joint_velocity, non_negative},
          {"randomise.friction", Interval{r.friction}},
          {"randomise.added_mass", Interval{r.added_mass}},
          {"randomise.com_offset", Interval{r.com_offset}},
          {"randomise.mass_scale", Interval{r.mass_scale}, positive},
          {"randomise.armature_scale", Interval{r.armature_scale}, positive},
          {"randomise.gain_scale", Interval{r.gain_scale}, non_negative},
          {"randomise.strength", Interval{r.strength}, positive},
          {"randomise.delay", Interval{r.delay}, {0, 1}},
          {"randomise.noise_scale", Interval{r.noise_scale}, non_negative}};
}

// [reward] and [terrain]
Fields reward_fields(RewardSettings& r, TerrainSettings& t) {
  const Range positive = more_than(0);
  return {{"reward.sigma", &r.sigma, positive},
          {"reward.linear_velocity", &r.linear_velocity},
          {"reward.yaw_rate", &r.yaw_rate},
          {"reward.action_rate", &r.action_rate},
          {"reward.action_rate_2", &r.action_rate_2},
          {"reward.action_rate_dt2", &r.action_rate_dt2, positive},
          {"reward.torque", &r.torque},
          {"reward.orientation", &r.orientation},
          {"reward.height", &r.height},
          {"reward.joint", &r.joint},
          {"reward.self_collision", &r.self_collision},
          {"reward.termination", &r.termination},
          {"reward.slip", &r.slip},
          {"reward.power", &r.power},
          {"terrain.kind", make_choice(&t.kind, {"flat", "rough", "steps", "slope"})},
          {"terrain.amplitude", &t.amplitude, at_least(0)},
          {"terrain.cell", &t.cell, positive},
          {"terrain.extent", &t.extent, positive},
          {"terrain.angle", &t.angle, {-0.8, 0.8}},
          {"terrain.seed", &t.seed, at_least(0)}};
}

}  // namespace

TaskSettings make_task_settings(const Robot& robot, Controller controller) {
  TaskSettings settings;
  settings.controller = controller;
  settings.command = robot.commands;
  settings.mpc = make_mpc_settings(robot);
  read_fields(robot.toml_path, fields(settings), "task");
  return settings;
}

Fields fields(TaskSettings& settings) {
  Fields out = env_fields(settings);
  for (const Fields& more :
       {disturbance_fields(settings.noise, settings.randomise), reward_fields(settings.reward, settings.terrain), fields(settings.mpc)})
    out.insert(out.end(), more.begin(), more.end());
  return out;
}

Blending make_blending(const Robot& robot, const TaskSettings& settings) {
  return make_blending(robot, settings.controller == Controller::kRl ? Blend::kDirect : settings.blend, settings.lambda, settings.action_scale);
}

}  // namespace tandem
