// The stages of a control step on a GPU with four threads per robot in place of a block or a warp. Built a second time under ThreadSanitizer, which reports
// missing syncs.
#include <gtest/gtest.h>

#include <cstring>

#include "tests/mpc/device_fleet.hpp"
#include "tests/support/thread_team.hpp"

namespace tandem {
namespace {

class DeviceTeam : public testing::TestWithParam<const char*> {};

TEST_P(DeviceTeam, FourThreadsGiveTheBitsOfOne) {
  const Robot robot = load_robot(GetParam());
  MpcSettings settings = make_mpc_settings(robot);
  settings.nodes = 3, settings.solver.iterations = 2;
  const States states = disturbed_states(robot, 1, 21);
  Fleet<double> one(robot, settings, 1), four(robot, settings, 1);
  for (int i = 0; i < 2; ++i) {
    one.step(states);
    four.step(states, [](const auto& body) { run_team(4, body); });
  }
  EXPECT_EQ(std::memcmp(one.robots.data(), four.robots.data(), one.robots.n * sizeof(double)), 0);
}

INSTANTIATE_TEST_SUITE_P(Robots, DeviceTeam, testing::Values("mit_humanoid", "unitree_g1", "unitree_go2"));

}  // namespace
}  // namespace tandem
