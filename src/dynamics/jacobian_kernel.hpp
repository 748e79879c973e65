// Point and body Jacobians, their time derivatives, velocities and accelerations of points. docs/dynamics.md, section 4.
//
// Velocities are those seen in the world along the axes of O (world-aligned), per unit of v: base linear, base angular (base axes), joints.
#pragma once

#include "dynamics/base_dynamics_kernel.hpp"
#include "dynamics/tree_kernel.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

// A point that moves with a body.
template <class Real>
struct BodyPoint {
  int body;
  Vec3<Real> p;  // where it is in O [m]
};

template <class Real, class S>
TANDEM_FN BodyPoint<Real> contact_point(const ModelView<S>& model, const Kinematics<Real>& kin, int c) {
  return {model.contact_body[c], contact_position(model, kin, c)};
}
template <class Real>
TANDEM_FN BodyPoint<Real> body_origin(const Kinematics<Real>& kin, int body) {
  return {body, load3<Real>(kin.p + 3 * body)};
}

// Column k of the body Jacobian, eq. (11): [angular velocity of the body; velocity of the point] per unit v_k; zero if k does not move it.
template <class Real, class S>
TANDEM_FN Spatial<Real> jacobian_column(const ModelView<S>& model, const Kinematics<Real>& kin, BodyPoint<Real> point, int k) {
  const Vec3<Real> zero{Real(0), Real(0), Real(0)};
  if (!moves(model, dof_body(model, k), point.body)) return {zero, zero};
  const Spatial<Real> S_k = dof_axis(model, kin, k);
  return {S_k.w, point_axis(S_k, point.p)};
}

// Its time derivative, eq. (12), from d.kin and d.V. The linear base axes stand still; every other axis moves with its body: dS/dt = V x S.
template <class Real, class S>
TANDEM_FN Spatial<Real> jacobian_dot_column(const ModelView<S>& model, const TreeData<Real>& d, BodyPoint<Real> point, int k) {
  const Vec3<Real> zero{Real(0), Real(0), Real(0)};
  const int body = dof_body(model, k);
  if ((model.nbase && k < 3) || !moves(model, body, point.body)) return {zero, zero};
  const Spatial<Real> S_k = dof_axis(model, d.kin, k), dS = cross_motion(load6(d.V + 6 * body), S_k);
  return {dS.w, point_axis(dS, point.p) + cross(S_k.w, point_axis(load6(d.V + 6 * point.body), point.p))};
}

// J (3, nv): velocity of a point. Reads kin.
template <Team T, class Real, class S>
TANDEM_FN void point_jacobian(const T& team, const ModelView<S>& model, const Kinematics<Real>& kin, BodyPoint<Real> point, Real* J) {
  for_each(team, 0, model.nv, [&](int k) {
    const Vec3<Real> column = jacobian_column(model, kin, point, k).v;
    J[k] = column.x, J[model.nv + k] = column.y, J[2 * model.nv + k] = column.z;
  });
  team.sync();
}

// dJ/dt (3, nv) of the same. Reads d.kin, d.V.
template <Team T, class Real, class S>
TANDEM_FN void point_jacobian_dot(const T& team, const ModelView<S>& model, const TreeData<Real>& d, BodyPoint<Real> point, Real* dJ) {
  for_each(team, 0, model.nv, [&](int k) {
    const Vec3<Real> column = jacobian_dot_column(model, d, point, k).v;
    dJ[k] = column.x, dJ[model.nv + k] = column.y, dJ[2 * model.nv + k] = column.z;
  });
  team.sync();
}

// Column k of a (6, n) row-major matrix.
template <class Real>
TANDEM_FN void store_column(Real* J, int n, int k, Spatial<Real> column) {
  const Real c[6] = {column.w.x, column.w.y, column.w.z, column.v.x, column.v.y, column.v.z};
  for (int r = 0; r < 6; ++r) J[r * n + k] = c[r];
}

// J (6, nv): rows 0-2 angular velocity of the body, rows 3-5 velocity of the point. Reads kin.
template <Team T, class Real, class S>
TANDEM_FN void body_jacobian(const T& team, const ModelView<S>& model, const Kinematics<Real>& kin, BodyPoint<Real> point, Real* J) {
  for_each(team, 0, model.nv, [&](int k) { store_column(J, model.nv, k, jacobian_column(model, kin, point, k)); });
  team.sync();
}

// dJ/dt (6, nv) of the same. Reads d.kin, d.V.
template <Team T, class Real, class S>
TANDEM_FN void body_jacobian_dot(const T& team, const ModelView<S>& model, const TreeData<Real>& d, BodyPoint<Real> point, Real* dJ) {
  for_each(team, 0, model.nv, [&](int k) { store_column(dJ, model.nv, k, jacobian_dot_column(model, d, point, k)); });
  team.sync();
}

// Velocity of a point relative to the base origin's, from d.V, eq. (10); add the base's linear velocity for that in the world.
template <class Real>
TANDEM_FN Vec3<Real> relative_velocity(const TreeData<Real>& d, BodyPoint<Real> point) {
  return point_axis(load6(d.V + 6 * point.body), point.p);
}

// Classical acceleration of a point, from d.V and d.A, eq. (13): with a = nullptr and no gravity, (dJ/dt) v.
template <class Real>
TANDEM_FN Vec3<Real> point_acceleration(const TreeData<Real>& d, BodyPoint<Real> point) {
  const Spatial<Real> V = load6(d.V + 6 * point.body), A = load6(d.A + 6 * point.body);
  return point_axis(A, point.p) + cross(V.w, point_axis(V, point.p));
}

}  // namespace TANDEM_ISA
}  // namespace tandem
