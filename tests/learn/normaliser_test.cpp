// Running mean and variance against those of all observations at once.
#include "learn/normaliser.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.hpp"
#include "tests/support/mirrored.hpp"

namespace tandem {
namespace {

TEST(Normaliser, HasTheMomentsOfAllThatItSaw) {
  constexpr int kObs = 3, kRows = 40, kFolds = 7;
  Rng rng{5, 0, 0};
  Normaliser normaliser(kObs);
  std::vector<float> all;
  for (int fold = 0; fold < kFolds; ++fold) {
    std::vector<float> rows(kObs * kRows);
    for (size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<float>(1000.0 * (i % kObs) + (i % kObs + 1) * rng.normal() + fold);
    normaliser.collect(std::span(rows).first(kObs * 10));
    normaliser.collect(std::span(rows).subspan(kObs * 10));
    normaliser.fold();
    all.insert(all.end(), rows.begin(), rows.end());
  }
  for (int i = 0; i < kObs; ++i) {
    double mean = 0, variance = 0;
    for (size_t r = 0; r < kRows * kFolds; ++r) mean += double(all[r * kObs + i]) / (kRows * kFolds);
    for (size_t r = 0; r < kRows * kFolds; ++r) variance += std::pow(all[r * kObs + i] - mean, 2) / (kRows * kFolds);
    EXPECT_NEAR(normaliser.mean[i], mean, 1e-9 * (1 + mean));
    EXPECT_NEAR(normaliser.variance[i], variance, 1e-9 * variance);
  }
}

TEST(Normaliser, WithAMirrorSeesTheImagesToo) {
  const SignedPermutation mirror{{1, 0, 2}, {-1, -1, -1}};
  Normaliser mirrored(3, mirror), both(3);
  Rng rng{6, 0, 0};
  for (int fold = 0; fold < 3; ++fold) {
    for (int row = 0; row < 20; ++row) {
      std::vector<float> obs{static_cast<float>(rng.normal()), static_cast<float>(3 + rng.normal()), static_cast<float>(rng.uniform(0, 5))};
      mirrored.collect(obs), both.collect(obs), both.collect(image(mirror, obs));
    }
    mirrored.fold(), both.fold();
  }
  for (int i = 0; i < 3; ++i) {
    EXPECT_NEAR(mirrored.mean[i], both.mean[i], 1e-12);
    EXPECT_NEAR(mirrored.variance[i], both.variance[i], 1e-12);
  }
  EXPECT_EQ(image(mirror, mirrored.mean), mirrored.mean);
  EXPECT_EQ(mirrored.count[0], 60);
}

TEST(Normaliser, ScalesAndClipsAndLeavesPadding) {
  Normaliser normaliser(2);
  normaliser.mean = {1, -2};
  normaliser.variance = {4, 0};
  normaliser.refresh();
  const std::vector<float> obs{5.02f, -2, 1, 100};
  std::vector<float> out(6, -7);
  normaliser.apply(obs, 10, out.data(), 3);
  EXPECT_NEAR(out[0], 2, 1e-6);  // 4.02 / (2 + 0.01)
  EXPECT_EQ(out[1], 0);
  EXPECT_EQ(out[2], -7);
  EXPECT_EQ(out[3], 0);
  EXPECT_EQ(out[4], 10);  // 102 / 0.01
  EXPECT_EQ(out[5], -7);
}

TEST(Normaliser, DoesNotChangeBeforeTheFold) {
  Normaliser normaliser(1);
  const std::vector<float> obs{3, 5};
  normaliser.collect(obs);
  float out[2];
  normaliser.apply(obs, 10, out, 1);
  EXPECT_NEAR(out[0], 3 / 1.01, 1e-6);
}

}  // namespace
}  // namespace tandem
