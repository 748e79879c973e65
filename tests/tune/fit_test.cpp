// The fit of theta on a small problem whose answers are known.
#include "tune/fit.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "base/check.hpp"
#include "tests/support/message_of.hpp"
#include "tests/support/qp_problems.hpp"
#include "tests/tune/toy.hpp"

namespace tandem {
namespace {

using Vec = std::vector<double>;

FitSettings settings_with(double ridge) {
  FitSettings s;
  s.ridge = ridge, s.returns = {.discount_time = 0.1, .truncation = 1}, s.features.penalties = true;
  return s;
}
void expect_near(const Vec& found, const Vec& expected, double tolerance) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], tolerance) << "theta " << i;
}

TEST(Fit, FindsTheThetaThatMadeTheReturns) {
  const Vec theta = {1, 1, 0.4, 1.7, 2.5, 0.9, 1};
  FitSettings s = settings_with(0);
  s.scale = s.offset = false;
  const FitResult result = fit(toy_mpc(), toy_recording(theta, 1, 0, 0, 1), s);
  expect_near(result.theta, theta, 1e-5);
  EXPECT_GT(result.validation_after.explained, 1 - 1e-9);
  EXPECT_LT(result.validation_before.explained, 0.9);
}

TEST(Fit, FindsItUpToItsScaleBehindAScaleAndAnOffset) {
  const Vec theta = {1, 1, 0.4, 1.7, 2.5, 0.9, 1};
  FitSettings s = settings_with(1e-9);
  s.features.penalties = false;  // theta does not scale them
  const FitResult result = fit(toy_mpc(), toy_recording(theta, 3, 40, 0, 2, false), s);
  for (int i = 3; i < 6; ++i) EXPECT_NEAR(result.theta[i] / result.theta[2], theta[i] / theta[2], 1e-3 * theta[i] / theta[2]);
  EXPECT_GT(result.validation_after.explained, 1 - 1e-6);
}

// The plain normal equations over the fitted values and the offset, eq. (11).
//   sets  multipliers of the cost with one value, from the first of the cost on
void expect_ridge_answer(const MatchedMpc& mpc, FitSettings s, const std::vector<std::vector<int>>& sets) {
  const Recording r = toy_recording({1, 1, 0.7, 1.2, 1.5, 0.9, 1}, 3, 40, 2, 3);
  const FitResult result = fit(mpc, r, s);
  const Features f = toy_features(r, result.sample, Vec(kToyTheta, 1.0));
  const int m = static_cast<int>(sets.size()), size = m + 1;
  double n = 0, mean = 0, square = 0;
  Vec H(size * size, 0.0), g(size, 0.0);  // the fitted values, then the offset
  for (size_t k = 0; k < result.sample.size(); ++k) {
    if (result.validation[k]) continue;
    n += 1, mean += result.returns[k], square += result.returns[k] * result.returns[k];
  }
  const double variance = square / n - mean / n * mean / n;
  for (size_t k = 0; k < result.sample.size(); ++k) {
    if (result.validation[k]) continue;
    Vec row(size, 0.0);
    for (int i = 0; i < m; ++i)
      for (int member : sets[i]) row[i] += result.scale * f.phi[k * kToyTheta + kToyMomentum + member];
    row[m] = 1;
    const double target = result.returns[k] - result.scale * f.rest[k];
    for (int i = 0; i < size; ++i) {
      g[i] += row[i] * target / (n * variance);
      for (int j = 0; j < size; ++j) H[size * i + j] += row[i] * row[j] / (n * variance);
    }
  }
  for (int i = 0; i < m; ++i) H[(size + 1) * i] += s.ridge, g[i] += s.ridge;
  const Vec expected = test::solve_dense(H, g);
  for (int i = 0; i < m; ++i)
    for (int member : sets[i]) EXPECT_NEAR(result.theta[kToyMomentum + member], expected[i], 1e-7) << member;
  EXPECT_NEAR(result.offset, expected[m], 1e-6 * std::abs(expected[m]));
}

TEST(Fit, SolvesTheRidgeProblem) { expect_ridge_answer(toy_mpc(), settings_with(1e-2), {{0}, {1}, {2}, {3}}); }

TEST(Fit, GivesMultipliersOfOneKindOneValue) {
  MatchedMpc mpc = toy_mpc();
  mpc.kind = {0, 1, 2, 3, 3, 2, 2};
  FitSettings s = settings_with(1e-2);
  expect_ridge_answer(mpc, s, {{0, 3}, {1, 2}});
  s.tie = false;
  expect_ridge_answer(mpc, s, {{0}, {1}, {2}, {3}});
}

TEST(Fit, ByAdamGivesMultipliersOfOneKindOneValue) {
  MatchedMpc mpc = toy_mpc();
  mpc.kind = {0, 1, 2, 3, 3, 2, 2};
  const Recording r = toy_recording({1, 1, 0.7, 1.2, 1.5, 0.9, 1}, 1, 0, 0.5, 8);
  FitSettings s = settings_with(0.3);  // large enough to matter
  s.scale = s.offset = false;
  const Vec exact = fit(mpc, r, s).theta;
  s.mode = FitMode::kAdam, s.adam.learning_rate = 3e-3, s.adam.updates = 6000;
  const Vec found = fit(mpc, r, s).theta;
  expect_near(found, exact, 0.05);
  EXPECT_EQ(found[2], found[5]);
}

// Optimality at bounds: where the unbounded answer lies outside, theta is on the bound and moving it inwards does not help.
TEST(Fit, KeepsItsBounds) {
  FitSettings s = settings_with(1e-4);
  s.low = 0.5, s.high = 2, s.scale = s.offset = false;
  const Recording r = toy_recording({1, 1, 0.1, 2.5, 1.2, 0.9, 1}, 1, 0, 0.5, 4);
  const FitResult result = fit(toy_mpc(), r, s);
  EXPECT_EQ(result.theta[2], 0.5);
  EXPECT_EQ(result.theta[3], 2);
  const Features f = toy_features(r, result.sample, Vec(kToyTheta, 1.0));
  const auto objective = [&](const Vec& theta) {
    double sum = 0, n = 0, mean = 0, square = 0, pull = 0;
    for (size_t k = 0; k < result.sample.size(); ++k) {
      if (result.validation[k]) continue;
      double q = f.rest[k];
      for (int i = kToyMomentum; i < kToyTheta; ++i) q += theta[i] * f.phi[k * kToyTheta + i];
      sum += std::pow(q - result.returns[k], 2), n += 1, mean += result.returns[k], square += std::pow(result.returns[k], 2);
    }
    for (double t : theta) pull += (t - 1) * (t - 1);
    return sum / (square - mean * mean / n) + s.ridge * pull;
  };
  const double best = objective(result.theta);
  for (int i = kToyMomentum; i < 6; ++i)
    for (double step : {-1e-3, 1e-3}) {
      Vec theta = result.theta;
      theta[i] = std::clamp(theta[i] + step, s.low, s.high);
      EXPECT_GE(objective(theta), best * (1 - 1e-12)) << "theta " << i;
    }
}

TEST(Fit, LeavesMultipliersThatNeverMatterAtOne) {
  const FitResult result = fit(toy_mpc(), toy_recording({1, 1, 0.4, 1.7, 2.5, 0.9, 1}, 1, 0, 1, 5), settings_with(1e-3));
  EXPECT_EQ(result.theta[6], 1);
  EXPECT_EQ(result.theta[0], 1);
}

TEST(Fit, FindsTheMultipliersOfTheModelByGaussNewton) {
  const Vec theta = {1.5, 0.7, 0.6, 1.7, 1.4, 0.9, 1};
  FitSettings s = settings_with(0);
  s.features.mode = FeatureMode::kReplay;
  s.momentum = true, s.scale = s.offset = false, s.iterations = 30;
  expect_near(fit(toy_mpc(), toy_recording(theta, 1, 0, 0, 6), s).theta, theta, 1e-2);
}

// A model that diverges where the step leads: a shorter step is taken.
TEST(Fit, TakesAShorterStepWhereTheCostIsNoNumber) {
  const Recording recording = toy_recording({1.5, 0.7, 0.6, 1.7, 1.4, 0.9, 1}, 1, 0, 0, 6);
  MatchedMpc mpc = toy_mpc();
  mpc.open = [](const Recording& r, const FeatureSettings&) {
    return [&r](std::span<const int> samples, std::span<const double> theta, bool) {
      Features f = toy_features(r, samples, theta);
      if (theta[0] > 1.2) f.rest[0] = std::numeric_limits<double>::quiet_NaN();
      return f;
    };
  };
  FitSettings s = settings_with(0);
  s.features.mode = FeatureMode::kReplay;
  s.momentum = true, s.scale = s.offset = false, s.iterations = 30;
  const FitResult result = fit(mpc, recording, s);
  EXPECT_GT(result.theta[0], 1.02);
  EXPECT_LE(result.theta[0], 1.2);
  EXPECT_GT(result.validation_after.explained, result.validation_before.explained);
}

TEST(Fit, TouchesOnlyWhatItIsAskedTo) {
  FitSettings s = settings_with(1e-3);
  s.features.mode = FeatureMode::kReplay;
  s.momentum = true, s.cost = false;
  const FitResult result = fit(toy_mpc(), toy_recording({1.5, 0.7, 0.6, 1.7, 1.4, 0.9, 1}, 1, 0, 0, 7), s);
  EXPECT_NE(result.theta[0], 1);
  for (int i = kToyMomentum; i < kToyTheta; ++i) EXPECT_EQ(result.theta[i], 1) << i;
}

TEST(Fit, ByAdamEndsWhereLeastSquaresDoes) {
  const Recording r = toy_recording({1, 1, 0.7, 1.2, 1.5, 0.9, 1}, 1, 0, 0.5, 8);
  FitSettings s = settings_with(1e-3);
  s.scale = s.offset = false;
  const Vec exact = fit(toy_mpc(), r, s).theta;
  s.mode = FitMode::kAdam, s.adam.learning_rate = 3e-3, s.adam.updates = 6000;
  expect_near(fit(toy_mpc(), r, s).theta, exact, 0.05);
}

TEST(Fit, ByAdamIsTheSameForTheSameSeed) {
  const Recording r = toy_recording({1, 1, 0.7, 1.2, 1.5, 0.9, 1}, 1, 0, 0.5, 9);
  FitSettings s = settings_with(1e-3);
  s.mode = FitMode::kAdam, s.adam.updates = 50, s.seed = 3;
  const Vec first = fit(toy_mpc(), r, s).theta;
  EXPECT_EQ(fit(toy_mpc(), r, s).theta, first);
}

// A return is not used for fitting if any sample of its trajectory is used for validation.
TEST(Fit, HoldsOutWholeTrajectories) {
  const Recording r = toy_recording(Vec(kToyTheta, 1.0), 1, 0, 1, 10);
  const FitResult result = fit(toy_mpc(), r, settings_with(1e-2));
  std::vector<int> side(ntrajectory(r), -1);
  for (size_t k = 0; k < result.sample.size(); ++k) {
    int& known = side[r.trajectory[result.sample[k]]];
    EXPECT_TRUE(known < 0 || known == result.validation[k]);
    known = result.validation[k];
  }
  EXPECT_EQ(std::count(side.begin(), side.end(), 1), 2);
}

// Q = line_slope return + line_start, by hand: Q is the return itself times 1/3, less 5.
TEST(Fit, ReportsTheLineThroughCostAndReturn) {
  const FitResult result = fit(toy_mpc(), toy_recording(Vec(kToyTheta, 1.0), 3, 15, 0, 11), settings_with(1e-2));
  EXPECT_NEAR(result.validation_before.line_slope, 1.0 / 3, 1e-5);
  EXPECT_NEAR(result.validation_before.line_start, -5, 1e-4);
  EXPECT_NEAR(result.scale, 3, 1e-4);  // return = scale Q + offset at theta = 1
}

TEST(Fit, SaysWhatIsWrong) {
  const Recording good = toy_recording(Vec(kToyTheta, 1.0), 1, 0, 1, 12);
  const auto refusal = [&](auto&& change) -> std::string {
    Recording r = good;
    FitSettings s = settings_with(1e-2);
    change(r, s);
    return message_of([&] { fit(toy_mpc(), r, s); });
  };
  const auto expect = [&](const std::string& part, auto&& change) {
    const std::string message = refusal(change);
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  expect("compute_stage_cost", [](Recording& r, FitSettings&) { r.cost.clear(); });
  expect("all returns are the same", [](Recording& r, FitSettings&) { r.cost.assign(r.cost.size(), 0.0); });
  expect("record longer trajectories", [](Recording&, FitSettings& s) { s.returns = {.discount_time = 10, .truncation = 0.01}; });
  expect("recorded states", [](Recording&, FitSettings& s) { s.momentum = true; });
  expect("neither cost nor momentum", [](Recording&, FitSettings& s) { s.cost = false; });
  expect("bounds", [](Recording&, FitSettings& s) { s.low = 2; });
  expect("do not rise", [](Recording& r, FitSettings&) {
    for (double& cost : r.cost) cost = -cost;
  });
  expect("of the other MPC", [](Recording& r, FitSettings&) { r.controller = "other"; });
}

// Two features that are the same up to a factor: one direction is not seen, and it is their difference.
TEST(Identifiability, SeesWhichDirectionsTheDataDoNotTellApart) {
  MatchedMpc mpc = toy_mpc();
  mpc.nmomentum = 0;
  const Recording r = random_recording(1, 200, 13);
  std::vector<int> all(200);
  for (int i = 0; i < 200; ++i) all[i] = i;
  Features f = toy_features(r, all, Vec(kToyTheta, 1.0));
  for (int k = 0; k < 200; ++k) {
    f.phi[k * kToyTheta] = f.phi[k * kToyTheta + 1] = 0;
    f.phi[k * kToyTheta + 3] = 5 * f.phi[k * kToyTheta + 2];
  }
  const Identifiability seen = identifiability(mpc, f);
  ASSERT_EQ(seen.parameter, (std::vector<int>{2, 3, 4, 5}));
  EXPECT_NEAR(seen.singular_values.back(), 0, 1e-6);
  double squares = 0;
  for (double s : seen.singular_values) squares += s * s;
  EXPECT_NEAR(squares, 4, 1e-9);
  const double* last = &seen.directions[12];
  EXPECT_NEAR(last[0], -last[1], 1e-6);
  EXPECT_NEAR(std::abs(last[0]), std::sqrt(0.5), 1e-6);
}

}  // namespace
}  // namespace tandem
