// The QP of one world out of its linearised nodes. docs/centroidal.md, section 5.
#pragma once

#include "centroidal/node_kernel.hpp"
#include "math/dense.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

// Cost rows of a stage that have weight: links, then per foot torques, pressures and cone, then pairs.
template <class S>
struct RowList {
  int torso[kFrameRows], com[2], swing[kFrameRows], torque[kLegJoints];  // indices of those with weight
  int ntorso, ncom, nswing, ntorque;
  int nrow;  // all of them
};
template <class S>
TANDEM_FN RowList<S> row_list(const CentroidalView<S>& view) {
  RowList<S> list{};
  const auto keep = [](const S* weight, int n, int* index, int& count) {
    for (int i = 0; i < n; ++i)
      if (weight[i] != S(0)) index[count++] = i;
  };
  keep(view.weight.torso, kFrameRows, list.torso, list.ntorso);
  keep(view.weight.com, 2, list.com, list.ncom);
  keep(view.weight.swing[0], kFrameRows, list.swing, list.nswing);
  keep(view.weight.torque[0], kLegJoints, list.torque, list.ntorque);
  list.nrow = list.ntorso + list.ncom + kFeet * (list.nswing + list.ntorque + kPressureRows + 1) + view.npair;
  return list;
}

inline QpDims centroidal_dims(int N, int n, int align) {
  QpDims dims;
  dims.N = N, dims.nx = dims.nu = n, dims.ne = 6 * kFeet, dims.dense_cost = true, dims.align = align;
  return dims;
}

// Parts of the QP that never change: identity of the joints and positions.
template <class S>
TANDEM_FN void form_constants(const CentroidalView<S>& view, const QpView<S>& qp) {
  const S infinity = S(1) / S(0);
  for (int k = 0; k <= view.N; ++k) {
    for (int i = 0; i < view.nx; ++i) qp.lx(k)[i] = -infinity, qp.ux(k)[i] = infinity;
    if (k == view.N) return;
    for (int i = 0; i < view.nu; ++i) qp.lu(k)[i] = -infinity, qp.uu(k)[i] = infinity;
    S* AB = qp.AB(k);
    const int ldz = qp.lay.ldz, ldx = qp.lay.ldx;
    for (int r = 0; r < 3; ++r) {
      AB[(kLinear + r) * ldz + kLinear + r] = S(1);
      AB[(kPosition + r) * ldz + kLinear + r] = view.dt;
      AB[(kPosition + r) * ldz + kPosition + r] = S(1);
    }
    for (int j = 0; j < view.nj; ++j) {
      AB[(kJoints + j) * ldz + kJoints + j] = S(1);
      AB[(kJoints + j) * ldz + ldx + kVelocities + j] = view.dt;
    }
  }
}

// One stage of the QP that is being formed.
template <class S>
struct QpStage {
  QpView<S> qp;
  int k;
};

// Reads one lane of the numbers of a linearised node.
template <class Real>
struct LaneReader {
  int lane;
  TANDEM_FN Scalar<Real> operator()(const Real& value) const { return reinterpret_cast<const Scalar<Real>*>(&value)[lane]; }
};

// Dynamics rows and defects of stage k.
template <class S, class Real, class Read>
TANDEM_FN void form_dynamics(const CentroidalView<S>& view, const Prediction<Real>& step, const S* x_next, const Read& read,
                             const QpStage<S>& stage) {
  const auto& [qp, k] = stage;
  S *AB = qp.AB(k), *b = qp.b(k);
  const int ldz = qp.lay.ldz, ldx = qp.lay.ldx;
  for (int i = 0; i < view.nx; ++i) b[i] = read(step.next[i]) - x_next[i];
  const auto column = [&](int z, const Rates<Real>& c, bool linear) {
    S* at = AB + z;
    const Vec3<Real>* rows[] = {&c.linear, &c.angular, &c.position, &c.euler};
    for (int block = linear ? 0 : 1; block < 4; ++block) {
      at[(3 * block) * ldz] = read(rows[block]->x);
      at[(3 * block + 1) * ldz] = read(rows[block]->y);
      at[(3 * block + 2) * ldz] = read(rows[block]->z);
    }
  };
  for (int r = 0; r < 3; ++r) column(kAngular + r, step.angular[r], false), column(kEuler + r, step.euler[r], false);
  for (int j = 0; j < view.nj; ++j) column(kJoints + j, step.joint[j], false), column(ldx + kVelocities + j, step.velocity[j], false);
  for (int w = 0; w < 6 * kFeet; ++w) column(ldx + kWrench + w, step.wrench[w], true);
}

// Contact rows of stage k.
template <class S, class Real, class Read>
TANDEM_FN void form_contacts(const CentroidalView<S>& view, const CentroidalNodeOutput<Real>& node, const Read& read, const QpStage<S>& stage) {
  const auto& [qp, k] = stage;
  for (int e = 0; e < 6 * kFeet; ++e) {
    const KinematicRow<Real>& row = node.contact[e / 6][e % 6];
    S* M = qp.M(k) + e * qp.lay.ldz;
    for (int c = 0; c < view.nx; ++c) M[c] = read(row.column[c]);
    for (int j = 0; j < view.nj; ++j) M[qp.lay.ldx + kVelocities + j] = read(row.column[view.nx + j]);
    qp.m(k)[e] = read(row.value);
    qp.soft(k)[e] = read(node.compliance[e / 6][e % 6]);
  }
}

// Adds `value` to the entries of H between x and y of the vector that starts at `first`.
template <class S>
TANDEM_FN void add_plane_entries(S* H, int ld, int first, S value) {
  H[first * ld + first + 1] += value;
  H[(first + 1) * ld + first] += value;
}

// Cost rows of one stage as a matrix J [nrow, ldz] whose squares add up to the Hessian, eq. (25). J must be zero where no row has columns.
template <class S, class Real, class Read>
TANDEM_FN void form_rows(const CentroidalView<S>& view, const RowList<S>& list, const CentroidalNodeOutput<Real>& node, const Read& read, int ldx,
                         S* J) {
  const int ldz = 2 * ldx;
  S* at = J;
  const auto kinematic = [&](const KinematicRow<Real>& row) {
    for (int c = 0; c < view.nx; ++c) at[c] = read(row.column[c]);
    for (int j = 0; j < view.nj; ++j) at[ldx + kVelocities + j] = read(row.column[view.nx + j]);
    at += ldz;
  };
  const auto leg = [&](const LegRow<Real>& row, int f) {
    for (int r = 0; r < 3; ++r) at[kEuler + r] = read(row.euler[r]);
    for (int i = 0; i < kLegJoints; ++i)
      if (view.leg[f][i] > 0) at[kJoints + view.leg[f][i] - 1] = read(row.joint[i]);
    for (int i = 0; i < 6; ++i) at[ldx + kWrench + 6 * f + i] = read(row.wrench[i]);
    at += ldz;
  };
  for (int i = 0; i < list.ntorso; ++i) kinematic(node.torso[list.torso[i]]);
  for (int i = 0; i < list.ncom; ++i) kinematic(node.com[list.com[i]]);
  for (int f = 0; f < kFeet; ++f) {
    for (int i = 0; i < list.nswing; ++i) kinematic(node.swing[f][list.swing[i]]);
    for (int i = 0; i < list.ntorque; ++i) leg(node.torque[f][list.torque[i]], f);
    for (int i = 0; i < kPressureRows; ++i) leg(node.pressure[f][i], f);
    leg(node.cone[f], f);
  }
  for (int p = 0; p < view.npair; ++p, at += ldz)
    for (int f = 0; f < kFeet; ++f)
      for (int i = 0; i < kLegJoints; ++i)
        if (view.leg[f][i] > 0) at[kJoints + view.leg[f][i] - 1] = read(node.pair[p].joint[f][i]);
}

// Cost of stage k: gradient, and Hessian = J'J + diagonal + 2 x 2 blocks.
template <class S, class Real, class Read>
TANDEM_FN void form_cost(const CentroidalView<S>& view, const RowList<S>& list, const CentroidalNodeOutput<Real>& node, const Read& read,
                         const QpStage<S>& stage, S* J) {
  const auto& [qp, k] = stage;
  const int ldx = qp.lay.ldx, ldz = qp.lay.ldz;
  S *g = qp.g(k), *h = qp.hdiag(k), *H = qp.H(k);
  for (int i = 0; i < view.nx; ++i) g[i] = read(node.gx[i]), h[i] = read(node.hx[i]);
  for (int i = 0; i < view.nu; ++i) g[ldx + i] = read(node.gu[i]), h[ldx + i] = read(node.hu[i]);
  form_rows(view, list, node, read, ldx, J);
  const MatrixView<S> rows{J, list.nrow, ldz, ldz};
  multiply_tn<Write::kSet>(SerialTeam{}, MatrixView<S>{H, view.nx, ldz, ldz}, MatrixView<S>{J, list.nrow, view.nx, ldz}, rows);
  multiply_tn<Write::kSet>(SerialTeam{}, MatrixView<S>{H + view.nx * ldz, view.nu, ldz, ldz}, MatrixView<S>{J + ldx, list.nrow, view.nu, ldz}, rows);
  for (int t = 0; t < 3; ++t) add_plane_entries(H, ldz, 3 * t, read(node.hxy[t]));
  for (int t = 0; t < 2 * kFeet; ++t) add_plane_entries(H + view.nx * ldz + ldx, ldz, 3 * t, read(node.hxy_wrench[t]));
}

// Cost of the last state. Returns its value.
template <class S>
TANDEM_FN S form_terminal(const CentroidalView<S>& view, const CentroidalNodeInput<S>& last, const QpView<S>& qp) {
  S hxy[3], *H = qp.H(view.N);
  for (int i = 0; i < view.nx * qp.lay.ldz; ++i) H[i] = S(0);
  const S cost = terminal_cost(view, last.ref, last.x, qp.g(view.N), qp.hdiag(view.N), hxy);
  for (int t = 0; t < 3; ++t) add_plane_entries(H, qp.lay.ldz, 3 * t, hxy[t]);
  return cost;
}

}  // namespace TANDEM_ISA
}  // namespace tandem
