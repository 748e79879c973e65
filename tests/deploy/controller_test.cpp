// The controller that runs on a robot against the loop that trained and evaluated its policy, and what a control loop may ask of it.
#include "deploy/controller.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>

#include "base/check.hpp"
#include "env/control_loop.hpp"
#include "tests/policy/policies.hpp"
#include "tests/support/allocations.hpp"
#include "tests/support/message_of.hpp"

namespace tandem {
namespace {

constexpr int kWorlds = 2;

// A policy with random weights in a file of its own, and states of a robot near its stand.
class DeployTest : public testing::TestWithParam<Controller> {
 protected:
  std::string path = testing::TempDir() + "tandem-deploy-" + std::to_string(::getpid()) + ".safetensors";
  Robot robot = load_robot("unitree_go2");
  MpcSettings settings = make_mpc_settings(robot);
  std::vector<double> q = robot.stand, v = std::vector<double>(robot.model.nv, 0.1), command = {robot.base_height, 0.3, 0, 0.2};

  DeployTest() {
    if (GetParam() != Controller::kMpc) save_policy(random_policy(robot, GetParam(), {16, 8}, 3), path);
  }
  ~DeployTest() override { std::filesystem::remove(path); }
  PolicyController controller(int nworld = 1) const { return PolicyController(robot, GetParam() == Controller::kMpc ? "" : path, settings, nworld); }
};
INSTANTIATE_TEST_SUITE_P(All, DeployTest, testing::Values(Controller::kMpc, Controller::kResidual, Controller::kRl),
                         [](const auto& info) { return name(info.param); });

TEST_P(DeployTest, GivesTheSetPointsOfTheTaskBitForBit) {
  TaskSettings task = make_task_settings(robot, GetParam());
  Policy policy;
  if (GetParam() != Controller::kMpc) {
    policy = load_policy(path);
    task.lambda = policy.blending.lambda, task.action_scale = policy.blending.scale, task.value_scale = policy.layout.value_scale;
    if (GetParam() == Controller::kResidual) task.blend = policy.blending.blend;
  }
  task.mpc.gait.offset = settings.gait.offset = {0.25, 0.75, 0.75, 0.25};  // a gait that the policy did not train with
  task.terrain.kind = TerrainKind::kSlope, task.terrain.angle = 0.1;
  ControlLoop loop(robot, task, kWorlds, 1);
  PolicyController deployed = controller(kWorlds);
  for (int w = 0; w < kWorlds; ++w) {
    loop.reset(w, {.q = q, .v = v, .phase = 0.3 * w, .key = {1, static_cast<std::uint32_t>(w), 0}});
    deployed.reset(w, 0.3 * w);
    std::copy(command.begin(), command.end(), &loop.command[4 * static_cast<size_t>(w)]);
  }
  std::vector<float> scratch(policy.layers.empty() ? 0 : scratch_size(policy)), action(kWorlds * static_cast<size_t>(loop.naction()));
  for (int k = 0; k < 40; ++k) {
    loop.prepare();
    deployed.step(loop.measured_q, loop.measured_v, loop.command, {}, loop.plane);
    for (int w = 0; w < kWorlds && !policy.layers.empty(); ++w)
      act(policy, &loop.observation[w * policy.layout.size], &action[w * loop.naction()], scratch.data());
    loop.advance(action);
    const SimInput& in = loop.simulator().input;
    ASSERT_EQ(deployed.tau_ff, in.tau_ff) << "control step " << k;
    ASSERT_EQ(deployed.q_des, in.q_des);
    ASSERT_EQ(deployed.v_des, in.v_des);
    ASSERT_EQ(deployed.kp, in.kp);
    ASSERT_EQ(deployed.kd, in.kd);
  }
  EXPECT_NE(loop.plane[2], 0) << "the ground is level: nothing is tested";
}

TEST_P(DeployTest, AllocatesNothingInAStep) {
  PolicyController deployed = controller();
  std::vector<double> tau(robot.model.njnt);
  deployed.step(q, v, command);
  const long before = allocations;
  for (int k = 0; k < 20; ++k) deployed.step(q, v, command), deployed.torque(q, v, tau);
  EXPECT_EQ(allocations, before);
}

TEST_P(DeployTest, SaysWhenThereIsNoPlanAndGoesOnAfterIt) {
  PolicyController deployed = controller();
  deployed.step(q, v, command);
  std::vector<double> lost = q;
  lost[8] = NAN;
  deployed.step(lost, v, command);
  EXPECT_EQ(deployed.status[0], Status::kNotFinite);
  EXPECT_EQ(deployed.tau_ff, std::vector<double>(robot.model.njnt, 0.0));
  for (int j = 0; j < robot.model.njnt; ++j) EXPECT_FLOAT_EQ(deployed.q_des[j], robot.nominal[j]);
  EXPECT_EQ(deployed.kp, robot.kp);
  deployed.step(q, v, command);
  EXPECT_TRUE(usable(deployed.status[0]));
}

TEST_P(DeployTest, StaysWithinTheTorqueLimits) {
  PolicyController deployed = controller();
  deployed.step(q, v, command);
  std::vector<double> tau(robot.model.njnt), far = q;
  for (int j = 0; j < robot.model.njnt; ++j) far[7 + j] += j % 2 ? 50 : -50;
  deployed.torque(far, v, tau);
  for (int j = 0; j < robot.model.njnt; ++j) EXPECT_EQ(tau[j], j % 2 ? -robot.model.tau_max[j] : robot.model.tau_max[j]);
}

TEST_P(DeployTest, WrongSizesAreNamed) {
  PolicyController deployed = controller();
  std::vector<double> tau(robot.model.njnt);
  const std::vector<double> three(3, 0.0);
  EXPECT_NE(message_of([&] { deployed.step(three, v, command); }).find("q has 3 values, expected nworld x nq = 19"), std::string::npos);
  EXPECT_NE(message_of([&] { deployed.step(q, v, three); }).find("command has 3 values, expected nworld x 4 = 4"), std::string::npos);
  EXPECT_NE(message_of([&] { deployed.step(q, v, command, {}, command); }).find("ground has 4 values"), std::string::npos);
  EXPECT_NE(message_of([&] { deployed.torque(q, three, tau); }).find("v has 3 values"), std::string::npos);
  EXPECT_NE(message_of([&] { deployed.torque(q, v, {tau.data(), 3}); }).find("tau has 3 values"), std::string::npos);
  EXPECT_NE(message_of([&] { deployed.reset(1); }).find("world = 1, expected 0 to 0"), std::string::npos);
  EXPECT_NE(message_of([&] { deployed.reset(0, NAN); }).find("phase = nan, expected a number"), std::string::npos);
}

}  // namespace
}  // namespace tandem
