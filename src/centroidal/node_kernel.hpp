// One node of the plan linearised: prediction, contact rows, cost. docs/centroidal.md, section 5. One node is one lane of a Pack: nodes are independent, so
// one plan of 60 intervals fills four vector registers of 16.
#pragma once

#include "centroidal/cost_kernel.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

// What linearising a node gives. Only Reals, as CentroidalNodeInput. Cost terms are times dt; rows of the cost are scaled by the root of their curvature, so
// that the Hessian is the sum of their squares, eq. (25); rows without weight are not written.
template <class Real>
struct CentroidalNodeOutput {
  Real cost;                           // of the node [cost]
  Real gx[kMaxState], gu[kMaxState];   // gradient
  Real hx[kMaxState], hu[kMaxState];   // diagonal of the Hessian without the rows below
  Real hxy[3], hxy_wrench[2 * kFeet];  // its entries between x and y of the momenta and the position, of the forces and moments
  Prediction<Real> step;
  KinematicRow<Real> contact[kFeet][6];
  Real compliance[kFeet][6];
  KinematicRow<Real> torso[kFrameRows], com[2], swing[kFeet][kFrameRows];
  LegRow<Real> torque[kFeet][kLegJoints], pressure[kFeet][kPressureRows], cone[kFeet];
  PairRow<Real> pair[kMaxPairs];
};

// Scratch of linearise_node beside the tree data of two evaluations.
template <class Real>
struct NodeWork {
  CentroidalMotion<Real> motion;
  MotionColumns<Real> columns;
  CostFrames<Real> frames;
  FrameColumn<Real> torso[kMaxColumns], foot[kFeet][kMaxColumns];
  StageTerms<Real> residual;
  PredictWork<Real> predict;
};

// Quadratic cost w/2 |H (x - x_ref)|^2 of a block: cost, gradient, Hessian; H turns the horizontal components of `triples` to the heading, eq. (18).
template <class Real, class S>
struct TrackingBlock {
  const S* weight;
  const Real* residual;
  int n, triples;  // numbers; of which the first 3 `triples` are vectors in the world
  Real *g, *h;     // gradient and diagonal of the Hessian, written  (n)
  Real* hxy;       // entries of the Hessian between x and y of the triples, written  (triples)
};
template <class Real, class S>
TANDEM_FN void tracking_cost(const NodeReference<Real>& ref, Real scale, const TrackingBlock<Real, S>& block, Real& cost) {
  const Real c = ref.cos_yaw, s = ref.sin_yaw, half(S(0.5));
  const auto& [weight, residual, n, triples, g, h, hxy] = block;

  for (int i = 0; i < n; ++i) {
    const Real w = scale * Real(weight[i]);
    cost += half * w * residual[i] * residual[i];
    g[i] = w * residual[i], h[i] = w;
  }
  for (int t = 0; t < triples; ++t) {
    const Real wx = h[3 * t], wy = h[3 * t + 1], gx = g[3 * t], gy = g[3 * t + 1];
    g[3 * t] = c * gx - s * gy, g[3 * t + 1] = s * gx + c * gy;
    h[3 * t] = c * c * wx + s * s * wy, h[3 * t + 1] = s * s * wx + c * c * wy;
    hxy[t] = c * s * (wx - wy);
  }
}

// Adds the penalty of a row with value h and columns to the cost: slope on the gradient; scales the row by the root of the curvature.
template <class Real, class Row, class Gradient>
TANDEM_FN void add_row(const Penalty<Real>& penalty, Real scale, Row& row, CentroidalNodeOutput<Real>& out, Gradient&& each_column) {
  const Real slope = scale * penalty.slope, root = sqrt(scale * penalty.curvature);
  out.cost += scale * penalty.value;
  each_column(row, [&](Real& column, Real& g) {
    g += slope * column;
    column *= root;
  });
}
template <class Real>
TANDEM_FN Penalty<Real> quadratic(Real weight, Real r) {
  return {Real(0.5f) * weight * r * r, weight * r, weight};
}

// Where the columns of the three kinds of rows lie in x and u.
template <class S>
struct RowColumns {
  const CentroidalView<S>& view;

  template <class Real, class Body>
  TANDEM_FN void kinematic(KinematicRow<Real>& row, CentroidalNodeOutput<Real>& out, Body&& body) const {
    for (int c = 0; c < view.nx; ++c) body(row.column[c], out.gx[c]);
    for (int j = 0; j < view.nj; ++j) body(row.column[view.nx + j], out.gu[kVelocities + j]);
  }
  template <class Real, class Body>
  TANDEM_FN void leg(LegRow<Real>& row, int f, CentroidalNodeOutput<Real>& out, Body&& body) const {
    for (int r = 0; r < 3; ++r) body(row.euler[r], out.gx[kEuler + r]);
    for (int i = 0; i < kLegJoints; ++i)
      if (view.leg[f][i] > 0) body(row.joint[i], out.gx[kJoints + view.leg[f][i] - 1]);
    for (int i = 0; i < 6; ++i) body(row.wrench[i], out.gu[kWrench + 6 * f + i]);
  }
  template <class Real, class Body>
  TANDEM_FN void pair(PairRow<Real>& row, CentroidalNodeOutput<Real>& out, Body&& body) const {
    for (int f = 0; f < kFeet; ++f)
      for (int i = 0; i < kLegJoints; ++i)
        if (view.leg[f][i] > 0) body(row.joint[f][i], out.gx[kJoints + view.leg[f][i] - 1]);
  }
};

// Rows of the links and the centre of mass, eq. (19).
template <class Real, class S>
TANDEM_FN void add_link_costs(const CentroidalView<S>& view, const CentroidalNodeInput<Real>& in, NodeWork<Real>& work,
                              CentroidalNodeOutput<Real>& out) {
  const RowColumns<S> at{view};
  const Real dt(view.dt);
  const auto add = [&](KinematicRow<Real>& row, S weight, Real mask, Real residual) {
    if (weight == S(0)) return;
    add_row(quadratic(Real(weight), residual), dt * mask, row, out, [&](KinematicRow<Real>& r, auto&& body) { at.kinematic(r, out, body); });
  };
  const int ncolumn = view.nx + view.nj;
  Real column[kFrameRows];
  for (int c = 0; c < ncolumn; ++c) {
    frame_residual_column(in.ref, work.frames.torso, work.torso[c], column);
    for (int i = 0; i < kFrameRows; ++i) out.torso[i].column[c] = column[i];
    Vec3<Real> over = work.columns.com[c];
    for (int f = 0; f < kFeet; ++f) {
      FrameColumn<Real> foot = work.foot[f][c];
      over = over - stance_share(in, f) * (foot.p - (c >= kPosition && c < kEuler ? unit3<Real>(c - kPosition) : zero3<Real>()));
      foot.p.x = foot.p.y = Real(0);  // only the height of a foot has a reference
      frame_residual_column(in.ref, work.frames.foot[f], foot, column);
      for (int i = 0; i < kFrameRows; ++i) out.swing[f][i].column[c] = column[i];
    }
    over = to_heading(in.ref, over);
    out.com[0].column[c] = over.x, out.com[1].column[c] = over.y;
  }
  for (int i = 0; i < kFrameRows; ++i) add(out.torso[i], view.weight.torso[i], Real(1), work.residual.torso[i]);
  for (int i = 0; i < 2; ++i) add(out.com[i], view.weight.com[i], Real(1), work.residual.com[i]);
  for (int f = 0; f < kFeet; ++f)
    for (int i = 0; i < kFrameRows; ++i) add(out.swing[f][i], view.weight.swing[f][i], Real(1) - in.ref.stance[f], work.residual.swing[f][i]);
}

// The cone's own curvature: its Hessian by the tangential force is (1 - f f' / t^2) / t with t the tangential force.
//   pull  minus the slope of the penalty
template <class Real>
TANDEM_FN void add_cone_curvature(const CentroidalNodeInput<Real>& in, int f, Real pull, CentroidalNodeOutput<Real>& out) {
  const Vec3<Real> force = foot_force(in, f);
  const Real inverse = Real(1) / tangential_force(force), x = inverse * force.x, y = inverse * force.y, scale = pull * inverse;
  out.hu[kWrench + 6 * f] += scale * (Real(1) - x * x);
  out.hu[kWrench + 6 * f + 1] += scale * (Real(1) - y * y);
  out.hxy_wrench[2 * f] -= scale * x * y;
}

// Torques of the legs, friction cones, centres of pressure, distances between the legs, joint limits: eq. (20)-(24).
template <class Real, class S>
TANDEM_FN void add_leg_costs(const CentroidalView<S>& view, const CentroidalNodeInput<Real>& in, NodeWork<Real>& work,
                             CentroidalNodeOutput<Real>& out) {
  const RowColumns<S> at{view};
  const Real dt(view.dt);
  for (int f = 0; f < kFeet; ++f) {
    const auto leg = [&](LegRow<Real>& r, auto&& body) { at.leg(r, f, out, body); };
    const Real scale = dt * in.ref.stance[f];
    for (int i = 0; i < kLegJoints; ++i) {
      LegRow<Real>& row = out.torque[f][i];
      if (view.leg[f][i] < 0 || view.weight.torque[f][i] == S(0)) continue;
      torque_row(view, in, work.motion, f, i, row);
      add_row(quadratic(Real(view.weight.torque[f][i]), row.value), scale, row, out, leg);
    }
    for (int edge = 0; edge < kPressureRows; ++edge) {
      LegRow<Real>& row = out.pressure[f][edge];
      pressure_row(view, in, work.motion, work.frames.foot[f], kPressureRows * f + edge, row);
      add_row(log_barrier(view.pressure, row.value), scale, row, out, leg);
    }
    cone_row(view, in, f, out.cone[f]);
    const Penalty<Real> cone = log_barrier(view.cone, out.cone[f].value);
    add_row(cone, scale, out.cone[f], out, leg);
    add_cone_curvature(in, f, -scale * cone.slope, out);
  }
  for (int i = 0; i < view.npair; ++i) {
    pair_row(view, work.motion, i, out.pair[i]);
    add_row(polynomial_barrier(view.collision, out.pair[i].value), dt, out.pair[i], out,
            [&](PairRow<Real>& r, auto&& body) { at.pair(r, out, body); });
  }
  for (int j = 0; j < view.nj; ++j) {
    const Penalty<Real> low = polynomial_barrier(view.limits, in.x[kJoints + j] - Real(view.q_min[j]));
    const Penalty<Real> high = polynomial_barrier(view.limits, Real(view.q_max[j]) - in.x[kJoints + j]);
    out.cost += dt * (low.value + high.value);
    out.gx[kJoints + j] += dt * (low.slope - high.slope);
    out.hx[kJoints + j] += dt * (low.curvature + high.curvature);
  }
}

template <class Real>
TANDEM_FN int node_memory_size(int nbody) {
  return 2 * tree_data_size<Real>(nbody);
}

// Linearises the node `in` into `out`.
//   memory  node_memory_size(nbody)
// Cost: four evaluations of the dynamics with derivatives, one of every row.
template <class Real, class S>
TANDEM_FN void linearise_node(const CentroidalView<S>& view, const CentroidalNodeInput<Real>& in, Real* memory, NodeWork<Real>& work,
                              CentroidalNodeOutput<Real>& out) {
  evaluate_motion(view, in.x, in.u, memory, work.motion);
  motion_columns(view, in.x, work.motion, work.columns);
  work.frames = cost_frames(view, work.motion);
  frame_columns(view, work.motion, work.columns, view.torso, work.frames.torso, work.torso);
  for (int f = 0; f < kFeet; ++f) {
    frame_columns(view, work.motion, work.columns, view.foot[f], work.frames.foot[f], work.foot[f]);
    contact_rows(view, in, f, work.frames.foot[f], work.foot[f], out.contact[f]);
    for (int r = 0; r < 6; ++r) out.compliance[f][r] = contact_compliance(in.ref.stance[f], r);
  }
  stage_residuals(view, in, work.motion, work.frames, work.residual);
  const Real dt(view.dt);
  out.cost = Real(0);
  const TrackingBlock<Real, S> state{view.weight.state, work.residual.state, view.nx, 3, out.gx, out.hx, out.hxy};
  const TrackingBlock<Real, S> input{view.weight.input, work.residual.input, view.nu, 2 * kFeet, out.gu, out.hu, out.hxy_wrench};
  tracking_cost(in.ref, dt, state, out.cost);
  tracking_cost(in.ref, dt, input, out.cost);
  add_link_costs(view, in, work, out);
  add_leg_costs(view, in, work, out);
  work.predict.memory = memory + tree_data_size<Real>(view.model.nbody);
  work.predict.with_theta = false;
  predict(view, in, work.motion, work.columns, work.predict, out.step);
}

// Cost of the last state: gradient and Hessian (nx) and entries between x and y (3); returns the cost.
template <class Real, class S>
TANDEM_FN Real terminal_cost(const CentroidalView<S>& view, const NodeReference<Real>& ref, const Real* x, Real* g, Real* h, Real* hxy) {
  Real residual[kMaxState], cost(0);
  state_residual(ref, x, view.nx, residual);
  tracking_cost(ref, Real(1), TrackingBlock<Real, S>{view.terminal, residual, view.nx, 3, g, h, hxy}, cost);
  return cost;
}

}  // namespace TANDEM_ISA
}  // namespace tandem
