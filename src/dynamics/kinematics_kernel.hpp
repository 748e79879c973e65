// Forward kinematics of a tree. docs/dynamics.md, section 2.
//
// "Frame O" is whatever frame the base pose is given in: the world, or the base itself (identity pose), which is what the MPC uses, because the
// equations of motion of the base do not depend on where it is. Spatial vectors are [angular; linear] at the origin of O, along the axes of O.
#pragma once

#include "math/sincos.hpp"
#include "math/vec3.hpp"
#include "model/model_view.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

template <class Real>
struct Pose {
  Mat3<Real> R;
  Vec3<Real> p;
};

// Where every body is, and the axis of the joint that moves it. Pointers to memory of the caller.
template <class Real>
struct Kinematics {
  Real* R;  // rotation of the body in O, row-major  (nbody, 9)
  Real* p;  // origin of the body in O [m]  (nbody, 3)
  Real* S;  // spatial axis of the body's joint at the origin of O: velocity of O-fixed space per unit joint velocity; base: zero  (nbody, 6)
};

template <class Real>
TANDEM_FN int kinematics_size(int nbody) {
  return 18 * nbody;
}
template <class Real>
TANDEM_FN Kinematics<Real> kinematics_at(Real* memory, int nbody) {
  return {memory, memory + 9 * nbody, memory + 12 * nbody};
}

// Pose of body i from its parent's, eq. (2)-(3): p_J = p_P + R_P p_PJ, R = R_P R_PB R(axis, q), p = p_J - R anchor + axis q (slide).
template <class Real, class S>
TANDEM_FN void body_pose(const ModelView<S>& model, int i, Real q, Kinematics<Real>& kin) {
  const int parent = model.parent[i];
  const Mat3<Real> R_P = load33<Real>(kin.R + 9 * parent);
  const Vec3<Real> p_J = load3<Real>(kin.p + 3 * parent) + R_P * load3<Real>(model.p_PJ + 3 * i);
  const Vec3<Real> axis = load3<Real>(model.axis + 3 * i);
  const bool hinge = model.joint_type[i] == 0;
  Mat3<Real> R = R_P * load33<Real>(model.R_PB + 9 * i);
  const Vec3<Real> axis_O = R * axis;
  if (hinge) {
    const SinCos<Real> angle = sincos(q);
    R = R * axis_rotation(axis, angle.sin, angle.cos);
  }
  Vec3<Real> p = p_J - R * load3<Real>(model.anchor + 3 * i);
  if (!hinge) p = p + q * axis_O;
  store33(kin.R + 9 * i, R);
  store3(kin.p + 3 * i, p);

  const Vec3<Real> zero{Real(0), Real(0), Real(0)};
  store3(kin.S + 6 * i, hinge ? axis_O : zero);
  store3(kin.S + 6 * i + 3, hinge ? cross(p_J, axis_O) : axis_O);
}

// Writes the pose of every body and every joint axis, in the frame O in which `base` is given.
//   q_joint  joint positions [rad, m]  (njnt)
// Each body is one task; bodies of one depth run side by side.
template <Team T, class Real, class S>
TANDEM_FN void forward_kinematics(const T& team, const ModelView<S>& model, const Pose<Real>& base, const Real* q_joint, Kinematics<Real> kin) {
  for_each(team, 0, 1, [&](int) {
    store33(kin.R, base.R);
    store3(kin.p, base.p);
    for (int r = 0; r < 6; ++r) kin.S[r] = Real(0);
  });
  team.sync();
  for (int level = 1; level < model.nlevel; ++level) {
    for_each(team, model.level_start[level], model.level_start[level + 1], [&](int slot) {
      const int i = model.level_body[slot];
      body_pose(model, i, q_joint[i - 1], kin);
    });
    team.sync();
  }
}

// Position in O of contact point c.
template <class Real, class S>
TANDEM_FN Vec3<Real> contact_position(const ModelView<S>& model, const Kinematics<Real>& kin, int c) {
  const int body = model.contact_body[c];
  return load3<Real>(kin.p + 3 * body) + load33<Real>(kin.R + 9 * body) * load3<Real>(model.p_BC + 3 * c);
}

}  // namespace TANDEM_ISA
}  // namespace tandem
