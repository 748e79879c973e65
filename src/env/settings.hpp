// Everything about the locomotion task that a user may change. Defaults are those of robots/task.toml, which documents them; docs/training.md.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "env/reward.hpp"
#include "model/fields.hpp"
#include "mpc/settings.hpp"
#include "policy/policy.hpp"
#include "sim/terrain.hpp"

namespace tandem {

// Half-widths of the uniform noise on what is measured, before `scale`. The MPC and the policy see the same measured state.
struct NoiseSettings {
  double scale = 1;                // 0: no noise
  double height = 0.05;            // [m]
  double linear_velocity = 0.1;    // [m/s]
  double angular_velocity = 0.05;  // [rad/s]
  double tilt = 0.05;              // of the base about x and y [rad]
  double joint_position = 0.005;   // [rad]
  double joint_velocity = 0.01;    // [rad/s]
};

// What differs between worlds, drawn anew at each reset, each {lowest, highest}. Equal values fix it.
struct RandomiseSettings {
  double friction[2] = {0.8, 1.2};    // of the ground; negative: as the robot's MJCF says
  double added_mass[2] = {0, 0};      // on the base [kg]
  double com_offset[2] = {0, 0};      // of the base, each axis [m]
  double mass_scale[2] = {1, 1};      // of each link
  double armature_scale[2] = {1, 1};  // of each joint
  double gain_scale[2] = {1, 1};      // of kp and kd, each joint
  double strength[2] = {1, 1};        // torque delivered over asked for, each joint
  double delay[2] = {0, 0};           // of the set points [s], rounded to control steps
  double noise_scale[2] = {1, 1};     // of NoiseSettings, on top of its scale
};

// The numbers of the task: what kernels read, on the processor and on a device.
struct TaskNumbers {
  Controller controller = Controller::kResidual;
  double episode = 5;                 // [s]
  double physics_dt = 0.0025;         // [s]
  CommandRange command;               // from robot.toml
  double command_deadband = 0.1;      // commands with a norm below this become zero
  double command_start = 1;           // share of the command range at progress 0, growing to 1 ...
  double command_full = 0.5;          // ... at this progress
  double start_scale = 1;             // of the random initial state (sim/randomise.hpp)
  bool staggered_start = true;        // the first episodes are cut to random lengths, so that later resets do not come in waves
  double kick_interval = 2.5;         // time between kicks [s]; 0: none
  double kick_velocity = 0.5;         // half-width of the change of each base velocity by a kick [m/s]
  double push_impulse[2] = {0, 0};    // of one push of 0.1 s per episode on the torso, in a random horizontal direction {lowest, highest} [N s]
  double max_velocity = 10;           // beyond it an episode ends [m/s]
  double max_angular_velocity = 5;    // [rad/s]
  double max_gravity_xy = 0.7;        // of |g_x| or |g_y|
  double min_height_ratio = 0.49;     // of base height over the commanded one
  double slope_time = 0.5;            // with which the slope that the MPC is told follows that under the feet [s]; 0: it takes the ground as level
  double value_scale = 1;             // of V_MPC in the observation
  Blend blend = Blend::kJointTorque;  // of the residual
  double lambda = 0.1;
  double action_scale = 1;
  NoiseSettings noise;
  RandomiseSettings randomise;
  RewardSettings reward;
  TerrainSettings terrain;
};

// How much of the way to the slope under the feet that which the MPC is told goes in a control step; all of it at the start of an episode.
constexpr double slope_share(const TaskNumbers& task, double control_dt, bool first) {
  return task.slope_time == 0 ? 0 : first || task.slope_time < control_dt ? 1 : control_dt / task.slope_time;
}

struct TaskSettings : TaskNumbers {
  MpcSettings mpc;                          // iterations, gait, weights of the MPC
  std::vector<std::string> simulator = {};  // SimSettings::program
};

// The defaults for a robot: its command range, gait, weights and nominal pose, and what the table [task] of its robot.toml says.
// Throws Error with file:line if that table is wrong.
TaskSettings make_task_settings(const Robot& robot, Controller controller);

// All of them by name, pointing into `settings`: env.*, command.*, noise.*, randomise.*, reward.*, terrain.*, mpc.*, gait.*, weights.*, solver.*.
Fields fields(TaskSettings& settings);

// The blending that the settings ask for: `blend` for a residual policy, kDirect for a policy end to end.
Blending make_blending(const Robot& robot, const TaskSettings& settings);

}  // namespace tandem
