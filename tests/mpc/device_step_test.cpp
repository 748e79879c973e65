// The stages of a control step on a GPU, run here on host threads: the same kernels in the same memories, without the device. docs/gpu.md.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "mpc/mpc.hpp"
#include "tests/mpc/device_fleet.hpp"
#include "tests/support/fiber_team.hpp"

namespace tandem {
namespace {

class DeviceStep : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    robot = load_robot(GetParam());
    settings = make_mpc_settings(robot);
    settings.solver.iterations = 4;
  }
  Robot robot;
  MpcSettings settings;
};

// The controller of the CPU, whose solver works in vector lanes on another layout, is the oracle: single precision and double.
TEST_P(DeviceStep, FollowsTheControllerOfTheCpu) {
  const int nworld = 2, steps = 6;
  const States states = disturbed_states(robot, nworld, 22);
  Mpc mpc(robot.model, settings, nworld);
  for (int w = 0; w < nworld; ++w) mpc.reset(w, 0.13);
  Fleet<float> single(robot, settings, nworld);
  Fleet<double> exact(robot, settings, nworld);
  for (int i = 0; i < steps; ++i) {
    mpc.step(states.q, states.v, states.command);
    single.step(states);
    exact.step(states);
    for (int w = 0; w < nworld; ++w) {
      const std::vector<double> expected = row(mpc.output.tau_ff, w, robot.model.njnt), in_float = single.tau(w), in_double = exact.tau(w);
      for (int j = 0; j < robot.model.njnt; ++j) {
        const double tolerance = 0.02 + 1e-3 * std::abs(expected[j]);
        ASSERT_NEAR(in_float[j], expected[j], tolerance) << "float, step " << i << ", robot " << w << ", joint " << j;
        ASSERT_NEAR(in_double[j], expected[j], tolerance) << "double, step " << i << ", robot " << w << ", joint " << j;
      }
      EXPECT_EQ(static_cast<int>(*single.robot(w).status), static_cast<int>(mpc.output.info[w].status));
      EXPECT_NEAR(*single.robot(w).phase, mpc.output.phase[w], 1e-6);
      EXPECT_NEAR(*single.robot(w).value, mpc.output.value[w], 1e-3 * mpc.output.value[w]);
    }
  }
}

TEST_P(DeviceStep, AStateThatIsNotFiniteGetsTheSafeOutputAndDisturbsNobody) {
  States states = disturbed_states(robot, 2, 23);
  Fleet<float> healthy(robot, settings, 2), broken(robot, settings, 2);
  healthy.step(states);
  broken.step(states);
  const States good = states;
  states.v[1] = std::numeric_limits<double>::quiet_NaN();
  healthy.step(good);
  broken.step(states);
  const RobotView<float> r = broken.robot(0);
  EXPECT_EQ(static_cast<Status>(static_cast<int>(*r.status)), Status::kNotFinite);
  EXPECT_EQ(broken.tau(0), std::vector<double>(robot.model.njnt, 0.0));
  for (int j = 0; j < robot.model.njnt; ++j) EXPECT_EQ(r.q_des[j], static_cast<float>(settings.nominal[j]));
  EXPECT_EQ(broken.tau(1), healthy.tau(1));
  broken.step(good);
  EXPECT_TRUE(usable(static_cast<Status>(static_cast<int>(*r.status)))) << "the next good state starts afresh";
}

TEST_P(DeviceStep, APlanThatRunsAwayIsNotFollowed) {
  States states = disturbed_states(robot, 1, 23);
  Fleet<float> fleet(robot, settings, 1);
  states.v[6] = 1e6;
  fleet.step(states);
  EXPECT_EQ(static_cast<Status>(static_cast<int>(*fleet.robot(0).status)), Status::kNotFinite);
  EXPECT_EQ(fleet.tau(0), std::vector<double>(robot.model.njnt, 0.0));
}

TEST_P(DeviceStep, AQuaternionIsBroughtToUnitLengthAndZeroIsNone) {
  States states = disturbed_states(robot, 2, 23);
  Fleet<float> unit(robot, settings, 2), other(robot, settings, 2);
  unit.step(states);
  for (int i = 3; i < 7; ++i) states.q[i] *= 2, states.q[robot.model.nq + i] = 0;
  other.step(states);
  const std::vector<double> expected = unit.tau(0), found = other.tau(0);
  for (int j = 0; j < robot.model.njnt; ++j) EXPECT_NEAR(found[j], expected[j], 0.02 + 1e-3 * std::abs(expected[j])) << j;
  EXPECT_EQ(static_cast<Status>(static_cast<int>(*other.robot(1).status)), Status::kNotFinite);
}

// The plan of the memory against what the kernels touch: nothing beyond it, and nothing that nobody needs (rows are padded to 16 numbers).
TEST_P(DeviceStep, UsesTheMemoryThatThePlanSays) {
  const States states = disturbed_states(robot, 3, 24);
  for (int nodes : {settings.nodes, 60}) {  // many nodes: the errors of all of them need more room than inverse dynamics
    if (nodes != settings.nodes) settings.nodes = nodes, settings.dt = {settings.dt[0]};
    Fleet<float> fleet(robot, settings, 3);
    EXPECT_EQ(fleet.plan.solve.has_copies(), nodes != 60);
    const auto step = [&] { fleet.step(states, [&](const auto& body) { FiberRun(nullptr, 0).block(8, body); }); };
    step();
    const size_t numbers = fleet.robots.n / 3;
    EXPECT_EQ(fleet.plan.robot_bytes, numbers * sizeof(float));
    step();  // the first step has no plan to shift
    for (auto* memory : {&fleet.robots, &fleet.begin, &fleet.linearise, &fleet.gains, &fleet.stages, &fleet.scratch, &fleet.finish})
      EXPECT_TRUE(memory->intact()) << "memory of " << memory->n << " numbers, " << nodes << " nodes";
    for (auto* memory : {&fleet.robots, &fleet.linearise, &fleet.gains, &fleet.stages, &fleet.scratch, &fleet.finish})
      EXPECT_GT(memory->used() + 32, memory->n) << "memory of " << memory->n << " numbers, " << nodes << " nodes";
  }
}

INSTANTIATE_TEST_SUITE_P(Robots, DeviceStep, testing::Values("mit_humanoid", "unitree_g1", "unitree_go2"));

}  // namespace
}  // namespace tandem
