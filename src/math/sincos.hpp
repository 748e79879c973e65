// Sine and cosine of one angle in any Real. In single precision by polynomials, so that the lanes of a Pack stay side by side; in double by the library.
#pragma once

#include <type_traits>

#include "base/real.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

template <class Real>
struct SinCos {
  Real sin, cos;
};

// Nearest whole number of a single-precision |a| < 2^22: adding 1.5 * 2^23 leaves no bits for the fraction.
template <class Real>
TANDEM_FN Real round_to_whole(Real a) {
  const Real magic(12582912.0f);
  return (a + magic) - magic;
}

// a = n pi/2 + r with |r| <= pi/4 (pi/2 subtracted in three parts, Cody and Waite), minimax polynomials on r (Cephes sinf, cosf), then the quadrant n mod 4
// by selects. Error below 1e-7 for |a| < 1e3 rad; joint angles and half angles of steps lie far inside. NaN gives NaN.
template <class Real>
TANDEM_FN SinCos<Real> sincos_float(Real a) {
  const Real n = round_to_whole(Real(0.63661977236f) * a);
  const Real r = ((a - Real(1.5703125f) * n) - Real(4.837512969970703125e-4f) * n) - Real(7.549789948768648e-8f) * n;
  const Real z = r * r;
  const Real s = r + r * z * (Real(-1.6666654611e-1f) + z * (Real(8.3321608736e-3f) + z * Real(-1.9515295891e-4f)));
  const Real c =
      Real(1.0f) - Real(0.5f) * z + z * z * (Real(4.166664568298827e-2f) + z * (Real(-1.388731625493765e-3f) + z * Real(2.443315711809948e-5f)));
  const Real quadrant = n - Real(4.0f) * round_to_whole(Real(0.25f) * n - Real(0.375f));
  const auto odd = abs(abs(quadrant - Real(2.0f)) - Real(1.0f)) < Real(0.5f);
  const Real s_q = select(odd, c, s), c_q = select(odd, s, c);
  return {select(quadrant > Real(1.5f), -s_q, s_q), select(abs(quadrant - Real(1.5f)) < Real(1.0f), -c_q, c_q)};
}

template <class Real>
TANDEM_FN SinCos<Real> sincos(Real a) {
  if constexpr (std::is_same_v<Scalar<Real>, float>) {
    return sincos_float(a);
  } else {
    return {sin(a), cos(a)};
  }
}

}  // namespace TANDEM_ISA
}  // namespace tandem
