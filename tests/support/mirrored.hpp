// Vectors and states of a robot in the mirror.
#pragma once

#include <vector>

#include "model/mirror.hpp"

namespace tandem {

template <class Real>
std::vector<Real> image(const SignedPermutation& mirror, const std::vector<Real>& x) {
  std::vector<Real> out;
  for (int i = 0; i < mirror.size(); ++i) out.push_back(static_cast<Real>(mirror.sign[i]) * x[mirror.from[i]]);
  return out;
}

// The joints of a state, behind as many numbers of the base as `base` has.
inline std::vector<double> with_joints(std::vector<double> base, const SignedPermutation& joint, const std::vector<double>& all) {
  const std::vector<double> joints = image(joint, std::vector<double>(all.begin() + static_cast<long>(base.size()), all.end()));
  base.insert(base.end(), joints.begin(), joints.end());
  return base;
}

// Configuration and velocity of a robot with a floating base, mirrored at the world's plane y = 0.
inline std::vector<double> mirrored_q(const Mirror& mirror, const std::vector<double>& q) {
  return with_joints({q[0], -q[1], q[2], q[3], -q[4], q[5], -q[6]}, mirror.joint, q);
}
inline std::vector<double> mirrored_v(const Mirror& mirror, const std::vector<double>& v) {
  return with_joints({v[0], -v[1], v[2], -v[3], v[4], -v[5]}, mirror.joint, v);
}

}  // namespace tandem
