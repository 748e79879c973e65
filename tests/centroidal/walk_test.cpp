// The G1 under the centroidal MPC in the physics engine: the shortest test of the whole chain.
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace tandem
