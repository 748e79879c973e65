// Configurations as a manifold: integration, difference, and their Jacobians. docs/dynamics.md, section 7.
//
// Tangent vectors are velocities times time: base translation in the world, base rotation about its own axes (right tangent), joints.
#pragma once

#include "math/so3.hpp"
#include "model/model_view.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

// q_next (nq) = q (+) dt v, eq. (35), quaternion of unit length. q_next may be q.
template <Team T, class Real, class S>
TANDEM_FN void integrate(const T& team, const ModelView<S>& model, const Real* q, const Real* v, Real dt, Real* q_next) {
  const int offset = model.nbase ? 7 : 0;
  for_each(team, 0, model.njnt, [&](int j) { q_next[offset + j] = q[offset + j] + dt * v[model.nbase + j]; });
  if (model.nbase) {
    for_each(team, 0, 1, [&](int) {
      Real turn[4], quat[4];
      quat_exp(dt * load3<Real>(v + 3), turn);
      quat_multiply(quat, q + 3, turn);
      quat_normalize(quat);
      for (int r = 0; r < 3; ++r) q_next[r] = q[r] + dt * v[r];
      for (int r = 0; r < 4; ++r) q_next[3 + r] = quat[r];
    });
  }
  team.sync();
}

// dq (nv) = q_to (-) q_from, eq. (36): integrate(q_from, dq, 1) = q_to up to the sign of the quaternion; rotation at most pi.
template <Team T, class Real, class S>
TANDEM_FN void difference(const T& team, const ModelView<S>& model, const Real* q_from, const Real* q_to, Real* dq) {
  const int offset = model.nbase ? 7 : 0;
  for_each(team, 0, model.njnt, [&](int j) { dq[model.nbase + j] = q_to[offset + j] - q_from[offset + j]; });
  if (model.nbase) {
    for_each(team, 0, 1, [&](int) {
      for (int r = 0; r < 3; ++r) dq[r] = q_to[r] - q_from[r];
      store3(dq + 3, quat_difference(q_from + 3, q_to + 3));
    });
  }
  team.sync();
}

// The rotation blocks of the Jacobians of integrate and difference; every other block is the identity (times dt, or minus it).
template <class Real>
struct TurnJacobians {
  Mat3<Real> from;  // with respect to the tangent of the first argument, q or q_from
  Mat3<Real> to;    // with respect to the second, the rotation vector dt omega or the tangent of q_to
};

// d(R Exp(phi)), eq. (37): from = Exp(phi)', to = Jr(phi); phi = dt omega [rad].
template <class Real>
TANDEM_FN TurnJacobians<Real> integrate_jacobians(Vec3<Real> phi) {
  Real turn[4];
  quat_exp(phi, turn);
  return {transpose(quat_to_rotation(turn)), right_jacobian(phi)};
}

// dLog(R_from' R_to), eq. (38): from = -Jr^-1(phi)', to = Jr^-1(phi); phi = rotation part of difference [rad].
template <class Real>
TANDEM_FN TurnJacobians<Real> difference_jacobians(Vec3<Real> phi) {
  const Mat3<Real> to = right_jacobian_inverse(phi);
  return {Real(-1) * transpose(to), to};
}

}  // namespace TANDEM_ISA
}  // namespace tandem
