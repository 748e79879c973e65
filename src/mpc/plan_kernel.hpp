// The plan of one world between two solves: shifted in time, measured state put in, then moved by the solution of the QP. docs/mpc.md, eq. (6)-(8), (19)-(21).
#pragma once

#include <type_traits>

#include "dynamics/integrate_kernel.hpp"
#include "mpc/gait_kernel.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

// r = a + share (b - a) on the manifold; r may alias a.   d  scratch (nv)
template <class S>
TANDEM_FN void interpolate_configuration(const ModelView<S>& model, S* r, const S* a, const S* b, S share, S* d) {
  difference(SerialTeam{}, model, a, b, d);
  integrate(SerialTeam{}, model, a, d, share, r);
}

// Number of contact points in stance at node k, at least 1.
template <class S>
TANDEM_FN S contacts_in_stance(const MpcView<S>& mpc, const WorldView<S>& world, int k) {
  S n(0);
  for (int f = 0; f < mpc.model.nfoot; ++f) n += S(mpc.npoint) * world.stance[k * mpc.model.nfoot + f];
  return max(n, S(1));
}

// First plan: the measured configuration at rest, weight shared by the feet in stance.
template <class S>
TANDEM_FN void start_plan(const MpcView<S>& mpc, WorldView<S> world, const S* q, int k) {
  const ModelView<S>& model = mpc.model;
  for (int i = 0; i < model.nq; ++i) world.q[k * model.nq + i] = q[i];
  for (int i = 0; i < model.nv; ++i) world.v[k * model.nv + i] = S(0);
  if (k == mpc.nodes - 1) return;
  for (int c = 0; c < model.ncon; ++c) {
    S* F = world.F + k * mpc.nforce + 3 * c;
    F[0] = F[1] = S(0);
    F[2] = world.stance[k * model.nfoot + model.contact_foot[c]] * mpc.weight / contacts_in_stance(mpc, world, k);
  }
}

// Node k of the plan, `control_dt` later: between the old nodes k and k + 1 (the last one coasts). `next` receives q, v, F of the node; the old contact
// states are still in world.stance.
template <class S>
TANDEM_FN void shift_node(const MpcView<S>& mpc, const WorldView<S>& world, WorldView<S> next, int k) {
  const ModelView<S>& model = mpc.model;
  const int nq = model.nq, nv = model.nv, last = mpc.nodes - 1;
  S* q = next.q + k * nq;
  S* v = next.v + k * nv;
  if (k == last) {
    for (int i = 0; i < nv; ++i) v[i] = world.v[k * nv + i];
    integrate(SerialTeam{}, model, world.q + k * nq, v, mpc.control_dt, q);
    return;
  }
  const S share = mpc.control_dt / mpc.dt[k];
  interpolate_configuration(model, q, world.q + k * nq, world.q + (k + 1) * nq, share, v);  // v is written below
  for (int i = 0; i < nv; ++i) v[i] = world.v[k * nv + i] + share * (world.v[(k + 1) * nv + i] - world.v[k * nv + i]);
  const int then = k + 1 < last ? k + 1 : k;
  for (int i = 0; i < mpc.nforce; ++i) {
    const int f = model.contact_foot[i / 3];
    const S now_F = world.F[k * mpc.nforce + i], then_F = world.F[then * mpc.nforce + i];
    const bool now_on = world.stance[k * model.nfoot + f] > S(0), then_on = world.stance[then * model.nfoot + f] > S(0);
    next.F[k * mpc.nforce + i] = select(now_on && then_on, now_F + share * (then_F - now_F), select(now_on, now_F, then_F));
  }
}

// Forces of the shifted plan made to fit the new contact states: zero in swing, weight / contacts where a foot is newly in stance.
template <class S>
TANDEM_FN void fit_forces(const MpcView<S>& mpc, WorldView<S> world, int k) {
  const ModelView<S>& model = mpc.model;
  const S share = mpc.weight / contacts_in_stance(mpc, world, k);
  for (int c = 0; c < model.ncon; ++c) {
    S* F = world.F + k * mpc.nforce + 3 * c;
    const bool stance = world.stance[k * model.nfoot + model.contact_foot[c]] > S(0), fresh = F[2] == S(0);
    for (int i = 0; i < 3; ++i) F[i] = select(stance, select(fresh, i == 2 ? share : S(0), F[i]), S(0));
  }
}

// What the measured velocity of the base is missing: integral action, by which the command grows slowly, eq. (23), and the rate of the gait, eq. (25).
template <class S>
TANDEM_FN void follow_velocity_error(const MpcView<S>& mpc, WorldView<S> world, const S* q, const S* v) {
  const S yaw = quat_yaw(q + 3), c = cos(yaw), s = sin(yaw);
  const S measured[3] = {c * v[0] + s * v[1], c * v[1] - s * v[0], v[5]};
  const bool started = *world.started > S(0);
  S missing[3];
  for (int i = 0; i < 3; ++i) {
    missing[i] = world.command[1 + i] - measured[i];
    const S bias = world.bias[i] + mpc.integral_gain * mpc.control_dt * missing[i];
    world.bias[i] = started ? clamp(bias, -mpc.integral_limit, mpc.integral_limit) : S(0);
  }
  const S forward = mpc.step_rate_forward * missing[0];
  const S error = sqrt(forward * forward + missing[1] * missing[1]);
  const S share = clamp((error - mpc.step_rate_start) * mpc.step_rate_slope, S(0), S(1));
  const S rate = started ? *world.rate : S(1);
  *world.rate = rate + mpc.step_rate_gain * (S(1) + (mpc.step_rate - S(1)) * share - rate);
}

// How fast the ground rises under a base of this velocity [m/s].   ground  a plane, as in WorldView
template <class S>
TANDEM_FN S rise(const S* ground, const S* v) {
  return ground[0] * v[0] + ground[1] * v[1];
}

// Node 0 of the plan: the measured state, eq. (8), and for a `delay` above 0 moved on by it at the velocities and accelerations of the shifted plan, eq. (26);
// the height of the ground becomes that under node 0.
template <class S>
TANDEM_FN void start_from_measured(const MpcView<S>& mpc, WorldView<S> world, const S* q, const S* v, S delay) {
  const ModelView<S>& model = mpc.model;
  if (delay > S(0)) {
    integrate(SerialTeam{}, model, q, world.v, delay, world.q);
    world.ground[2] += delay * rise(world.ground, world.v);
    for (int i = 0; i < model.nv; ++i) world.v[i] = v[i] + delay / mpc.dt[0] * (world.v[model.nv + i] - world.v[i]);
    return;
  }
  for (int i = 0; i < model.nq; ++i) world.q[i] = q[i];
  for (int i = 0; i < model.nv; ++i) world.v[i] = v[i];
}

template <class S>
TANDEM_FN void exchange(S& a, S& b) {
  const S before = a;
  a = b, b = before;
}

// Moves the base of node 0 to where the velocities carried it since the last plan, but for the share of the measured pose that is trusted, eq. (27). Heights
// are weighed above the ground, so that whoever counts them may begin elsewhere with each step.
//   before   the last plan and its ground; its node 0 is overwritten
template <class S>
TANDEM_FN void weigh_prediction(const MpcView<S>& mpc, WorldView<S> world, WorldView<S> before) {
  S* d = before.v;
  for (int i = 0; i < mpc.model.nv; ++i) d[i] = S(0.5) * (d[i] + world.v[i]);
  integrate(SerialTeam{}, mpc.model, before.q, d, mpc.control_dt, before.q);
  before.q[2] += world.ground[2] - before.ground[2] - mpc.control_dt * rise(world.ground, d);
  difference(SerialTeam{}, mpc.model, before.q, world.q, d);
  for (int i = 0; i < 6; ++i) d[i] *= mpc.pose_trust;
  integrate(SerialTeam{}, mpc.model, before.q, d, S(1), world.q);
}

// Makes `world` the linearisation point of the next solve: the old plan one control step later, with the measured state at node 0, or where that is going.
//   q, v      measured state  (nq), (nv)
//   ground    under it, as in WorldView; nullptr: level at height 0  (3)
//   scratch   world_size() numbers; where there was a plan, its contact states are kept in world_at(mpc, scratch).stance
template <Team T, class S>
TANDEM_FN void prepare_plan(const T& team, const MpcView<S>& mpc, WorldView<S> world, const S* q, const S* v, std::type_identity_t<const S*> ground,
                            S* scratch) {
  const ModelView<S>& model = mpc.model;
  const int nq = model.nq, nv = model.nv, nodes = mpc.nodes;
  const bool started = *world.started > S(0);
  WorldView<S> next = world_at(mpc, scratch);
  for_each(team, 0, 3, [&](int i) { next.ground[i] = world.ground[i], world.ground[i] = ground ? ground[i] : S(0); });
  if (started) {
    for_each(team, 0, nodes, [&](int k) { shift_node(mpc, world, next, k); });
    for_each(team, 0, nodes * model.nfoot, [&](int i) { next.stance[i] = world.stance[i]; });
    team.sync();
    for_each(team, 0, nodes * nq, [&](int i) { exchange(world.q[i], next.q[i]); });
    for_each(team, 0, nodes * nv, [&](int i) { exchange(world.v[i], next.v[i]); });
    for_each(team, 0, (nodes - 1) * mpc.nforce, [&](int i) { world.F[i] = next.F[i]; });
    team.sync();
  }
  for_each(team, 0, 1, [&](int) { follow_velocity_error(mpc, world, q, v); });
  team.sync();
  schedule_contacts(team, mpc, world);
  for_each(team, 0, nodes, [&](int k) {
    if (!started) start_plan(mpc, world, q, k);
    if (k < nodes - 1) fit_forces(mpc, world, k);
    if (k > 0) return;
    start_from_measured(mpc, world, q, v, started ? mpc.delay : S(0));
    if (started && mpc.pose_trust < S(1)) weigh_prediction(mpc, world, next);  // which now holds the plan before
  });
  team.sync();
}

// Clears the warm start of the contact rows of feet that stand where they swung before, or the other way round: a stance row and a swing row share a place
// in the problem and nothing else, neither unit nor direction.
//   before   contact states of the problem that `warm` solved  (nodes, nfoot)
template <Team T, class S>
TANDEM_FN void forget_changed_rows(const T& team, const MpcView<S>& mpc, const WorldView<S>& world, const S* before, const SolutionView<S>& warm) {
  if (!(*world.started > S(0))) return;
  const int nfoot = mpc.model.nfoot, nrow = nfoot * mpc.nstance;
  for_each(team, 0, mpc.nodes * nrow, [&](int i) {
    const int k = i / nrow, row = i % nrow, at = k * nfoot + row / mpc.nstance;
    if (before[at] == world.stance[at]) return;
    warm.row_c(k)[row] = warm.dual_c(k)[row] = S(0);
  });
  team.sync();
}

// Moves the plan by the QP's step: x = x (+) dx, F = F + dF.
template <Team T, class S>
TANDEM_FN void apply_step(const T& team, const MpcView<S>& mpc, WorldView<S> world, const SolutionView<S>& step) {
  const ModelView<S>& model = mpc.model;
  const int nq = model.nq, nv = model.nv;
  for_each(team, 0, mpc.nodes, [&](int k) {
    const S* dx = step.x(k);
    if (k > 0) {
      integrate(SerialTeam{}, model, world.q + k * nq, dx, S(1), world.q + k * nq);
      for (int i = 0; i < nv; ++i) world.v[k * nv + i] += dx[nv + i];
    }
    if (k == mpc.nodes - 1) return;
    for (int i = 0; i < mpc.nforce; ++i) world.F[k * mpc.nforce + i] += step.u(k)[i];
  });
  team.sync();
}

// Set points one control step ahead on the first interval, eq. (21).
template <Team T, class S>
TANDEM_FN void set_points(const T& team, const MpcView<S>& mpc, WorldView<S> world) {
  const ModelView<S>& model = mpc.model;
  const S share = mpc.control_dt / mpc.dt[0];
  for_each(team, 0, model.njnt, [&](int j) {
    const S *q = world.q + 7 + j, *v = world.v + 6 + j;
    world.q_des[j] = q[0] + share * (q[model.nq] - q[0]);
    world.v_des[j] = v[0] + share * (v[model.nv] - v[0]);
  });
  team.sync();
}

// Whether n numbers are finite: every lane reads all of them, so that the answer is uniform without a sync.
template <class S>
TANDEM_FN bool all_finite(const S* p, int n) {
  S sum(0);
  for (int i = 0; i < n; ++i) sum += p[i] * S(0);
  return sum == S(0);
}

// Whether torques and set points are those of a plan, not of one that runs away, as after several problems in a row that cannot be met: no joint is asked for
// more than twice its velocity limit, or 1000 rad/s (m/s). Every lane reads all.
template <class S>
TANDEM_FN bool can_be_followed(const MpcView<S>& mpc, const WorldView<S>& world) {
  bool slow = true;
  for (int j = 0; j < mpc.model.njnt; ++j) {
    const S fastest = min(S(1000), S(2) * mpc.v_max[j]);
    slow = slow && world.v_des[j] < fastest && world.v_des[j] > -fastest;
  }
  return slow && all_finite(world.tau, mpc.model.njnt);
}

// The documented safe output of a world whose solve failed: nominal pose at rest, no feed-forward, plan started afresh next time.
template <Team T, class S>
TANDEM_FN void safe_output(const T& team, const MpcView<S>& mpc, WorldView<S> world) {
  for_each(team, 0, mpc.model.njnt, [&](int j) {
    world.q_des[j] = mpc.nominal[j];
    world.v_des[j] = world.tau[j] = S(0);
    if (j == 0) *world.started = *world.value = S(0);
  });
  team.sync();
}

}  // namespace TANDEM_ISA
}  // namespace tandem
