// Settings of the whole-body MPC: every number a user may change. docs/mpc.md. What differs from robot to robot is in robots/<name>/robot.toml.
#pragma once

#include <vector>

#include "model/robot.hpp"
#include "qp/qp.hpp"

namespace tandem {

struct MpcSettings {
  int nodes = 13;                   // T; the horizon is (nodes - 1) intervals
  std::vector<double> dt = {0.03};  // length of each interval [s]; one value serves all
  double control_dt = 0.01;         // time between two calls [s]
  GaitSettings gait;
  MpcWeights weights;
  std::vector<double> nominal;  // joint pose the cost pulls to [rad]  (njnt)
  double friction = 0.7;        // friction coefficient the plan may use
  int friction_sides = 4;       // facets of the pyramid inside the friction cone; 8 loses less of it
  double foot_distance = 0.1;   // left and right feet keep this apart across the base [m]; 0: may cross
  double delay = 0;             // from a measurement until its set points act: the plan starts there [s]
  double pose_trust = 0.1;      // share of the base's measured pose where the plan starts; the rest is where measured velocities carried it
  // slow integral action on forward, left and yaw velocity, because the posture costs pull the plan below its command
  double integral_gain = 0.5;   // command change per second and unit of velocity error [1/s]; 0 switches it off
  double integral_limit = 0.5;  // largest command change [m/s, rad/s]
  // steps come sooner while the base's velocity is far from its command
  double step_rate = 1;                    // largest rate of the gait, in rates of gait.period; 1: it never changes
  double step_rate_error[2] = {0.2, 0.5};  // velocity errors between which the rate grows from 1 to step_rate [m/s]
  double step_rate_forward = 1;            // how much of the forward error counts in them; the sideways one counts whole
  double step_rate_time = 0.1;             // time constant with which it follows [s]
  // ADMM penalties of the row classes (docs/solver.md): larger meets the rows sooner and the cost later
  double rho_stance = 100;      // stance rows [cost per (m/s)^2]
  double rho_swing = 30000;     // swing rows [cost per m^2]
  double rho_feet = 300;        // feet kept apart [cost per m^2]
  double rho_friction = 5e-4;   // friction rows [cost per N^2]
  double rho_position = 0.03;   // joint position boxes [cost per rad^2]
  double rho_velocity = 0.003;  // joint velocity boxes [cost per (rad/s)^2]
  SolverSettings solver;
};

// The defaults with a robot's gait, weights, nominal pose, friction and number of nodes.
MpcSettings make_mpc_settings(const Robot& robot);

}  // namespace tandem
