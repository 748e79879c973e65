// The smallest kernel that needs a barrier: z = A (A x) for every world, with y = A x handed from lane to lane. What the teams are tested with.
#pragma once

#include "base/real.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

// A (n, n) and x (n) are read, y (n) is scratch, z (n) is written.
template <Team T, class Real>
TANDEM_FN void matvec_twice(const T& team, int n, const Real* A, const Real* x, Real* y, Real* z) {
  const auto multiply = [&](const Real* in, Real* out) {
    for_each(team, 0, n, [&](int i) {
      Real row(0);
      for (int j = 0; j < n; ++j) row += A[n * i + j] * in[j];
      out[i] = row;
    });
    team.sync();
  };
  multiply(x, y);
  multiply(y, z);
}

}  // namespace TANDEM_ISA
}  // namespace tandem
