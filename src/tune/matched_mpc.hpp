// MatchedMpc: what the fit must know of a controller whose cost is linear in multipliers theta. One for each MPC of the project.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "tune/recording.hpp"

namespace tandem {

// Where the states come from at which a window of a recording is costed. docs/cost-matching.md, section 3.
enum class FeatureMode {
  kRecorded,    // as recorded
  kStabilised,  // predicted from the first one; wrenches with feedback towards the recording
  kAnchored,    // predicted; the wrenches act at the recorded places in the world
  kReplay       // predicted from the recorded inputs alone, as published
};

struct FeatureSettings {
  FeatureMode mode = FeatureMode::kRecorded;
  int horizon = 0;         // intervals of a window; 0: those of the controller
  int restart = 0;         // intervals after which a prediction starts again at the recorded state; 0: never
  bool penalties = false;  // of soft constraints in the cost of a window; put them into L too, or into neither
  int threads = 0;         // 0: one per processor
};

// The cost of windows: Q = rest + sum of phi_i theta_i over the multipliers of the cost.
struct Features {
  int ntheta = 0;
  std::vector<double> phi;   // dQ/dtheta; linear multipliers: the features. momentum multipliers: the slope at the theta asked for  (n, ntheta)
  std::vector<double> rest;  // penalties: what theta does not scale  (n)
};

// Features of the windows that start at `samples`; they must lie within their trajectories (tune/returns.hpp, usable_samples).
//   theta   (ntheta)
//   slopes  those of the momentum multipliers too, which costs several times as much where states are predicted
using WindowCost = std::function<Features(std::span<const int> samples, std::span<const double> theta, bool slopes)>;

// A block of theta that belongs together in reports.
struct ThetaGroup {
  std::string name;
  int first, size;
};

// Interval k of a horizon whose intervals are `dt`, not empty: one serves all, and the last those beyond its end [s].
inline double interval_at(const std::vector<double>& dt, int k) { return dt[std::min(static_cast<std::size_t>(k), dt.size() - 1)]; }

struct MatchedMpc {
  std::string controller;             // as in Recording
  int ntheta;                         // multipliers, 1: as tuned by hand
  int nmomentum;                      // the first of them scale the prediction model, the others the cost
  std::vector<unsigned char> pinned;  // 1: stays at 1, because its weight is 0 or its residual is always 0  (ntheta)
  std::vector<ThetaGroup> groups;     // cover theta in order
  std::vector<int> kind;              // multipliers with the same number weigh the same kind of residual; empty: all differ  (ntheta)
  double interval;                    // between two nodes of its horizon, the mean [s]
  int horizon;                        // intervals
  std::vector<double> dt;             // each of them; beyond its end the last, empty: all are `interval`  [s]

  // Prepares a recording, which must live as long as the result. Throws Error where it is not of this controller, or the settings are not possible.
  std::function<WindowCost(const Recording&, const FeatureSettings&)> open;

  // The controller's stage cost per second at theta = 1, at every sample with its own references: the L of the hand-tuned controller.  (nsample)
  std::function<std::vector<double>(const Recording&, bool penalties, int threads)> own_cost;
};

// Number of the value that multiplier i has, the same for all of one kind where kinds are tied (FitSettings::tie).
inline int value_number(const MatchedMpc& mpc, int i, bool tie) { return tie && !mpc.kind.empty() ? mpc.kind[i] : i; }

}  // namespace tandem
