#include "learn/normaliser.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace tandem {
namespace {

constexpr double kDeviationOffset = 0.01;

}  // namespace

Normaliser::Normaliser(int nobs, SignedPermutation mirror)
    : mean(nobs, 0), variance(nobs, 1), count(1, 0), mirror_(std::move(mirror)), sum_(nobs, 0), squares_(nobs, 0) {
  refresh();
}

void Normaliser::refresh() {
  centre_.assign(mean.begin(), mean.end());
  deviation_.resize(mean.size());
  std::transform(variance.begin(), variance.end(), deviation_.begin(), [](double v) { return static_cast<float>(std::sqrt(v) + kDeviationOffset); });
}

void Normaliser::apply(std::span<const float> obs, double clip, float* normalised, int ld) const {
  const size_t nobs = mean.size();
  const float bound = static_cast<float>(clip);
  for (size_t row = 0; row < obs.size() / nobs; ++row)
    for (size_t i = 0; i < nobs; ++i) normalised[row * ld + i] = std::clamp((obs[row * nobs + i] - centre_[i]) / deviation_[i], -bound, bound);
}

void Normaliser::collect(std::span<const float> obs) {
  const size_t nobs = mean.size(), rows = obs.size() / nobs;
  for (size_t row = 0; row < rows; ++row)
    for (size_t i = 0; i < nobs; ++i) {
      const double d = obs[row * nobs + i] - mean[i];
      sum_[i] += d;
      squares_[i] += d * d;
    }
  collected_ += static_cast<double>(rows);
}

void Normaliser::fold() {
  if (collected_ == 0) return;
  const double total = count[0] + collected_;
  symmetrise(mirror_, std::span(sum_));
  symmetrise({mirror_.from, std::vector<double>(mirror_.from.size(), 1)}, std::span(squares_));
  for (size_t i = 0; i < mean.size(); ++i) {
    // moments about the old mean: those of the past (0, variance) and of the collected ones, by their numbers
    const double shift = sum_[i] / total, second = (variance[i] * count[0] + squares_[i]) / total;
    mean[i] += shift;
    variance[i] = std::max(second - shift * shift, 0.0);
    sum_[i] = squares_[i] = 0;
  }
  count[0] = total;
  collected_ = 0;
  refresh();
}

}  // namespace tandem
