// Contact schedule and swing curve against what they are defined by.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/check.hpp"
#include "mpc/arrays.hpp"
#include "mpc/plan_kernel.hpp"

namespace tandem {
namespace {

double slope(double s, double top, double m0, double m1) {
  const double h = 1e-6;
  return (swing_curve(s + h, top, m0, m1) - swing_curve(s - h, top, m0, m1)) / (2 * h);
}

TEST(SwingCurve, MeetsItsSixConditions) {
  const double top = 0.075, m0 = 0.3, m1 = -0.2;
  EXPECT_DOUBLE_EQ(swing_curve(0.0, top, m0, m1), 0);
  EXPECT_DOUBLE_EQ(swing_curve(1.0, top, m0, m1), 0);
  EXPECT_DOUBLE_EQ(swing_curve(0.5, top, m0, m1), top);
  EXPECT_NEAR(slope(0.0, top, m0, m1), m0, 1e-8);
  EXPECT_NEAR(slope(1.0, top, m0, m1), m1, 1e-8);
  EXPECT_NEAR(slope(0.5, top, m0, m1), 0, 1e-8);
}

// Share of nodes of a long horizon in which n feet stand.
std::vector<double> standing_shares(double stance_fraction) {
  const Robot robot = load_robot("mit_humanoid");
  MpcSettings settings = make_mpc_settings(robot);
  settings.gait.stance_fraction = stance_fraction;
  settings.gait.offset = {0.0, 0.5};
  settings.nodes = 64;
  settings.dt = {robot.gait.period / 63};  // the horizon is one period
  settings.control_dt = 0.001;
  const MpcArrays<double> arrays = make_arrays<double>(robot.model, settings, 1);
  std::vector<double> memory(world_size(arrays.view), 0.0);
  const WorldView<double> world = world_at(arrays.view, memory.data());
  *world.phase = 0.003, *world.rate = 1;
  schedule_contacts(SerialTeam{}, arrays.view, world);
  std::vector<double> shares(3, 0.0);
  for (int k = 0; k < 63; ++k) shares[int(world.stance[2 * k] + world.stance[2 * k + 1])] += 1.0 / 63;
  return shares;
}

TEST(Gait, HalfStanceAlternatesFeet) { EXPECT_NEAR(standing_shares(0.5)[1], 1.0, 0.02); }
TEST(Gait, LargerStanceFractionGivesDoubleStance) { EXPECT_NEAR(standing_shares(0.7)[2], 0.4, 0.05); }
TEST(Gait, SmallerStanceFractionGivesFlight) { EXPECT_NEAR(standing_shares(0.3)[0], 0.4, 0.05); }
TEST(Gait, StanceFractionOneStandsStill) { EXPECT_NEAR(standing_shares(1.0)[2], 1.0, 1e-9); }

TEST(Gait, RoundFootSwingsAboutItsRadius) {
  const Robot robot = load_robot("unitree_go2");
  const MpcArrays<double> arrays = make_arrays<double>(robot.model, make_mpc_settings(robot), 1);
  std::vector<double> memory(world_size(arrays.view), 0.0);
  const WorldView<double> world = world_at(arrays.view, memory.data());
  *world.rate = 1;
  schedule_contacts(SerialTeam{}, arrays.view, world);
  double highest = 0;
  for (int i = 0; i < arrays.view.nodes * 4; ++i) {
    EXPECT_GE(world.height[i], robot.model.contacts[0].radius);
    highest = std::max(highest, world.height[i]);
  }
  EXPECT_NEAR(highest, robot.gait.swing_height + robot.model.contacts[0].radius, 0.1 * robot.gait.swing_height);
}

// Contact states and heights of all nodes, and whether a node stands.
std::vector<double> schedule(double period, double rate) {
  const Robot robot = load_robot("mit_humanoid");
  MpcSettings settings = make_mpc_settings(robot);
  settings.gait.period = period;
  settings.gait.takeoff_velocity = 0.3, settings.gait.touchdown_velocity = -0.2;
  const MpcArrays<double> arrays = make_arrays<double>(robot.model, settings, 1);
  std::vector<double> memory(world_size(arrays.view), 0.0);
  const WorldView<double> world = world_at(arrays.view, memory.data());
  *world.phase = 0.37, *world.rate = rate;
  schedule_contacts(SerialTeam{}, arrays.view, world);
  const int n = arrays.view.nodes * arrays.view.model.nfoot;
  std::vector<double> found(world.stance, world.stance + n);
  found.insert(found.end(), world.height, world.height + n);
  return found;
}

TEST(Gait, AQuickerRateIsAShorterPeriod) {
  const std::vector<double> quick = schedule(0.5, 1.6), shorter = schedule(0.5 / 1.6, 1.0);
  for (size_t i = 0; i < quick.size(); ++i) EXPECT_NEAR(quick[i], shorter[i], 1e-12);
  EXPECT_NE(quick, schedule(0.5, 1.0));
}

// The rate that follows from an error of the velocity that lasts, after each of n control steps; eq. (25).
std::vector<double> rates(const MpcSettings& settings, double error, double yaw, int n) {
  const Robot robot = load_robot("mit_humanoid");
  const MpcArrays<double> arrays = make_arrays<double>(robot.model, settings, 1);
  std::vector<double> memory(world_size(arrays.view), 0.0), found, q = robot.stand, v(robot.model.nv, 0.0);
  const WorldView<double> world = world_at(arrays.view, memory.data());
  *world.started = 1, *world.rate = 1;
  const double command[3] = {0.4, -0.1, 0.0}, sideways = 0.6 * error, forward = 0.8 * error;
  std::copy_n(command, 3, world.command + 1);
  q[3] = std::cos(yaw / 2), q[4] = q[5] = 0, q[6] = std::sin(yaw / 2);
  v[0] = std::cos(yaw) * (command[0] + forward) - std::sin(yaw) * (command[1] + sideways);
  v[1] = std::sin(yaw) * (command[0] + forward) + std::cos(yaw) * (command[1] + sideways);
  for (int i = 0; i < n; ++i) {
    follow_velocity_error(arrays.view, world, q.data(), v.data());
    found.push_back(*world.rate);
  }
  return found;
}

TEST(StepRate, FollowsTheVelocityError) {
  MpcSettings settings = make_mpc_settings(load_robot("mit_humanoid"));
  settings.step_rate = 2, settings.step_rate_error[0] = 0.1, settings.step_rate_error[1] = 0.5, settings.step_rate_time = 0.1;
  for (double yaw : {0.0, 2.0}) {
    for (const auto& [error, goal] : {std::pair{0.05, 1.0}, {0.3, 1.5}, {0.5, 2.0}, {3.0, 2.0}}) {
      const std::vector<double> found = rates(settings, error, yaw, 200);
      for (int i : {0, 9, 199}) EXPECT_NEAR(found[i], goal + (1 - goal) * std::pow(0.9, i + 1), 1e-9) << error << " after " << i;
    }
  }
}

TEST(StepRate, CountsTheForwardErrorAsItsShareSays) {
  MpcSettings settings = make_mpc_settings(load_robot("mit_humanoid"));
  settings.step_rate = 2, settings.step_rate_error[0] = 0.1, settings.step_rate_error[1] = 0.5, settings.step_rate_time = 0.1;
  const double error = 0.4, forward = 0.8 * error, sideways = 0.6 * error;  // as rates() shares it out
  for (double share : {0.0, 0.5}) {
    settings.step_rate_forward = share;
    const double goal = 1 + (std::hypot(share * forward, sideways) - 0.1) / 0.4;
    for (double yaw : {0.0, 2.0}) EXPECT_NEAR(rates(settings, error, yaw, 200).back(), goal, 1e-8) << share;
  }
  settings.step_rate_forward = -1;
  EXPECT_THROW(rates(settings, 3, 0, 1), Error);
}

TEST(StepRate, StaysWhereItIsSwitchedOff) {
  MpcSettings settings = make_mpc_settings(load_robot("mit_humanoid"));
  settings.step_rate = 1;
  EXPECT_EQ(rates(settings, 3, 0, 3), std::vector<double>(3, 1.0));
  settings.step_rate = 0.9;
  EXPECT_THROW(rates(settings, 3, 0, 1), Error);
}

}  // namespace
}  // namespace tandem
