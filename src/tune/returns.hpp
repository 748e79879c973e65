// Discounted returns of a recording, the samples that have one, and the split of its trajectories. docs/cost-matching.md, section 2.
#pragma once

#include <cstdint>
#include <vector>

#include "tune/matched_mpc.hpp"

namespace tandem {

struct ReturnSettings {
  double discount_time = 0;   // the return forgets by e in this time [s]; 0: 1.1 times the horizon of the controller
  double truncation = 0.025;  // largest share of the discount's weight that may lie beyond the end of a trajectory; 1: any
  double fall_cost = 0;       // stage cost per second after a fall, for ever [cost/s]; those trajectories have no end to be cut off at
};

// sum_i gamma^i L_{k+i} dt, gamma = exp(-sample_dt / discount_time), to the end of the trajectory  (nsample)
std::vector<double> discounted_returns(const Recording& recording, double discount_time, double fall_cost);

// Samples, every n-th of a trajectory, that have a whole window of the controller and a return that is not cut off too early. Ascending.
std::vector<int> usable_samples(const MatchedMpc& mpc, const Recording& recording, const FeatureSettings& features, const ReturnSettings& returns,
                                int every);

// discount_time with its default filled in [s].
double discount_time(const MatchedMpc& mpc, const ReturnSettings& returns);

// Trajectories for validation: a share of all, at least one and not all, chosen by the seed  (ntrajectory)
std::vector<unsigned char> validation_split(int ntrajectory, double share, std::uint64_t seed);

}  // namespace tandem
