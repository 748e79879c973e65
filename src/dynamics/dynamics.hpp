// Dynamics of one robot on the host in double precision, for tools and tests: thin calls of the kernels with one lane. docs/dynamics.md.
//
//   RobotDynamics dynamics = make_dynamics(model);
//   set_state(dynamics, q, v);
//   mass_matrix(dynamics, M);
//
// Shapes as in model.hpp: q (nq), v a tau (nv), contact forces (ncon, 3) in the world; matrices row-major. A Jacobian's rows are world-aligned. Nothing
// allocates after make_dynamics. Arguments are not checked: sizes are those of the model.
#pragma once

#include <vector>

#include "model/model_view.hpp"

namespace tandem {

struct RobotDynamics {
  ModelArrays<double> arrays;
  std::vector<double> memory;  // of the kernels
  double p_WO[3];              // origin of frame O (tree_kernel.hpp) in the world: the base origin [m]
  std::vector<double> v;       // (nv)
};

RobotDynamics make_dynamics(const Model& model);

// Takes the state; everything below is about it.
void set_state(RobotDynamics& dynamics, const double* q, const double* v);

// Pose of a body in the world: p (3), R (3, 3).
void body_pose(RobotDynamics& dynamics, int body, double* p, double* R);
// Position and velocity of contact point c in the world, (3) each.
void contact_state(RobotDynamics& dynamics, int c, double* p, double* v);
// J, dJ/dt (3, nv) of contact point c and (dJ/dt) v (3).
void contact_jacobian(RobotDynamics& dynamics, int c, double* J, double* dJ, double* dJ_v);
// J, dJ/dt (6, nv) of a body: rows 0-2 angular, 3-5 velocity of its origin.
void body_jacobian(RobotDynamics& dynamics, int body, double* J, double* dJ);
// M (nv, nv), armature included.
void mass_matrix(RobotDynamics& dynamics, double* M);
// tau (nv) = M a + h - J'force; a and force may be nullptr.
void inverse_dynamics(RobotDynamics& dynamics, const double* a, const double* force, double* tau);
// d tau / d q and d tau / d v of inverse_dynamics, (nv, nv) each; columns of q in the tangent of integrate.
void inverse_dynamics_derivatives(RobotDynamics& dynamics, const double* a, const double* force, double* dtau_dq, double* dtau_dv);
// A_G (6, nv) and h_G = A_G v (6): angular momentum about the centre of mass, then linear.
void centroidal_momentum(RobotDynamics& dynamics, double* A_G, double* h_G);
// Position and velocity of the centre of mass in the world, (3) each.
void centre_of_mass(RobotDynamics& dynamics, double* p, double* v);

}  // namespace tandem
