// One step of the prediction model by the classical Runge-Kutta method, with exact derivatives of that step. docs/centroidal.md, eq. (1), (9)-(11).
//
// Joints move along straight lines and the linear momentum does not depend on the state, so only angular momentum, orientation and position of the base
// have dense rows: derivatives are carried for 9 state rows through the four evaluations instead of for all of them.
#pragma once

#include "centroidal/motion_kernel.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

inline constexpr int kMomentumTheta = 6;  // multipliers of the momentum rows

// Rates of the rows that are not trivial.
template <class Real>
struct Rates {
  Vec3<Real> linear, angular, position, euler;
};
template <class Real>
TANDEM_FN Rates<Real> operator+(const Rates<Real>& a, const Rates<Real>& b) {
  return {a.linear + b.linear, a.angular + b.angular, a.position + b.position, a.euler + b.euler};
}
template <class Real>
TANDEM_FN Rates<Real> operator*(Real s, const Rates<Real>& a) {
  return {s * a.linear, s * a.angular, s * a.position, s * a.euler};
}
template <class Real>
TANDEM_FN Rates<Real> zero_rates() {
  return {zero3<Real>(), zero3<Real>(), zero3<Real>(), zero3<Real>()};
}

// The next state and its derivatives. Columns of position are the identity and left out.
template <class Real>
struct Prediction {
  Real next[kMaxState];
  Rates<Real> angular[3], euler[3];   // columns of x
  Rates<Real> joint[kMaxJoints];      //
  Rates<Real> wrench[6 * kFeet];      // columns of u; zero for a foot in swing
  Rates<Real> velocity[kMaxJoints];   //
  Rates<Real> theta[kMomentumTheta];  // by the multipliers of the momentum rows; only if asked for
};

// Wrenches of the feet, zero in swing.
template <class Real>
TANDEM_FN Vec3<Real> foot_force(const CentroidalNodeInput<Real>& in, int f) {
  return in.ref.stance[f] * load3<Real>(in.u + kWrench + 6 * f);
}
template <class Real>
TANDEM_FN Vec3<Real> foot_moment(const CentroidalNodeInput<Real>& in, int f) {
  return in.ref.stance[f] * load3<Real>(in.u + kWrench + 6 * f + 3);
}

template <class Real, class S>
TANDEM_FN Vec3<Real> scale_rows(const S* scale, Vec3<Real> a) {
  return {Real(scale[0]) * a.x, Real(scale[1]) * a.y, Real(scale[2]) * a.z};
}

// Rates of eq. (1) without the multipliers theta of the momentum rows.
template <class Real, class S>
TANDEM_FN Rates<Real> plain_rates(const CentroidalView<S>& view, const CentroidalNodeInput<Real>& in, const CentroidalMotion<Real>& motion) {
  const Real m_inv = Real(1) / motion.m;
  Vec3<Real> force = zero3<Real>(), moment = force;
  for (int f = 0; f < kFeet; ++f) {
    force = force + foot_force(in, f);
    moment = moment + cross(motion.foot[f] - motion.com, foot_force(in, f)) + foot_moment(in, f);
  }
  return {m_inv * force + load3<Real>(view.model.gravity), m_inv * moment, motion.velocity, motion.euler_rate};
}
template <class Real, class S>
TANDEM_FN Rates<Real> scaled_rates(const CentroidalView<S>& view, Rates<Real> rates) {
  rates.linear = scale_rows(view.momentum_scale, rates.linear);
  rates.angular = scale_rows(view.momentum_scale + 3, rates.angular);
  return rates;
}

// Derivative of the rate of angular momentum where the feet move by dfoot relative to the centre of mass, eq. (9).
template <class Real, class S>
TANDEM_FN Vec3<Real> lever_change(const CentroidalView<S>& view, const CentroidalNodeInput<Real>& in, Real m_inv, Vec3<Real> left, Vec3<Real> right) {
  return scale_rows(view.momentum_scale + 3, m_inv * (cross(left, foot_force(in, 0)) + cross(right, foot_force(in, 1))));
}

// Derivatives of the rates by what they depend on, at one evaluation.
template <class Real>
struct RateColumns {
  Rates<Real> angular[3], euler[3], joint[kMaxJoints], wrench[6 * kFeet], velocity[kMaxJoints];
};

template <class Real, class S>
TANDEM_FN void rate_columns(const CentroidalView<S>& view, const CentroidalNodeInput<Real>& in, const CentroidalMotion<Real>& motion,
                            const MotionColumns<Real>& columns, RateColumns<Real>& out) {
  const TreeData<Real>& d = motion.d;
  const Real m_inv = Real(1) / motion.m;
  const Vec3<Real> zero = zero3<Real>();
  for (int r = 0; r < 3; ++r) {
    const int a = kAngular + r, e = kEuler + r;
    const Vec3<Real> turn = motion.turn[r];
    out.angular[r] = {zero, zero, columns.velocity[a], euler_rate_column(motion, columns, a)};
    out.euler[r] = {zero, lever_change(view, in, m_inv, cross(turn, motion.foot[0] - motion.com), cross(turn, motion.foot[1] - motion.com)),
                    columns.velocity[e], euler_rate_column(motion, columns, e)};
  }
  for (int j = 0; j < view.nj; ++j) {
    const int q = kJoints + j, v = view.nx + j;
    const Spatial<Real> S_j = load6(d.kin.S + 6 * (j + 1));
    Vec3<Real> lever[kFeet];
    for (int f = 0; f < kFeet; ++f) {
      lever[f] = -columns.com[q];
      for (int i = 0; i < kLegJoints; ++i)
        if (view.leg[f][i] == j + 1) lever[f] = lever[f] + point_axis(S_j, motion.foot[f]);
    }
    out.joint[j] = {zero, lever_change(view, in, m_inv, lever[0], lever[1]), columns.velocity[q], euler_rate_column(motion, columns, q)};
    out.velocity[j] = {zero, zero, columns.velocity[v], euler_rate_column(motion, columns, v)};
  }
  for (int f = 0; f < kFeet; ++f)
    for (int r = 0; r < 3; ++r) {
      const Vec3<Real> on = (m_inv * in.ref.stance[f]) * unit3<Real>(r);
      const Vec3<Real> moment = cross(motion.foot[f] - motion.com, on);
      out.wrench[6 * f + r] = {scale_rows(view.momentum_scale, on), scale_rows(view.momentum_scale + 3, moment), zero, zero};
      out.wrench[6 * f + 3 + r] = {zero, scale_rows(view.momentum_scale + 3, on), zero, zero};
    }
}

// Change of the rates where state rows change by `shift` (position does not matter).
template <class Real>
TANDEM_FN Rates<Real> carried(const RateColumns<Real>& columns, const Rates<Real>& shift) {
  Rates<Real> sum{zero3<Real>(), zero3<Real>(), shift.linear, zero3<Real>()};
  const Real a[3] = {shift.angular.x, shift.angular.y, shift.angular.z}, e[3] = {shift.euler.x, shift.euler.y, shift.euler.z};
  for (int r = 0; r < 3; ++r) {
    sum.angular = sum.angular + e[r] * columns.euler[r].angular;
    sum.position = sum.position + a[r] * columns.angular[r].position + e[r] * columns.euler[r].position;
    sum.euler = sum.euler + a[r] * columns.angular[r].euler + e[r] * columns.euler[r].euler;
  }
  return sum;
}

// Scratch of predict: one evaluation and the derivatives between two of them. The caller sets the first two fields.
template <class Real>
struct PredictWork {
  Real* memory;     // tree_data_size(nbody)
  bool with_theta;  // derivatives by the multipliers of the momentum rows too
  CentroidalNodeInput<Real> at;
  CentroidalMotion<Real> motion;
  MotionColumns<Real> columns;
  RateColumns<Real> rates;
  Prediction<Real> last;  // rates of the columns at the last evaluation
};

// One evaluation of the Runge-Kutta method in the derivatives: adds weight x (rate of column c) to `total`, eq. (11).
//   step    this evaluation is at time `step` after the node and at x + step times the last rates
//   work    rates of the model at this evaluation; rates of the columns at the last one, replaced by those of this one

template <class Real, class S>
TANDEM_FN void carry_columns(const CentroidalView<S>& view, const Rates<Real>& plain, Real step, Real weight, PredictWork<Real>& work,
                             Prediction<Real>& total) {
  const RateColumns<Real>& now = work.rates;
  Prediction<Real>& last = work.last;
  const Vec3<Real> zero = zero3<Real>();
  const auto advance = [&](const Rates<Real>& direct, Rates<Real>& previous, const Rates<Real>& start, Rates<Real>& sum) {
    previous = direct + carried(now, start + step * previous);
    sum = sum + weight * previous;
  };
  for (int r = 0; r < 3; ++r) {
    const Vec3<Real> e = unit3<Real>(r);
    advance(zero_rates<Real>(), last.angular[r], {zero, e, zero, zero}, total.angular[r]);
    advance(zero_rates<Real>(), last.euler[r], {zero, zero, zero, e}, total.euler[r]);
  }
  for (int j = 0; j < view.nj; ++j) {
    advance(now.joint[j], last.joint[j], zero_rates<Real>(), total.joint[j]);
    advance(now.velocity[j] + step * now.joint[j], last.velocity[j], zero_rates<Real>(), total.velocity[j]);
  }
  for (int w = 0; w < 6 * kFeet; ++w) advance(now.wrench[w], last.wrench[w], zero_rates<Real>(), total.wrench[w]);
  if (!work.with_theta) return;
  const Real linear[3] = {plain.linear.x, plain.linear.y, plain.linear.z}, angular[3] = {plain.angular.x, plain.angular.y, plain.angular.z};
  for (int r = 0; r < 3; ++r) {
    advance({linear[r] * unit3<Real>(r), zero, zero, zero}, last.theta[r], zero_rates<Real>(), total.theta[r]);
    advance({zero, angular[r] * unit3<Real>(r), zero, zero}, last.theta[3 + r], zero_rates<Real>(), total.theta[3 + r]);
  }
}

// x_next of the node `in` and its derivatives, eq. (10), (11).
//   motion, columns  of the node itself, from evaluate_motion and motion_columns

// Cost: four evaluations of the dynamics and their derivatives.
template <class Real, class S>
TANDEM_FN void predict(const CentroidalView<S>& view, const CentroidalNodeInput<Real>& in, const CentroidalMotion<Real>& motion,
                       const MotionColumns<Real>& columns, PredictWork<Real>& work, Prediction<Real>& out) {
  const Real dt(view.dt), step[4] = {Real(0), Real(0.5f) * dt, Real(0.5f) * dt, dt};
  const Real sixth = dt / Real(6), weight[4] = {sixth, Real(2) * sixth, Real(2) * sixth, sixth};
  Prediction<Real>& last = work.last;
  for (Rates<Real>* set : {last.angular, last.euler, out.angular, out.euler})
    for (int r = 0; r < 3; ++r) set[r] = zero_rates<Real>();
  for (int r = 0; r < 3; ++r) out.angular[r].angular = out.euler[r].euler = unit3<Real>(r);
  for (int j = 0; j < view.nj; ++j) last.joint[j] = last.velocity[j] = out.joint[j] = out.velocity[j] = zero_rates<Real>();
  for (int w = 0; w < 6 * kFeet; ++w) last.wrench[w] = out.wrench[w] = zero_rates<Real>();
  for (int t = 0; t < kMomentumTheta; ++t) last.theta[t] = out.theta[t] = zero_rates<Real>();

  Rates<Real> rates = zero_rates<Real>(), total = rates;
  work.at = in;
  for (int i = 0; i < 4; ++i) {
    if (i > 0) {
      const auto move = [&](int row, Vec3<Real> rate) { store3(work.at.x + row, load3<Real>(in.x + row) + step[i] * rate); };
      move(kLinear, rates.linear), move(kAngular, rates.angular), move(kEuler, rates.euler);
      for (int j = 0; j < view.nj; ++j) work.at.x[kJoints + j] = in.x[kJoints + j] + step[i] * in.u[kVelocities + j];
      evaluate_motion(view, work.at.x, work.at.u, work.memory, work.motion);
      motion_columns(view, work.at.x, work.motion, work.columns);
    }
    const CentroidalMotion<Real>& now = i > 0 ? work.motion : motion;
    const Rates<Real> plain = plain_rates(view, in, now);
    rates = scaled_rates(view, plain);
    total = total + weight[i] * rates;
    rate_columns(view, in, now, i > 0 ? work.columns : columns, work.rates);
    carry_columns(view, plain, step[i], weight[i], work, out);
  }
  const auto move = [&](int row, Vec3<Real> change) { store3(out.next + row, load3<Real>(in.x + row) + change); };
  move(kLinear, total.linear), move(kAngular, total.angular), move(kPosition, total.position), move(kEuler, total.euler);
  for (int j = 0; j < view.nj; ++j) out.next[kJoints + j] = in.x[kJoints + j] + dt * in.u[kVelocities + j];
}

}  // namespace TANDEM_ISA
}  // namespace tandem
