// Rotations as a manifold: exponential, logarithm and their Jacobians, with the right (body-frame) tangent: R (+) phi = R Exp(phi).
// docs/dynamics.md, section 7. Chirikjian, Stochastic Models, Information Theory, and Lie Groups 2, section 10.6; Sola et al., "A micro Lie theory" (2018).
//
// No branch depends on data: near zero either the formula itself is accurate there, or a series is selected.
#pragma once

#include <cmath>

#include "math/sincos.hpp"
#include "math/vec3.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

// Length of `a`, at least 1e-15: never divides by zero, and small enough that sin(x) = x to the last bit.
template <class Real>
TANDEM_FN Real safe_norm(Vec3<Real> a) {
  return sqrt(max(dot(a, a), Real(Scalar<Real>(1e-30))));
}

// Unit quaternion of the rotation vector phi [rad], eq. (31): q = (cos |phi|/2, sin(|phi|/2) phi / |phi|).
template <class Real>
TANDEM_FN void quat_exp(Vec3<Real> phi, Real* q) {
  const Real angle = safe_norm(phi);
  const SinCos<Real> half = sincos(Real(Scalar<Real>(0.5)) * angle);
  const Real s = half.sin / angle;
  q[0] = half.cos;
  q[1] = s * phi.x;
  q[2] = s * phi.y;
  q[3] = s * phi.z;
}

// Rotation vector [rad] of length at most pi of the quaternion q, whose length cancels out, eq. (32).
template <class Real>
TANDEM_FN Vec3<Real> quat_log(const Real* q) {
  const Vec3<Real> xyz{q[1], q[2], q[3]};
  const Real n = safe_norm(xyz);
  const Real angle = Real(Scalar<Real>(2)) * atan2(n, abs(q[0]));
  const Real s = angle / n;
  return select(q[0] < Real(Scalar<Real>(0)), -s, s) * xyz;
}

// q scaled to unit length.
template <class Real>
TANDEM_FN void quat_normalize(Real* q) {
  const Real s = Real(Scalar<Real>(1)) / sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3]);
  for (int i = 0; i < 4; ++i) q[i] *= s;
}

// What a measured quaternion is multiplied by to be of unit length: exactly 1 where it is but for rounding, NaN where it is no rotation. Branches, so not
// for lanes.
template <class Real>
TANDEM_FN Real quat_scale(const Real* q) {
  const Real norm2 = q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3], one(1), off = norm2 - one;
  if (off * off < Real(1e-10f)) return one;
  const Real scale = one / sqrt(norm2);
  return norm2 > Real(1e-12f) && scale > Real(0) ? scale : Real(NAN);
}
template <class Real>
TANDEM_FN void scale_to_unit(Real* q) {
  const Real scale = quat_scale(q);
  for (int i = 0; i < 4; ++i) q[i] *= scale;
}

// Log(a^-1 b) [rad]: the turn from the unit quaternion a to b, in the frame of a.
template <class Real>
TANDEM_FN Vec3<Real> quat_difference(const Real* a, const Real* b) {
  const Real inverse[4] = {a[0], -a[1], -a[2], -a[3]};
  Real turn[4];
  quat_multiply(turn, inverse, b);
  return quat_log(turn);
}

// Yaw of a unit quaternion [rad]: the turn about the vertical of its x axis.
template <class Real>
TANDEM_FN Real quat_yaw(const Real* q) {
  const Real two(2);
  return atan2(two * (q[0] * q[3] + q[1] * q[2]), Real(1) - two * (q[2] * q[2] + q[3] * q[3]));
}

// 1 + a [phi]x + b [phi]x [phi]x
template <class Real>
TANDEM_FN Mat3<Real> identity_plus_skew(Vec3<Real> phi, Real a, Real b) {
  const Mat3<Real> W = skew(phi);
  return identity3<Real>() + a * W + b * (W * W);
}

// sum_i c_i x^i
template <class Real, int n>
TANDEM_FN Real polynomial(const double (&c)[n], Real x) {
  Real sum(static_cast<Scalar<Real>>(c[n - 1]));
  for (int i = n - 2; i >= 0; --i) sum = sum * x + Real(static_cast<Scalar<Real>>(c[i]));
  return sum;
}

// Right Jacobian, eq. (33): Exp(phi + d) = Exp(phi) Exp(Jr d) to first order.
//   Jr = 1 - (1 - cos t)/t^2 [phi]x + (t - sin t)/t^3 [phi]x^2,  t = |phi|; the last coefficient by its series where t < 1, where it would cancel.
template <class Real>
TANDEM_FN Mat3<Real> right_jacobian(Vec3<Real> phi) {
  using S = Scalar<Real>;
  constexpr double kSeries[] = {1.0 / 6, -1.0 / 120, 1.0 / 5040, -1.0 / 362880, 1.0 / 39916800, -1.0 / 6227020800.0, 1.0 / 1307674368000.0};
  const Real t2 = dot(phi, phi), t = safe_norm(phi);
  const SinCos<Real> half = sincos(Real(S(0.5)) * t);
  const Real sinc = half.sin / t;
  const Real closed = (t - Real(S(2)) * half.sin * half.cos) / (t * t * t);
  return identity_plus_skew(phi, Real(S(-2)) * sinc * sinc, select(t2 < Real(S(1)), polynomial(kSeries, t2), closed));
}

// Inverse of the right Jacobian, eq. (34): Log(Exp(phi) Exp(d)) = phi + Jr^-1 d to first order. Singular at |phi| = 2 pi.
//   Jr^-1 = 1 + 1/2 [phi]x + (1 - t/2 cot(t/2))/t^2 [phi]x^2
template <class Real>
TANDEM_FN Mat3<Real> right_jacobian_inverse(Vec3<Real> phi) {
  using S = Scalar<Real>;
  constexpr double kSeries[] = {
      1.0 / 12, 1.0 / 720, 1.0 / 30240, 1.0 / 1209600, 1.0 / 47900160, 691.0 / 1307674368000.0, 1.0 / 74724249600.0, 3617.0 / 10670622842880000.0};
  const Real t2 = dot(phi, phi), t = safe_norm(phi);
  const SinCos<Real> half = sincos(Real(S(0.5)) * t);
  const Real closed = (Real(S(1)) - Real(S(0.5)) * t * half.cos / half.sin) / (t * t);
  return identity_plus_skew(phi, Real(S(0.5)), select(t2 < Real(S(1)), polynomial(kSeries, t2), closed));
}

}  // namespace TANDEM_ISA
}  // namespace tandem
