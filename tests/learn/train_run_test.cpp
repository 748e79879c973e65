// A run as it lies on the disk, without its task: what it says of itself must be what the task says.
#include "cli/train_run.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/check.hpp"
#include "env/task.hpp"
#include "tests/support/message_of.hpp"

namespace tandem {
namespace {

namespace fs = std::filesystem;

class TrainRunOf : public testing::TestWithParam<std::pair<const char*, const char*>> {
 protected:
  fs::path logs = fs::path(testing::TempDir()) / cat("tandem-train-run-", getpid());

  void SetUp() override { fs::remove_all(logs); }
  void TearDown() override { fs::remove_all(logs); }
  TrainOptions options(const std::string& controller) const {
    TrainOptions o;
    o.robot = GetParam().first;
    o.controller = controller;
    o.worlds = 3;
    o.logs = logs;
    o.overrides = {"gait.offset=0.1,0.6", "env.value_scale=2", "env.lambda=0.2", "ppo.width=16"};
    if (o.robot == "unitree_go2") o.overrides[0] = "gait.offset=0.1,0.6,0.6,0.1";
    return o;
  }
};

TEST_P(TrainRunOf, LayoutAndBlendingAreThoseOfTheTask) {
  TrainRun run(options(GetParam().second));
  Task task(run.setup.robot, run.setup.task, 3, 1, 0);
  const ObservationLayout &here = run.layout, &there = task.loop().layout();
  EXPECT_EQ(here.groups, there.groups);
  EXPECT_EQ(here.nominal, there.nominal);
  EXPECT_EQ(here.gait_offset, there.gait_offset);
  EXPECT_EQ(here.value_scale, there.value_scale);
  EXPECT_EQ(here.with_value, there.with_value);
  EXPECT_EQ(run.blending.blend, task.loop().blending().blend);
  EXPECT_EQ(run.blending.joint, task.loop().blending().joint);
  EXPECT_EQ(run.blending.kp_a, task.loop().blending().kp_a);
  EXPECT_EQ(run.sizes().nobs, task.nobs);
  EXPECT_EQ(run.sizes().naction, task.naction);
  EXPECT_EQ(run.sizes().zero_last_layer, std::string(GetParam().second) == "residual");
}

TEST_P(TrainRunOf, ExportsAPolicyThatFitsTheRobot) {
  TrainRun run(options(GetParam().second));
  EXPECT_EQ(run.learns, std::string(GetParam().second) != "mpc");
  if (!run.learns) return;
  const NetworkShape shape(run.setup.ppo, run.sizes());
  std::vector<float> parameters(shape.size());
  initialise(shape, run.setup.ppo, false, 1, parameters.data());
  const std::vector<float> mean(run.layout.size, 0.5f), std(run.layout.size, 2.0f);
  export_policy(run, {actor_layers(shape, parameters.data()), mean, std}, 7);
  for (const char* name : {"policy_7.safetensors", "policy.safetensors"}) {
    const Policy policy = load_policy(run.folder.file(name));
    check_policy(policy, run.setup.robot, name);
    EXPECT_EQ(policy.mean, mean);
    EXPECT_EQ(policy.std, std);
    EXPECT_EQ(policy.provenance.at("iteration"), "7");
    EXPECT_EQ(policy.provenance.at("robot_steps"), cat(7 * 24 * 3));
    EXPECT_EQ(policy.layout.gait_offset, run.layout.gait_offset);
  }
}

TEST_P(TrainRunOf, ResumesAsItWas) {
  std::string path;
  Identity identity;
  {
    TrainRun run(options(GetParam().second));
    path = run.folder.path();
    identity = run.identity();
    save_checkpoint({.identity = identity, .learner = {}, .statistics = {}, .worlds = {}}, run.folder.checkpoint(0));
    TrainOptions again;
    again.resume = path;
    EXPECT_THROW(TrainRun{again}, Error) << "it is in use";
  }
  TrainOptions again;
  again.resume = path;
  again.device = "cpu";
  const TrainRun run(again);
  EXPECT_EQ(run.identity(), identity);
  EXPECT_EQ(run.setup.task.value_scale, 2);
}

TEST_P(TrainRunOf, SymmetryIsAskedForAndGoesOn) {
  TrainOptions asked = options(GetParam().second);
  asked.overrides.push_back("ppo.symmetric=true");
  std::string path;
  {
    TrainRun run(asked);
    EXPECT_EQ(run.sizes().symmetry.observation.size(), run.layout.size);
    EXPECT_EQ(run.sizes().symmetry.action.size(), run.sizes().naction);
    path = run.folder.path();
    save_checkpoint({.identity = run.identity(), .learner = {}, .statistics = {}, .worlds = {}}, run.folder.checkpoint(0));
  }
  TrainOptions again;
  again.resume = path;
  EXPECT_FALSE(TrainRun(again).sizes().symmetry.observation.empty());
  EXPECT_NE(TrainRun(again).identity(), TrainRun(options(GetParam().second)).identity());
  EXPECT_TRUE(TrainRun(options(GetParam().second)).sizes().symmetry.observation.empty());
}

TEST_P(TrainRunOf, AGaitThatIsNotSymmetricIsRefusedBeforeAnythingIsWritten) {
  TrainOptions asked = options(GetParam().second);
  asked.overrides.push_back("ppo.symmetric=true");
  asked.overrides[0] = asked.robot == "unitree_go2" ? "gait.offset=0,0.1,0.2,0.6" : "gait.offset=0,0.3";
  const std::string message = message_of([&] { TrainRun{asked}; });
  EXPECT_NE(message.find("ppo.symmetric = true: gait.offset of "), std::string::npos) << message;
  EXPECT_FALSE(fs::exists(logs));
}

INSTANTIATE_TEST_SUITE_P(Robots, TrainRunOf,
                         testing::Values(std::pair("unitree_go2", "residual"), std::pair("mit_humanoid", "rl"), std::pair("unitree_go2", "mpc")));

TEST(TrainOptions, AreReadFromTheCommandLine) {
  const auto parsed = parse_train_options({"tandem", "train", "--device", "cpu", "--worlds", "5", "--set", "ppo.width=8", "--set", "ppo.steps=4"});
  const auto& options = std::get<TrainOptions>(parsed);
  EXPECT_EQ(options.device, "cpu");
  EXPECT_EQ(options.worlds, 5);
  EXPECT_EQ(options.overrides, (std::vector<std::string>{"ppo.width=8", "ppo.steps=4"}));
  EXPECT_FALSE(options.seed);
  EXPECT_EQ(std::get<int>(parse_train_options({"tandem", "train", "--device", "tpu"})), 2);
  EXPECT_EQ(std::get<int>(parse_train_options({"tandem", "train", "--any-order"})), 2) << "the program repeats itself in any case";
  EXPECT_EQ(std::get<int>(parse_train_options({"tandem", "train", "--help"})), 0);
}

}  // namespace
}  // namespace tandem
