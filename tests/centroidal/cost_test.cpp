// The cost as the fit of theta sees it: linear in theta, nothing from terms without weight, smooth penalties, and the same number as the controller's own.
#include <gtest/gtest.h>

#include <memory>
#include <numeric>

#include "centroidal/centroidal.hpp"
#include "centroidal/evaluate.hpp"
#include "tests/centroidal/fixture.hpp"

namespace tandem {
namespace {

using Vec = std::vector<double>;

struct Fixture {
  Robot robot = load_robot("unitree_g1");
  CentroidalSettings settings;
  CentroidalArrays<double> arrays = make_arrays<double>(robot, settings);
  CentroidalEvaluator evaluator{robot, settings};
  Vec gx = Vec(kMaxState), gu = Vec(kMaxState);

  double cost(const CentroidalNodeInput<double>& node) { return evaluator.gradient(node, gx, gu); }
};

Vec random_theta(int n, unsigned seed) {
  std::mt19937 random(seed);
  std::lognormal_distribution<double> scale(0, 1);
  Vec theta(n);
  for (double& t : theta) t = scale(random);
  return theta;
}

TEST(CentroidalCost, IsLinearInTheMultipliers) {
  Fixture f;
  for (unsigned seed : {1u, 2u, 3u}) {
    SCOPED_TRACE(seed);
    const CentroidalNodeInput<double> node = random_node(f.arrays, f.robot, {seed % 2 == 0 ? 1.0 : 0.0, 1.0}, seed);
    Vec features(f.evaluator.ntheta(), 0.0);
    const double penalties = f.evaluator.stage_features(node, features);
    const Vec theta = random_theta(f.evaluator.ntheta(), seed);
    f.evaluator.set_theta(theta);
    const double expected = std::inner_product(theta.begin(), theta.end(), features.begin(), penalties);
    EXPECT_NEAR(f.cost(node), expected, 1e-12 * std::abs(expected));
  }
}

TEST(CentroidalCost, TheTerminalCostIsLinearInTheMultipliers) {
  Fixture f;
  const CentroidalNodeInput<double> node = random_node(f.arrays, f.robot, {1, 1}, 4);
  Vec features(f.evaluator.ntheta(), 0.0);
  f.evaluator.terminal_features(node, features);
  const Vec theta = random_theta(f.evaluator.ntheta(), 5);
  f.evaluator.set_theta(theta);
  const double expected = std::inner_product(theta.begin(), theta.end(), features.begin(), 0.0);
  EXPECT_NEAR(f.evaluator.terminal_gradient(node, f.gx), expected, 1e-12 * expected);
}

TEST(CentroidalCost, TermsWithoutNominalWeightNeverMatter) {
  Fixture f;
  const CentroidalNodeInput<double> node = random_node(f.arrays, f.robot, {1, 0}, 6);
  const double before = f.cost(node);
  // yaw of the base, forward and left position of the torso, its yaw, centre of mass over the feet, height of a swing foot
  const std::vector<ThetaBlock> blocks = theta_blocks(f.evaluator.nx() - 12);
  Vec theta(f.evaluator.ntheta(), 1.0);
  const auto block = [&](const std::string& name) {
    return std::find_if(blocks.begin(), blocks.end(), [&](const ThetaBlock& b) { return name == b.name; })->first;
  };
  for (int i : {block("state") + kEuler, block("torso"), block("torso") + 1, block("torso") + 5, block("com"), block("swing_right") + 2})
    theta[i] = 50;
  f.evaluator.set_theta(theta);
  EXPECT_EQ(f.cost(node), before);
}

TEST(CentroidalCost, TheMultipliersHaveTheirPlaces) {
  const std::vector<ThetaBlock> blocks = theta_blocks(23);
  EXPECT_EQ(theta_size(23), 161);
  for (size_t i = 1; i < blocks.size(); ++i) EXPECT_EQ(blocks[i].first, blocks[i - 1].first + blocks[i - 1].size) << blocks[i].name;
}

// Values and slopes just left and right of `at`, and slope and curvature against differences of value and slope.
template <class Curve>
void expect_smooth(Curve&& curve, double at) {
  const double h = 1e-7;
  const Penalty<double> left = curve(at - h), right = curve(at + h), here = curve(at);
  EXPECT_NEAR(left.value, right.value, 1e-4 * (1 + std::abs(here.value)) + 4 * h * std::abs(here.slope)) << at;
  EXPECT_NEAR((right.value - left.value) / (2 * h), here.slope, 1e-4 * (1 + std::abs(here.slope))) << at;
  EXPECT_NEAR((right.slope - left.slope) / (2 * h), here.curvature, 1e-3 * (1 + std::abs(here.curvature))) << at;
}

TEST(CentroidalCost, PenaltiesAreSmoothWhereTheirPiecesMeet) {
  const LogBarrier<double> log{.6, .03};
  const PolynomialBarrier<double> polynomial{1200, .1};
  // away from the joints slope and curvature are checked too; at a joint the curvature of the polynomial has a kink but no jump
  for (double h : {-.05, .02, .03, .1}) expect_smooth([&](double x) { return log_barrier(log, x); }, h);
  for (double h : {-.2, 0.0, .04, .1, .3}) expect_smooth([&](double x) { return polynomial_barrier(polynomial, x); }, h);
}

// The controller, called again and again in one state, and its plan.
class Objective : public testing::Test {
 protected:
  void SetUp() override {
    settings.control_dt = 1e-9, settings.start_hold = 0;
    mpc = std::make_unique<CentroidalMpc>(robot, settings, 1);
    q = robot.stand, v.assign(robot.model.nv, 0.1);
    command = {robot.base_height, 0.3, 0, 0.2};
    mpc->reset(0, 0.4);
  }
  double stage_cost(CentroidalEvaluator& evaluator, const CentroidalNodeInput<double>& node) {
    Vec features(evaluator.ntheta(), 0.0);
    const double penalties = evaluator.stage_features(node, features);
    return std::accumulate(features.begin(), features.end(), penalties);
  }
  double terminal_cost(CentroidalEvaluator& evaluator, const CentroidalNodeInput<double>& node) {
    Vec features(evaluator.ntheta(), 0.0);
    evaluator.terminal_features(node, features);
    return std::accumulate(features.begin(), features.end(), 0.0);
  }

  const Robot robot = load_robot("unitree_g1");
  CentroidalSettings settings;
  std::unique_ptr<CentroidalMpc> mpc;
  Vec q, v, command;
};

TEST_F(Objective, OfThePlanIsThatOfTheController) {
  mpc->step(q, v, command);
  const std::vector<CentroidalNodeInput<float>> plan(mpc->plan(0).begin(), mpc->plan(0).end());
  mpc->step(q, v, command);
  CentroidalEvaluator evaluator(robot, settings);
  double sum = terminal_cost(evaluator, widen(plan.back()));
  for (size_t k = 0; k + 1 < plan.size(); ++k) sum += stage_cost(evaluator, widen(plan[k]));
  EXPECT_NEAR(mpc->output.cost[0], sum, 2e-4 * std::abs(sum));
}

// Fed with the controller's own inputs from the measured state, the prediction model passes through its plan and costs what it costs.
TEST_F(Objective, OfAReplayOfTheInputsIsThatOfTheController) {
  for (int i = 0; i < 12; ++i) mpc->step(q, v, command);
  CentroidalEvaluator evaluator(robot, settings);
  CentroidalNodeInput<double> node = widen(mpc->plan(0)[0]);
  double sum = 0;
  Vec next(evaluator.nx());
  const int N = settings.horizon;
  for (int k = 0; k < N; ++k) {
    const CentroidalNodeInput<double> planned = widen(mpc->plan(0)[k]);
    std::copy(std::begin(planned.u), std::end(planned.u), node.u);
    node.ref = planned.ref;
    sum += stage_cost(evaluator, node);
    evaluator.predict(node, next);
    std::copy(next.begin(), next.end(), node.x);
  }
  node.ref = widen(mpc->plan(0)[N]).ref;
  sum += terminal_cost(evaluator, node);
  mpc->step(q, v, command);
  EXPECT_NEAR(mpc->output.cost[0], sum, 1e-3);
}

}  // namespace
}  // namespace tandem
