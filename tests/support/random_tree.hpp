// Random robots for tests: trees of hinges and slides with random frames, anchors, inertias and contact points, and the same robot as MJCF text.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/model.hpp"

namespace tandem {

struct RandomTreeSettings {
  int nbody = 12;
  bool floating = true;
  int ncon = 5;
};

// The same seed gives the same robot.
Model random_tree(std::uint64_t seed, const RandomTreeSettings& settings);

// The model as MJCF that MuJoCo reads, numbers to full precision; body and joint names as in the model.
std::string to_mjcf(const Model& model);

// A random configuration (nq), velocity or other vector: base up to 10 m away in any orientation, joints within 3 rad or 1 m.
std::vector<double> random_configuration(const Model& model, std::uint64_t seed);
// n normal numbers times `scale`.
std::vector<double> random_vector(int n, double scale, std::uint64_t seed);

}  // namespace tandem
