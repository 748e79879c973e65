// The centroidal state of a robot out of its configuration and velocity. docs/centroidal.md, eq. (1).
#pragma once

#include <vector>

#include "centroidal/lock_joints.hpp"
#include "dynamics/dynamics.hpp"

namespace tandem {

// Scratch for one robot; allocates only when it is made.
struct StateMeter {
  LockedModel locked;
  RobotDynamics dynamics;  // of locked.model
  std::vector<double> q, v, A;
  double mass;
};
StateMeter make_state_meter(const LockedModel& locked);

// Writes x (12 + njnt of the locked model).
//   q, v      of the full robot  (nq), (nv)
//   yaw_near  the yaw is chosen within half a turn of this [rad], so that it goes on smoothly over many turns
void measure_state(StateMeter& meter, const double* q, const double* v, double yaw_near, double* x);

}  // namespace tandem
