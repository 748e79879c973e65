// Linearisation of one node: base dynamics, integration of the base rotation, contact rows. docs/mpc.md, eq. (9)-(14).
//
// One node of one world is one task of a team, or one lane of a Pack: nodes are independent, so one robot already fills most of a vector register.
// Numbers come in and go out in the compact order of NodeInput and NodeOutput; `MpcView::scatter` says where each of the latter belongs in a QP stage.
#pragma once

#include "dynamics/base_dynamics_kernel.hpp"
#include "dynamics/integrate_kernel.hpp"
#include "mpc/view.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

// What a node reads.
template <class Real>
struct NodeInput {
  Real* q;        // configuration  (nq)
  Real* v;        // (nv)
  Real* v_next;   // velocity at the next node  (nv)
  Real* q_next;   // base pose at the next node  (7)
  Real* F;        // (3 ncon)
  Real* stance;   // (nfoot)
  Real* height;   // (nfoot)
  Real* dt;       // length of the interval [s]  (1)
  Real* ground;   // its rise along the world's x and y, its height under the base [m]  (3)
  Real* rows_on;  // 1 where contact rows exist (every node but the first)  (1)
};
template <class S>
TANDEM_FN int node_input_size(const ModelView<S>& m) {
  return m.nq + 2 * m.nv + 7 + 3 * m.ncon + 2 * m.nfoot + 5;
}
template <class Real, class S>
TANDEM_FN NodeInput<Real> node_input_at(const ModelView<S>& m, Real* p) {
  const auto take = [&p](int n) { return (p += n) - n; };
  NodeInput<Real> in;
  in.q = take(m.nq), in.v = take(m.nv), in.v_next = take(m.nv), in.q_next = take(7), in.F = take(3 * m.ncon);
  in.stance = take(m.nfoot), in.height = take(m.nfoot), in.dt = take(1), in.ground = take(3), in.rows_on = take(1);
  return in;
}

// Hands what node k of a world reads to put(to, from, n): the last node has no interval and no next node of its own, the first no contact rows.
template <class Real, class S, class Put>
TANDEM_FN void read_node(const MpcView<S>& mpc, const WorldView<S>& world, int k, const NodeInput<Real>& in, Put&& put) {
  const ModelView<S>& m = mpc.model;
  const int last = mpc.nodes - 1, next = k < last ? k + 1 : last, interval = k < last ? k : last - 1;
  const S rows_on(k > 0 ? 1 : 0), *here = world.q + k * m.nq, *g = world.ground;
  const S ground[3] = {g[0], g[1], g[2] + g[0] * (here[0] - world.q[0]) + g[1] * (here[1] - world.q[1])};
  put(in.q, here, m.nq);
  put(in.v, world.v + k * m.nv, m.nv);
  put(in.v_next, world.v + next * m.nv, m.nv);
  put(in.q_next, world.q + next * m.nq, 7);
  put(in.F, world.F + interval * mpc.nforce, mpc.nforce);
  put(in.stance, world.stance + k * m.nfoot, m.nfoot);
  put(in.height, world.height + k * m.nfoot, m.nfoot);
  put(in.dt, mpc.dt + interval, 1);
  put(in.ground, ground, 3);
  put(in.rows_on, &rows_on, 1);
}

// What a node writes. Columns of E follow one another, 6 numbers each (linear world, angular base): base rotation (3), joint positions, base angular
// velocity (3), joint velocities, forces, next joint velocities. Columns of base position and base linear velocity are constant.
template <class Real>
struct NodeOutput {
  Real* row;   // per foot and row: row_size() numbers. First, because the last node has nothing else than rows
  Real* pair;  // per pair of feet: lower bound, then chain joint positions of the left and of the right foot
  Real* E;     // (6 + 3 njnt + 3 ncon, 6)
  Real* e;     // (6)
  Real* Phi;   // rotation block  (9)
  Real* Gam;   // rotation block  (9)
  Real* bq;    // base part  (6)
};

// One contact row: lower and upper bound, rho, base z, then base rotation (3) and chain joint positions, base linear (3), angular (3), chain joint velocities.
TANDEM_FN int row_size(int nchain) { return 4 + 9 + 2 * nchain; }

// Numbers of the rows that keep feet apart, of all rows of a node, and of a node with its linearised dynamics.
template <class S>
TANDEM_FN int chain_length(const MpcView<S>& mpc, int foot) {
  return mpc.chain_start[foot + 1] - mpc.chain_start[foot];
}
template <class S>
TANDEM_FN int pairs_size(const MpcView<S>& mpc) {
  int n = 0;
  for (int i = 0; i < mpc.npair; ++i) n += 1 + chain_length(mpc, mpc.pair[i].left) + chain_length(mpc, mpc.pair[i].right);
  return n;
}
template <class S>
TANDEM_FN int rows_size(const MpcView<S>& mpc) {
  int n = 0;
  for (int f = 0; f < mpc.model.nfoot; ++f) n += mpc.nstance * row_size(chain_length(mpc, f));
  return n + pairs_size(mpc);
}
template <class S>
TANDEM_FN int node_output_size(const MpcView<S>& mpc) {
  return rows_size(mpc) + 6 * (6 + 3 * mpc.model.njnt + 3 * mpc.model.ncon) + 30;
}
template <class Real, class S>
TANDEM_FN NodeOutput<Real> node_output_at(const MpcView<S>& mpc, Real* p) {
  const auto take = [&p](int n) { return (p += n) - n; };
  NodeOutput<Real> out;
  out.row = take(rows_size(mpc) - pairs_size(mpc)), out.pair = take(pairs_size(mpc)), out.E = take(6 * (6 + 3 * mpc.model.njnt + 3 * mpc.model.ncon));
  out.e = take(6), out.Phi = take(9), out.Gam = take(9), out.bq = take(6);
  return out;
}

// The motion of the interval that starts at the node: a = (v_next - v) / dt.
template <Team T, class Real, class S>
TANDEM_FN BaseMotion<Real> node_motion(const T& team, const ModelView<S>& model, const NodeInput<Real>& in, Real* a_joint) {
  const Real rate = Real(1) / *in.dt;
  for_each(team, 0, model.njnt, [&](int j) { a_joint[j] = rate * (in.v_next[6 + j] - in.v[6 + j]); });
  team.sync();
  BaseMotion<Real> motion;
  motion.R_WB = quat_to_rotation(in.q + 3);
  motion.omega = load3<Real>(in.v + 3);
  motion.a_W = rate * (load3<Real>(in.v_next) - load3<Real>(in.v));
  motion.alpha = rate * (load3<Real>(in.v_next + 3) - motion.omega);
  motion.q_joint = in.q + 7, motion.v_joint = in.v + 6, motion.a_joint = a_joint, motion.force_W = in.F;
  return motion;
}

// E and e, eq. (10): v_b+ = v_b - dt [R; 1] I^-1 (W + W_q dq + W_v dv + M_j da_j - J'dF).
template <Team T, class Real, class S>
TANDEM_FN void linearise_base(const T& team, const ModelView<S>& model, const NodeInput<Real>& in, const BaseMotion<Real>& motion,
                              const BaseDynamics<Real>& d, NodeOutput<Real> out) {
  const InverseInertia<Real> I_inv = invert(load_inertia(d.I));
  const Real dt = *in.dt;
  const auto response = [&](Spatial<Real> wrench) {  // change of v_b+, linear (world) before angular (base)
    const Spatial<Real> a = I_inv * wrench;
    return Spatial<Real>{-dt * (motion.R_WB * a.v), -dt * a.w};
  };
  const int nj = model.njnt;
  Real *E_q = out.E + 18, *E_omega = E_q + 6 * nj, *E_v = E_omega + 18, *E_F = E_v + 6 * nj, *E_w = E_F + 18 * model.ncon;
  for_each(team, 0, nj + 1, [&](int i) {
    if (i == 0) {  // the base
      store6(out.e, response(base_wrench(model, motion, d)));
      for (int r = 0; r < 3; ++r) {
        store6(out.E + 6 * r, response(wrench_dtheta(model, motion, d, r)));
        store6(E_omega + 6 * r, response(wrench_domega(d, motion.omega, r)));
        E_omega[6 * r + 3 + r] += Real(1);
      }
      return;
    }
    const Spatial<Real> inertial = (Real(1) / dt) * response(wrench_da(d, i));
    store6(E_q + 6 * (i - 1), response(wrench_dq(model, motion, d, i)));
    store6(E_v + 6 * (i - 1), response(wrench_dv(model, d, i)) - inertial);
    store6(E_w + 6 * (i - 1), inertial);
  });
  for_each(team, 0, model.ncon, [&](int c) {
    const Vec3<Real> p = contact_position(model, d.kin, c);
    const Real stance = in.stance[model.contact_foot[c]];  // a foot in swing pushes on nothing: its forces stay zero by their cost
    for (int r = 0; r < 3; ++r) {
      const Real* R = motion.R_WB.m + 3 * r;
      const Vec3<Real> f{-R[0], -R[1], -R[2]};  // minus the world axis r in base axes: forces enter W with a minus
      store6(E_F + 6 * (3 * c + r), stance * response(Spatial<Real>{cross(p, f), f}));
    }
  });
  team.sync();
}

// Phi, Gam and bq of the base, eq. (11): R Exp(dt omega+) against the next node's rotation.
template <Team T, class Real, class S>
TANDEM_FN void linearise_rotation(const T& team, const ModelView<S>&, const NodeInput<Real>& in, NodeOutput<Real> out) {
  for_each(team, 0, 1, [&](int) {
    const Real dt = *in.dt;
    const Vec3<Real> turn = dt * load3<Real>(in.v_next + 3);
    Real step[4], q_hat[4];
    quat_exp(turn, step);
    quat_multiply(q_hat, in.q + 3, step);
    const Vec3<Real> defect = quat_difference(in.q_next + 3, q_hat);
    const Mat3<Real> J = right_jacobian_inverse(defect);
    const TurnJacobians<Real> jacobians = integrate_jacobians(turn);
    store33(out.Phi, J * jacobians.from);
    store33(out.Gam, dt * (J * jacobians.to));
    for (int r = 0; r < 3; ++r) out.bq[r] = in.q[r] + dt * in.v_next[r] - in.q_next[r];
    store3(out.bq + 3, defect);
  });
  team.sync();
}

// A weighted sum of a foot's contact points: position p and sum of weights s. Velocity s V.v + V.w x p for a body moving with V.
template <class Real>
struct PointSum {
  Vec3<Real> p;
  Real s;
};
template <class Real, class S>
TANDEM_FN PointSum<Real> point_sum(const MpcView<S>& mpc, const Kinematics<Real>& kin, const ContactRow& row, int foot) {
  PointSum<Real> sum{{Real(0), Real(0), Real(0)}, Real(0)};
  for (int i = 0; i < mpc.npoint; ++i) {
    const Real w(static_cast<S>(row.weight[i]));
    sum.p = sum.p + w * contact_position(mpc.model, kin, foot * mpc.npoint + i);
    sum.s += w;
  }
  return sum;
}

// Direction of a row in world axes.
template <class Real, class S>
TANDEM_FN Vec3<Real> row_direction(const MpcView<S>& mpc, const Kinematics<Real>& kin, const Mat3<Real>& R_WB, RowAxis axis, int foot) {
  const Real o(1), z(0);
  if (axis == RowAxis::kX) return {o, z, z};
  if (axis == RowAxis::kY) return {z, o, z};
  if (axis == RowAxis::kZ) return {z, z, o};
  const int first = foot * mpc.npoint;
  const Vec3<Real> d = R_WB * (contact_position(mpc.model, kin, first) - contact_position(mpc.model, kin, first + mpc.npoint / 2));
  const Real scale = o / sqrt(d.x * d.x + d.y * d.y + Real(Scalar<Real>(1e-6)));
  return {-scale * d.y, scale * d.x, z};
}

// Numbers of one row in the order of row_size(); `value` is what the row measures, its bounds follow from it.
template <class Real>
struct RowView {
  Real *lower, *upper, *rho, *z, *theta, *q, *v_linear, *omega, *v;
};
template <class Real>
TANDEM_FN RowView<Real> row_at(Real* p, int nchain) {
  return {p, p + 1, p + 2, p + 3, p + 4, p + 7, p + 7 + nchain, p + 10 + nchain, p + 13 + nchain};
}

// Velocity of the point sum along a direction = 0, eq. (12).
template <class Real, class S>
TANDEM_FN void stance_row(const MpcView<S>& mpc, const BaseMotion<Real>& motion, const BaseDynamics<Real>& d, const NodeInput<Real>& in,
                          const ContactRow& row, int foot, RowView<Real> r) {
  const int begin = mpc.chain_start[foot], nchain = chain_length(mpc, foot);
  const PointSum<Real> sum = point_sum(mpc, d.kin, row, foot);
  const Vec3<Real> d_W = row_direction(mpc, d.kin, motion.R_WB, row.axis, foot), d_B = mul_t(motion.R_WB, d_W);
  const Spatial<Real> V = load6(d.V + 6 * mpc.model.contact_body[foot * mpc.npoint]);
  const Vec3<Real> u = sum.s * V.v + cross(V.w, sum.p);
  *r.lower = *r.upper = -(sum.s * dot(d_W, load3<Real>(in.v)) + dot(d_B, u));
  *r.z = Real(0);
  store3(r.theta, cross(u, d_B));
  store3(r.v_linear, sum.s * d_W);
  store3(r.omega, cross(sum.p, d_B));
  for (int i = 0; i < nchain; ++i) {
    const int body = mpc.chain_body[begin + i];
    const Spatial<Real> S_i = load6(d.kin.S + 6 * body);
    const Spatial<Real> dV = cross_motion(S_i, V - load6(d.V + 6 * mpc.model.parent[body]));
    const Vec3<Real> J_i = sum.s * S_i.v + cross(S_i.w, sum.p);
    r.q[i] = dot(d_B, sum.s * dV.v + cross(dV.w, sum.p) + cross(V.w, J_i));
    r.v[i] = dot(d_B, J_i);
  }
}

// Height of the point sum above the ground = target, eq. (13).
template <class Real, class S>
TANDEM_FN void swing_row(const MpcView<S>& mpc, const BaseMotion<Real>& motion, const BaseDynamics<Real>& d, const NodeInput<Real>& in,
                         const ContactRow& row, int foot, RowView<Real> r) {
  const int begin = mpc.chain_start[foot], nchain = chain_length(mpc, foot);
  const PointSum<Real> sum = point_sum(mpc, d.kin, row, foot);
  const Vec3<Real> zero{Real(0), Real(0), Real(0)};
  const Vec3<Real> up_B =
      mul_t(motion.R_WB, Vec3<Real>{-in.ground[0], -in.ground[1], Real(1)});  // a step along it is as much higher as it is long upwards
  *r.lower = *r.upper = sum.s * in.height[foot] - (sum.s * (in.q[2] - in.ground[2]) + dot(up_B, sum.p));
  *r.z = sum.s;
  store3(r.theta, cross(sum.p, up_B));
  store3(r.v_linear, zero);
  store3(r.omega, zero);
  for (int i = 0; i < nchain; ++i) {
    const Spatial<Real> S_i = load6(d.kin.S + 6 * mpc.chain_body[begin + i]);
    r.q[i] = dot(up_B, sum.s * S_i.v + cross(S_i.w, sum.p));
    r.v[i] = Real(0);
  }
}

// All rows of all feet: the stance row or the swing row, by the foot's state at this node, eq. (14).
template <Team T, class Real, class S>
TANDEM_FN void linearise_contacts(const T& team, const MpcView<S>& mpc, const NodeInput<Real>& in, const BaseMotion<Real>& motion,
                                  const BaseDynamics<Real>& d, NodeOutput<Real> out) {
  for_each(team, 0, mpc.model.nfoot * mpc.nstance, [&](int slot) {
    const int foot = slot / mpc.nstance, i = slot % mpc.nstance;
    const int nchain = chain_length(mpc, foot), size = row_size(nchain);
    Real* p = out.row;
    for (int f = 0; f < foot; ++f) p += mpc.nstance * row_size(chain_length(mpc, f));
    p += i * size;
    const Mask<Real> stance = in.stance[foot] > Real(0);
    RowView<Real> r = row_at(p, nchain);
    stance_row(mpc, motion, d, in, mpc.stance_row[i], foot, r);
    *r.rho = Real(mpc.rho_stance) * *in.rows_on;
    Real swing[4 + 9 + 2 * 32];
    for (int j = 0; j < size; ++j) swing[j] = Real(0);
    if (i < mpc.nswing) {
      RowView<Real> s = row_at(swing, nchain);
      swing_row(mpc, motion, d, in, mpc.swing_row[i], foot, s);
      *s.rho = Real(mpc.rho_swing) * *in.rows_on;
    }
    for (int j = 0; j < size; ++j) p[j] = select(stance, p[j], swing[j]);
  });
  team.sync();
}

// Left and right foot apart across the base, eq. (22): y_left - y_right >= foot_distance, in base axes, so joints alone decide.
template <Team T, class Real, class S>
TANDEM_FN void linearise_pairs(const T& team, const MpcView<S>& mpc, const BaseDynamics<Real>& d, NodeOutput<Real> out) {
  for_each(team, 0, mpc.npair, [&](int pair) {
    Real* p = out.pair;
    for (int i = 0; i < pair; ++i) p += 1 + chain_length(mpc, mpc.pair[i].left) + chain_length(mpc, mpc.pair[i].right);
    Real* const lower = p++;
    *lower = Real(mpc.foot_distance);
    const int feet[2] = {mpc.pair[pair].left, mpc.pair[pair].right};
    for (int side = 0; side < 2; ++side) {
      const Real sign(side == 0 ? S(1) : S(-1)), share(S(1) / S(mpc.npoint));
      const int foot = feet[side], begin = mpc.chain_start[foot], nchain = chain_length(mpc, foot);
      Vec3<Real> mean{Real(0), Real(0), Real(0)};
      for (int c = 0; c < mpc.npoint; ++c) mean = mean + share * contact_position(mpc.model, d.kin, foot * mpc.npoint + c);
      *lower -= sign * mean.y;
      for (int i = 0; i < nchain; ++i) *p++ = sign * point_axis(load6(d.kin.S + 6 * mpc.chain_body[begin + i]), mean).y;
    }
  });
  team.sync();
}

// Linearises one node. Reads `in`, writes `out`; work: base_dynamics_size() + njnt numbers.
template <Team T, class Real, class S>
TANDEM_FN void linearise_node(const T& team, const MpcView<S>& mpc, const NodeInput<Real>& in, NodeOutput<Real> out, Real* work) {
  const BaseDynamics<Real> d = base_dynamics_at(work, mpc.model.nbody);
  const BaseMotion<Real> motion = node_motion(team, mpc.model, in, work + base_dynamics_size<Real>(mpc.model.nbody));
  base_dynamics(team, mpc.model, motion, d);
  linearise_base(team, mpc.model, in, motion, d, out);
  linearise_rotation(team, mpc.model, in, out);
  linearise_contacts(team, mpc, in, motion, d, out);
  linearise_pairs(team, mpc, d, out);
}

// Feed-forward torques of inverse dynamics on the first interval, eq. (20): tau = S (M a + h - J'F), plus what joint damping takes.
template <Team T, class Real, class S>
TANDEM_FN void inverse_dynamics(const T& team, const MpcView<S>& mpc, const NodeInput<Real>& in, Real* tau, Real* work) {
  const BaseDynamics<Real> d = base_dynamics_at(work, mpc.model.nbody);
  const BaseMotion<Real> motion = node_motion(team, mpc.model, in, work + base_dynamics_size<Real>(mpc.model.nbody));
  base_dynamics(team, mpc.model, motion, d);
  for_each(team, 0, mpc.model.njnt, [&](int j) { tau[j] = joint_torque(mpc.model, motion, d, j + 1) + Real(mpc.damping[j]) * motion.v_joint[j]; });
  team.sync();
}

// Size of the scratch of linearise_node and inverse_dynamics.
template <class Real, class S>
TANDEM_FN int node_work_size(const ModelView<S>& model) {
  return base_dynamics_size<Real>(model.nbody) + model.njnt;
}

}  // namespace TANDEM_ISA
}  // namespace tandem
