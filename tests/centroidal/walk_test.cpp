// The G1 under the centroidal MPC in the physics engine: the shortest test of the whole chain.
#include <gtest/gtest.h>

#include "model/names.hpp"
#include "tests/centroidal/closed_loop.hpp"

namespace tandem {
namespace {

CentroidalRun run(std::vector<double> velocity, double seconds, const char* gait = "walk") {
  const Robot robot = load_robot("unitree_g1");
  CentroidalSettings settings;
  settings.gait = centroidal_gait(gait);
  velocity.insert(velocity.begin(), robot.base_height);
  return run_centroidal(robot, settings, {.command = velocity, .seconds = seconds});
}

TEST(CentroidalWalk, FollowsHalfAMetrePerSecondUpright) {
  const CentroidalRun result = run({0.5, 0, 0}, 5);
  EXPECT_TRUE(result.upright);
  EXPECT_EQ(result.bad_solves, 0);
  EXPECT_NEAR(result.vx, 0.5, 0.1);
}

TEST(CentroidalWalk, TurnsWhileItWalks) {
  const CentroidalRun result = run({0.2, 0, 0.4}, 4, "quick_walk");
  EXPECT_TRUE(result.upright);
  EXPECT_NEAR(result.wz, 0.4, 0.15);
}

TEST(CentroidalWalk, StandsStill) {
  const Robot robot = load_robot("unitree_g1");
  const CentroidalRun result = run_centroidal(robot, {}, {.command = {robot.base_height, 0, 0, 0}, .seconds = 3, .standing = true});
  EXPECT_TRUE(result.upright);
  EXPECT_LT(result.velocity_error, 0.02);
}

TEST(CentroidalWalk, SurvivesAPushFromTheSide) {
  const Robot robot = load_robot("unitree_g1");
  CentroidalSettings settings;
  settings.gait = centroidal_gait("quick_walk");
  const CentroidalRun result =
      run_centroidal(robot, settings, {.command = {robot.base_height, 0.3, 0, 0}, .seconds = 4, .push_start = 1.5, .push = {0, 70, 0}});
  EXPECT_TRUE(result.upright);
  EXPECT_LT(result.worst_tilt, 0.5);
}

TEST(CentroidalWalk, StaysOnItsFeetOnASlipperyFloor) {
  const Robot robot = load_robot("unitree_g1");
  CentroidalSettings settings;
  settings.gait = centroidal_gait("quick_walk");
  const CentroidalRun result = run_centroidal(
      robot, settings, {.command = {robot.base_height, 0.4, 0, 0}, .seconds = 5, .push_start = 1.5, .push = {-50, 50, 0}, .friction = 0.3});
  EXPECT_TRUE(result.upright) << "after " << result.seconds << " s";
}

// Asked to stand higher than its legs reach.
TEST(CentroidalWalk, KeepsItsKneesBent) {
  const Robot robot = load_robot("unitree_g1");
  const CentroidalSettings settings;
  double least = 1;
  const CentroidalRun result = run_centroidal(robot, settings, {.command = {robot.base_height + 0.1, 0, 0, 0}, .seconds = 3, .standing = true},
                                              [&](const CentroidalMpc&, const Simulator& sim, const Tracker&, double) {
                                                for (int j = 0; j < robot.model.njnt; ++j)
                                                  if (matches(settings.knee, robot.model.joint_name[j])) least = std::min(least, sim.output.q[7 + j]);
                                              });
  EXPECT_TRUE(result.upright);
  EXPECT_GT(least, settings.knee_bend - 0.05);
}

}  // namespace
}  // namespace tandem
