// Contact schedule and swing curve against what they are defined by.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "mpc/arrays.hpp"
#include "mpc/gait_kernel.hpp"

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
  *world.phase = 0.003;
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
  schedule_contacts(SerialTeam{}, arrays.view, world);
  double highest = 0;
  for (int i = 0; i < arrays.view.nodes * 4; ++i) {
    EXPECT_GE(world.height[i], robot.model.contacts[0].radius);
    highest = std::max(highest, world.height[i]);
  }
  EXPECT_NEAR(highest, robot.gait.swing_height + robot.model.contacts[0].radius, 0.1 * robot.gait.swing_height);
}

}  // namespace
}  // namespace tandem
