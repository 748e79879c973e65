// Settings of the centroidal MPC: every number a user may change. docs/centroidal.md. The defaults are those of the Unitree G1.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "model/robot.hpp"

namespace tandem {

// Weights of one joint, chosen by a pattern of its name; a later pattern wins.
struct JointWeights {
  std::string pattern;
  double position;  // [cost per rad^2]
  double velocity;  // [cost per (rad/s)^2]
  double terminal;  // of the position in the last state, before the factor 3
};

// Nominal weights: what theta = 1 stands for. Orders: momentum x, y, z; orientation yaw, pitch, roll; links x, y, z of position, orientation (tilt about
// x, y, z), linear velocity, angular velocity, along the heading.
struct CentroidalWeights {
  std::array<double, 6> momentum = {8, 8, 15, 15, 15, 4};  // linear, angular, over the mass
  std::array<double, 6> base = {0, 0, 15, 0, 5, 5};        // x, y, z, yaw, pitch, roll
  std::array<double, 6> terminal_momentum = {25, 25, 25, 25, 25, 25};
  std::array<double, 6> terminal_base = {0, 0, 20, 0, 5, 5};
  double terminal_factor = 3;                                           // on all terminal weights
  std::array<double, 6> wrench = {5e-5, 5e-5, 1e-5, 5e-5, 5e-5, 2e-4};  // force, moment of each foot
  std::array<double, 12> torso = {0, 0, 0, 100, 100, 0, .1, .1, .005, 5, 5, 2};
  std::array<double, 2> com = {0, 0};  // centre of mass over the feet in stance: x, y
  std::array<double, 12> swing = {0, 0, 0, 1000, 1000, 0, 10, 10, 0, 1, 1, .005};
  std::array<double, 6> torque = {2e-4, 2e-4, 1e-4, 8e-4, 2e-5, 2e-5};  // of the leg in stance, from the hip outwards
  std::vector<JointWeights> joints = {
      {"*_hip_pitch_joint", .02, .02, .02},
      {"*_hip_roll_joint", .06, .02, .06},
      {"*_hip_yaw_joint", 4, .2, 8},
      {"*_knee_joint", .02, .02, .02},
      {"*_ankle_pitch_joint", .01, .02, .01},
      {"*_ankle_roll_joint", .01, .02, .01},
      {"waist_yaw_joint", 2, 2, 2},
      {"waist_roll_joint", .5, .8, .5},
      {"waist_pitch_joint", .5, 2, .5},
      {"*_shoulder_pitch_joint", 10, .2, 10},
      {"*_shoulder_roll_joint", 20, .1, 20},
      {"*_shoulder_yaw_joint", 2, .1, 2},
      {"*_elbow_joint", 2, .2, 2},
  };
};

// Penalties on inequalities: {mu, delta} of docs/centroidal.md, eq. (15) and (16).
struct CentroidalPenalties {
  std::array<double, 2> cone = {.2, 5};            // relaxed log barrier on the friction cone [N]
  std::array<double, 2> pressure = {.6, .5};       // on the centre of pressure [N m]
  std::array<double, 2> limits = {1200, .1};       // polynomial on joint positions [rad]
  std::array<double, 2> collision = {30000, .05};  // on the distance between spheres of the legs [m]
};

// Spheres on a link of each leg, kept apart from those of the other leg.
struct LegSphere {
  std::string body;    // pattern; one body of each leg
  double position[3];  // [m]
  double radius;       // [m]
};

// The named gaits: "stance", "slow_walk", "walk", "quick_walk", "brisk_walk", "trot", "run". Throws Error with the likely ones for another name.
GaitSettings centroidal_gait(const std::string& name);

struct CentroidalSettings {
  int horizon = 60;          // N, intervals
  double dt = 0.02;          // of an interval [s]
  double control_dt = 0.01;  // time between two calls [s], at most dt
  GaitSettings gait = centroidal_gait("walk");
  double start_hold = 0.3;   // time that a world stands on both feet after reset, before its gait starts [s]
  int start_iterations = 5;  // Gauss-Newton steps of the first call after reset; every later call makes one
  CentroidalWeights weights;
  CentroidalPenalties penalties;
  std::vector<std::string> locked = {"*_wrist_*"};  // joints that stay at their nominal position
  std::string torso = "torso_link";                 // body whose motion the cost looks at
  double foot_point[3] = {0.035, 0, -0.035};        // middle of the sole in the foot's body [m]
  double sole[2] = {0.075, 0.022};                  // half length and half width of the sole [m]
  double friction = 0.2;                            // that the plan may use: a margin to the floor's
  std::string knee = "*_knee_joint";                // joints with which
  double knee_bend = 0.3;                           // the plan stays bent by so much: a straight leg pushes neither forward nor back [rad]
  double height_gain = 5;                           // feedback of foot heights in the contact rows [1/s]
  double orientation_gain = 20;                     // of foot tilt [1/s]
  double tracking_position = 100;                   // joint accelerations per position error [1/s^2]
  double tracking_velocity = 20;                    // and per velocity error [1/s]
  std::vector<double> nominal;                      // joint positions the cost pulls to, all joints; empty: the robot's [rad]  (njnt)
  std::vector<LegSphere> spheres = {{"*_ankle_roll_link", {.09, 0, -.02}, .045},
                                    {"*_ankle_roll_link", {-.03, 0, -.02}, .04},
                                    {"*_ankle_roll_link", {0, 0, .05}, .05},
                                    {"*_knee_link", {0, 0, 0}, .06}};
  std::vector<std::array<int, 2>> pairs = {{0, 0}, {0, 1}, {1, 0}, {1, 1}, {2, 2}, {3, 3}};  // spheres of the left and of the right leg
};

// The multipliers theta, by block: momentum rows, state, input, terminal, torso, centre of mass, swing feet, leg torques. theta = 1 is the hand-tuned
// controller. docs/centroidal.md, table 1.
struct ThetaBlock {
  const char* name;
  int first, size;
};
std::vector<ThetaBlock> theta_blocks(int joints);
int theta_size(int joints);

}  // namespace tandem
