// Formulas of the tables against their definitions and hand-computed values.
#include "cli/metrics.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "sim/metrics.hpp"

namespace tandem {
namespace {

// What defines the interval: at its ends the observed share is exactly z standard deviations of the assumed probability away.
TEST(WilsonInterval, EndsAreZStandardDeviationsAway) {
  const double z = 1.959964;
  for (const auto& [successes, trials] : {std::pair{3, 10}, {50, 100}, {95, 100}, {999, 1000}}) {
    const ConfidenceInterval interval = wilson_interval(successes, trials);
    const double share = double(successes) / trials;
    EXPECT_LT(interval.low, share);
    EXPECT_GT(interval.high, share);
    for (double p : {interval.low, interval.high})
      EXPECT_NEAR(std::abs(share - p) / std::sqrt(p * (1 - p) / trials), z, 1e-5) << successes << " of " << trials << ", end " << p;
  }
}

// By hand: with no success among n the upper end is z^2 / (n + z^2).
TEST(WilsonInterval, StaysWithinZeroAndOne) {
  EXPECT_EQ(wilson_interval(0, 10).low, 0);
  EXPECT_NEAR(wilson_interval(0, 10).high, 3.841459 / 13.841459, 1e-6);
  EXPECT_NEAR(wilson_interval(10, 10).low, 10 / 13.841459, 1e-6);
  EXPECT_DOUBLE_EQ(wilson_interval(10, 10).high, 1);
}

TEST(WilsonInterval, SaysNothingWithoutTrials) {
  EXPECT_EQ(wilson_interval(0, 0).low, 0);
  EXPECT_EQ(wilson_interval(0, 0).high, 1);
}

TEST(Percentile, IsTheNearestRank) {
  std::vector<double> values;
  for (int i = 1000; i > 0; --i) values.push_back(i);
  EXPECT_EQ(percentile(values, 0.5), 500);
  EXPECT_EQ(percentile(values, 0.99), 990);
  EXPECT_EQ(percentile(values, 0.999), 999);
  EXPECT_EQ(percentile(values, 1), 1000);
  EXPECT_EQ(percentile(values, 0), 1);
}

TEST(Percentile, OfNothingIsNotANumber) {
  std::vector<double> none;
  EXPECT_TRUE(std::isnan(percentile(none, 0.5)));
}

TEST(FiniteMean, LeavesOutWhatIsNotFinite) {
  EXPECT_DOUBLE_EQ(finite_mean(std::vector<double>{1, NAN, 3, INFINITY}), 2);
  EXPECT_TRUE(std::isnan(finite_mean(std::vector<double>{NAN})));
}

// By hand: of {1, 2, 3} the mean is 2 with a standard error of 1 / sqrt(3); 4.302653 is the quantile of two degrees of freedom (any table).
TEST(MeanInterval, IsStudents) {
  const ConfidenceInterval three = mean_interval(std::vector<double>{1, 3, NAN, 2});
  EXPECT_NEAR(three.low, 2 - 4.302653 / std::sqrt(3), 1e-5);
  EXPECT_NEAR(three.high, 2 + 4.302653 / std::sqrt(3), 1e-5);
  const ConfidenceInterval two = mean_interval(std::vector<double>{0, 2});  // one degree of freedom: 12.706205
  EXPECT_NEAR(two.high, 1 + 12.706205, 1e-4);
  std::vector<double> many;
  for (int i = 0; i < 31; ++i) many.push_back(i % 2);  // thirty: 2.042272
  const double p = 15.0 / 31, error = std::sqrt(p * (1 - p) * 31 / 30 / 31);
  EXPECT_NEAR(mean_interval(many).high, p + 2.042272 * error, 1e-6);
}

TEST(MeanInterval, OfOneValueIsNotANumber) {
  EXPECT_TRUE(std::isnan(mean_interval(std::vector<double>{1}).low));
  EXPECT_TRUE(std::isnan(mean_interval(std::vector<double>{}).high));
}

// A robot turned left by 90 degrees that moves along the world's y axis goes forward.
TEST(HeadingVelocity, TurnsWithTheRobot) {
  const double s = std::sqrt(0.5), q[7] = {0, 0, 1, s, 0, 0, s}, v[6] = {-0.2, 0.7, 0.1, 0, 0, 0.3};
  const HeadingVelocity velocity = heading_velocity(q, v);
  EXPECT_NEAR(velocity.forward, 0.7, 1e-12);
  EXPECT_NEAR(velocity.left, 0.2, 1e-12);
  EXPECT_NEAR(velocity.yaw_rate, 0.3, 1e-12);
}

// Rolled by 90 degrees about x, the base's own y axis is the vertical.
TEST(HeadingVelocity, YawRateIsAboutTheVertical) {
  const double s = std::sqrt(0.5), q[7] = {0, 0, 1, s, s, 0, 0}, v[6] = {0, 0, 0, 5, 2, 7};
  EXPECT_NEAR(heading_velocity(q, v).yaw_rate, 2, 1e-12);
}

TEST(SteadyState, IsWholeGaitPeriodsOfTheSecondHalf) {
  EXPECT_EQ(steady_state_start(1000, 0.8, 0.01), 1000 - 480);  // six periods in 5 s
  EXPECT_EQ(steady_state_start(1000, 0.5, 0.01), 500);         // ten, exactly
  EXPECT_EQ(steady_state_start(100, 0.8, 0.01), 50);           // not even one: the second half
}

}  // namespace
}  // namespace tandem
