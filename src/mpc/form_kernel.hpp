// Forms the QP of one world around its plan: costs, boxes and friction rows. The linearised dynamics and contact rows come from linearise_kernel.hpp.
// docs/mpc.md, eq. (15)-(18).
#pragma once

#include "mpc/linearise_kernel.hpp"
#include "mpc/plan_kernel.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

// Parts of the QP that never change: cost Hessian, identity blocks, penalties, friction rows but for their directions. `qp` is zero-filled.
template <class S>
TANDEM_FN void form_constants(const MpcView<S>& mpc, QpView<S> qp) {
  const QpDims& dims = mpc.dims;
  const int n = mpc.model.nv, ldz = qp.lay.ldz, ldp = qp.lay.ldp, ldu = qp.lay.ldu;
  const S infinity = S(1) / S(0);
  for (int k = 0; k < mpc.nodes; ++k) {
    for (int i = 0; i < n; ++i) qp.hdiag(k)[i] = mpc.w_q[i], qp.hdiag(k)[n + i] = mpc.w_v[i];
    for (int i = 0; i < dims.nx; ++i) qp.lx(k)[i] = -infinity, qp.ux(k)[i] = infinity;
    for (int j = 0; k > 0 && j < dims.na; ++j) qp.rho_x(k)[6 + j] = mpc.rho_position, qp.rho_x(k)[n + 6 + j] = mpc.rho_velocity;
    const int first_pair = mpc.model.nfoot * mpc.nstance;
    for (int i = first_pair; i < dims.nc; ++i) qp.uc(k)[i] = infinity, qp.rho_c(k)[i] = k > 0 ? mpc.rho_feet : S(0);
    if (k == mpc.nodes - 1) continue;
    for (int i = 0; i < dims.nf; ++i) qp.hdiag(k)[qp.lay.ldx + i] = mpc.w_force[i % 3];
    for (int i = 0; i < dims.nu; ++i) qp.lu(k)[i] = -infinity, qp.uu(k)[i] = infinity;
    *qp.dt(k) = mpc.dt[k];
    for (int r = 0; r < 3; ++r) {
      qp.E(k)[r * ldz + n + r] = S(1);
      qp.Phi(k)[r * ldp + r] = S(1);
      qp.Gam(k)[r * ldp + r] = mpc.dt[k];
    }
    for (int i = 0; i < dims.nd; ++i) {
      qp.D(k)[i * ldu + 3 * (i / mpc.friction_sides) + 2] = -mpc.facet_friction;
      qp.ld(k)[i] = -infinity;
    }
  }
}

// What the cost pulls node k to: the command extrapolated from the measured state, eq. (6)-(10) of the paper.
template <class S>
struct Reference {
  S position[3];
  S quat[4];
  Vec3<S> linear;  // world
  S yaw_rate;
  S force_z;  // on each point in stance [N]
};
template <class S>
TANDEM_FN Reference<S> reference(const MpcView<S>& mpc, const WorldView<S>& world, int k) {
  S time(0);
  for (int i = 0; i < k; ++i) time += mpc.dt[i];
  const S half(S(0.5));
  const S c[4] = {world.command[0], world.command[1] + world.bias[0], world.command[2] + world.bias[1], world.command[3] + world.bias[2]};
  const S yaw_0 = quat_yaw(world.q + 3), yaw = yaw_0 + time * c[3], mid = yaw_0 + half * time * c[3];
  Reference<S> r;
  r.position[0] = world.q[0] + time * (cos(mid) * c[1] - sin(mid) * c[2]);
  r.position[1] = world.q[1] + time * (sin(mid) * c[1] + cos(mid) * c[2]);
  r.position[2] = c[0];
  r.quat[0] = cos(half * yaw), r.quat[1] = r.quat[2] = S(0), r.quat[3] = sin(half * yaw);
  r.linear = {cos(yaw) * c[1] - sin(yaw) * c[2], sin(yaw) * c[1] + cos(yaw) * c[2], S(0)};
  r.yaw_rate = c[3];
  r.force_z = mpc.weight / contacts_in_stance(mpc, world, k);
  return r;
}

// Error of node k against its reference, over the tangent of q (nv), then v (nv); forces (3 ncon) unless k is the last node.
template <class S>
TANDEM_FN void node_error(const MpcView<S>& mpc, const WorldView<S>& world, int k, S* e_q, S* e_v, S* e_F) {
  const ModelView<S>& model = mpc.model;
  const Reference<S> ref = reference(mpc, world, k);
  const S *q = world.q + k * model.nq, *v = world.v + k * model.nv;
  for (int i = 0; i < 3; ++i) e_q[i] = q[i] - ref.position[i];
  store3(e_q + 3, quat_difference(ref.quat, q + 3));
  for (int j = 0; j < model.njnt; ++j) e_q[6 + j] = q[7 + j] - mpc.nominal[j];
  for (int i = 0; i < model.nv; ++i) e_v[i] = v[i];
  e_v[0] -= ref.linear.x, e_v[1] -= ref.linear.y, e_v[5] -= ref.yaw_rate;
  const S* ground = world.ground;  // heights are counted from where it is under the base, eq. (24)
  e_q[2] -= ground[2] + ground[0] * (q[0] - world.q[0]) + ground[1] * (q[1] - world.q[1]);
  e_v[2] -= ground[0] * v[0] + ground[1] * v[1];
  if (k == mpc.nodes - 1) return;
  for (int i = 0; i < mpc.nforce; ++i) {
    const S stance = world.stance[k * model.nfoot + model.contact_foot[i / 3]];
    e_F[i] = world.F[k * mpc.nforce + i] - (i % 3 == 2 ? stance * ref.force_z : S(0));
  }
}

// Cost gradient, joint boxes, friction rows and joint integration defects of every node.
template <Team T, class S>
TANDEM_FN void form_costs_and_bounds(const T& team, const MpcView<S>& mpc, const WorldView<S>& world, QpView<S> qp) {
  const ModelView<S>& model = mpc.model;
  const int n = model.nv, nq = model.nq;
  for_each(team, 0, mpc.nodes, [&](int k) {
    S* g = qp.g(k);
    node_error(mpc, world, k, g, g + n, g + qp.lay.ldx);
    // gradient = Jr^-1(e)' w e for the rotation, w e elsewhere
    const Mat3<S> J = right_jacobian_inverse(load3<S>(g + 3));
    for (int i = 0; i < n; ++i) g[i] *= mpc.w_q[i], g[n + i] *= mpc.w_v[i];
    store3(g + 3, mul_t(J, load3<S>(g + 3)));

    const S *q = world.q + k * nq, *v = world.v + k * n;
    for (int j = 0; j < model.njnt; ++j) {
      qp.lx(k)[6 + j] = mpc.q_min[j] - q[7 + j], qp.ux(k)[6 + j] = mpc.q_max[j] - q[7 + j];
      qp.lx(k)[n + 6 + j] = -mpc.v_max[j] - v[6 + j], qp.ux(k)[n + 6 + j] = mpc.v_max[j] - v[6 + j];
    }
    if (k == mpc.nodes - 1) return;
    for (int i = 0; i < mpc.nforce; ++i) g[qp.lay.ldx + i] *= mpc.w_force[i % 3];
    for (int j = 0; j < model.njnt; ++j) qp.bq(k)[6 + j] = q[7 + j] + mpc.dt[k] * v[n + 6 + j] - q[nq + 7 + j];
    const S yaw = quat_yaw(world.q + 3), cos_yaw = cos(yaw), sin_yaw = sin(yaw);
    for (int i = 0; i < mpc.dims.nd; ++i) {
      const int c = i / mpc.friction_sides;
      const S *F = world.F + k * mpc.nforce + 3 * c, *facet = mpc.facet + 2 * (i % mpc.friction_sides);
      S* row = qp.D(k) + i * qp.lay.ldu + 3 * c;
      row[0] = cos_yaw * facet[0] - sin_yaw * facet[1], row[1] = sin_yaw * facet[0] + cos_yaw * facet[1];
      qp.ud(k)[i] = mpc.facet_friction * F[2] - row[0] * F[0] - row[1] * F[1];
      qp.rho_d(k)[i] = mpc.rho_friction * world.stance[k * model.nfoot + model.contact_foot[c]];
    }
  });
  team.sync();
}

// Numbers of scratch that plan_value needs: the cost of every node, and its errors.
template <class S>
TANDEM_FN int value_size(const MpcView<S>& mpc) {
  return mpc.nodes * (1 + 2 * mpc.model.nv + mpc.nforce);
}

// V_MPC: the cost (2) of the plan as it stands.
//   scratch   value_size() numbers
template <Team T, class S>
TANDEM_FN void plan_value(const T& team, const MpcView<S>& mpc, WorldView<S> world, S* scratch) {
  const int n = mpc.model.nv;
  for_each(team, 0, mpc.nodes, [&](int k) {
    S *e_q = scratch + mpc.nodes + k * (2 * n + mpc.nforce), *e_v = e_q + n, *e_F = e_v + n, sum(0);
    node_error(mpc, world, k, e_q, e_v, e_F);
    for (int i = 0; i < n; ++i) sum += mpc.w_q[i] * e_q[i] * e_q[i] + mpc.w_v[i] * e_v[i] * e_v[i];
    for (int i = 0; k < mpc.nodes - 1 && i < mpc.nforce; ++i) sum += mpc.w_force[i % 3] * e_F[i] * e_F[i];
    scratch[k] = sum;
  });
  team.sync();
  for_each(team, 0, 1, [&](int) {
    S sum(0);
    for (int k = 0; k < mpc.nodes; ++k) sum += scratch[k];
    *world.value = sum;
  });
  team.sync();
}

}  // namespace TANDEM_ISA
}  // namespace tandem
