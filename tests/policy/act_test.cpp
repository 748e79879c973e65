// The inference against the same network in double precision, one product at a time.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "policy/bench_policy.hpp"
#include "tests/policy/policies.hpp"

namespace tandem {
namespace {

std::vector<double> plain(const Policy& p, const std::vector<float>& obs) {
  std::vector<double> x;
  for (int i = 0; i < p.layout.size; ++i) x.push_back(std::min(std::max((double(obs[i]) - p.mean[i]) / p.std[i], -double(p.clip)), double(p.clip)));
  for (const Layer& layer : p.layers) {
    std::vector<double> y(layer.bias.begin(), layer.bias.end());
    for (int r = 0; r < layer.rows; ++r)
      for (int c = 0; c < layer.columns; ++c) y[r] += double(layer.weight[r * layer.columns + c]) * x[c];
    if (&layer != &p.layers.back())
      for (double& value : y) value = value > 0 ? value : std::exp(value) - 1;
    x = y;
  }
  return x;
}

std::vector<float> random_observation(int n, unsigned seed) {
  std::mt19937 rng(seed);
  std::normal_distribution<float> normal(0, 3);
  std::vector<float> obs(n);
  for (float& x : obs) x = normal(rng);
  return obs;
}

class Act : public testing::TestWithParam<std::vector<int>> {};
// the network of the project, none, and widths that leave rests of rows and lanes
INSTANTIATE_TEST_SUITE_P(Widths, Act,
                         testing::Values(std::vector<int>{256, 256, 256}, std::vector<int>{}, std::vector<int>{1}, std::vector<int>{13, 7, 66}));

TEST_P(Act, EqualsThePlainNetwork) {
  const Robot robot = load_robot("mit_humanoid");
  for (unsigned seed = 1; seed <= 20; ++seed) {
    const Policy policy = random_policy(robot, Controller::kResidual, GetParam(), seed);
    std::vector<float> obs = random_observation(policy.layout.size, seed);
    if (seed == 1) obs[0] = 1e6f;  // beyond the clip
    const std::vector<double> expected = plain(policy, obs);
    std::vector<float> action(expected.size() + 1, NAN), scratch(scratch_size(policy) + 1, NAN);
    act(policy, obs.data(), action.data(), scratch.data());
    for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(action[i], expected[i], 1e-5) << "seed " << seed;
    EXPECT_TRUE(std::isnan(action.back()) && std::isnan(scratch.back())) << "wrote too far";
  }
}

TEST(Act, ObservationThatIsNotFiniteIsNotHidden) {
  const Policy policy = random_policy(load_robot("mit_humanoid"), Controller::kResidual, {16}, 1);
  std::vector<float> obs(policy.layout.size), action(policy.action_joint.size()), scratch(scratch_size(policy));
  obs[3] = std::numeric_limits<float>::quiet_NaN();
  act(policy, obs.data(), action.data(), scratch.data());
  EXPECT_TRUE(std::isnan(action[0]));
}

// 20 us are asked for; a busy machine gets ten times as long.
TEST(PolicyBench, IsCheckedAndFastEnoughForEveryControlStep) {
  const BenchRow row = bench_policy(load_robot("mit_humanoid")).at(0);
  std::printf("one action of a 3 x 256 policy: %.1f us, %.2f x the speed of reading its weights\n", row.median_us, row.ratio);
  EXPECT_LT(row.check, 1e-5);
  EXPECT_GT(row.ratio, 0);
  EXPECT_LT(row.median_us, 200);
}

}  // namespace
}  // namespace tandem
