// The six base rows of the equations of motion and their exact derivatives, in the frame of the base. docs/dynamics.md, section 9.
//
// Frame O is the base: origin and axes of body 0. Newton's law does not change when a constant velocity is added to everything, so the base is taken to
// have linear velocity zero; its classical acceleration minus gravity, seen from the base, is all that remains of where the base is and how it moves.
//   wrench W = sum_i (I_i A_i + V_i x* I_i V_i) - sum_c [p_c x f_c; f_c] = 0        [moment; force] at the base origin, base axes
// Derivatives follow Singh, Russell, Wensing, "Efficient analytical derivatives of rigid-body dynamics using spatial vector algebra" (2022): with the
// subtree sums I^C, f^C, B^C, column i of dW/dq is 2 B^C (V_p x S) + I^C (A_p x S + V_p x (V_p x S)) + S x* f^C: constant work per joint.
#pragma once

#include "dynamics/kinematics_kernel.hpp"
#include "math/spatial.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

// The motion of a robot as the base rows see it.
template <class Real>
struct BaseMotion {
  Mat3<Real> R_WB;      // base rotation
  Vec3<Real> omega;     // angular velocity, base axes [rad/s]
  Vec3<Real> alpha;     // its rate, base axes [rad/s^2]
  Vec3<Real> a_W;       // classical acceleration of the base origin, world [m/s^2]
  const Real* q_joint;  // (njnt)
  const Real* v_joint;  // (njnt)
  const Real* a_joint;  // (njnt)
  const Real* force_W;  // contact forces on the robot, world [N]  (ncon, 3)
};

// Scratch of one evaluation: per-body quantities in frame O, then sums over subtrees in place.
template <class Real>
struct BaseDynamics {
  Kinematics<Real> kin;
  Real* V;  // body velocity  (nbody, 6)
  Real* A;  // body acceleration minus gravity  (nbody, 6)
  Real* I;  // inertia, then of the subtree  (nbody, 10)
  Real* f;  // rate of momentum, then of the subtree, without contact forces  (nbody, 6)
  Real* B;  // Coriolis matrix 2 B = [T 0; -2 [l]x 0]: T (9), l (3), then of the subtree  (nbody, 12)
};

template <class Real>
TANDEM_FN int base_dynamics_size(int nbody) {
  return kinematics_size<Real>(nbody) + (6 + 6 + kInertiaSize + 6 + 12) * nbody;
}
template <class Real>
TANDEM_FN BaseDynamics<Real> base_dynamics_at(Real* memory, int nbody) {
  BaseDynamics<Real> d;
  d.kin = kinematics_at(memory, nbody);
  d.V = memory + kinematics_size<Real>(nbody);
  d.A = d.V + 6 * nbody;
  d.I = d.A + 6 * nbody;
  d.f = d.I + kInertiaSize * nbody;
  d.B = d.f + 6 * nbody;
  return d;
}

// 2 B m with B as stored.
template <class Real>
TANDEM_FN Spatial<Real> coriolis_mul(const Real* B, Spatial<Real> m) {
  const Vec3<Real> l = load3<Real>(B + 9);
  return {load33<Real>(B) * m.w, Real(-2) * cross(l, m.w)};
}

// Coriolis matrix of one body as coriolis_mul reads it, eq. (41):
// T = [w] I + m [v][c]' - I [w] - m [c][v] - [n],  n = I w + h x v,  l = m v + w x h.
template <class Real>
TANDEM_FN void store_coriolis(Real* B, const Inertia<Real>& I, Spatial<Real> V) {
  const Spatial<Real> momentum = I * V;
  const Mat3<Real> J = symmetric3<Real>(I.I);
  const Mat3<Real> W = skew(V.w), v = skew(V.v), h = skew(I.h);
  store33(B, W * J - J * W - v * h - h * v - skew(momentum.w));
  store3(B + 9, momentum.v);
}

// Inertia, momentum rate and Coriolis matrix of body i from its pose, V and A.
template <class Real, class S>
TANDEM_FN void body_terms(const ModelView<S>& model, int i, BaseDynamics<Real>& d) {
  const Mat3<Real> R = load33<Real>(d.kin.R + 9 * i);
  const Vec3<Real> c = load3<Real>(d.kin.p + 3 * i) + R * load3<Real>(model.com + 3 * i);
  const Inertia<Real> I = body_inertia(model.mass[i], model.inertia + 6 * i, R, c);
  const Spatial<Real> V = load6(d.V + 6 * i);
  store_inertia(d.I + kInertiaSize * i, I);
  store6(d.f + 6 * i, I * load6(d.A + 6 * i) + cross_force(V, I * V));
  store_coriolis(d.B + 12 * i, I, V);
}

// Fills `d` for the motion: poses, velocities, accelerations, then the sums over every subtree. Afterwards f of the base is W without contact forces.
template <Team T, class Real, class S>
TANDEM_FN void base_dynamics(const T& team, const ModelView<S>& model, const BaseMotion<Real>& motion, BaseDynamics<Real> d) {
  const Vec3<Real> zero{Real(0), Real(0), Real(0)};
  forward_kinematics(team, model, Pose<Real>{identity3<Real>(), zero}, motion.q_joint, d.kin);
  for_each(team, 0, 1, [&](int) {
    store6(d.V, Spatial<Real>{motion.omega, zero});
    store6(d.A, Spatial<Real>{motion.alpha, mul_t(motion.R_WB, motion.a_W - load3<Real>(model.gravity))});
    body_terms(model, 0, d);
  });
  team.sync();
  for (int level = 1; level < model.nlevel; ++level) {
    for_each(team, model.level_start[level], model.level_start[level + 1], [&](int slot) {
      const int i = model.level_body[slot], parent = model.parent[i];
      const Spatial<Real> S_i = load6(d.kin.S + 6 * i), V_p = load6(d.V + 6 * parent);
      const Spatial<Real> V_J = motion.v_joint[i - 1] * S_i;
      store6(d.V + 6 * i, V_p + V_J);
      store6(d.A + 6 * i, load6(d.A + 6 * parent) + motion.a_joint[i - 1] * S_i + cross_motion(V_p, V_J));
      body_terms(model, i, d);
    });
    team.sync();
  }
  // subtree sums: a parent gathers its children, deepest first
  for (int level = model.nlevel - 2; level >= 0; --level) {
    for_each(team, model.level_start[level], model.level_start[level + 1], [&](int slot) {
      const int i = model.level_body[slot];
      for (int child = model.child_start[i]; child < model.child_start[i + 1]; ++child) {
        const int j = model.child_body[child];
        for (int r = 0; r < kInertiaSize; ++r) d.I[kInertiaSize * i + r] += d.I[kInertiaSize * j + r];
        for (int r = 0; r < 6; ++r) d.f[6 * i + r] += d.f[6 * j + r];
        for (int r = 0; r < 12; ++r) d.B[12 * i + r] += d.B[12 * j + r];
      }
    });
    team.sync();
  }
}

// True if the joint of body i (>= 1) moves body b.
template <class S>
TANDEM_FN bool moves(const ModelView<S>& model, int i, int b) {
  while (b > i) b = model.parent[b];
  return b == i;
}

// Velocity of the point p (frame O) per unit velocity of joint axis S_i.
template <class Real>
TANDEM_FN Vec3<Real> point_axis(Spatial<Real> S_i, Vec3<Real> p) {
  return S_i.v + cross(S_i.w, p);
}

// W including contact forces.
template <class Real, class S>
TANDEM_FN Spatial<Real> base_wrench(const ModelView<S>& model, const BaseMotion<Real>& motion, const BaseDynamics<Real>& d) {
  Spatial<Real> W = load6(d.f);
  for (int c = 0; c < model.ncon; ++c) {
    const Vec3<Real> f = mul_t(motion.R_WB, load3<Real>(motion.force_W + 3 * c));
    W = W - Spatial<Real>{cross(contact_position(model, d.kin, c), f), f};
  }
  return W;
}

// Column of dW/dq for the joint of body i.
template <class Real, class S>
TANDEM_FN Spatial<Real> wrench_dq(const ModelView<S>& model, const BaseMotion<Real>& motion, const BaseDynamics<Real>& d, int i) {
  const int parent = model.parent[i];
  const Spatial<Real> S_i = load6(d.kin.S + 6 * i), V_p = load6(d.V + 6 * parent), A_p = load6(d.A + 6 * parent);
  const Spatial<Real> dS = cross_motion(V_p, S_i);
  const Inertia<Real> I = load_inertia(d.I + kInertiaSize * i);
  Spatial<Real> column = coriolis_mul(d.B + 12 * i, dS) + I * (cross_motion(A_p, S_i) + cross_motion(V_p, dS)) + cross_force(S_i, load6(d.f + 6 * i));
  // the contact point moves with the joint, its force stays
  for (int c = 0; c < model.ncon; ++c) {
    if (!moves(model, i, model.contact_body[c])) continue;
    const Vec3<Real> f = mul_t(motion.R_WB, load3<Real>(motion.force_W + 3 * c));
    column.w = column.w - cross(point_axis(S_i, contact_position(model, d.kin, c)), f);
  }
  return column;
}

// Column of dW/dv for the joint of body i: 2 B^C S + 2 I^C (V_p x S).
template <class Real, class S>
TANDEM_FN Spatial<Real> wrench_dv(const ModelView<S>& model, const BaseDynamics<Real>& d, int i) {
  const Spatial<Real> S_i = load6(d.kin.S + 6 * i);
  const Spatial<Real> dS = cross_motion(load6(d.V + 6 * model.parent[i]), S_i);
  return coriolis_mul(d.B + 12 * i, S_i) + load_inertia(d.I + kInertiaSize * i) * (Real(2) * dS);
}

// Column of dW/da for the joint of body i: I^C S.
template <class Real>
TANDEM_FN Spatial<Real> wrench_da(const BaseDynamics<Real>& d, int i) {
  return load_inertia(d.I + kInertiaSize * i) * load6(d.kin.S + 6 * i);
}

// Column r of dW/dtheta, the base turned by a small angle about its own axis r: gravity, acceleration and forces turn the other way.
template <class Real, class S>
TANDEM_FN Spatial<Real> wrench_dtheta(const ModelView<S>& model, const BaseMotion<Real>& motion, const BaseDynamics<Real>& d, int r) {
  const Vec3<Real> zero{Real(0), Real(0), Real(0)}, e{Real(r == 0), Real(r == 1), Real(r == 2)};
  const Vec3<Real> a_B = load3<Real>(d.A + 3);
  Spatial<Real> column = load_inertia(d.I) * Spatial<Real>{zero, cross(a_B, e)};
  for (int c = 0; c < model.ncon; ++c) {
    const Vec3<Real> df = cross(mul_t(motion.R_WB, load3<Real>(motion.force_W + 3 * c)), e);
    column = column - Spatial<Real>{cross(contact_position(model, d.kin, c), df), df};
  }
  return column;
}

// Column r of dW/domega.
template <class Real>
TANDEM_FN Spatial<Real> wrench_domega(const BaseDynamics<Real>& d, Vec3<Real> omega, int r) {
  const Vec3<Real> zero{Real(0), Real(0), Real(0)}, e{Real(r == 0), Real(r == 1), Real(r == 2)};
  return coriolis_mul(d.B, Spatial<Real>{e, zero}) + load_inertia(d.I) * Spatial<Real>{cross(omega, e), zero};
}

// Inverse of the inertia of the whole robot at the base origin: wrench [n; f] to acceleration [alpha; a].
template <class Real>
struct InverseInertia {
  Real m_inv;
  Vec3<Real> c;   // centre of mass
  Real J_inv[6];  // inverse of the rotational inertia about it
};

template <class Real>
TANDEM_FN InverseInertia<Real> invert(const Inertia<Real>& I) {
  InverseInertia<Real> r;
  r.m_inv = Real(1) / I.m;
  r.c = r.m_inv * I.h;
  const Vec3<Real> c = r.c;
  const Real cc = dot(c, c);
  const Real xx = I.I[0] - I.m * (cc - c.x * c.x), yy = I.I[1] - I.m * (cc - c.y * c.y), zz = I.I[2] - I.m * (cc - c.z * c.z);
  const Real xy = I.I[3] + I.m * c.x * c.y, xz = I.I[4] + I.m * c.x * c.z, yz = I.I[5] + I.m * c.y * c.z;
  const Real A = yy * zz - yz * yz, B = xz * yz - xy * zz, C = xy * yz - xz * yy;
  const Real det_inv = Real(1) / (xx * A + xy * B + xz * C);
  r.J_inv[0] = A * det_inv;
  r.J_inv[1] = (xx * zz - xz * xz) * det_inv;
  r.J_inv[2] = (xx * yy - xy * xy) * det_inv;
  r.J_inv[3] = B * det_inv;
  r.J_inv[4] = C * det_inv;
  r.J_inv[5] = (xy * xz - xx * yz) * det_inv;
  return r;
}
template <class Real>
TANDEM_FN Spatial<Real> operator*(const InverseInertia<Real>& I, Spatial<Real> wrench) {
  const Vec3<Real> alpha = sym_mul(I.J_inv, wrench.w - cross(I.c, wrench.v));
  return {alpha, I.m_inv * wrench.v + cross(I.c, alpha)};
}

// Joint torque of inverse dynamics for the joint of body i, eq. (20) of the residual MPC: S'(f^C) - J'F + armature a.
template <class Real, class S>
TANDEM_FN Real joint_torque(const ModelView<S>& model, const BaseMotion<Real>& motion, const BaseDynamics<Real>& d, int i) {
  const Spatial<Real> S_i = load6(d.kin.S + 6 * i);
  Real tau = dot(S_i, load6(d.f + 6 * i)) + Real(model.armature[i]) * motion.a_joint[i - 1];
  for (int c = 0; c < model.ncon; ++c) {
    if (!moves(model, i, model.contact_body[c])) continue;
    tau -= dot(point_axis(S_i, contact_position(model, d.kin, c)), mul_t(motion.R_WB, load3<Real>(motion.force_W + 3 * c)));
  }
  return tau;
}

}  // namespace TANDEM_ISA
}  // namespace tandem
