// What the MPC kernels read and write: MpcView (constants of a robot and its settings) and WorldView (the plan of one world), as raw arrays.
#pragma once

#include "model/model_view.hpp"
#include "qp/qp.hpp"

namespace tandem {

inline constexpr int kMaxFootPoints = 4;  // contact points of one foot: 1 (point), 2 (line: toe, heel) or 4 (sole: toe left, right, heel left, right)
inline constexpr int kMaxTangent = 128;   // degrees of freedom, and numbers of contact force, of one robot
inline constexpr int kMaxFootRows = 6;    // independent velocity rows of a sole

// One contact row of a foot: the velocity (stance) or height (swing) of a weighted sum of its points along one direction. docs/mpc.md, eq. (12)-(14).
enum class RowAxis : int {
  kX = 0,
  kY = 1,
  kZ = 2,
  kLateral = 3
};  // world axes; lateral: horizontal, across the line from the last to the first point
struct ContactRow {
  RowAxis axis;
  double weight[kMaxFootPoints];  // of the foot's points; they sum to 1 (a point of the sole) or 0 (a difference)
};

inline constexpr int kMaxFootPairs = 4;

// Two feet that face each other across the body and must keep apart. docs/mpc.md, eq. (22).
struct FootPair {
  int left, right;  // left is the foot further along the base's y axis in the nominal pose
};

template <class S>
struct MpcView {
  ModelView<S> model;
  QpDims dims;
  int nodes;            // N + 1
  int nforce;           // 3 ncon
  int nstance, nswing;  // rows of a foot in stance and in swing, nswing <= nstance
  int npoint;           // contact points per foot
  ContactRow stance_row[kMaxFootRows], swing_row[kMaxFootRows];
  int npair;  // pairs of feet kept apart; 0 when foot_distance is 0
  FootPair pair[kMaxFootPairs];
  const int* chain_start;  // joints that move foot f: chain_body[chain_start[f] .. chain_start[f + 1])  (nfoot + 1)
  const int* chain_body;   // as body numbers, base side first
  const int* scatter;      // where each number of a linearised node goes in a QP stage  (nlinear)
  int nlinear;             // numbers per linearised node (mpc/linearise_kernel.hpp)
  int ninput;              // numbers read per node
  const S* dt;             // (N)
  S control_dt;
  const S* w_q;  // weights on the tangent of q  (nv)
  const S* w_v;  // weights on v  (nv)
  S w_force[3];
  const S* nominal;                          // (njnt)
  const S *q_min, *q_max, *v_max, *damping;  // (njnt)
  S weight;                                  // of the robot [N]
  S facet_friction;                          // friction coefficient along a facet: friction cos(pi / sides)
  int friction_sides;
  const S* facet;  // directions of the facets, the heading being x  (friction_sides, 2)
  S integral_gain, integral_limit;
  S delay;                                        // between a measurement and its set points [s]
  S pose_trust;                                   // share of the base's measured pose at node 0
  S step_rate, step_rate_start, step_rate_slope;  // largest rate; velocity error at which it begins to grow [m/s], and per how much [s/m]
  S step_rate_forward;                            // how much of the forward velocity error counts
  S step_rate_gain;                               // share of the way to a new rate in a control step
  S foot_distance;                                // between the feet of a pair, along the base's y axis [m]
  S rho_feet, rho_stance, rho_swing, rho_friction, rho_position, rho_velocity;
  S period, switching, swing_height, takeoff_velocity, touchdown_velocity;
  const S* offset;  // (nfoot)
  const S* radius;  // height of a foot's points above the ground when it stands [m]  (nfoot)
};

// The plan of one world: kept from call to call, first as the linearisation point, then as the solution.
template <class S>
struct WorldView {
  S* q;        // configuration at the nodes  (nodes, nq)
  S* v;        // (nodes, nv)
  S* F;        // contact forces over the intervals, world [N]  (N, 3 ncon)
  S* stance;   // 1 in stance, 0 in swing  (nodes, nfoot)
  S* height;   // height of the foot's points at the nodes in swing [m]  (nodes, nfoot)
  S* command;  // base height [m], vx, vy in the heading frame [m/s], yaw rate [rad/s]  (4)
  S* ground;   // plane of the ground: its rise along the world's x and y, its height under the base of node 0 [m]  (3)
  S* bias;     // integral of the velocity errors, added to the command: vx, vy [m/s], yaw rate [rad/s]  (3)
  S* phase;    // gait time in periods, in [0, 1)  (1)
  S* rate;     // of the gait, in rates of the period  (1)
  S* started;  // 1 once the plan is good to start from  (1)
  S* value;    // V_MPC: cost (2) of the plan  (1)
  S* tau;      // feed-forward torques  (njnt)
  S* q_des;    // joint set points  (njnt)
  S* v_des;    // (njnt)
};

template <class S>
TANDEM_FN int world_size(const MpcView<S>& mpc) {
  const ModelView<S>& m = mpc.model;
  return mpc.nodes * (m.nq + m.nv + 2 * m.nfoot) + (mpc.nodes - 1) * mpc.nforce + 14 + 3 * m.njnt;
}
template <class S>
TANDEM_FN WorldView<S> world_at(const MpcView<S>& mpc, S* memory) {
  const ModelView<S>& m = mpc.model;
  const auto take = [&memory](int n) { return (memory += n) - n; };
  WorldView<S> w;
  w.q = take(mpc.nodes * m.nq);
  w.v = take(mpc.nodes * m.nv);
  w.F = take((mpc.nodes - 1) * mpc.nforce);
  w.stance = take(mpc.nodes * m.nfoot);
  w.height = take(mpc.nodes * m.nfoot);
  w.command = take(4);
  w.ground = take(3);
  w.bias = take(3);
  w.phase = take(1);
  w.rate = take(1);
  w.started = take(1);
  w.value = take(1);
  w.tau = take(m.njnt);
  w.q_des = take(m.njnt);
  w.v_des = take(m.njnt);
  return w;
}

}  // namespace tandem
