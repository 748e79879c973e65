// What a policy sees and does in the mirror. docs/training.md, eq. (28).
#pragma once

#include "model/mirror.hpp"
#include "policy/blend.hpp"
#include "policy/observation.hpp"

namespace tandem {

// Empty where left and right are not assumed to be alike.
struct Symmetry {
  SignedPermutation observation;  // (layout.size)
  SignedPermutation action;       // (naction)
};

// Throws Error where robot, nominal pose, gait, gains or acting joints differ between left and right.
Symmetry symmetry_of(const Model& model, const ObservationLayout& layout, const Blending& blending);

}  // namespace tandem
