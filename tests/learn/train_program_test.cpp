// tandem-train as a user runs it: files, messages, exit codes, going on after Ctrl-C.
#include <signal.h>
#include <unistd.h>

#include <regex>
#include <thread>

#include "base/check.hpp"
#include "learn/checkpoint.hpp"
#include "policy/policy.hpp"
#include "tests/support/program.hpp"

namespace tandem {
namespace {

class TrainProgram : public ProgramTest {
 protected:
  TrainProgram() : ProgramTest("'" TANDEM_TRAIN "' train") {}
  // a small network and few steps, so that an iteration takes a fraction of a second
  const std::string small = " --robot unitree_go2 --worlds 3 --set ppo.width=32 --set ppo.steps=8 ";

  // The only run below logs/.
  fs::path run_folder() const {
    for (const auto& experiment : fs::directory_iterator(folder / "logs"))
      for (const auto& found : fs::directory_iterator(experiment)) return found.path();
    return {};
  }
  static void expect_equal(const Checkpoint& a, const Checkpoint& b) {
    ASSERT_EQ(a.learner.size(), b.learner.size());
    for (size_t i = 0; i < a.learner.size(); ++i) EXPECT_EQ(a.learner[i].bytes, b.learner[i].bytes) << a.learner[i].name;
    EXPECT_EQ(a.worlds, b.worlds);
  }
};

TEST_F(TrainProgram, LeavesWhatARunConsistsOf) {
  const Finished finished = run(small + "--controller residual --blend torque_torque --iterations 2 --seed 4 --json train.json");
  ASSERT_EQ(finished.status, 0) << finished.output;
  const fs::path made = run_folder();
  EXPECT_TRUE(std::regex_match(made.filename().string(), std::regex("\\d{4}-\\d\\d-\\d\\d_\\d\\d-\\d\\d-\\d\\d_torque_torque_seed4"))) << made;
  EXPECT_EQ(made.parent_path().filename(), "unitree_go2_residual");
  for (const char* file :
       {"config.toml", "run.json", "model_0", "model_2", "policy_0.safetensors", "policy_2.safetensors", "policy.safetensors", "progress.csv"})
    EXPECT_TRUE(fs::exists(made / file)) << file;

  const Policy policy = load_policy(made / "policy.safetensors");
  check_policy(policy, load_robot("unitree_go2"), "policy");
  EXPECT_EQ(policy.blending.blend, Blend::kTorqueTorque);
  EXPECT_EQ(policy.provenance.at("iteration"), "2");
  EXPECT_EQ(report(made / "run.json")["seed"], 4);
  const Json results = report("train.json")["results"];
  EXPECT_GT(results["steps_per_second"], 0);
  EXPECT_EQ(results["robot_steps"], 2 * 8 * 3);
  double sum = 0;
  for (const char* part : {"policy", "mpc", "physics", "reward", "reset", "observe", "update", "save", "other"})
    sum += results["shares"][part].get<double>();
  EXPECT_NEAR(sum, 1, 0.02);
}

TEST_F(TrainProgram, CtrlCSavesAndResumingGoesOnBitForBit) {
  for (const std::string controller : {"residual", "rl"}) {
    const std::string arguments = small + "--controller " + controller + " --set ppo.steps=30 --set randomise.delay=0,0.03 --iterations 6 --threads ";
    fs::remove_all(folder / "logs");
    ASSERT_EQ(run(arguments + "1 --logs whole").status, 0);
    fs::path whole;
    for (const auto& found : fs::recursive_directory_iterator(folder / "whole"))
      if (found.path().filename() == "model_6") whole = found.path();
    // SIGINT as soon as the first checkpoint is there; it ends after the iteration
    const pid_t process = ::fork();
    if (process == 0) {
      ::execl("/bin/sh", "sh", "-c", ("cd '" + folder.string() + "' && exec '" TANDEM_TRAIN "' train " + arguments + "2 >out 2>&1").c_str(), nullptr);
      ::_exit(127);
    }
    const auto started = [&] { return fs::exists(folder / "logs") && !run_folder().empty() && fs::exists(run_folder() / "model_0"); };
    for (int i = 0; i < 3000 && !started(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    ::kill(process, SIGINT);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    ::kill(process, SIGINT);  // as timeout(1) does
    int status = 0;
    ::waitpid(process, &status, 0);
    EXPECT_EQ(WEXITSTATUS(status), 130) << controller;
    ASSERT_FALSE(fs::exists(run_folder() / "model_6")) << "it was too fast to be interrupted";

    const Finished resumed = run("--resume '" + run_folder().string() + "'");
    ASSERT_EQ(resumed.status, 0) << resumed.output;
    expect_equal(load_checkpoint(run_folder() / "model_6"), load_checkpoint(whole));
    fs::remove_all(folder / "whole");
  }
}

TEST_F(TrainProgram, SmokeRunsNeedNoLearner) {
  for (const std::string controller : {"mpc", "zero", "random"}) {
    const Finished finished = run(small + "--controller " + controller + " --iterations 1 --json train.json");
    ASSERT_EQ(finished.status, 0) << finished.output;
    EXPECT_EQ(report("train.json")["results"]["iteration"], 1);
  }
}

TEST_F(TrainProgram, OneAndTenThousandWorlds) {
  const std::string brief = " --robot unitree_go2 --controller rl --set ppo.steps=1 --set ppo.minibatches=1 --set ppo.width=16 --iterations 1";
  EXPECT_EQ(run(brief + " --worlds 1 --set ppo.steps=2").status, 0);
  const Finished many = run(brief + " --worlds 10000 --json train.json");
  ASSERT_EQ(many.status, 0) << many.output;
  EXPECT_EQ(report("train.json")["results"]["robot_steps"], 10000);
  std::printf("10,000 worlds: %.2f GiB\n", report("train.json")["results"]["memory_gib"].get<double>());
}

TEST_F(TrainProgram, MistakesAreOneLine) {
  expect_refusal("--worlds 0", 2, "--worlds");
  expect_refusal("--controller fast", 2, "--controller");
  expect_refusal("--bogus", 2, "--bogus");
  expect_refusal("--robot unitree_g2", 1, "unitree_g1");
  expect_refusal("--set env.sigma=1", 1, "env.sigma");
  expect_refusal("--set reward.torqe=1", 1, "\"reward.torque\"");
  expect_refusal("--set ppo.epochs=many", 1, "ppo.epochs");
  expect_refusal("--blend joint", 1, "joint_torque");
  expect_refusal("--worlds 1 --set ppo.steps=1", 1, "ppo.minibatches");
  expect_refusal("--resume nowhere", 1, "nowhere");
  expect_refusal("--logs /proc/logs", 1, "--logs");
  expect_refusal("--device cpu", 1, "./tandem train");
  expect_refusal("--json no/such/folder/x.json", 1, "no/such/folder");
  expect_refusal("--controller rl --blend joint_joint", 1, "only a residual is blended");
  expect_refusal("--set train.seed=-1", 1, "train.seed = -1, expected at least 0");
  expect_refusal("--seed 10000000000000000", 2, "--seed");
  expect_refusal("--worlds 1 --set ppo.steps=1 --set ppo.minibatches=1", 1, "one sample");
  EXPECT_FALSE(fs::exists(folder / "logs")) << "a mistake must not leave a run behind";
  // those that only the task can tell
  expect_refusal("--controller rl --set env.physics_dt=0.003", 1, "physics_dt");
  expect_refusal("--controller rl --set randomise.added_mass=-100,0", 1, "leaves the base without mass");
  expect_refusal("--controller rl --set env.episode=1e6", 1, "env.episode = 1e+06 s");
  expect_refusal("--controller rl --worlds 1000000 --set mpc.control_dt=1e-5 --set env.physics_dt=1e-5 --set randomise.delay=0,1", 1,
                 "take fewer worlds");
  // and one that only the learner can
  expect_refusal("--controller rl --worlds 100 --set ppo.steps=10000 --set ppo.width=4096 --set ppo.minibatches=1", 1, "ppo.minibatches = 1");
  for (const auto& entry : fs::directory_iterator(folder / "logs")) EXPECT_TRUE(fs::is_empty(entry)) << entry;
}

TEST_F(TrainProgram, RunsOfARobotNamedByARelativePathGoOnFromAnywhere) {
  fs::create_directory(folder / "mine");
  fs::copy(TANDEM_SOURCE_DIR "/robots/unitree_go2", folder / "mine/unitree_go2", fs::copy_options::recursive);
  fs::copy(TANDEM_SOURCE_DIR "/robots/scene.xml", folder / "mine/scene.xml");
  ASSERT_EQ(run("--robot mine/unitree_go2/robot.toml --worlds 3 --set ppo.width=32 --set ppo.steps=8 --controller rl --iterations 1").status, 0);
  const std::string run_at = fs::absolute(run_folder()).string();
  fs::create_directory(folder / "elsewhere");
  const Finished finished = run("--resume '" + run_at + "' --iterations 2", "cd elsewhere &&");
  EXPECT_EQ(finished.status, 0) << finished.output;
  std::ofstream(folder / "mine/unitree_go2/robot.toml", std::ios::app) << "# another robot\n";
  expect_refusal("--resume '" + run_at + "' --iterations 3", 1, "unitree_go2/robot.toml: has changed since the run");
}

TEST_F(TrainProgram, ResumingTakesTheSettingsOfTheRun) {
  ASSERT_EQ(run(small + "--controller rl --iterations 1").status, 0);
  const std::string resume = "--resume '" + run_folder().string() + "' ";
  expect_refusal(resume + "--robot mit_humanoid", 1, "--resume takes everything");
  expect_refusal(resume + "--set ppo.gamma=0.9", 1, "--resume takes everything");
  ASSERT_EQ(run(resume + "--iterations 2").status, 0);
  EXPECT_TRUE(fs::exists(run_folder() / "model_2"));

  // the configuration was changed by hand: the checkpoint is of another network
  std::ifstream file(run_folder() / "config.toml");
  std::string text{std::istreambuf_iterator<char>(file), {}};
  file.close();
  std::ofstream(run_folder() / "config.toml") << std::regex_replace(text, std::regex("width = 32"), "width = 64");
  expect_refusal(resume, 1, "network is 3 x 32, expected network 3 x 64");
}

}  // namespace
}  // namespace tandem
