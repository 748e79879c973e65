// Spatial (six-dimensional) vectors and inertias, angular part first, all at one common origin. Featherstone, Rigid Body Dynamics Algorithms, chapter 2.
#pragma once

#include "math/vec3.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

// Motion [w; v] or force [n; f], by use.
template <class Real>
struct Spatial {
  Vec3<Real> w, v;
};

template <class Real>
TANDEM_FN Spatial<Real> load6(const Real* p) {
  return {{p[0], p[1], p[2]}, {p[3], p[4], p[5]}};
}
template <class Real>
TANDEM_FN void store6(Real* p, Spatial<Real> a) {
  store3(p, a.w);
  store3(p + 3, a.v);
}
template <class Real>
TANDEM_FN Spatial<Real> operator+(Spatial<Real> a, Spatial<Real> b) {
  return {a.w + b.w, a.v + b.v};
}
template <class Real>
TANDEM_FN Spatial<Real> operator-(Spatial<Real> a, Spatial<Real> b) {
  return {a.w - b.w, a.v - b.v};
}
template <class Real>
TANDEM_FN Spatial<Real> operator*(Real s, Spatial<Real> a) {
  return {s * a.w, s * a.v};
}
template <class Real>
TANDEM_FN Real dot(Spatial<Real> a, Spatial<Real> b) {
  return dot(a.w, b.w) + dot(a.v, b.v);
}

// motion x motion
template <class Real>
TANDEM_FN Spatial<Real> cross_motion(Spatial<Real> a, Spatial<Real> m) {
  return {cross(a.w, m.w), cross(a.w, m.v) + cross(a.v, m.w)};
}
// motion x* force
template <class Real>
TANDEM_FN Spatial<Real> cross_force(Spatial<Real> a, Spatial<Real> f) {
  return {cross(a.w, f.w) + cross(a.v, f.v), cross(a.w, f.v)};
}

// Rigid-body inertia at the common origin: mass, first moment h = m c, rotational inertia about the origin xx yy zz xy xz yz.
template <class Real>
struct Inertia {
  Real m;
  Vec3<Real> h;
  Real I[6];
};

template <class Real>
TANDEM_FN Vec3<Real> sym_mul(const Real* I, Vec3<Real> a) {
  return {I[0] * a.x + I[3] * a.y + I[4] * a.z, I[3] * a.x + I[1] * a.y + I[5] * a.z, I[4] * a.x + I[5] * a.y + I[2] * a.z};
}
// momentum or force of inertia times motion
template <class Real>
TANDEM_FN Spatial<Real> operator*(const Inertia<Real>& I, Spatial<Real> a) {
  return {sym_mul(I.I, a.w) + cross(I.h, a.v), I.m * a.v - cross(I.h, a.w)};
}

template <class Real>
TANDEM_FN Inertia<Real> operator+(const Inertia<Real>& a, const Inertia<Real>& b) {
  Inertia<Real> r{a.m + b.m, a.h + b.h, {}};
  for (int i = 0; i < 6; ++i) r.I[i] = a.I[i] + b.I[i];
  return r;
}
template <class Real>
TANDEM_FN Inertia<Real> load_inertia(const Real* p) {
  Inertia<Real> r{p[0], {p[1], p[2], p[3]}, {}};
  for (int i = 0; i < 6; ++i) r.I[i] = p[4 + i];
  return r;
}
template <class Real>
TANDEM_FN void store_inertia(Real* p, const Inertia<Real>& a) {
  p[0] = a.m;
  store3(p + 1, a.h);
  for (int i = 0; i < 6; ++i) p[4 + i] = a.I[i];
}
inline constexpr int kInertiaSize = 10;

// Inertia of a body of mass m with rotational inertia Ic (xx yy zz xy xz yz, about its centre of mass, body axes), seen from the origin of O,
// when R turns body axes to O and c is the centre of mass in O: I = R Ic R' + m (c'c 1 - c c').
template <class Real, class S>
TANDEM_FN Inertia<Real> body_inertia(S mass, const S* Ic, const Mat3<Real>& R, Vec3<Real> c) {
  const Mat3<Real> J = R * symmetric3<Real>(Ic) * transpose(R);
  const Real m(mass), cc = dot(c, c);
  return {m,
          m * c,
          {J.m[0] + m * (cc - c.x * c.x), J.m[4] + m * (cc - c.y * c.y), J.m[8] + m * (cc - c.z * c.z), J.m[1] - m * c.x * c.y,
           J.m[2] - m * c.x * c.z, J.m[5] - m * c.y * c.z}};
}

}  // namespace TANDEM_ISA
}  // namespace tandem
