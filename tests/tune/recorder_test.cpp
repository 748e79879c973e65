// What the recorders write of a closed loop in the physics engine.
#include <gtest/gtest.h>

#include <memory>

#include "centroidal/evaluate.hpp"
#include "mpc/mpc.hpp"
#include "tests/centroidal/closed_loop.hpp"
#include "tune/centroidal_columns.hpp"
#include "tune/centroidal_recorder.hpp"
#include "tune/kinodynamic.hpp"
#include "tune/stage_cost.hpp"

namespace tandem {
namespace {

class Recorded : public testing::Test {
 protected:
  static constexpr int kStride = 2;  // samples of 10 ms per node
  static void SetUpTestSuite() { walk = record(false, 2.0), stand = record(true, 1.0); }

  static Recording record(bool standing, double seconds) {
    const Robot robot = load_robot("unitree_g1");
    CentroidalSettings settings;
    settings.gait = centroidal_gait("quick_walk");
    const std::vector<double> theta(theta_size(23), 1.0);
    const CentroidalScenario scenario{.command = {robot.base_height, standing ? 0.0 : 0.3, 0, 0}, .seconds = seconds, .standing = standing};
    std::unique_ptr<CentroidalRecorder> recorder;
    int step = 0;
    const CentroidalRun run = run_centroidal(robot, settings, scenario, [&](const CentroidalMpc& mpc, const Simulator& sim, const Tracker&, double) {
      if (!recorder) recorder = std::make_unique<CentroidalRecorder>(mpc, 0, theta), recorder->begin();
      if (step++ % 5 == 0) recorder->planned(mpc, scenario.command);
      recorder->measured(sim);
    });
    EXPECT_TRUE(run.upright);
    return recorder->finish(!run.upright);
  }
  static double at(const Recording& r, const char* name, int sample, int i) {
    const Column& c = column(r, name);
    return c.data[static_cast<size_t>(sample) * c.size + i];
  }
  static inline Recording walk, stand;
};

TEST_F(Recorded, HasASampleForEveryPlan) {
  EXPECT_EQ(nsample(walk), 200);
  EXPECT_EQ(ntrajectory(walk), 1);
  EXPECT_NEAR(walk.time.back(), 1.99, 1e-9);
  check_recording(walk);
}

// Standing still, the ground carries the weight.
TEST_F(Recorded, WrenchesCarryTheRobot) {
  const Robot robot = load_robot("unitree_g1");
  double mass = 0, force = 0;
  for (double m : robot.model.mass) mass += m;
  for (int k = 50; k < 100; ++k) force += (at(stand, "u", k, 2) + at(stand, "u", k, 8)) / 50;
  EXPECT_NEAR(force, 9.81 * mass, 0.02 * 9.81 * mass);
}

// Change of linear momentum, over the mass: force over mass and gravity.
TEST_F(Recorded, WrenchesChangeTheMomentum) {
  const Robot robot = load_robot("unitree_g1");
  double mass = 0;
  for (double m : robot.model.mass) mass += m;
  for (int r = 0; r < 3; ++r) {
    double gained = at(walk, "x", 199, r) - at(walk, "x", 30, r), pushed = 0;
    for (int k = 30; k < 199; ++k) pushed += 0.01 * ((at(walk, "u", k, r) + at(walk, "u", k, 6 + r)) / mass - (r == 2 ? 9.81 : 0));
    EXPECT_NEAR(pushed, gained, 0.02) << "axis " << r;
  }
}

// Change of angular momentum, over the mass: moments of both soles about the centre of mass, by the controller's own prediction.
TEST_F(Recorded, MomentsChangeTheAngularMomentum) {
  const CentroidalSettings settings;
  CentroidalEvaluator evaluator(load_robot("unitree_g1"), settings);
  const NodeReader reader(walk, evaluator.nx());
  CentroidalNodeInput<double> node;
  std::vector<double> next(evaluator.nx());
  double turned[3] = {0, 0, 0};
  for (int k = 30; k < 199; ++k) {
    reader.read(k, node);
    evaluator.predict(node, next);
    for (int r = 0; r < 3; ++r) turned[r] += (next[3 + r] - node.x[3 + r]) * 0.01 / settings.dt;
  }
  for (int r = 0; r < 3; ++r) EXPECT_NEAR(turned[r], at(walk, "x", 199, 3 + r) - at(walk, "x", 30, 3 + r), 0.05) << "axis " << r;
}

TEST_F(Recorded, JointVelocitiesAreThoseOfTheJoints) {
  for (int j = 0; j < 23; ++j)
    for (int k = 30; k < 190; k += 40) {
      const double moved = (at(walk, "x", k + 1, 12 + j) - at(walk, "x", k, 12 + j)) / 0.01;
      EXPECT_NEAR(at(walk, "u", k, 12 + j), moved, 0.1 + 0.1 * std::abs(moved)) << "joint " << j << ", sample " << k;
    }
}

// What was foreseen comes true: node i of the schedule of sample k is the contact state of the sample two per node later.
TEST_F(Recorded, TheScheduleIsTheOneOfLaterSamples) {
  int swings = 0;
  for (int k = 0; k + kStride * 40 < nsample(walk); ++k)
    for (int i = 0; i <= 40; i += 5)
      for (int f = 0; f < 2; ++f) {
        // rounding may move an edge by one sample
        const double foreseen = at(walk, "schedule", k, 2 * i + f), came = at(walk, "stance", k + kStride * i, f);
        const double before = at(walk, "stance", std::max(0, k + kStride * i - 1), f), after = at(walk, "stance", k + kStride * i + 1, f);
        EXPECT_TRUE(foreseen == came || foreseen == before || foreseen == after) << k << " " << i;
        swings += foreseen == 0;
      }
  EXPECT_GT(swings, 100);
}

TEST_F(Recorded, TermsAreThoseOfTheMotion) {
  for (int k = 60; k < 100; ++k) {
    EXPECT_LT(at(stand, "velocity_error", k, 0), 1e-3);
    EXPECT_LT(at(stand, "foot_slip", k, 0), 1e-3);
    EXPECT_GT(at(stand, "torque", k, 0), 1);
  }
  double power = 0, error = 0;
  for (int k = 100; k < 200; ++k) power += at(walk, "power", k, 0) / 100, error += at(walk, "velocity_error", k, 0) / 100;
  EXPECT_GT(power, 10);
  EXPECT_LT(power, 500);
  EXPECT_LT(error, 0.1);
}

// The MIT Humanoid walking under the whole-body MPC: what is recorded is what was measured, in the places where the fit looks for it.
TEST(RecordedWholeBody, IsWhatTheFitReads) {
  const Robot robot = load_robot("mit_humanoid");
  const Model& model = robot.model;
  Mpc mpc(model, make_mpc_settings(robot), 1);
  const auto sim = make_simulator(robot, 1, {});
  const std::vector<int> world = {0};
  sim->set_state(world, robot.stand, std::vector<double>(model.nv, 0.0));
  const std::vector<double> command = {robot.base_height, 0.3, 0, 0};
  const MatchedMpc matched = matched_kinodynamic(model, mpc.settings());
  KinodynamicRecorder recorder(mpc, 0, std::vector<double>(matched.ntheta, 1.0));
  recorder.begin();
  std::vector<float> q;
  for (int step = 0; step < 150; ++step) {
    q.insert(q.end(), sim->output.q.begin(), sim->output.q.end());
    mpc.step(sim->output.q, sim->output.v, command);
    recorder.planned(mpc, sim->output.q, sim->output.v, command);
    sim->input.tau_ff = mpc.output.tau_ff, sim->input.q_des = mpc.output.q_des, sim->input.v_des = mpc.output.v_des;
    sim->step();
    recorder.measured(*sim);
  }
  Recording r = recorder.finish(false);
  ASSERT_EQ(nsample(r), 150);
  EXPECT_EQ(column(r, "q").data, q);
  // over whole strides the ground carries the weight
  double weight = 0, force = 0;
  for (double m : model.mass) weight += 9.81 * m;
  const Column& forces = column(r, "force");
  for (int k = 50; k < 150; ++k)
    for (int i = 2; i < forces.size; i += 3) force += forces.data[static_cast<size_t>(k) * forces.size + i] / 100;
  EXPECT_NEAR(force, weight, 0.1 * weight);
  compute_stage_cost(matched, {.own = 1, .velocity_error = 10}, r, 1);
  for (double cost : r.cost) EXPECT_GT(cost, 0);
}

}  // namespace
}  // namespace tandem
