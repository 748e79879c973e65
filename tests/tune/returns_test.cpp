// Returns against their definition; samples and trajectories that are used.
#include "tune/returns.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "base/check.hpp"
#include "tests/tune/recordings.hpp"

namespace tandem {
namespace {

TEST(Returns, AreTheDiscountedSumsOfTheStageCosts) {
  Recording r = random_recording(3, 40, 1);
  r.fell.assign(3, 0);
  const double time = 0.2;
  const std::vector<double> returns = discounted_returns(r, time, 5);
  for (int k = 0; k < nsample(r); ++k) {
    double sum = 0;
    for (int i = k; i < nsample(r) && r.trajectory[i] == r.trajectory[k]; ++i)
      sum += std::exp(-(i - k) * r.sample_dt / time) * r.cost[i] * r.sample_dt;
    EXPECT_NEAR(returns[k], sum, 1e-12 * (1 + sum)) << k;
  }
}

// With L the same before and after the fall, a fall is no news.
TEST(Returns, GoOnForEverAfterAFall) {
  Recording r = random_recording(2, 30, 2);
  r.fell = {1, 1};
  r.cost.assign(60, 7.0);
  const double gamma = std::exp(-r.sample_dt / 0.3);
  for (double value : discounted_returns(r, 0.3, 7)) EXPECT_NEAR(value, 7 * r.sample_dt / (1 - gamma), 1e-12);
}

TEST(Returns, WhoseTailIsCutOffAreNotUsed) {
  MatchedMpc mpc;
  mpc.interval = 0.02, mpc.horizon = 5;
  Recording r = random_recording(2, 100, 3);
  r.fell = {0, 1};
  // gamma^50 = 0.025, window 10 samples: the standing trajectory needs 50 samples ahead, the fallen one its window
  const ReturnSettings returns{.discount_time = 0.5 / -std::log(0.025), .truncation = 0.025};
  const std::vector<int> used = usable_samples(mpc, r, {}, returns, 1);
  const auto of_first = std::count_if(used.begin(), used.end(), [](int k) { return k < 100; });
  EXPECT_EQ(of_first, 51);
  EXPECT_EQ(used.back(), 199 - 10);
  EXPECT_EQ(static_cast<int>(used.size()), 51 + 90);
}

TEST(Returns, HaveWholeWindowsHoweverLong) {
  MatchedMpc mpc;
  mpc.interval = 0.02, mpc.horizon = 45;
  Recording r = random_recording(1, 100, 4);
  r.fell = {0};
  const std::vector<int> used = usable_samples(mpc, r, {}, {.discount_time = 0.01, .truncation = 1}, 3);
  EXPECT_EQ(used, (std::vector<int>{0, 3, 6, 9}));
}

TEST(Returns, HaveWholeWindowsOfUnequalIntervals) {
  MatchedMpc mpc;
  mpc.interval = 0.1 / 3, mpc.horizon = 3, mpc.dt = {0.03, 0.03, 0.04};
  Recording r = random_recording(1, 100, 4);
  ASSERT_EQ(r.sample_dt, 0.01);
  r.fell = {1};
  EXPECT_EQ(usable_samples(mpc, r, {}, {.discount_time = 0.01, .truncation = 1}, 1).back(), 99 - 10);
  EXPECT_EQ(usable_samples(mpc, r, {.horizon = 5}, {.discount_time = 0.01, .truncation = 1}, 1).back(), 99 - 18);
}

TEST(Split, HoldsOutItsShareBySeed) {
  for (int n : {2, 3, 10, 24}) {
    const std::vector<unsigned char> split = validation_split(n, 0.2, 1);
    const int held_out = std::accumulate(split.begin(), split.end(), 0);
    EXPECT_EQ(held_out, std::max(1, static_cast<int>(std::lround(0.2 * n)))) << n;
  }
  EXPECT_EQ(validation_split(24, 0.2, 1), validation_split(24, 0.2, 1));
  EXPECT_NE(validation_split(24, 0.2, 1), validation_split(24, 0.2, 2));
  EXPECT_THROW(validation_split(1, 0.2, 1), Error);
}

}  // namespace
}  // namespace tandem
