// Settings of the whole-body MPC: every number a user may change. docs/mpc.md; defaults are those of the MIT Humanoid, robots/<name>/robot.toml has each robot's.
#pragma once

#include <vector>

#include "qp/qp.hpp"

namespace tandem {

// When feet are on the ground. One phase in [0, 1) per foot, growing by 1 per period: stance below `switching`, swing above.
struct GaitSettings {
  double period = 0.8;          // [s]
  double switching = 0.5;       // share of the period in stance: > 0.5 gives double stance, < 0.5 flight, 1 stands still
  std::vector<double> offset;   // phase of each foot at gait time 0  (nfoot)
  double swing_height = 0.075;  // height of the foot half-way through swing [m]
  double takeoff_velocity = 0;  // vertical velocity of the foot at the start of swing [m/s]
  double touchdown_velocity = 0;  // and at its end [m/s], negative is down
};

// Diagonal weights of the cost (5), per squared unit of the error.
struct MpcWeights {
  double base_position[3] = {0, 0, 200};     // x, y: absolute drift is free; z [1/m^2]
  double base_orientation[3] = {80, 80, 30};  // roll, pitch, yaw [1/rad^2]
  double base_linear[3] = {40, 40, 15};      // world axes [s^2/m^2]
  double base_angular[3] = {2, 2, 2};        // base axes [s^2/rad^2]
  std::vector<double> joint_position;        // (njnt)
  std::vector<double> joint_velocity;        // (njnt)
  double force_xy = 1e-3;                    // per contact point [1/N^2]
  double force_z = 1e-4;
};

struct MpcSettings {
  int nodes = 12;            // T; the horizon is (nodes - 1) intervals
  std::vector<double> dt = {0.04};  // length of each interval [s]; one value serves all
  double control_dt = 0.01;  // time between two calls [s]
  GaitSettings gait;
  MpcWeights weights;
  std::vector<double> nominal;  // joint pose the cost pulls to [rad]  (njnt)
  double base_height = 0.61;    // default height command [m]
  std::vector<double> kp, kd;   // PD gains around the set points [N m/rad], [N m s/rad]  (njnt)
  double friction = 0.7;        // friction coefficient the plan may use
  int friction_sides = 4;       // facets of the pyramid inside the friction cone; 8 loses less of it
  // ADMM penalties of the row classes (docs/solver.md): larger meets the rows sooner and the cost later
  double rho_stance = 30;      // stance rows [cost per (m/s)^2]
  double rho_swing = 3000;     // swing rows [cost per m^2]
  double rho_friction = 3e-3;  // friction rows [cost per N^2]
  double rho_position = 0.3;   // joint position boxes [cost per rad^2]
  double rho_velocity = 0.003;  // joint velocity boxes [cost per (rad/s)^2]
  SolverSettings solver;
};

}  // namespace tandem
