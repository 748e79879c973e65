// What a policy's file says about the MPC that it was trained with, and what comes of it.
#include "deploy/trained_settings.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "mpc/fields.hpp"
#include "tests/policy/policies.hpp"
#include "tests/support/message_of.hpp"

namespace tandem {
namespace {

class TrainedSettings : public testing::Test {
 protected:
  std::string path = testing::TempDir() + "tandem-trained-" + std::to_string(::getpid()) + ".safetensors";
  Robot robot = load_robot("unitree_go2");
  MpcSettings then = make_mpc_settings(robot), now = then;

  TrainedSettings() {
    then.delay = 0.015, then.gait.period = 0.55, then.weights.force[2] = 2e-4;
    then.weights.joint_position[3] += 0.1;
  }
  ~TrainedSettings() override { std::filesystem::remove(path); }
  // A policy that was trained with `then`, as its file gives it back.
  Policy saved(Controller controller) const {
    Policy policy = random_policy(robot, controller, {4}, 3);
    policy.mpc_settings = mpc_settings_text(then, controller);
    save_policy(policy, path);
    return load_policy(path);
  }
};

TEST_F(TrainedSettings, ComeBackFromTheFile) {
  const Policy policy = saved(Controller::kResidual);
  MpcSettings found = trained_settings(robot, path);
  EXPECT_EQ(to_json(fields(found)), to_json(fields(then)));
  EXPECT_EQ(changed_settings(policy, found), std::vector<std::string>{});
  const std::vector<std::string> changed = {"mpc.delay = 0.0 (trained with 0.015)", "gait.period = 0.36 (trained with 0.55)", "weights.force",
                                            "weights.joint_position"};
  EXPECT_EQ(changed_settings(policy, now), changed);
}

TEST_F(TrainedSettings, OfAPolicyEndToEndAreThoseOfTheGait) {
  const Policy policy = saved(Controller::kRl);
  const MpcSettings found = trained_settings(robot, path);
  EXPECT_EQ(found.gait.period, 0.55);
  EXPECT_EQ(found.delay, now.delay);
  EXPECT_EQ(changed_settings(policy, now), std::vector<std::string>{"gait.period = 0.36 (trained with 0.55)"});
}

TEST_F(TrainedSettings, OfAFileThatDoesNotSayAreTheRobots) {
  save_policy(random_policy(robot, Controller::kResidual, {4}, 3), path);
  for (const std::string& from : {path, std::string()}) {
    MpcSettings found = trained_settings(robot, from);
    EXPECT_EQ(to_json(fields(found)), to_json(fields(now)));
  }
  EXPECT_EQ(changed_settings(load_policy(path), then), std::vector<std::string>{});
}

TEST_F(TrainedSettings, ThatThisProgramDoesNotHaveOrTakeAreNamed) {
  Policy policy = saved(Controller::kResidual);
  policy.mpc_settings = R"({"mpc.of_tomorrow":3.5})";
  save_policy(policy, path);
  EXPECT_NE(message_of([&] { trained_settings(robot, path); }).find(path + ": trained with mpc.of_tomorrow = 3.5"), std::string::npos);
  policy.mpc_settings = R"({"mpc.delay":-1})";
  save_policy(policy, path);
  EXPECT_NE(message_of([&] { trained_settings(robot, path); }).find("mpc.delay = -1"), std::string::npos);
  policy.mpc_settings = "[1]";
  save_policy(policy, path);
  EXPECT_NE(message_of([&] { trained_settings(robot, path); }).find("\"mpc.settings\" of its metadata makes no sense"), std::string::npos);
}

TEST_F(TrainedSettings, OfAnotherRobotsPolicyAreRefused) {
  saved(Controller::kResidual);
  EXPECT_NE(message_of([&] { trained_settings(load_robot("mit_humanoid"), path); }).find("unitree_go2"), std::string::npos);
}

}  // namespace
}  // namespace tandem
