// Rotations as a manifold, and the sine and cosine behind them, from rotations of 1e-12 rad to almost a full turn.
#include "math/so3.hpp"

#include <gtest/gtest.h>

#include <random>

#include "base/pack.hpp"
#include "dynamics/integrate_kernel.hpp"

namespace tandem {
namespace {

constexpr double kAngles[] = {0, 1e-30, 1e-12, 1e-8, 1e-5, 1e-3, 0.1, 0.5, 0.999, 1.001, 1.7, 2.5, 3.0, 3.14};

// the rotation vectors of a given length in four directions
std::vector<Vec3<double>> vectors(double angle) {
  std::vector<Vec3<double>> out{{angle, 0, 0}, {0, -angle, 0}};
  for (const double s : {0.3, -0.6}) {
    const Vec3<double> a{s, 0.8, -0.4};
    out.push_back((angle / std::sqrt(dot(a, a))) * a);
  }
  return out;
}
Vec3<float> single(Vec3<double> a) { return {static_cast<float>(a.x), static_cast<float>(a.y), static_cast<float>(a.z)}; }
Vec3<double> as_double(Vec3<float> a) { return {a.x, a.y, a.z}; }

double distance(Vec3<double> a, Vec3<double> b) { return std::sqrt(dot(a - b, a - b)); }
template <class Real>
double distance(const Mat3<Real>& A, const Mat3<Real>& B) {
  double d = 0;
  for (int i = 0; i < 9; ++i) d = std::max(d, std::abs(static_cast<double>(A.m[i]) - static_cast<double>(B.m[i])));
  return d;
}
template <class Real>
Mat3<Real> rotation(Vec3<Real> phi) {
  Real q[4];
  quat_exp(phi, q);
  return quat_to_rotation(q);
}
// difference of quat_log(quat_exp(phi) quat_exp(d)) over d by central differences: column c
Vec3<double> log_column(Vec3<double> phi, int c) {
  const double step = 1e-5;
  Vec3<double> out[2];
  for (int side = 0; side < 2; ++side) {
    double d[3] = {0, 0, 0}, q[4], turn[4], product[4];
    d[c] = side ? step : -step;
    quat_exp(phi, q);
    quat_exp(load3<double>(d), turn);
    quat_multiply(product, q, turn);
    out[side] = quat_log(product);
  }
  return (0.5 / step) * (out[1] - out[0]);
}

TEST(Rotations, LogUndoesExp) {
  for (const double angle : kAngles) {
    for (const Vec3<double> phi : vectors(angle)) {
      double q[4];
      quat_exp(phi, q);
      EXPECT_LE(distance(quat_log(q), phi), 1e-14 * angle + 1e-45) << angle;
    }
  }
}

TEST(Rotations, LogUndoesExpInFloat) {
  for (const double angle : kAngles) {
    for (const Vec3<double> phi : vectors(angle)) {
      float q[4];
      quat_exp(single(phi), q);
      EXPECT_LE(distance(as_double(quat_log(q)), phi), 5e-7 * angle + 1e-30) << angle;
    }
  }
}

// Exp by the series of the matrix exponential
TEST(Rotations, ExpIsTheMatrixExponential) {
  for (const double angle : kAngles) {
    for (const Vec3<double> phi : vectors(angle)) {
      Mat3<double> term = identity3<double>(), sum = term;
      for (int n = 1; n < 40; ++n) {
        term = (1.0 / n) * (term * skew(phi));
        sum = sum + term;
      }
      EXPECT_LT(distance(rotation(phi), sum), 1e-14) << angle;
    }
  }
}

TEST(Rotations, LogOfEitherSignOfTheQuaternionIsTheSame) {
  const double q[4] = {0.5, -0.5, 0.5, 0.5}, minus_q[4] = {-0.5, 0.5, -0.5, -0.5};
  EXPECT_LT(distance(quat_log(q), quat_log(minus_q)), 1e-15);
}

TEST(Rotations, InverseRightJacobianIsTheDerivativeOfLog) {
  for (const double angle : kAngles) {
    if (angle > 3.1) continue;  // the difference would step over the half turn
    for (const Vec3<double> phi : vectors(angle)) {
      const Mat3<double> J = right_jacobian_inverse(phi);
      for (int c = 0; c < 3; ++c) EXPECT_LT(distance(log_column(phi, c), Vec3<double>{J.m[c], J.m[3 + c], J.m[6 + c]}), 1e-8) << angle;
    }
  }
}

TEST(Rotations, RightJacobianTimesItsInverseIsTheIdentity) {
  for (const double angle : kAngles) {
    for (const Vec3<double> phi : vectors(angle)) {
      EXPECT_LT(distance(right_jacobian(phi) * right_jacobian_inverse(phi), identity3<double>()), 1e-13) << angle;
    }
  }
}

TEST(Rotations, JacobiansKeepSinglePrecision) {
  for (const double angle : kAngles) {
    for (const Vec3<double> phi : vectors(angle)) {
      const Mat3<float> J = right_jacobian(single(phi)), J_inv = right_jacobian_inverse(single(phi));
      const Mat3<double> exact = right_jacobian(as_double(single(phi))), exact_inv = right_jacobian_inverse(as_double(single(phi)));
      for (int i = 0; i < 9; ++i) {
        EXPECT_NEAR(J.m[i], exact.m[i], 1e-6) << angle;
        EXPECT_NEAR(J_inv.m[i], exact_inv.m[i], 1e-6) << angle;
      }
    }
  }
}

// eq. (37): Exp(-phi) carries the first tangent, Jr the second
TEST(Rotations, JacobiansOfIntegrate) {
  const Vec3<double> phi{0.4, -1.1, 0.7}, base{-0.3, 0.2, 2.0};
  const TurnJacobians<double> jacobians = integrate_jacobians(phi);
  const double step = 1e-5;
  for (int c = 0; c < 3; ++c) {
    Vec3<double> by_from[2], by_to[2];
    for (int side = 0; side < 2; ++side) {
      double d[3] = {0, 0, 0}, q[4], q_d[4], e[4], moved[4], next[4], next_moved[4], inverse[4], turn[4];
      d[c] = side ? step : -step;
      quat_exp(base, q), quat_exp(load3<double>(d), q_d), quat_exp(phi, e);
      quat_multiply(next, q, e);
      for (int i = 0; i < 4; ++i) inverse[i] = i ? -next[i] : next[i];
      quat_multiply(moved, q, q_d);
      quat_multiply(next_moved, moved, e);
      quat_multiply(turn, inverse, next_moved);
      by_from[side] = quat_log(turn);
      quat_exp(phi + load3<double>(d), e);
      quat_multiply(next_moved, q, e);
      quat_multiply(turn, inverse, next_moved);
      by_to[side] = quat_log(turn);
    }
    const Mat3<double>&from = jacobians.from, &to = jacobians.to;
    EXPECT_LT(distance((0.5 / step) * (by_from[1] - by_from[0]), Vec3<double>{from.m[c], from.m[3 + c], from.m[6 + c]}), 1e-9);
    EXPECT_LT(distance((0.5 / step) * (by_to[1] - by_to[0]), Vec3<double>{to.m[c], to.m[3 + c], to.m[6 + c]}), 1e-9);
  }
}

// eq. (38): moving q_from by d gives Log(Exp(-d) Exp(phi)), moving q_to Log(Exp(phi) Exp(d))
TEST(Rotations, JacobiansOfDifference) {
  const Vec3<double> phi{0.4, -1.1, 0.7};
  const TurnJacobians<double> jacobians = difference_jacobians(phi);
  const double step = 1e-5;
  for (int c = 0; c < 3; ++c) {
    Vec3<double> by_from[2];
    for (int side = 0; side < 2; ++side) {
      double d[3] = {0, 0, 0}, q[4], turn[4], product[4];
      d[c] = side ? -step : step;
      quat_exp(phi, q), quat_exp(load3<double>(d), turn);
      quat_multiply(product, turn, q);
      by_from[side] = quat_log(product);
    }
    const Mat3<double>&from = jacobians.from, &to = jacobians.to;
    EXPECT_LT(distance((0.5 / step) * (by_from[1] - by_from[0]), Vec3<double>{from.m[c], from.m[3 + c], from.m[6 + c]}), 1e-9);
    EXPECT_LT(distance(log_column(phi, c), Vec3<double>{to.m[c], to.m[3 + c], to.m[6 + c]}), 1e-9);
  }
}

// against the library in double precision; the argument is what single precision makes of it
TEST(SinCos, FloatIsAsGoodAsFloatCanBe) {
  std::mt19937 random(7);
  double worst = 0;
  for (int i = 0; i < 200000; ++i) {
    const float a = std::uniform_real_distribution<float>(-1000, 1000)(random) * (i % 2 ? 1.0f : 0.005f);
    const SinCos<float> got = sincos(a);
    worst = std::max({worst, std::abs(got.sin - std::sin(static_cast<double>(a))), std::abs(got.cos - std::cos(static_cast<double>(a)))});
  }
  EXPECT_LT(worst, 1e-7);
}

TEST(SinCos, LanesOfAPackDoNotDisturbOneAnother) {
  Pack<float, 8> a(0.0f);
  for (int lane = 0; lane < 8; ++lane) a.set(lane, 0.9f * static_cast<float>(lane * lane - 20));
  a.set(3, std::numeric_limits<float>::quiet_NaN());
  const SinCos<Pack<float, 8>> got = sincos(a);
  for (int lane = 0; lane < 8; ++lane) {
    if (lane == 3) {
      EXPECT_TRUE(std::isnan(got.sin[lane]) && std::isnan(got.cos[lane]));
    } else {
      EXPECT_NEAR(got.sin[lane], std::sin(static_cast<double>(a[lane])), 1e-7);
      EXPECT_NEAR(got.cos[lane], std::cos(static_cast<double>(a[lane])), 1e-7);
    }
  }
}

}  // namespace
}  // namespace tandem
