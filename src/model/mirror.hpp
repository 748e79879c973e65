// The left-right mirror image of a robot: which joint and which foot takes the place of which. docs/training.md, "Left and right".
#pragma once

#include <span>
#include <vector>

#include "model/model.hpp"

namespace tandem {

// The image of a vector x: image[i] = sign[i] x[from[i]], sign 1 or -1. It undoes itself. Empty: no symmetry is known.
struct SignedPermutation {
  std::vector<int> from;
  std::vector<double> sign;

  bool empty() const { return from.empty(); }
  int size() const { return static_cast<int>(from.size()); }
  void add(int index, double s) { from.push_back(index), sign.push_back(s); }
};

struct Mirror {
  SignedPermutation joint;  // of joint positions, velocities and torques  (njnt)
  std::vector<int> foot;    // on the other side of each foot; itself where a foot is in the middle  (nfoot)
};

// Mirrors a robot at the plane y = 0 of its base. Takes the configuration q = 0, where the bodies must be where their counterparts' images are.
// Throws Error naming a joint, body or foot without a counterpart.
Mirror mirror_of(const Model& model);

// Replaces x by the mean of itself and its image, which is then its own image to the last bit.   x (mirror.size())
template <class Real>
void symmetrise(const SignedPermutation& mirror, std::span<Real> x) {
  for (int i = 0; i < mirror.size(); ++i) {
    const int j = mirror.from[i];
    if (j < i) continue;
    const Real sign = static_cast<Real>(mirror.sign[i]);
    x[i] = (x[i] + sign * x[j]) / 2;
    if (j != i) x[j] = sign * x[i];
  }
}

}  // namespace tandem
