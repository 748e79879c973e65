// Cost matching: multipliers theta with which the cost of a window predicts the return that was measured in closed loop. docs/cost-matching.md.
//
//   const MatchedMpc mpc = matched_centroidal(robot, settings);
//   compute_stage_cost(mpc, load_stage_cost("cost.toml"), recording);
//   const FitResult result = fit(mpc, recording, {});
//   controller.set_theta(result.theta);
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "model/fields.hpp"
#include "tune/matched_mpc.hpp"
#include "tune/returns.hpp"

namespace tandem {

enum class FitMode {
  kFast,  // bounded least squares; Gauss-Newton on the momentum multipliers
  kAdam   // minibatches, as published
};

struct AdamSettings {
  double learning_rate = 1e-3;
  double beta1 = 0.9, beta2 = 0.999;
  int updates = 2000;
  int batch = 64;            // samples of an update
  double max_gradient = 10;  // longer gradients are shortened to this
};

struct FitSettings {
  FitMode mode = FitMode::kFast;
  FeatureSettings features;
  ReturnSettings returns;
  bool cost = true;              // fit the multipliers of the cost
  bool momentum = false;         // fit those of the momentum rows; needs states that are predicted
  bool tie = true;               // multipliers of one kind (MatchedMpc) have one value
  bool scale = true;             // match a Q + b with the a that fits best at theta = 1; false: a = 1
  bool offset = true;            // b free; false: b = 0
  double ridge = 1e-2;           // lambda: pull towards theta = 1, against the explained share of the return's variance
  double low = 0.05, high = 20;  // bounds of the multipliers of the cost (fast mode)
  double momentum_low = 0.5, momentum_high = 2;
  int every = 1;                  // use every n-th sample
  double validation_share = 0.2;  // of the trajectories
  std::uint64_t seed = 0;         // of the split and of the minibatches
  int iterations = 8;             // Gauss-Newton steps, if momentum multipliers are fitted
  AdamSettings adam;
};

// fit.*, adam.*, features.*, returns.*: for --set and TOML.
Fields fields(FitSettings& settings);

// How well a Q + b matches the returns of some samples.
struct MatchQuality {
  double mse = 0;                         // mean of (a Q + b - return)^2
  double explained = 0;                   // 1 - mse / variance of the return
  double line_slope = 0, line_start = 0;  // Q = line_slope return + line_start, by least squares: the published a and b
};

struct FitResult {
  std::vector<double> theta;     // (ntheta)
  double scale = 1, offset = 0;  // a, b
  MatchQuality train_before, train_after, validation_before, validation_after;
  int iterations = 0;                              // Gauss-Newton steps or updates
  double seconds = 0;                              // all
  double feature_seconds = 0;                      // of them in the features
  std::vector<int> sample;                         // used, of the recording  (n)
  std::vector<unsigned char> validation;           // 1: not fitted to  (n)
  std::vector<double> returns, q_before, q_after;  // measured return, cost of the window at theta = 1 and at `theta`  (n)
};

// Throws Error where these settings cannot fit this controller, whatever the recording.
void check_fit_settings(const MatchedMpc& mpc, const FitSettings& settings);

// Fits theta. Needs stage costs in `recording` (compute_stage_cost).
//   progress  called with the share done, in [0, 1], and the training mse so far; may be empty
// Throws Error where the settings do not fit the recording: fewer than two trajectories, none long enough, no return differs from another.
FitResult fit(const MatchedMpc& mpc, const Recording& recording, const FitSettings& settings,
              const std::function<void(double share, double mse)>& progress = {});

// What the data can tell apart: singular values of the centred features, each divided by its standard deviation and the root of their number.
struct Identifiability {
  std::vector<int> parameter;           // multipliers that are free and have features that vary  (m)
  std::vector<double> singular_values;  // descending  (m)
  std::vector<double> directions;       // right singular vectors, one per row  (m, m)
};
Identifiability identifiability(const MatchedMpc& mpc, const Features& features);

}  // namespace tandem
