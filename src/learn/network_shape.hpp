// Where actor, critic and log sigma lie in one array of parameters, and what they start from. Checkpoints hold the array as it is, so this is their layout,
// whoever learns. Needs no Torch.
#pragma once

#include <cstdint>
#include <vector>

#include "learn/mlp.hpp"
#include "learn/settings.hpp"
#include "policy/policy.hpp"
#include "policy/symmetry.hpp"

namespace tandem {

struct PpoSizes {
  int nworld, nobs, naction;
  bool zero_last_layer;  // the actor starts as zero: a residual that changes nothing
  Symmetry symmetry = {};
};

struct NetworkShape {
  MlpShape actor, critic;
  int critic_begin, log_sigma_begin;  // offsets; the actor is first
  int ld;                             // of rows of observations
  SignedPermutation mirror;           // of the parameters; empty without symmetry. docs/training.md, eq. (29)

  NetworkShape(const PpoSettings& settings, const PpoSizes& sizes);

  int naction() const { return actor.layer.back().out; }
  int size() const { return log_sigma_begin + round_up_16(naction()); }
};

// Weights and biases uniform in +-1/sqrt(inputs), as Torch's linear layers; the actor's last layer zero if asked for; sigma everywhere the same; zero
// between the layers. With a symmetry, weights are the sums of two such numbers over sqrt(2).   parameters (shape.size()) written
void initialise(const NetworkShape& shape, const PpoSettings& settings, bool zero_last_layer, std::uint64_t seed, float* parameters);

// The actor as a policy file has it.   parameters (shape.size()) read
std::vector<Layer> actor_layers(const NetworkShape& shape, const float* parameters);

}  // namespace tandem
