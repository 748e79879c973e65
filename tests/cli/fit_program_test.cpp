// `tandem fit` as a user runs it: keys of its report, runs that are killed and go on, refusals; the centroidal controller under eval and play.
#include <set>

#include "tests/support/program.hpp"

namespace tandem {
namespace {

// The shortest run that has everything: two closed loops of 1.2 s, windows of 0.2 s, two short deployments.
const std::string kShortFit =
    "fit --rounds 1 --trajectories 2 --seed 3 --set trial.seconds=1.2 --set returns.discount_time=0.2 --set features.horizon=10"
    " --set round.accept_trials=2 --set round.accept_seconds=0.4 --set round.ridges=0.01 --set trial.push_start=0.2 --set trial.push_impulse=2 ";

class FitProgram : public ProgramTest {
 protected:
  FitProgram() : ProgramTest("'" TANDEM_PROGRAM "'") {}
};

TEST_F(FitProgram, ReportHasListsByRound) {
  const Finished finished = run(kShortFit + "--out a --json fit.json");
  ASSERT_EQ(finished.status, 0) << finished.output;
  const Json results = report("fit.json")["results"];
  for (const char* key : {"validation_mse", "closed_loop_cost", "velocity_error", "falls"}) {
    ASSERT_EQ(results[key].size(), 2u) << key;
    for (const Json& value : results[key]) EXPECT_TRUE(value.is_number()) << key << ": " << results[key];
  }
  EXPECT_EQ(report("a/theta.json")["robot"], "unitree_g1");
}

// The same closed loops and as many deployments as the fit: of 6 thetas drawn the best 2 are deployed, in the order of their cost in the closed loops.
TEST_F(FitProgram, RandomSearchDeploysTheBestOfThoseDrawn) {
  const std::string drawn = " --mode random --set round.random_trials=1 --set trial.seconds=0.5 --set round.steps=1,1.5";
  std::string fit = kShortFit + "--out a --json fit.json" + drawn;
  fit.replace(fit.find("--trajectories 2"), 16, "--trajectories 6");
  const Finished finished = run(fit);
  ASSERT_EQ(finished.status, 0) << finished.output;
  std::vector<std::pair<double, std::string>> costs;
  std::ifstream outcomes(folder / "a/outcomes.jsonl");
  for (std::string line; std::getline(outcomes, line);) {
    const Json outcome = Json::parse(line);
    const std::string key = outcome["key"];
    if (key.starts_with("random/1/")) costs.emplace_back(outcome["value"]["cost"], "random-" + key.substr(9, key.find('/', 9) - 9));
  }
  ASSERT_EQ(costs.size(), 6u);
  std::sort(costs.begin(), costs.end());
  const Json candidates = report("fit.json")["results"]["rounds"][0]["candidates"];
  ASSERT_EQ(candidates.size(), 2u);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(candidates[i]["name"], costs[i].second);
}

// Killed at moments that fall into recording, fit and deployment; the last start ends the run.
TEST_F(FitProgram, AKilledRunGoesOnToTheSameEnd) {
  ASSERT_EQ(run(kShortFit + "--out whole").status, 0);
  std::string resume;
  int kills = 0;
  for (double seconds : {0.4, 0.5, 0.6, 0.8, 1.0, 1.5, 2.0, 60.0}) {
    const Finished finished = run(kShortFit + "--out parts --threads 1" + resume, "timeout -s KILL " + std::to_string(seconds));
    if (finished.status == 0) break;
    ++kills;
    if (fs::exists(folder / "parts/run.json")) resume = " --resume";
  }
  EXPECT_GT(kills, 0);
  EXPECT_EQ(bytes("parts/theta.json"), bytes("whole/theta.json"));
  const Json parts = report("parts/report.json")["results"], whole = report("whole/report.json")["results"];
  for (const char* key : {"validation_mse", "closed_loop_cost", "velocity_error", "falls"}) EXPECT_EQ(parts[key], whole[key]) << key;
}

TEST_F(FitProgram, OtherSettingsAndMissingRunsAreNotResumed) {
  ASSERT_EQ(run(kShortFit + "--out a").status, 0);
  expect_refusal(kShortFit + "--out a", 1, "--resume");
  expect_refusal(kShortFit + "--out nowhere --resume", 1, "nowhere");
  expect_refusal(kShortFit + "--out a --resume --set trial.start_scale=0.1", 1, "trial.start_scale");
}

TEST_F(FitProgram, CompareFindsNoDifferenceOfAThetaToItself) {
  ASSERT_EQ(run(kShortFit + "--out a --set round.accept_velocity=1e-9").status, 0);  // nothing is kept: theta stays 1
  Json theta = report("a/theta.json");
  theta["blocks"]["state"][0] = 1 + 1e-15;  // the same, and computed again
  std::ofstream(folder / "a/theta.json") << theta;
  const Finished finished =
      run("fit compare same=a/theta.json --trials 2 --seconds 0.4 --plants nominal,delay_10ms --recoveries 1 --out b --json compare.json");
  ASSERT_EQ(finished.status, 0) << finished.output;
  const Json rows = report("compare.json")["results"]["rows"];
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(rows[1]["theta"], "same");
  EXPECT_NEAR(rows[1]["cost"]["difference"].get<double>(), 0, 1e-6);
  EXPECT_NEAR(rows[1]["cost"]["ratio"].get<double>(), 1, 1e-6);
  EXPECT_NE(rows[0]["cost"]["second"], rows[2]["cost"]["second"]);
  EXPECT_TRUE(rows[0]["recovery_peak"]["second"].is_number() || rows[0]["recovery_falls"] == 1);
}

// A training's file of settings, or --set, may name another controller; what is fitted stays the MPC. Plants that it cannot have are left out of all.
TEST_F(FitProgram, TheWholeBodyMpcIsComparedOnThePlantsThatItCanHave) {
  const std::string short_fit =
      "fit --controller kinodynamic --robot mit_humanoid --rounds 1 --trajectories 2 --set trial.seconds=1.5 --set returns.discount_time=0.2"
      " --set round.accept_trials=2 --set round.accept_seconds=0.4 --set round.ridges=0.01 --set env.controller=rl --out a";
  const Finished fitted = run(short_fit);
  ASSERT_EQ(fitted.status, 0) << fitted.output;
  const Finished finished =
      run("fit compare --controller kinodynamic --robot mit_humanoid theta=a/theta.json --trials 2 --seconds 0.2 --recoveries 0 --plants all --out b "
          "--json compare.json");
  ASSERT_EQ(finished.status, 0) << finished.output;
  for (const char* plant : {"inertia_up", "delay_5ms"})
    EXPECT_NE(finished.output.find(std::string("left out: plant ") + plant), std::string::npos) << finished.output;
  std::set<std::string> plants;
  const Json rows = report("compare.json")["results"]["rows"];
  for (const Json& row : rows) plants.insert(row["plant"].get<std::string>());
  EXPECT_TRUE(plants.contains("torso_heavy") && plants.contains("delay_10ms") && !plants.contains("inertia_up"));
}

TEST_F(FitProgram, MistakesAreOneLine) {
  expect_refusal("fit --robot unitree_g2", 1, "unitree_g1");
  expect_refusal("fit --plant torso_hevy", 1, "torso_heavy");
  expect_refusal("fit --gait wolk", 1, "walk");
  expect_refusal("fit --cost nowhere.toml", 1, "nowhere.toml");
  expect_refusal("fit --set trial.second=3", 1, "trial.seconds");
  expect_refusal("fit --set fit.mode=adam", 1, "fit.mode");
  expect_refusal("fit --controller kinodynamic --parameters momentum", 1, "no momentum multipliers; fit those of the cost: --parameters cost");
  expect_refusal("fit --controller kinodynamic --plant inertia_up", 1, "plant inertia_up");
  expect_refusal("fit --controller kinodynamic --plant delay_5ms", 1, "whole steps of 0.01 s");
  expect_refusal("fit --controller kinodynamic --robot unitree_g1 --plant com_left", 1, "not the torso of this robot");
  expect_refusal("fit report nowhere", 1, "nowhere");
  expect_refusal("fit compare nowhere.json", 1, "NAME=FILE");
  expect_refusal("fit compare a=nowhere.json", 1, "nowhere.json");
  std::ofstream(folder / "theta.json") << "{}";
  expect_refusal("eval --robot unitree_g1 --controller centroidal --theta theta.json", 1, "theta.json");
  expect_refusal("eval --robot mit_humanoid --controller centroidal --worlds 1", 1, "centroidal");
  expect_refusal("sweep pushes --controller centroidal", 1, "only play and eval");
}

TEST_F(FitProgram, EvalAndPlayRunTheCentroidalController) {
  const std::string eval = "eval --robot unitree_g1 --controller centroidal --worlds 2 --seconds 0.5 --start-scale 0 --command 0.3,0,0 --json ";
  ASSERT_EQ(run(eval + "a.json --threads 1").status, 0);
  ASSERT_EQ(run(eval + "b.json --threads 2").status, 0);
  ASSERT_EQ(run(eval + "c.json --plant delay_10ms").status, 0);
  Json a = report("a.json")["results"]["per_world"], c = report("c.json")["results"]["per_world"];
  EXPECT_EQ(a, report("b.json")["results"]["per_world"]);
  EXPECT_NE(a, c);
  EXPECT_EQ(report("a.json")["results"]["survival"], 1);
  const Finished finished = run("play --robot unitree_g1 --controller centroidal --seconds 0.3 --no-film --json play.json");
  ASSERT_EQ(finished.status, 0) << finished.output;
  EXPECT_TRUE(fs::exists(folder / "out/play-unitree_g1/trajectory.json"));
  EXPECT_EQ(report("play.json")["settings"]["controller"], "centroidal");
}

}  // namespace
}  // namespace tandem
