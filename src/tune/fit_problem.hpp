// What both ways to fit share: samples, returns, who is free, and how good a theta is. docs/cost-matching.md, section 4. Internal to src/tune.
#pragma once

#include <Eigen/Core>
#include <functional>

#include "tune/fit.hpp"

namespace tandem {

using Progress = std::function<void(double share, double mse)>;
using Rows = Eigen::Map<const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>;

struct FitProblem {
  const MatchedMpc* mpc;
  FitSettings settings;
  WindowCost windows;
  std::vector<int> sample;                // of the recording  (n)
  std::vector<unsigned char> validation;  // (n)
  std::vector<int> train;                 // places in `sample` that are fitted to
  Eigen::VectorXd returns;                // (n)
  std::vector<std::vector<int>> free;     // multipliers that are fitted, those with one value together; momentum first
  double variance = 0;                    // of the returns that are fitted to
  double scale = 1;                       // a
  mutable double feature_seconds = 0;
};

// phi and rest of all samples at theta; slopes where momentum multipliers are fitted.
Features all_features(const FitProblem& problem, const std::vector<double>& theta);

// Q of every sample.
Eigen::VectorXd costs(const FitProblem& problem, const Features& features, const std::vector<double>& theta);

// b that suits the samples fitted to; 0 where it is not free.
double best_offset(const FitProblem& problem, const Eigen::VectorXd& q);

// mean (a Q + b - return)^2 over the samples fitted to, b the best one, and that over the variance plus ridge times the sum of (theta - 1)^2 over the
// fitted values: what is minimised.
double train_mse(const FitProblem& problem, const Eigen::VectorXd& q);
double objective(const FitProblem& problem, const Eigen::VectorXd& q, const std::vector<double>& theta);

// Each writes theta, which is 1 at first, and returns the number of its steps. `features` are those at theta = 1.
int fit_fast(const FitProblem& problem, Features features, std::vector<double>& theta, const Progress& progress);
int fit_adam(const FitProblem& problem, const Features& features, std::vector<double>& theta, const Progress& progress);

}  // namespace tandem
