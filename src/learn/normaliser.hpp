// Normaliser: observations by their running mean and standard deviation. docs/training.md, eq. (26).
#pragma once

#include <span>
#include <vector>

#include "model/mirror.hpp"

namespace tandem {

class Normaliser {
 public:
  std::vector<double> mean;      // (nobs)
  std::vector<double> variance;  // (nobs)
  std::vector<double> count;     // observations seen  (1)

  // Starts with mean 0 and variance 1, which the first fold() replaces.
  //   mirror  of observations that are seen together with their images; empty: without them
  explicit Normaliser(int nobs, SignedPermutation mirror = {});

  // Writes (obs - mean) / deviation(), within +-clip, rows `ld` apart; the rest of a row stays.   obs (n, nobs), normalised (n, ld)
  void apply(std::span<const float> obs, double clip, float* normalised, int ld) const;
  // Collects observations for the next fold(); does not change what apply() does.   obs (n, nobs)
  void collect(std::span<const float> obs);
  // Makes what was collected part of mean and variance.
  void fold();
  // To be called after mean and variance were written from outside.
  void refresh();

  // What observations are divided by: square root of the variance, plus 0.01 so that constants do not blow up  (nobs)
  const std::vector<float>& deviation() const { return deviation_; }

 private:
  SignedPermutation mirror_;
  std::vector<float> centre_, deviation_;  // what apply() uses  (nobs)
  std::vector<double> sum_, squares_;      // of the collected observations minus `mean`
  double collected_ = 0;
};

}  // namespace tandem
