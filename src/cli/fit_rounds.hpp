// Rounds of cost matching: closed loops are recorded, theta is fitted to their returns, and what short deployments in pairs show to be better is kept.
// docs/cost-matching.md.
//
// Everything that takes long is on disk as soon as it is done, under a name that says what it is; a run that was stopped does the same again and finds it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/fit_outcomes.hpp"
#include "tune/fit.hpp"

namespace tandem {

enum class FitMethod { kFast, kAdam, kRandom };

struct RoundSettings {
  int rounds = 2;
  int trajectories = 24;                            // recorded per round
  std::vector<double> ridges = {1e-1, 1e-2, 1e-3};  // lambdas tried by the fast fit
  std::vector<double> steps = {0.5, 1};             // shares of the way, in logarithms, from the old theta to the fitted one that are tried
  int accept_trials = 16;                           // short deployments in pairs that decide
  double accept_seconds = 8;                        // of one of them
  double accept_velocity = 1.05;                    // largest ratio of velocity errors that a new theta may have
  int random_trials = 4;                            // trials per theta of the random search
  double random_spread = 0.3;                       // standard deviation of the logarithms of its multipliers
};

struct FitRunSettings {
  FitMethod method = FitMethod::kFast;
  FitSettings fit;
  RoundSettings round;
  TrialSettings trial;
  StageCost cost;
  Plant plant;
  std::uint64_t seed = 0;
};
Fields fields(FitRunSettings& settings);  // fit.*, ..., round.*, trial.*, cost.*

struct FitRun {
  const FitSubject& subject;
  const FitRunSettings& settings;
  std::string folder;
  OutcomeStore store;
  ThreadPool pool;
  std::function<void(const std::string& what, double share)> progress;
};

// Runs or goes on with all rounds. Writes theta.json (the best so far) and round-<n>/ into the folder. Returns lists by round, the state before the first
// round in front: validation_mse, closed_loop_cost, velocity_error, falls, ...
// Throws Interrupted after Ctrl-C: everything that is done is on disk.
Json run_rounds(FitRun& run);

}  // namespace tandem
