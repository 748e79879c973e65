// What the kernels of the centroidal MPC read and write: CentroidalView (constants of a robot and its settings), CentroidalNodeInput (one node of the
// plan with what the cost pulls it to). docs/centroidal.md, sections 1 and 2.
//
// State x = [h_lin / m (3), h_ang / m about the centre of mass (3), base position (3), base orientation as yaw, pitch, roll (3), joints (nj)], input
// u = [force, moment of the left foot (6), of the right foot (6), joint velocities (nj)]; all along the axes of the world. nx = nu = 12 + nj.
#pragma once

#include "model/model_view.hpp"
#include "qp/qp.hpp"

namespace tandem {

inline constexpr int kFeet = 2;
inline constexpr int kMaxJoints = 32;                       // of the robot with its locked joints merged
inline constexpr int kMaxState = 12 + kMaxJoints;           // nx, nu
inline constexpr int kMaxColumns = kMaxState + kMaxJoints;  // columns of kinematic rows: x, then joint velocities
inline constexpr int kLegJoints = 6;                        // between base and foot
inline constexpr int kFrameRows = 12;                       // position, orientation, linear, angular velocity of a link
inline constexpr int kMaxSpheres = 4;                       // of one leg
inline constexpr int kMaxPairs = 8;                         // of spheres, left against right

// Places in x and u.
inline constexpr int kLinear = 0, kAngular = 3, kPosition = 6, kEuler = 9, kJoints = 12;
inline constexpr int kWrench = 0, kVelocities = 12;

// A point of a body with the body's axes.
template <class S>
struct Frame {
  int body;
  S p_BF[3];  // [m]
};

// Relaxed log barrier: -mu log h above delta, the quadratic that continues it below. docs/centroidal.md, eq. (15).
template <class S>
struct LogBarrier {
  S mu, delta;
};
// Zero above delta, cubic below, quadratic below zero. docs/centroidal.md, eq. (16).
template <class S>
struct PolynomialBarrier {
  S mu, delta;
};

// One number per residual of a stage (docs/centroidal.md, table 1): the residuals themselves, or their weights.
template <class S>
struct StageTerms {
  S state[kMaxState], input[kMaxState];
  S torso[kFrameRows], com[2], swing[kFeet][kFrameRows], torque[kFeet][kLegJoints];
};

template <class S>
struct CentroidalView {
  ModelView<S> model;  // locked joints merged
  int nj, nx, nu, N;
  S mass;
  S dt;                   // between nodes [s]
  S momentum_scale[6];    // theta of the momentum rows: linear, angular
  StageTerms<S> weight;   // nominal value times theta
  S terminal[kMaxState];  // of the last state
  Frame<S> torso, foot[kFeet];
  int leg[kFeet][kLegJoints];  // bodies between base and foot, base side first; -1: none
  int npair;
  Frame<S> sphere[kFeet][kMaxSpheres];
  S radius[kMaxSpheres];   // [m]
  int pair[kMaxPairs][2];  // a sphere of the left leg and one of the right
  S q_min[kMaxJoints], q_max[kMaxJoints];
  S friction, sole_x, sole_y;  // half lengths of the sole [m]
  LogBarrier<S> cone, pressure;
  PolynomialBarrier<S> limits, collision;
  S height_gain, orientation_gain;  // position feedback of contact rows [1/s]
};

// What the schedule and the references are made from.
template <class S>
struct PlanView {
  S control_dt;
  S period, stance_fraction, offset[kFeet], swing_height, takeoff_velocity, touchdown_velocity;
  S weight;               // of the robot [N]
  S hold;                 // time until the gait starts: both feet stand until then [s]
  S nominal[kMaxJoints];  // [rad]
  S torso_offset[3];      // torso relative to the base in the nominal pose [m]
};

// What one step of one world starts from.
template <class S>
struct PlanOrder {
  const S* x;        // measured state  (nx)
  const S* command;  // base height [m], forward, left [m/s] in the heading frame, yaw rate [rad/s]  (4)
  S phase;           // gait time in periods
};

// What the cost and the constraints pull one node to. World frame.
template <class Real>
struct NodeReference {
  Real x[kMaxState], u[kMaxState];
  Real stance[kFeet];            // 1 in stance, 0 in swing
  Real height[kFeet];            // of the sole in swing [m]; 0 in stance
  Real height_rate[kFeet];       // [m/s]
  Real foot_velocity[kFeet][2];  // horizontal velocity of the foot in swing [m/s]
  Real torso_velocity[3];        // [m/s]
  Real torso_turn[3];            // [rad/s]
  Real torso_position[3];        // [m]
  Real cos_yaw, sin_yaw;         // of the heading in whose axes errors are weighed
};

// One node of a plan. Only Reals, so that node number i of a vector register is lane i of every one of them.
template <class Real>
struct CentroidalNodeInput {
  Real x[kMaxState], u[kMaxState];
  NodeReference<Real> ref;
};

}  // namespace tandem
