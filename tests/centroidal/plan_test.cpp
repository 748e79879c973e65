// Locked joints, gait schedule, and what the controller refuses.
#include <gtest/gtest.h>

#include "base/check.hpp"
#include "centroidal/centroidal.hpp"
#include "centroidal/plan_kernel.hpp"
#include "dynamics/dynamics.hpp"
#include "tests/centroidal/fixture.hpp"
#include "tests/support/message_of.hpp"

namespace tandem {
namespace {

using Vec = std::vector<double>;

TEST(LockedJoints, LeaveTheMomentumOfTheRobotAsItIs) {
  const Robot robot = load_robot("unitree_g1");
  const Model& full = robot.model;
  std::vector<bool> locked(full.njnt, false);
  Vec at(full.njnt, 0.0);
  for (int j : {3, 14, 19, 20, 21, 28}) locked[j] = true, at[j] = 0.3;
  const LockedModel part = lock_joints(full, locked, at);
  std::mt19937 random(5);
  std::normal_distribution<double> normal;
  Vec q(full.nq), v(full.nv), A(6 * full.nv), h(6), q_part, v_part, h_part(6);
  for (double& value : q) value = 0.4 * normal(random);
  const double length = std::sqrt(q[3] * q[3] + q[4] * q[4] + q[5] * q[5] + q[6] * q[6]);
  for (int i = 3; i < 7; ++i) q[i] /= length;
  for (double& value : v) value = normal(random);
  for (int j = 0; j < full.njnt; ++j)
    if (locked[j]) q[7 + j] = at[j], v[6 + j] = 0;
  q_part.assign(q.begin(), q.begin() + 7), v_part.assign(v.begin(), v.begin() + 6);
  for (int j : part.joint) q_part.push_back(q[7 + j]), v_part.push_back(v[6 + j]);
  RobotDynamics a = make_dynamics(full), b = make_dynamics(part.model);
  set_state(a, q.data(), v.data());
  set_state(b, q_part.data(), v_part.data());
  centroidal_momentum(a, A.data(), h.data());
  centroidal_momentum(b, A.data(), h_part.data());
  for (int r = 0; r < 6; ++r) EXPECT_NEAR(h[r], h_part[r], 1e-10);
  double p[2][3], R[9];
  body_pose(a, full.nbody - 2, p[0], R), body_pose(b, part.body[full.nbody - 2], p[1], R);
  for (int r = 0; r < 3; ++r) EXPECT_NEAR(p[0][r], p[1][r], 1e-12);
}

TEST(SwingHeight, GoesUpAndDownWithTheGivenVelocities) {
  const double T = 0.6, h = 1e-6;
  const auto at = [&](double s) { return swing_point(s, T, 0.08, 0.05, -0.03); };
  EXPECT_NEAR(at(0).height, 0, 1e-12);
  EXPECT_NEAR(at(0).rate, 0.05, 1e-12);
  EXPECT_NEAR(at(0.5).height, 0.08, 1e-12);
  EXPECT_NEAR(at(0.5).rate, 0, 1e-12);
  EXPECT_NEAR(at(1).height, 0, 1e-12);
  EXPECT_NEAR(at(1).rate, -0.03, 1e-12);
  for (double s : {0.1, 0.3, 0.49, 0.7, 0.9}) EXPECT_NEAR(at(s).rate, (at(s + h).height - at(s - h).height) / (2 * h * T), 1e-6) << s;
}

// Contact states counted along the horizon of a standing start.
TEST(Schedule, HoldsTheGaitThenStepsLeftAndRightEquallyLong) {
  const Robot robot = load_robot("unitree_g1");
  CentroidalSettings settings;
  settings.gait = centroidal_gait("trot");
  settings.start_hold = 0.2;
  CentroidalMpc mpc(robot, settings, 1);
  const Vec v(robot.model.nv, 0.0), command = {robot.base_height, 0, 0, 0};
  mpc.step(robot.stand, v, command);
  const CentroidalPlan plan = mpc.plan(0);
  for (int k = 0; k < 10; ++k) EXPECT_EQ(plan[k].ref.stance[0] + plan[k].ref.stance[1], 2) << k;
  for (int k = 11; k < 35; ++k) EXPECT_EQ(plan[k].ref.stance[0], 1) << k;
  for (int k = 11; k < 35; ++k) EXPECT_EQ(plan[k].ref.stance[1], 0) << k;
  for (int k = 36; k < 60; ++k) EXPECT_EQ(plan[k].ref.stance[0], 0) << k;
  for (int k = 11; k < 35; ++k)
    for (int i = 6; i < 12; ++i) EXPECT_EQ(plan[k].u[i], 0) << "wrench of a foot in swing, node " << k;
}

TEST(CentroidalErrors, NameTheCure) {
  const Robot robot = load_robot("unitree_g1");
  EXPECT_NE(message_of([] { centroidal_gait("walkk"); }).find("\"walk\""), std::string::npos);
  CentroidalSettings settings;
  settings.torso = "torso_lnk";
  EXPECT_NE(message_of([&] { CentroidalMpc(robot, settings, 1); }).find("\"torso_link\""), std::string::npos);
  settings = {};
  settings.weights.joints.erase(settings.weights.joints.begin());
  EXPECT_NE(message_of([&] { CentroidalMpc(robot, settings, 1); }).find("left_hip_pitch_joint"), std::string::npos);
  CentroidalMpc mpc(robot, {}, 1);
  EXPECT_NE(message_of([&] { mpc.step(Vec(3), Vec(robot.model.nv), Vec(4)); }).find("nworld x nq = 36"), std::string::npos);
  EXPECT_NE(message_of([&] { mpc.set_theta(Vec(5, 1.0)); }).find("expected 161"), std::string::npos);
}

TEST(CentroidalMpc, AStateThatIsNotFiniteSpoilsNothingElse) {
  const Robot robot = load_robot("unitree_g1");
  CentroidalMpc one(robot, {}, 1), two(robot, {}, 2);
  Vec q = robot.stand, v(robot.model.nv, 0.0), command = {robot.base_height, 0.2, 0, 0};
  Vec q2 = q, v2 = v, command2 = command;
  q2.insert(q2.end(), q.begin(), q.end()), v2.insert(v2.end(), v.begin(), v.end()), command2.insert(command2.end(), command.begin(), command.end());
  v2[3] = std::nan("");
  for (int i = 0; i < 2; ++i) one.step(q, v, command), two.step(q2, v2, command2);
  EXPECT_EQ(two.output.info[0].status, Status::kNotFinite);
  EXPECT_EQ(two.output.info[1].status, one.output.info[0].status);
  for (int i = 0; i < 35; ++i) EXPECT_EQ(two.plan(1)[20].x[i], one.plan(0)[20].x[i]);
}

}  // namespace
}  // namespace tandem
