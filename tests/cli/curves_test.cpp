// Curves of training runs against means written down by hand, names of runs, and logs that are damaged.
#include "cli/curves.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "base/check.hpp"
#include "tests/support/message_of.hpp"
#include "tests/support/own_path.hpp"

namespace tandem {
namespace {

namespace fs = std::filesystem;

class Runs : public testing::Test {
 protected:
  fs::path folder = own_path("tandem-runs-");
  void TearDown() override { fs::remove_all(folder); }
  std::string write(const std::string& name, const std::string& text) const {
    fs::create_directories(folder / name);
    std::ofstream(folder / name / "progress.csv") << text;
    return (folder / name).string();
  }
  std::string refusal(const std::string& text) const {
    return message_of([&] { read_run_log(write("bad", text)); });
  }
};

const std::string kHeading = "iteration,Perf/robot_steps,Perf/seconds,Train/mean_reward\n";

TEST_F(Runs, AreAveragedWhereAllOfThemAre) {
  const RunLog a = read_run_log(write("a", kHeading + "1,100,1,\n2,200,2,10\n3,300,3,20\n4,400,4,30\n"));
  const RunLog b = read_run_log(write("b", kHeading + "1,100,2,0\n2,300,4,40\n"));
  const Curve curve = put_together({a, b}, "Perf/robot_steps", "Train/mean_reward", 3);
  EXPECT_EQ(curve.x, (std::vector<double>{200, 250, 300}));    // a has no reward at 100, b ends at 300
  EXPECT_EQ(curve.mean, (std::vector<double>{15, 22.5, 30}));  // (10, 20), (15, 30), (20, 40)
  EXPECT_NEAR(curve.high[0], 15 + 12.706205 * 5, 1e-4);        // standard error (20 - 10) / 2
  const Curve alone = put_together({a}, "Perf/seconds", "Train/mean_reward", 2);
  EXPECT_EQ(alone.x, (std::vector<double>{2, 4}));
  EXPECT_TRUE(std::isnan(alone.low[0]));
}

TEST_F(Runs, ThatNeverMeetGiveNoCurve) {
  const RunLog a = read_run_log(write("a", kHeading + "1,100,1,1\n")), b = read_run_log(write("b", kHeading + "1,200,1,1\n"));
  EXPECT_TRUE(put_together({a, b}, "Perf/robot_steps", "Train/mean_reward", 3).x.empty());
  EXPECT_TRUE(put_together({a}, "Perf/robot_steps", "Loss/value", 3).x.empty());
}

// The last line of a run that is being written may be half there; any other such line is damage.
TEST_F(Runs, AreReadWhileTheyAreWritten) {
  EXPECT_EQ(read_run_log(write("a", kHeading + "1,100,1,2\n2,200")).rows(), 1u);
  EXPECT_NE(refusal(kHeading + "1,100,1,2\n2,200\n3,300,3,4\n").find("progress.csv:3"), std::string::npos);
  EXPECT_NE(refusal(kHeading + "1,100,1,two\n").find("\"two\""), std::string::npos);
  EXPECT_NE(refusal("iteration,Perf/seconds\n1,2\n").find("Perf/robot_steps"), std::string::npos);
  EXPECT_NE(refusal("").find("heading"), std::string::npos);
}

// Runs that differ in more than their seed, or not even in that, are no samples of one training.
TEST_F(Runs, OfOneGroupDifferInTheirSeedAlone) {
  const auto run = [&](const std::string& name, const std::string& config) {
    RunLog log = read_run_log(write(name, kHeading + "1,100,1,2\n"));
    std::ofstream(log.folder + "/config.toml") << config;
    return log;
  };
  const RunLog a = run("a", "[reward]\nsigma = 0.5\n\n[train]\niterations = 8\nseed = 0\n");
  const RunLog b = run("b", "[reward]\nsigma = 0.5\n\n[train]\niterations = 9\nseed = 1\n");
  const RunLog strict = run("strict", "[reward]\nsigma = 0.2\n\n[train]\nseed = 2\n"), again = run("again", "[train]\nseed = 1\n");
  RunLog old = read_run_log(write("old", kHeading + "1,100,1,2\n"));  // without config.toml
  EXPECT_NO_THROW(check_seeds({a, b, old}));
  const std::string differs = message_of([&] { check_seeds({a, b, strict}); }), same = message_of([&] { check_seeds({a, b, again}); });
  EXPECT_NE(differs.find("reward.sigma is 0.5 in the first and 0.2 in the second; rename"), std::string::npos) << differs;
  EXPECT_NE(same.find("both have seed 1"), std::string::npos) << same;
}

TEST(Groups, LeaveOutTimeAndSeed) {
  const std::string run = "logs/walk/2026-11-21_16-20-44";
  EXPECT_EQ(group_of_run(run + "_joint_torque_s3"), "walk/joint_torque");
  EXPECT_EQ(group_of_run(run + "_joint_torque_seed12/"), "walk/joint_torque");
  EXPECT_EQ(group_of_run(run + "_joint_torque_seed12_2"), "walk/joint_torque");  // the second run of that second
  EXPECT_EQ(group_of_run(run + "_seed3"), "walk");
  EXPECT_EQ(group_of_run(run), "walk");
  EXPECT_EQ(group_of_policy(run + "_a_seed3/policy.safetensors"), "walk/a");
  EXPECT_EQ(group_of_policy(run + "_a_seed3/policy_200.safetensors"), "walk/a at 200");
  EXPECT_EQ(group_of_policy("policies/mit_humanoid_residual.safetensors"), "mit_humanoid_residual");
  EXPECT_EQ(group_of_policy("policies/mine_seed2.safetensors"), "mine");
}

}  // namespace
}  // namespace tandem
