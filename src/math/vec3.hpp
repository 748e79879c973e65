// Three-vectors, 3 x 3 matrices and unit quaternions of any Real. Row-major; quaternion (w, x, y, z).
#pragma once

#include "base/real.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

template <class Real>
struct Vec3 {
  Real x, y, z;
};
template <class Real>
struct Mat3 {
  Real m[9];
};

template <class Real, class S>
TANDEM_FN Vec3<Real> load3(const S* p) {
  return {Real(p[0]), Real(p[1]), Real(p[2])};
}
template <class Real>
TANDEM_FN void store3(Real* p, Vec3<Real> a) {
  p[0] = a.x, p[1] = a.y, p[2] = a.z;
}
template <class Real, class S>
TANDEM_FN Mat3<Real> load33(const S* p) {
  Mat3<Real> r;
  for (int i = 0; i < 9; ++i) r.m[i] = Real(p[i]);
  return r;
}
template <class Real>
TANDEM_FN void store33(Real* p, const Mat3<Real>& a) {
  for (int i = 0; i < 9; ++i) p[i] = a.m[i];
}

template <class Real>
TANDEM_FN Vec3<Real> operator+(Vec3<Real> a, Vec3<Real> b) {
  return {a.x + b.x, a.y + b.y, a.z + b.z};
}
template <class Real>
TANDEM_FN Vec3<Real> operator-(Vec3<Real> a, Vec3<Real> b) {
  return {a.x - b.x, a.y - b.y, a.z - b.z};
}
template <class Real>
TANDEM_FN Vec3<Real> operator-(Vec3<Real> a) {
  return {-a.x, -a.y, -a.z};
}
template <class Real>
TANDEM_FN Vec3<Real> operator*(Real s, Vec3<Real> a) {
  return {s * a.x, s * a.y, s * a.z};
}
template <class Real>
TANDEM_FN Real dot(Vec3<Real> a, Vec3<Real> b) {
  return a.x * b.x + a.y * b.y + a.z * b.z;
}
template <class Real>
TANDEM_FN Vec3<Real> cross(Vec3<Real> a, Vec3<Real> b) {
  return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}

// R a
template <class Real>
TANDEM_FN Vec3<Real> operator*(const Mat3<Real>& R, Vec3<Real> a) {
  const Real* m = R.m;
  return {m[0] * a.x + m[1] * a.y + m[2] * a.z, m[3] * a.x + m[4] * a.y + m[5] * a.z, m[6] * a.x + m[7] * a.y + m[8] * a.z};
}
// R' a
template <class Real>
TANDEM_FN Vec3<Real> mul_t(const Mat3<Real>& R, Vec3<Real> a) {
  const Real* m = R.m;
  return {m[0] * a.x + m[3] * a.y + m[6] * a.z, m[1] * a.x + m[4] * a.y + m[7] * a.z, m[2] * a.x + m[5] * a.y + m[8] * a.z};
}
// A B
template <class Real>
TANDEM_FN Mat3<Real> operator*(const Mat3<Real>& A, const Mat3<Real>& B) {
  Mat3<Real> C;
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) C.m[3 * i + j] = A.m[3 * i] * B.m[j] + A.m[3 * i + 1] * B.m[3 + j] + A.m[3 * i + 2] * B.m[6 + j];
  return C;
}
template <class Real>
TANDEM_FN Mat3<Real> operator+(const Mat3<Real>& A, const Mat3<Real>& B) {
  Mat3<Real> C;
  for (int i = 0; i < 9; ++i) C.m[i] = A.m[i] + B.m[i];
  return C;
}
template <class Real>
TANDEM_FN Mat3<Real> operator-(const Mat3<Real>& A, const Mat3<Real>& B) {
  Mat3<Real> C;
  for (int i = 0; i < 9; ++i) C.m[i] = A.m[i] - B.m[i];
  return C;
}
template <class Real>
TANDEM_FN Mat3<Real> operator*(Real s, const Mat3<Real>& A) {
  Mat3<Real> C;
  for (int i = 0; i < 9; ++i) C.m[i] = s * A.m[i];
  return C;
}
template <class Real>
TANDEM_FN Mat3<Real> transpose(const Mat3<Real>& A) {
  const Real* m = A.m;
  return {{m[0], m[3], m[6], m[1], m[4], m[7], m[2], m[5], m[8]}};
}
template <class Real>
TANDEM_FN Mat3<Real> identity3() {
  const Real o(1), z(0);
  return {{o, z, z, z, o, z, z, z, o}};
}
// [a]x, so that skew(a) b = a x b
template <class Real>
TANDEM_FN Mat3<Real> skew(Vec3<Real> a) {
  const Real z(0);
  return {{z, -a.z, a.y, a.z, z, -a.x, -a.y, a.x, z}};
}
// symmetric matrix from xx yy zz xy xz yz
template <class Real, class S>
TANDEM_FN Mat3<Real> symmetric3(const S* p) {
  const Real xx(p[0]), yy(p[1]), zz(p[2]), xy(p[3]), xz(p[4]), yz(p[5]);
  return {{xx, xy, xz, xy, yy, yz, xz, yz, zz}};
}

// Rotation about the unit vector `axis` by an angle given as its sine and cosine (Rodrigues).
template <class Real>
TANDEM_FN Mat3<Real> axis_rotation(Vec3<Real> a, Real s, Real c) {
  const Real t = Real(1) - c;
  return {{t * a.x * a.x + c, t * a.x * a.y - s * a.z, t * a.x * a.z + s * a.y,  //
           t * a.x * a.y + s * a.z, t * a.y * a.y + c, t * a.y * a.z - s * a.x,  //
           t * a.x * a.z - s * a.y, t * a.y * a.z + s * a.x, t * a.z * a.z + c}};
}

// Rotation matrix of a unit quaternion q = (w, x, y, z).
template <class Real>
TANDEM_FN Mat3<Real> quat_to_rotation(const Real* q) {
  const Real w = q[0], x = q[1], y = q[2], z = q[3], two(2), one(1);
  return {{one - two * (y * y + z * z), two * (x * y - w * z), two * (x * z + w * y),  //
           two * (x * y + w * z), one - two * (x * x + z * z), two * (y * z - w * x),  //
           two * (x * z - w * y), two * (y * z + w * x), one - two * (x * x + y * y)}};
}
// r = a b; r may not alias a or b.
template <class Real>
TANDEM_FN void quat_multiply(Real* r, const Real* a, const Real* b) {
  r[0] = a[0] * b[0] - a[1] * b[1] - a[2] * b[2] - a[3] * b[3];
  r[1] = a[0] * b[1] + a[1] * b[0] + a[2] * b[3] - a[3] * b[2];
  r[2] = a[0] * b[2] - a[1] * b[3] + a[2] * b[0] + a[3] * b[1];
  r[3] = a[0] * b[3] + a[1] * b[2] - a[2] * b[1] + a[3] * b[0];
}

}  // namespace TANDEM_ISA
}  // namespace tandem
