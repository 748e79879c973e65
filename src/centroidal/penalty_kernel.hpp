// Penalties on an inequality h >= 0: value, slope and curvature by h. docs/centroidal.md, eq. (15), (16).
#pragma once

#include <cmath>
#include <type_traits>

#include "centroidal/view.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

template <class Real>
struct Penalty {
  Real value, slope, curvature;
};

template <class Real>
TANDEM_FN Real natural_log(Real a) {
  if constexpr (std::is_floating_point_v<Real>) {
    return std::log(a);
  } else {
    return Real::map(a, [](Scalar<Real> s) { return std::log(s); });
  }
}

// -mu log h; where h < delta its quadratic continuation mu/2 (((h - 2 delta)/delta)^2 - 1) - mu log delta.
template <class Real, class S>
TANDEM_FN Penalty<Real> log_barrier(const LogBarrier<S>& barrier, Real h) {
  const Real mu(barrier.mu), delta(barrier.delta), half(S(0.5)), inside = max(h, delta);
  const Real t = (h - Real(2) * delta) / delta;
  const auto far = h > delta;
  return {select(far, -mu * natural_log(inside), mu * (half * (t * t - Real(1)) - natural_log(delta))), select(far, -mu / inside, mu * t / delta),
          mu / select(far, inside * inside, delta * delta)};
}

// 0 above delta, mu/(6 delta) (delta - h)^3 down to 0, mu (h^2/2 - delta h/2 + delta^2/6) below.
template <class Real, class S>
TANDEM_FN Penalty<Real> polynomial_barrier(const PolynomialBarrier<S>& barrier, Real h) {
  const Real mu(barrier.mu), delta(barrier.delta), zero(0), half(S(0.5)), sixth(S(1) / S(6));
  const Real t = clamp(delta - h, zero, delta);
  const Penalty<Real> cubic{mu * sixth / delta * t * t * t, -mu * half / delta * t * t, mu / delta * t};
  const auto violated = h < zero;
  return {select(violated, mu * (half * h * h - half * delta * h + sixth * delta * delta), cubic.value),
          select(violated, mu * (h - half * delta), cubic.slope), cubic.curvature};
}

}  // namespace TANDEM_ISA
}  // namespace tandem
