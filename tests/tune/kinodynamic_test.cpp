// The whole-body MPC through the same interface.
#include "tune/kinodynamic.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "base/check.hpp"
#include "tests/mpc/fixture.hpp"
#include "tune/fit.hpp"
#include "tune/stage_cost.hpp"

namespace tandem {
namespace {

using Vec = std::vector<double>;

// Samples of numbers around a standing robot, its base tilted.
Recording random_walk(const Robot& robot, int ntrajectory, int length, double dt, unsigned seed) {
  const Model& model = robot.model;
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  const int nforce = 3 * static_cast<int>(model.contacts.size());
  Recording r;
  r.robot = model.name, r.controller = "kinodynamic", r.sample_dt = dt, r.fell.assign(ntrajectory, 0);
  r.columns = {{"q", "m", model.nq, {}}, {"v", "m/s", model.nv, {}}, {"force", "N", nforce, {}}, {"stance", "1", 2, {}}, {"command", "m", 4, {}}};
  const auto put = [&](int c, double value) { r.columns[c].data.push_back(static_cast<float>(value)); };
  for (int t = 0; t < ntrajectory; ++t)
    for (int k = 0; k < length; ++k) {
      States state = disturbed_states(robot, 1, random());
      double norm = 0;
      for (int i = 3; i < 7; ++i) state.q[i] += 0.1 * normal(random), norm += state.q[i] * state.q[i];
      for (int i = 3; i < 7; ++i) state.q[i] /= std::sqrt(norm);
      for (int i = 0; i < model.nq; ++i) put(0, state.q[i]);
      for (int i = 0; i < model.nv; ++i) put(1, state.v[i] * (1 + std::abs(normal(random))));
      for (int i = 0; i < nforce; ++i) put(2, 20 * normal(random) + (i % 3 == 2 ? 60 : 0));
      put(3, 1), put(3, k / 10 % 2);
      for (double c : state.command) put(4, c);
      r.time.push_back(k * dt), r.trajectory.push_back(t);
    }
  return r;
}

class Kinodynamic : public testing::Test {
 protected:
  const Robot robot = load_robot("mit_humanoid");
  MpcSettings settings = make_mpc_settings(robot);
};

// The controller's own value of its plan: twice the sum over the nodes, as it has no half and no dt.
TEST_F(Kinodynamic, WindowsOfItsOwnPlanCostWhatTheControllerSays) {
  settings.integral_gain = 0;
  settings.weights.base_orientation[2] = 0;  // a plan's later nodes see the first one's yaw, samples their own
  Mpc controller(robot.model, settings, 1);
  const States state = disturbed_states(robot, 1, 3);
  Vec command = {robot.base_height, 0, 0, 0};
  for (int i = 0; i < 5; ++i) controller.step(state.q, state.v, command);
  const Horizon plan = controller.horizon(0);
  const int nodes = settings.nodes, nforce = 3 * static_cast<int>(robot.model.contacts.size());
  Recording r = random_walk(robot, 1, nodes, settings.dt[0], 4);
  r.columns[0].data.assign(plan.q.begin(), plan.q.end()), r.columns[1].data.assign(plan.v.begin(), plan.v.end());
  r.columns[2].data.assign(plan.force.begin(), plan.force.end()), r.columns[2].data.resize(nodes * nforce, 0.0f);
  r.columns[3].data.assign(plan.stance.begin(), plan.stance.end());
  r.columns[4].data.clear();
  for (int k = 0; k < nodes; ++k) r.columns[4].data.insert(r.columns[4].data.end(), command.begin(), command.end());
  const MatchedMpc mpc = matched_kinodynamic(robot.model, settings);
  const std::vector<int> samples = {0};
  const Features f = mpc.open(r, {.threads = 1})(samples, Vec(mpc.ntheta, 1.0), false);
  const double q = std::accumulate(f.phi.begin(), f.phi.end(), 0.0);
  EXPECT_NEAR(2 * q / settings.dt[0], controller.output.value[0], 2e-2 * controller.output.value[0]);
}

// Scaling the weights that are deployed is scaling the features.
TEST_F(Kinodynamic, DeployedWeightsAreNominalOnesTimesTheta) {
  const MatchedMpc mpc = matched_kinodynamic(robot.model, settings);
  Vec theta(mpc.ntheta);
  for (int t = 0; t < mpc.ntheta; ++t) theta[t] = 0.5 + 0.1 * t;
  const MatchedMpc deployed = matched_kinodynamic(robot.model, with_theta(robot.model, settings, theta));
  const Recording r = random_walk(robot, 1, 60, 0.01, 5);
  const std::vector<int> samples = {0, 9};
  const Vec one(mpc.ntheta, 1.0);
  const Features nominal = mpc.open(r, {.threads = 1})(samples, one, false), scaled = deployed.open(r, {.threads = 1})(samples, one, false);
  for (size_t i = 0; i < nominal.phi.size(); ++i) EXPECT_NEAR(scaled.phi[i], theta[i % mpc.ntheta] * nominal.phi[i], 1e-9 * (1 + scaled.phi[i])) << i;
}

TEST_F(Kinodynamic, GivesAKnownThetaBack) {
  const MatchedMpc mpc = matched_kinodynamic(robot.model, settings);
  Vec theta(mpc.ntheta, 1.0);
  for (int t = 0; t < mpc.ntheta; ++t)
    if (!mpc.pinned[t]) theta[t] = 0.6 + 0.05 * t;
  // the stage cost of the scaled controller, whose return over any window is that of its features
  Recording r = random_walk(robot, 10, 120, 0.01, 6);
  FitSettings s;
  s.ridge = 0, s.scale = s.offset = false, s.returns = {.discount_time = 0.05, .truncation = 1}, s.features.threads = 1;
  std::vector<int> samples(0);
  for (int k = 0; k < nsample(r); ++k)
    if (k % 120 + 36 < 120) samples.push_back(k);
  const Features f = mpc.open(r, s.features)(samples, theta, false);
  const double gamma = std::exp(-r.sample_dt / 0.05);
  Vec returns(nsample(r), 0.0);
  for (size_t i = 0; i < samples.size(); ++i)
    for (int t = 0; t < mpc.ntheta; ++t) returns[samples[i]] += theta[t] * f.phi[i * mpc.ntheta + t];
  r.cost.resize(returns.size());
  for (int k = 0; k < nsample(r); ++k) r.cost[k] = (returns[k] - (k % 120 == 119 ? 0 : gamma * returns[k + 1])) / r.sample_dt;
  const FitResult result = fit(mpc, r, s);
  for (int t = 0; t < mpc.ntheta; ++t) EXPECT_NEAR(result.theta[t], theta[t], 1e-4) << t;
}

TEST_F(Kinodynamic, TiesLeftAndRightAndPinsWhatStartsFromTheMeasuredState) {
  const MatchedMpc mpc = matched_kinodynamic(robot.model, settings);
  EXPECT_EQ(mpc.ntheta, 15 + 2 * 9);
  EXPECT_EQ(mpc.groups[5].name, "joint_position hip_yaw");
  for (int t : {0, 1, 5}) EXPECT_TRUE(mpc.pinned[t]) << t;
  EXPECT_FALSE(mpc.pinned[2]);
}

TEST_F(Kinodynamic, SaysThatItHasNoPredictedFeatures) {
  const MatchedMpc mpc = matched_kinodynamic(robot.model, settings);
  const Recording r = random_walk(robot, 1, 60, 0.01, 7);
  EXPECT_THROW(mpc.open(r, {.mode = FeatureMode::kReplay}), Error);
}

TEST_F(Kinodynamic, OwnCostIsHalfTheWeightedSquares) {
  const MatchedMpc mpc = matched_kinodynamic(robot.model, settings);
  Recording r = random_walk(robot, 1, 4, 0.01, 8);
  // at the reference but for one joint velocity
  const Model& model = robot.model;
  for (int k = 0; k < 4; ++k) {
    for (int i = 0; i < model.nq; ++i)
      r.columns[0].data[k * model.nq + i] = static_cast<float>(i < 7 ? (i == 2 ? robot.base_height : i == 3) : robot.nominal[i - 7]);
    for (int i = 0; i < model.nv; ++i) r.columns[1].data[k * model.nv + i] = i == 9 ? 2.0f : 0.0f;
    double weight = 0;
    for (double m : model.mass) weight += 9.81 * m;
    const int n = static_cast<int>(model.contacts.size());
    for (int i = 0; i < 3 * n; ++i) r.columns[2].data[k * 3 * n + i] = static_cast<float>(i % 3 == 2 && i < 3 * n / 2 ? weight / (n / 2) : 0);
    r.columns[3].data[2 * k] = 1, r.columns[3].data[2 * k + 1] = 0;
    const float command[4] = {static_cast<float>(robot.base_height), 0, 0, 0};
    std::copy_n(command, 4, &r.columns[4].data[4 * k]);
  }
  compute_stage_cost(mpc, {}, r, 1);
  for (double cost : r.cost) EXPECT_NEAR(cost, 0.5 * settings.weights.joint_velocity[3] * 4, 1e-4);
}

}  // namespace
}  // namespace tandem
