// Windows of the centroidal MPC: what they cost, how that depends on the multipliers of the model, and what feedback does to a prediction.
#include "tune/centroidal.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <iostream>
#include <memory>
#include <numeric>
#include <set>

#include "base/check.hpp"
#include "base/stopwatch.hpp"
#include "centroidal/centroidal.hpp"
#include "centroidal/evaluate.hpp"
#include "tests/tune/recordings.hpp"
#include "tune/centroidal_feedback.hpp"
#include "tune/fit.hpp"
#include "tune/stage_cost.hpp"

namespace tandem {
namespace {

using Vec = std::vector<double>;

Vec random_theta(int n, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(0.5, 2);
  Vec theta(n);
  for (double& t : theta) t = uniform(random);
  return theta;
}

double total(const MatchedMpc& mpc, const Features& f, const Vec& theta, int i) {
  double q = f.rest[i];
  for (int t = mpc.nmomentum; t < mpc.ntheta; ++t) q += theta[t] * f.phi[i * mpc.ntheta + t];
  return q;
}

class Windows : public testing::Test {
 protected:
  Windows() { settings.horizon = 6; }
  const Robot robot = load_robot("unitree_g1");
  CentroidalSettings settings;
  CentroidalArrays<double> arrays = make_arrays<double>(robot, settings);
};

// Against the controller's cost function, which has the multipliers inside: linear in those of the cost, with the terminal cost, samples 20 ms apart.
TEST_F(Windows, OfRecordedStatesCostTheirStages) {
  const Recording r = random_nodes(arrays, robot, 0.01, 1, 30, 1);
  const MatchedMpc mpc = matched_centroidal(robot, settings);
  const Vec theta = random_theta(mpc.ntheta, 2);
  const std::vector<int> samples = {0, 5, 17};
  const Features f = mpc.open(r, {.penalties = true, .threads = 1})(samples, theta, false);
  CentroidalEvaluator evaluator(robot, settings);
  evaluator.set_theta(theta);
  const NodeReader reader(r, evaluator.nx());
  Vec gx(evaluator.nx()), gu(evaluator.nx());
  for (size_t i = 0; i < samples.size(); ++i) {
    double expected = 0;
    CentroidalNodeInput<double> node{};
    for (int k = 0; k < 6; ++k) {
      reader.read(samples[i] + 2 * k, node);
      expected += evaluator.gradient(node, gx, gu);
    }
    reader.read(samples[i] + 12, node);
    expected += evaluator.terminal_gradient(node, gx);
    EXPECT_NEAR(total(mpc, f, theta, static_cast<int>(i)), expected, 1e-9 * std::abs(expected));
  }
}

TEST_F(Windows, LeaveOutPenaltiesUnlessAsked) {
  const Recording r = random_nodes(arrays, robot, 0.02, 1, 20, 3);
  const MatchedMpc mpc = matched_centroidal(robot, settings);
  const std::vector<int> samples = {0};
  const Vec one(mpc.ntheta, 1.0);
  for (FeatureMode mode : {FeatureMode::kRecorded, FeatureMode::kReplay}) {
    EXPECT_EQ(mpc.open(r, {.mode = mode, .threads = 1})(samples, one, false).rest[0], 0);
    EXPECT_NE(mpc.open(r, {.mode = mode, .penalties = true, .threads = 1})(samples, one, false).rest[0], 0);
  }
}

// A replay that starts again at every node is the recorded states; the last of them is predicted.
TEST_F(Windows, ThatStartAgainAtEveryNodeAreTheRecordedStates) {
  const Recording r = random_nodes(arrays, robot, 0.02, 1, 20, 4);
  const MatchedMpc mpc = matched_centroidal(robot, settings);
  const std::vector<int> samples = {2};
  const Vec one(mpc.ntheta, 1.0);
  const Features recorded = mpc.open(r, {.threads = 1})(samples, one, false);
  const Features replay = mpc.open(r, {.mode = FeatureMode::kReplay, .restart = 1, .threads = 1})(samples, one, false);
  const ThetaBlock terminal = theta_blocks(arrays.view.nj)[3];
  for (int t = mpc.nmomentum; t < mpc.ntheta; ++t)
    if (t < terminal.first || t >= terminal.first + terminal.size) {
      EXPECT_NEAR(replay.phi[t], recorded.phi[t], 1e-9 * (1 + recorded.phi[t])) << t;
    }
}

class Predicted : public Windows, public testing::WithParamInterface<std::tuple<FeatureMode, bool, int>> {};

TEST_P(Predicted, WindowsHaveTheSlopesOfTheMomentumMultipliers) {
  const auto [mode, penalties, restart] = GetParam();
  const Recording r = random_nodes(arrays, robot, 0.01, 1, 30, 5);
  const MatchedMpc mpc = matched_centroidal(robot, settings);
  const WindowCost windows = mpc.open(r, {.mode = mode, .restart = restart, .penalties = penalties, .threads = 1});
  const Vec theta = random_theta(mpc.ntheta, 6);
  const std::vector<int> samples = {3};
  const Features at = windows(samples, theta, true);
  const double h = 1e-5;
  for (int t = 0; t < mpc.nmomentum; ++t) {
    const auto moved = [&](double step) {
      Vec other = theta;
      other[t] += step;
      return total(mpc, windows(samples, other, false), other, 0);
    };
    const double expected = (moved(h) - moved(-h)) / (2 * h);
    EXPECT_NEAR(at.phi[t], expected, 1e-4 * (1 + std::abs(expected))) << "momentum " << t;
    if (restart == 0) {
      EXPECT_NE(expected, 0);
    }
  }
}
INSTANTIATE_TEST_SUITE_P(Modes, Predicted,
                         testing::Values(std::tuple{FeatureMode::kReplay, true, 0}, std::tuple{FeatureMode::kReplay, false, 3},
                                         std::tuple{FeatureMode::kAnchored, true, 0}, std::tuple{FeatureMode::kStabilised, true, 0}));

// The moment about the origin of the world is that of the recorded wrench at the recorded place, wherever the sole is predicted to be.
TEST_F(Windows, AnchoredWrenchesActWhereTheyWereRecorded) {
  const CentroidalNodeInput<double> recorded = random_node(arrays, robot, {1, 1}, 7);
  CentroidalNodeInput<double> predicted = random_node(arrays, robot, {1, 1}, 8);
  std::copy_n(recorded.u, kMaxState, predicted.u);
  Vec memory(node_memory_size<double>(arrays.view.model.nbody));
  Vec3<double> place[kFeet], now[kFeet];
  WrenchRows by_x;
  sole_places(arrays.view, recorded, place, memory.data());
  sole_places(arrays.view, predicted, now, memory.data());
  anchor_wrenches(arrays.view, place, predicted, by_x, memory.data());
  for (int f = 0; f < kFeet; ++f) {
    const auto about_origin = [&](const CentroidalNodeInput<double>& in, Vec3<double> p) {
      const double* wrench = in.u + kWrench + 6 * f;
      return load3<double>(wrench + 3) + cross(p, load3<double>(wrench));
    };
    const Vec3<double> there = about_origin(recorded, place[f]), here = about_origin(predicted, now[f]);
    EXPECT_NEAR(here.x, there.x, 1e-9);
    EXPECT_NEAR(here.y, there.y, 1e-9);
    EXPECT_NEAR(here.z, there.z, 1e-9);
  }
}

// The plan of a controller at rest in one disturbed state, as a recording.
class Planned : public testing::Test {
 protected:
  void SetUp() override {
    settings.control_dt = 1e-9, settings.start_hold = 0;
    controller = std::make_unique<CentroidalMpc>(robot, settings, 1);
    const Vec v(robot.model.nv, 0.1), command = {robot.base_height, 0.3, 0, 0.2};
    controller->reset(0, 0.4);
    for (int i = 0; i < 12; ++i) controller->step(robot.stand, v, command);
    for (const CentroidalNodeInput<float>& node : controller->plan(0)) nodes.push_back(widen(node));
    controller->step(robot.stand, v, command);
  }
  Recording recording() const { return node_recording(nodes, 12 + controller->joints(), settings.dt); }

  const Robot robot = load_robot("unitree_g1");
  CentroidalSettings settings;
  std::unique_ptr<CentroidalMpc> controller;
  std::vector<CentroidalNodeInput<double>> nodes;
};

TEST_F(Planned, WindowsOfItsOwnInputsCostWhatTheControllerSays) {
  const MatchedMpc mpc = matched_centroidal(robot, settings);
  const Recording r = recording();
  const std::vector<int> samples = {0};
  const Vec one(mpc.ntheta, 1.0);
  for (FeatureMode mode : {FeatureMode::kRecorded, FeatureMode::kReplay, FeatureMode::kAnchored, FeatureMode::kStabilised}) {
    const Features f = mpc.open(r, {.mode = mode, .penalties = true, .threads = 1})(samples, one, false);
    EXPECT_NEAR(total(mpc, f, one, 0), controller->output.cost[0], 1e-4 * std::abs(controller->output.cost[0])) << static_cast<int>(mode);
  }
}

// A replay from another state than the recorded one runs away; feedback brings it back.
TEST_F(Planned, FeedbackKeepsAPredictionNearTheRecording) {
  const MatchedMpc mpc = matched_centroidal(robot, settings);
  const std::vector<int> samples = {0};
  const Vec one(mpc.ntheta, 1.0);
  nodes[0].x[kEuler + 1] += 0.05, nodes[0].x[kAngular + 1] += 0.1;
  const Recording r = recording();
  const auto cost = [&](FeatureMode mode) { return total(mpc, mpc.open(r, {.mode = mode, .threads = 1})(samples, one, false), one, 0); };
  const double recorded = cost(FeatureMode::kRecorded), stabilised = cost(FeatureMode::kStabilised), replay = cost(FeatureMode::kReplay);
  EXPECT_LT(stabilised - recorded, 0.1 * (replay - recorded)) << recorded << " " << stabilised << " " << replay;
}

TEST_F(Windows, OfReturnsMadeFromThemGiveTheirThetaBack) {
  const MatchedMpc mpc = matched_centroidal(robot, settings);
  Recording r = random_nodes(arrays, robot, 0.02, 8, 120, 100);
  Vec theta = random_theta(mpc.ntheta, 9);
  for (int t = 0; t < mpc.ntheta; ++t)
    if (mpc.pinned[t] || t < mpc.nmomentum) theta[t] = 1;
  FitSettings s;
  s.tie = false;
  s.ridge = 0, s.scale = s.offset = false, s.returns = {.discount_time = 0.1, .truncation = 1}, s.features.threads = 1;
  const std::vector<int> samples = usable_samples(mpc, r, s.features, s.returns, 1);
  const Features f = mpc.open(r, s.features)(samples, theta, false);
  Vec returns(nsample(r), 0.0);
  for (size_t i = 0; i < samples.size(); ++i) returns[samples[i]] = total(mpc, f, theta, static_cast<int>(i));
  set_returns(r, returns, 0.1);
  const FitResult result = fit(mpc, r, s);
  for (int t = 0; t < mpc.ntheta; ++t) EXPECT_NEAR(result.theta[t], theta[t], 1e-3) << t;
  const Identifiability seen = identifiability(mpc, f);
  EXPECT_EQ(seen.parameter.size(), 139u - mpc.nmomentum);
  EXPECT_GT(seen.singular_values.back(), 0.05);
}

TEST_F(Windows, PinWhatNeverMatters) {
  const MatchedMpc mpc = matched_centroidal(robot, settings);
  const auto count = std::ranges::count(mpc.pinned, 1);
  EXPECT_EQ(mpc.ntheta, 161);
  EXPECT_EQ(mpc.ntheta - count, 139);
  EXPECT_EQ(mpc.groups.back().first + mpc.groups.back().size, mpc.ntheta);
}

// One value for both legs and all axes, none for two blocks.
TEST_F(Windows, OfOneKindWeighTheSameResidualsEverywhere) {
  const MatchedMpc mpc = matched_centroidal(robot, settings);
  ASSERT_EQ(static_cast<int>(mpc.kind.size()), mpc.ntheta);
  const auto kind = [&](const char* block, int i) {
    const auto group = std::find_if(mpc.groups.begin(), mpc.groups.end(), [&](const ThetaGroup& g) { return g.name == block; });
    return mpc.kind.at(group->first + i);
  };
  EXPECT_EQ(kind("swing_left", 7), kind("swing_right", 6));
  EXPECT_EQ(kind("torque_left", 0), kind("torque_right", 5));
  EXPECT_EQ(kind("state", 12), kind("state", 34));
  EXPECT_NE(kind("state", 0), kind("terminal", 0));
  EXPECT_NE(kind("input", 11), kind("input", 12));
  EXPECT_NE(kind("torso", 5), kind("torso", 6));
  const std::set<int> kinds(mpc.kind.begin(), mpc.kind.end());
  EXPECT_EQ(kinds.size(), 6 + 4 + 2 + 4 + 4 + 1 + 4 + 1u);
}

TEST_F(Windows, PinWhatStartsFromTheMeasuredState) {
  const int before = static_cast<int>(std::ranges::count(matched_centroidal(robot, settings).pinned, 1));
  for (int i : {0, 1, 3}) settings.weights.base[i] = settings.weights.terminal_base[i] = 1;
  for (int i : {0, 1, 5}) settings.weights.torso[i] = 1;
  EXPECT_EQ(std::ranges::count(matched_centroidal(robot, settings).pinned, 1), before);
}

TEST_F(Windows, OwnCostIsThatOfTheControllerAtThetaOne) {
  const MatchedMpc mpc = matched_centroidal(robot, settings);
  Recording r = random_nodes(arrays, robot, 0.01, 1, 12, 11);
  r.theta = random_theta(mpc.ntheta, 12);  // what the controller had does not matter
  compute_stage_cost(mpc, {.penalties = true}, r, 1);
  CentroidalEvaluator evaluator(robot, settings);
  const NodeReader reader(r, evaluator.nx());
  Vec gx(evaluator.nx()), gu(evaluator.nx());
  CentroidalNodeInput<double> node{};
  for (int k = 0; k < nsample(r); ++k) {
    reader.read(k, node);
    const double expected = evaluator.gradient(node, gx, gu) / settings.dt;
    EXPECT_NEAR(r.cost[k], expected, 1e-9 * std::abs(expected)) << k;
  }
}

TEST_F(Windows, RefuseOtherRecordings) {
  const MatchedMpc mpc = matched_centroidal(robot, settings);
  EXPECT_THROW(mpc.open(random_recording(1, 20, 13), {}), Error);
  Recording r = random_nodes(arrays, robot, 0.013, 1, 20, 14);
  EXPECT_THROW(mpc.open(r, {}), Error);
  r.sample_dt = 0.01, r.columns[0].size = 1;
  EXPECT_THROW(mpc.open(r, {}), Error);
}

// The promise: 30,000 samples in a minute of two cores. Processor time, so that other work on the machine does not matter.
TEST(FitTime, OfThirtyThousandSamplesIsBelowAMinuteOfTwoCores) {
  const Robot robot = load_robot("unitree_g1");
  const CentroidalSettings settings;
  const CentroidalArrays<double> arrays = make_arrays<double>(robot, settings);
  Recording r = random_nodes(arrays, robot, 0.01, 40, 875, 1000);
  const MatchedMpc mpc = matched_centroidal(robot, settings);
  FitSettings s;
  s.returns.truncation = 1;
  const std::clock_t start = std::clock();
  compute_stage_cost(mpc, {}, r);
  const FitResult result = fit(mpc, r, s);
  const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  std::cout << "fit of " << result.sample.size() << " samples: " << seconds << " s of processor time, " << result.seconds << " s on the clock ("
            << result.feature_seconds << " s in the features)\n";
  EXPECT_GT(result.sample.size(), 30000u);
  EXPECT_LT(seconds, 120);
}

// Predicted windows, one core: the quickest of several short runs, so that other work on the machine does not matter.
TEST(FitTime, OfAPredictedWindowIsAFewMilliseconds) {
  const Robot robot = load_robot("unitree_g1");
  const CentroidalSettings settings;
  const Recording r = random_nodes(make_arrays<double>(robot, settings), robot, 0.02, 1, settings.horizon + 3, 15);
  const MatchedMpc mpc = matched_centroidal(robot, settings);
  const std::vector<int> samples = {0, 1};
  const char* names[] = {"recorded", "stabilised", "anchored", "replay"};
  for (FeatureMode mode : {FeatureMode::kStabilised, FeatureMode::kAnchored, FeatureMode::kReplay})
    for (bool slopes : {false, true}) {
      const WindowCost windows = mpc.open(r, {.mode = mode, .threads = 1});
      double best = 1;
      for (int run = 0; run < 15 || (run < 150 && best > 0.005); ++run) {
        Stopwatch watch;
        windows(samples, Vec(mpc.ntheta, 1.0), slopes);
        best = std::min(best, watch.lap() / static_cast<double>(samples.size()));
      }
      std::cout << names[static_cast<int>(mode)] << (slopes ? ", with slopes: " : ": ") << 1e3 * best << " ms per window\n";
      EXPECT_LT(best, 0.02);
    }
}

}  // namespace
}  // namespace tandem
