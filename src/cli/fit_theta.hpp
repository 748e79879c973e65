// The file of multipliers theta that a fit writes and a controller is given: JSON, one list of numbers per block. docs/cost-matching.md.
#pragma once

#include <string>
#include <vector>

#include "tune/matched_mpc.hpp"

namespace tandem {

// Whose multipliers a file holds.
struct ThetaOwner {
  std::string robot, controller;
  std::vector<ThetaGroup> groups;  // names and sizes of the blocks, covering theta in order
};

// Writes the file, whole or not at all. Throws Error as write_atomically does.
void save_theta(const std::string& path, const ThetaOwner& owner, const std::vector<double>& theta);

// Reads theta. Throws Error naming the file if it is missing, cut off, something else, of another robot or controller, if a block is missing, unknown or of
// another size, or if a multiplier is not positive.
std::vector<double> load_theta(const std::string& path, const ThetaOwner& owner);

}  // namespace tandem
