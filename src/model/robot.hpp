// Robot: a Model and everything else a controller must know about one robot, read from robots/<name>/robot.toml. docs/robots.md lists the fields.
#pragma once

#include <string>
#include <vector>

#include "model/model.hpp"

namespace tandem {

// When each foot stands and swings. Phase p of foot f = (t / period + offset[f]) mod 1; stance while p < stance_fraction.
struct GaitSettings {
  double period;               // [s]
  double stance_fraction;      // in (0, 1]; 1: always standing
  std::vector<double> offset;  // in [0, 1)  (nfoot)
  double swing_height;         // of the contact points at mid swing [m]
  double takeoff_velocity;     // vertical velocity at lift-off [m/s]
  double touchdown_velocity;   // vertical velocity at landing [m/s]
};

// Weights of the tracking cost, per node. docs/mpc.md.
struct MpcWeights {
  double base_position[3];             // x, y, z
  double base_orientation[3];          // roll, pitch, yaw
  double base_linear_velocity[3];      // x, y, z
  double base_angular_velocity[3];     // about body x, y, z
  double force[3];                     // x, y, z of every contact point
  std::vector<double> joint_position;  // (njnt)
  std::vector<double> joint_velocity;  // (njnt)
};

// Beyond these the robot counts as fallen.
struct FallLimits {
  double min_base_height;  // [m]
  double max_tilt;         // angle between the base's z axis and the vertical [rad]
};

// What the robot is asked to follow, each {lowest, highest}.
struct CommandRange {
  double vx[2];  // forward [m/s]
  double vy[2];  // left [m/s]
  double wz[2];  // turning left [rad/s]
};

struct Robot {
  std::string name;               // name of the folder
  std::string toml_path;          // the file this was read from
  std::string model_path;         // the MJCF (or URDF) beside it, for the simulator
  Model model;                    // with contacts, feet and v_max filled in
  double base_height;             // commanded height of the base [m]
  std::vector<double> nominal;    // joint positions to stay close to [rad or m]  (njnt)
  std::vector<double> stand;      // whole configuration to start from: keyframe "stand", or else upright at base_height in the nominal pose  (nq)
  std::vector<double> kp;         // [N m/rad or N/m]  (njnt)
  std::vector<double> kd;         // [N m s/rad or N s/m]  (njnt)
  std::vector<int> action_joint;  // joints that a policy moves, ascending  (naction)
  std::vector<double> action_kp;  // gains of the policy's own joint controller on them [N m/rad or N/m]  (naction)
  std::vector<double> action_kd;  // [N m s/rad or N s/m]  (naction)
  std::vector<std::string> foot_geoms;  // shapes that may touch the ground; anything else touching it is a fall. Empty for URDF
  GaitSettings gait;
  MpcWeights weights;
  double friction;           // that the controller counts on
  int nodes;                 // of its horizon
  double step_rate;          // up to which its gait quickens when the velocity is off the command; 1: never
  double step_rate_forward;  // how much of the forward velocity error counts in this
  FallLimits limits;
  CommandRange commands;
};

// Reads a robot. `name_or_path` is the name of a folder in `robots_folder`, or the path of a robot.toml or of the folder that holds it.
//   robots_folder  empty: the environment variable TANDEM_ROBOTS, and failing that the robots/ of the source tree the program was built from
// Throws Error naming the file, the line, what was expected and the cure: unknown, missing or misspelt keys, values out of range, patterns that match no
// joint, joints that no pattern matches, bodies or shapes that do not exist, links without inertia, joints without an actuator.
Robot load_robot(const std::string& name_or_path, const std::string& robots_folder = "");

// Names of the robots in `robots_folder` (as above), sorted.
std::vector<std::string> robot_names(const std::string& robots_folder = "");

}  // namespace tandem
