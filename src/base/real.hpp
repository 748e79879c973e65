// Real: what a kernel computes with. float, double (the oracle), or Pack<T, W>: W problems side by side in the lanes of one vector register.
// Control flow never depends on data: a comparison gives a Mask, a choice is select(mask, if_true, if_false).
#pragma once

#include <cmath>

#include "base/team.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

// The scalar type behind a Real: what model constants are stored in.
template <class Real>
struct ScalarOf {
  using type = typename Real::Scalar;
};
template <>
struct ScalarOf<float> {
  using type = float;
};
template <>
struct ScalarOf<double> {
  using type = double;
};
template <class Real>
using Scalar = typename ScalarOf<Real>::type;

template <class Real>
struct MaskOf {
  using type = typename Real::Mask;
};
template <>
struct MaskOf<float> {
  using type = bool;
};
template <>
struct MaskOf<double> {
  using type = bool;
};
template <class Real>
using Mask = typename MaskOf<Real>::type;

TANDEM_FN float select(bool mask, float a, float b) { return mask ? a : b; }
TANDEM_FN double select(bool mask, double a, double b) { return mask ? a : b; }
TANDEM_FN float sqrt(float a) { return ::sqrtf(a); }
TANDEM_FN double sqrt(double a) { return ::sqrt(a); }
// 1 / sqrt(a); on a GPU within two units of the last place.
template <class Real>
TANDEM_FN Real inverse_sqrt(Real a) {
  return Real(1) / sqrt(a);
}
TANDEM_FN float inverse_sqrt(float a) {
#ifdef __CUDA_ARCH__
  return ::rsqrtf(a);
#else
  return 1 / ::sqrtf(a);
#endif
}
TANDEM_FN float sin(float a) { return ::sinf(a); }
TANDEM_FN double sin(double a) { return ::sin(a); }
TANDEM_FN float cos(float a) { return ::cosf(a); }
TANDEM_FN double cos(double a) { return ::cos(a); }
TANDEM_FN float atan2(float y, float x) { return ::atan2f(y, x); }
TANDEM_FN double atan2(double y, double x) { return ::atan2(y, x); }
TANDEM_FN float abs(float a) { return ::fabsf(a); }
TANDEM_FN double abs(double a) { return ::fabs(a); }

template <class Real>
TANDEM_FN Real max(Real a, Real b) {
  return select(a > b, a, b);
}
template <class Real>
TANDEM_FN Real min(Real a, Real b) {
  return select(a < b, a, b);
}
template <class Real>
TANDEM_FN Real clamp(Real a, Real low, Real high) {
  return min(max(a, low), high);
}

}  // namespace TANDEM_ISA
}  // namespace tandem
