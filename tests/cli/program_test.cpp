// The real program: exit codes, messages, files. Runs it as a user would.
#include <cmath>
#include <regex>

#include "base/atomic_file.hpp"
#include "base/device.hpp"
#include "cli/metrics.hpp"
#include "env/task.hpp"
#include "tests/policy/policies.hpp"
#include "tests/support/program.hpp"

namespace tandem {
namespace {

class Program : public ProgramTest {
 protected:
  Program() : ProgramTest("'" TANDEM_PROGRAM "'") {}
};

TEST_F(Program, PlayWritesMotionAndReport) {
  const Finished finished = run("play --robot unitree_go2 --controller mpc --seconds 0.5 --no-film --push 20,0,0@0.1 --json play.json");
  ASSERT_EQ(finished.status, 0) << finished.output;
  EXPECT_TRUE(fs::exists(folder / "out/play-unitree_go2/trajectory.json"));
  EXPECT_GT(fs::file_size(folder / "out/play-unitree_go2/trajectory.f64"), 0u);
  const Json json = report("play.json");
  EXPECT_EQ(json["settings"]["robot"], "unitree_go2");
  EXPECT_DOUBLE_EQ(json["results"]["survived"], 0.5);
  EXPECT_TRUE(json["results"]["failure"].is_null());
  EXPECT_GT(json["results"]["step_us_median"], 0);
}

TEST_F(Program, PlayWithoutPythonSaysSoAndSucceeds) {
  const Finished finished = run("play --robot unitree_go2 --controller mpc --seconds 0.05", "TANDEM_PYTHON=/nowhere/python");
  EXPECT_EQ(finished.status, 0) << finished.output;
  EXPECT_NE(finished.output.find("no pictures"), std::string::npos) << finished.output;
}

TEST_F(Program, BenchCountsTheWorkOfAStepOnAnyMachine) {
  const Finished finished = run("bench mpc --work --robot unitree_go2 --json work.json");
  ASSERT_EQ(finished.status, 0) << finished.output;
  EXPECT_NE(finished.output.find("solve: factor"), std::string::npos) << finished.output;
  const Json work = report("work.json")["results"]["work"];
  ASSERT_EQ(work.size(), 2u);
  const Json &ten = work[0]["parts"].back(), &more = work[1]["parts"].back();
  EXPECT_EQ(ten["part"], "step");
  EXPECT_GT(more["flop"].get<long>(), ten["flop"].get<long>());
  EXPECT_EQ(more["bytes"], ten["bytes"]);
}

TEST_F(Program, BenchOnAGpuThatIsNotThereIsRefused) {
  if (cuda_device_count() > 0) GTEST_SKIP() << "there is a CUDA device";
  expect_refusal("bench mpc --device cuda --robot unitree_go2", 1, "CUDA");
}

TEST_F(Program, EvalReportHasEveryKey) {
  const Finished finished = run("eval --robot unitree_go2 --controller mpc --worlds 4 --seconds 1 --json eval.json");
  ASSERT_EQ(finished.status, 0) << finished.output;
  const Json json = report("eval.json"), results = json["results"];
  for (const char* key : {"argv", "commit", "machine", "settings", "results"}) EXPECT_TRUE(json.contains(key)) << key;
  EXPECT_TRUE(std::regex_match(json["commit"].get<std::string>(), std::regex("unknown|[0-9a-f]{40}(\\+dirty)?"))) << json["commit"];
  EXPECT_EQ(json["argv"][1], "eval");
  for (const char* key : {"survival", "velocity_error", "yaw_rate_error", "mean_squared_torque", "positive_power", "foot_slip", "failed_solves",
                          "step_us_median", "step_us_p99", "step_us_p999", "step_us_tail", "step_us_own_tail", "step_us_machine_tail"})
    EXPECT_TRUE(results[key].is_number()) << key << ": " << results[key];
  EXPECT_TRUE(results["cost_of_transport"].is_number() || results["cost_of_transport"].is_null());
  EXPECT_EQ(results["survival_interval"].size(), 2u);
  EXPECT_LE(results["survival_interval"][0], results["survival"]);
  EXPECT_GE(results["survival_interval"][1], results["survival"]);
  int failures = 0;
  for (const auto& [cause, count] : results["failures"].items()) failures += count.get<int>();
  EXPECT_DOUBLE_EQ(results["survival"], 1 - failures / 4.0);
  ASSERT_EQ(results["per_world"].size(), 4u);
  for (const char* key : {"velocity_error", "yaw_rate_error", "mean_squared_torque", "positive_power", "foot_slip"}) {
    double sum = 0;
    int standing = 0;
    for (const Json& world : results["per_world"]) {
      if (world[key].is_number()) sum += world[key].get<double>(), ++standing;
    }
    ASSERT_EQ(standing, 4 - failures) << key;
    EXPECT_NEAR(sum / standing, results[key], 1e-12 * sum) << key;
    EXPECT_EQ(results[key + std::string("_interval")].size(), 2u) << key;
  }
}

TEST_F(Program, EvalOfEveryControllerHasTheSameTermsOfReward) {
  std::vector<std::string> terms;
  for (const char* controller : {"mpc", "zero", "random"}) {
    const std::string more = controller == std::string("mpc") ? "" : " --disturbances task --set terrain.kind=rough --set noise.scale=2";
    const Finished finished = run("eval --robot unitree_go2 --worlds 2 --seconds 0.3 --json r.json --controller " + std::string(controller) + more);
    ASSERT_EQ(finished.status, 0) << finished.output;
    const Json json = report("r.json"), results = json["results"];
    EXPECT_EQ(json["settings"]["controller"], controller);
    for (const char* key : {"reward", "reward_of_run"}) EXPECT_TRUE(results[key].is_number()) << key;
    double sum = 0;
    std::vector<std::string> names;
    for (const auto& [name, value] : results["reward_terms"].items()) sum += value.get<double>(), names.push_back(name);
    EXPECT_NEAR(results["reward"], sum, 1e-9);
    if (terms.empty()) terms = names;
    EXPECT_EQ(names, terms);
    EXPECT_EQ(results["per_world"][0]["reward_terms"].size(), terms.size());
  }
}

TEST_F(Program, CompareReadsRunsAndEvaluatesOnTheSameWorlds) {
  for (const char* name : {"2026-01-01_10-00-00_a_s1", "2026-01-01_11-00-00_a_s2"}) {
    fs::create_directories(folder / name);
    std::ofstream(folder / name / "progress.csv") << "iteration,Perf/robot_steps,Perf/seconds,Train/mean_reward\n1,100,1,5\n2,200,2,6\n";
  }
  const std::string options = " --robot unitree_go2 --worlds 2 --seconds 0.1 --json c.json";
  const Finished finished = run("compare 2026-01-01_10-00-00_a_s1 2026-01-01_11-00-00_a_s2 mpc" + options, "TANDEM_PYTHON=/nowhere/python");
  ASSERT_EQ(finished.status, 0) << finished.output;
  const Json groups = report("c.json")["results"]["groups"];
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_TRUE(groups[0]["name"].get<std::string>().ends_with("/a")) << groups[0]["name"];
  EXPECT_EQ(groups[0]["runs"].size(), 2u);
  EXPECT_EQ(groups[0]["curves"]["reward_over_steps"]["mean"].back(), 6);
  EXPECT_EQ(groups[1]["evaluation"]["survival"]["mean"], 1);
  for (const char* key : {"survival", "reward", "reward_of_run", "velocity_error", "positive_power"}) {
    const Json measure = groups[1]["evaluation"][key];
    EXPECT_LE(measure["interval"][0].get<double>(), measure["mean"].get<double>()) << key;
    EXPECT_GE(measure["interval"][1].get<double>(), measure["mean"].get<double>()) << key;
  }
  EXPECT_TRUE(fs::exists(folder / "out/compare/report.json"));
}

// An action that is not finite, in the sixth step of an episode.
TEST_F(Program, ReplaySaysWhatWasNotFiniteAndWhen) {
  const Robot robot = load_robot("unitree_go2");
  Task task(robot, make_task_settings(robot, Controller::kResidual), 2, 1, 7);
  task.reset();
  std::vector<float> actions(2 * task.naction, 0.1f);
  for (int step = 0; step < 6; ++step) {
    if (step == 5) actions[task.naction + 4] = NAN;
    task.step(actions);
  }
  ASSERT_NE(task.not_finite_record(), nullptr);
  write_atomically((folder / "bad.episode").string(), to_bytes(*task.not_finite_record()));
  const Finished finished = run("replay bad.episode --no-film --json replay.json");
  ASSERT_EQ(finished.status, 0) << finished.output;
  const std::string joint = robot.model.joint_name[robot.action_joint[4]];
  EXPECT_NE(finished.output.find("not finite at step 6 (0.06 s): action of " + joint), std::string::npos) << finished.output;
  EXPECT_EQ(report("replay.json")["results"]["world"], 1);
  EXPECT_TRUE(fs::exists(folder / "out/replay/trajectory.json"));
  std::ofstream(folder / "bad.episode", std::ios::app) << "x";
  expect_refusal("replay bad.episode", 1, "bad.episode");
}

TEST_F(Program, PlayShowsTheMpcAndAShippedPolicyUnderTheSameDisturbances) {
  fs::create_directories(folder / "policies");
  const Robot robot = load_robot("unitree_go2");
  save_policy(random_policy(robot, Controller::kResidual, {8}, 1), (folder / "policies/unitree_go2_residual.safetensors").string());
  const std::string play = "play --robot unitree_go2 --seconds 0.1 --no-film --json play.json";
  const Finished finished = run(play, "TANDEM_ROOT='" + folder.string() + "'");
  ASSERT_EQ(finished.status, 0) << finished.output;
  EXPECT_NE(finished.output.find("Notice:"), std::string::npos) << finished.output;
  const Json json = report("play.json");
  EXPECT_EQ(json["settings"]["controller"], "residual");
  EXPECT_EQ(json["settings"]["noise.scale"], 1.5);
  EXPECT_EQ(json["results"]["beside"]["controller"], "mpc");
  EXPECT_TRUE(fs::exists(folder / "out/play-unitree_go2/mpc/trajectory.json"));
  EXPECT_TRUE(fs::exists(folder / "out/play-unitree_go2/residual/trajectory.json"));
  ASSERT_EQ(run(play + " --push 20,0,0@0.05", "TANDEM_ROOT='" + folder.string() + "'").status, 0);
  EXPECT_EQ(report("play.json")["settings"]["noise.scale"], 0);
  ASSERT_EQ(run(play + " --controller mpc", "TANDEM_ROOT='" + folder.string() + "'").status, 0);
  EXPECT_EQ(report("play.json")["settings"]["controller"], "mpc");
}

bool has_python_package(const std::string& package) {
  const char* python = std::getenv("TANDEM_PYTHON");
  const std::string interpreter = python ? python : TANDEM_SOURCE_DIR "/.venv/bin/python";
  return std::system(("'" + interpreter + "' -c 'import " + package + "' >/dev/null 2>&1").c_str()) == 0;
}

// Two physics engines of different make: what walks in one walks in the other, at the same speed.
TEST_F(Program, RobotsWalkInDrakeAsTheyDoInMujoco) {
  if (!has_python_package("pydrake")) GTEST_SKIP() << "the Python package drake is not installed";
  for (const std::string walker : {"--robot unitree_go2 --controller mpc", "--robot unitree_g1 --controller centroidal"}) {
    std::vector<double> forward;
    for (const std::string simulator : {"mujoco", "drake"}) {
      const Finished finished = run("play " + walker + " --seconds 2 --no-film --json play.json --simulator " + simulator);
      ASSERT_EQ(finished.status, 0) << walker << "\n" << finished.output;
      const Json json = report("play.json");
      EXPECT_EQ(json["settings"]["simulator"], simulator);
      EXPECT_DOUBLE_EQ(json["results"]["survived"], 2) << walker << ", " << simulator;
      forward.push_back(json["results"]["velocity"][0]);
    }
    EXPECT_NEAR(forward[0], forward[1], 0.03) << walker;
    EXPECT_NE(forward[0], forward[1]) << walker;  // not the same physics after all
  }
}

// The same physics in single precision, by other people's kernels.
TEST_F(Program, RobotsWalkInWarpAsTheyDoInMujoco) {
  if (!has_python_package("mujoco_warp")) GTEST_SKIP() << "the Python package mujoco-warp is not installed (400 MB)";
  std::vector<double> power;
  for (const std::string simulator : {"mujoco", "warp"}) {
    const Finished finished = run("eval --robot mit_humanoid --worlds 2 --seconds 0.5 --threads 1 --json eval.json --simulator " + simulator);
    ASSERT_EQ(finished.status, 0) << finished.output;
    EXPECT_EQ(finished.output.find("tandem: simulator: MuJoCo Warp") != std::string::npos, simulator == "warp") << finished.output;
    power.push_back(report("eval.json")["results"]["positive_power"]);
  }
  EXPECT_NEAR(power[0], power[1], 0.01 * power[0]);
}

TEST_F(Program, WhatDrakeCannotDoIsOneLine) {
  expect_refusal("eval --simulator drake --worlds 1 --seconds 0.1 --set terrain.kind=rough", 1, "flat ground only");
  expect_refusal("play --simulator drake --robot unitree_g1 --controller centroidal --plant torso_heavy", 1, "cannot change links");
  expect_refusal("sweep conditions --simulator drake", 2, "--simulator");
  expect_refusal("eval --simulator bullet", 2, "bullet not in {mujoco,drake,warp}");
}

TEST_F(Program, TheSameSeedGivesTheSameNumbersOnAnyNumberOfThreads) {
  const std::string eval = "eval --robot unitree_go2 --worlds 3 --seconds 0.6 --seed 7 --json ";
  ASSERT_EQ(run(eval + "a.json --threads 1").status, 0);
  ASSERT_EQ(run(eval + "b.json --threads 2").status, 0);
  ASSERT_EQ(run("eval --robot unitree_go2 --worlds 3 --seconds 0.6 --seed 8 --json c.json").status, 0);
  const Json a = report("a.json")["results"], b = report("b.json")["results"], c = report("c.json")["results"];
  for (const auto& [key, value] : a.items()) {
    if (key.starts_with("step_us")) continue;
    EXPECT_EQ(value, b[key]) << key;
  }
  EXPECT_NE(a["per_world"], c["per_world"]);
}

TEST_F(Program, SweepsWriteReports) {
  const std::string quick = "TANDEM_PYTHON=/nowhere/python";
  ASSERT_EQ(run("sweep iterations --robot unitree_go2 --worlds 2 --seconds 0.1 --iterations 2,4 --modes riccati,osqp-0.1 --out a", quick).status, 0);
  const Json rows = report("a/report.json")["results"]["rows"];
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(rows[3]["mode"], "osqp-0.1");
  EXPECT_EQ(rows[3]["iterations"], 4);
  EXPECT_TRUE(rows[0]["survival"].is_number());
  ASSERT_EQ(run("sweep pushes --robot unitree_go2 --phases 2 --directions 2 --stride 100 --resolution 10 --out b", quick).status, 0);
  const Json pushes = report("b/report.json")["results"]["rows"];
  ASSERT_EQ(pushes.size(), 2u);
  EXPECT_LT(pushes[0]["impulse"], pushes[0]["falls_at"]);
  ASSERT_EQ(run("sweep conditions --robot unitree_go2 --worlds 2 --seconds 0.2 --push-phases 1 --set env.physics_dt=0.005 --out c", quick).status, 0);
  const Json conditions = report("c/report.json")["results"]["rows"];
  ASSERT_EQ(conditions.size(), 8u);
  EXPECT_EQ(conditions[0]["condition"], "nominal");
  EXPECT_EQ(conditions[0]["survival"], 1);
}

TEST_F(Program, SweepsShowWhatAPolicyChanges) {
  const Robot robot = load_robot("unitree_go2");
  save_policy(random_policy(robot, Controller::kResidual, {8}, 1), (folder / "policy.safetensors").string());
  const std::string common = " --robot unitree_go2 --policy policy.safetensors --set env.physics_dt=0.005 ", quick = "TANDEM_PYTHON=/nowhere/python";
  ASSERT_EQ(run("sweep loads --worlds 3 --seconds 1 --out a" + common, quick).status, 0);
  const Json loads = report("a/report.json")["results"], mpc = loads["rows"][0], policy = loads["rows"][1];
  EXPECT_EQ(mpc["controller"], "mpc");
  EXPECT_TRUE(mpc["ratio"].is_null());
  EXPECT_GT(policy["ratio"], 0);
  EXPECT_LE(std::abs(policy["cosine"].get<double>()), 1);
  EXPECT_EQ(policy["by_phase"].size(), 20u);
  EXPECT_EQ(policy["by_world"].size(), 3u);
  for (const auto& [name, quantity] : policy["quantities"].items()) {
    const auto quantiles = quantity["quantiles"].get<std::vector<double>>();
    EXPECT_EQ(quantiles.size(), loads["fractions"].size());
    EXPECT_TRUE(std::is_sorted(quantiles.begin(), quantiles.end())) << name;
    EXPECT_LT(quantiles.front(), quantiles.back()) << name;
  }
  // one robot of 15 kg on at most four feet
  EXPECT_GT(mpc["quantities"]["foot_force"]["quantiles"][4], 9.81 * total_mass(robot.model) / 5);

  ASSERT_EQ(run("sweep tracking --worlds 8 --seconds 1 --range-scale 30 --out b" + common, quick).status, 0);
  for (const Json& row : report("b/report.json")["results"]["rows"]) {
    int tracked = 0;
    for (const Json& world : row["per_world"]) {
      tracked += world["tracked"].get<bool>();
      EXPECT_TRUE(!world["tracked"] || (world["upright"] && world["velocity_error"] <= 0.25)) << world;
    }
    EXPECT_EQ(row["tracked"], tracked / 8.0);
    EXPECT_LT(tracked, 8);
  }

  ASSERT_EQ(run("sweep states --worlds 6 --seconds 1 --out d" + common, quick).status, 0);
  const Json states = report("d/report.json")["results"]["rows"];
  const auto distance = [](const Json& row) { return row["quantiles"].get<std::vector<double>>(); };
  const std::vector<double> distances = distance(states[1]);
  EXPECT_TRUE(std::is_sorted(distances.begin(), distances.end()));
  EXPECT_GT(states[0]["states"], 6 * 20);
  EXPECT_GT(distance(states[0])[0], 0) << "the MPC's states are held against those of other robots";
  EXPECT_GT(distances[2], distance(states[0])[2]) << "a random policy goes further from them than the MPC itself";

  ASSERT_EQ(run("sweep stride --worlds 3 --seconds 1.5 --command 0.3,0,0 --out e" + common, quick).status, 0);
  for (const Json& row : report("e/report.json")["results"]["rows"]) {
    ASSERT_EQ(row["courses"].size(), 6u);
    const auto mean = [&](int course, int part) { return row["courses"][course]["mean"][part].get<double>(); };
    EXPECT_GT(mean(0, 18), mean(0, 6) + 0.02) << "height in the middle of swing and of stance";
    EXPECT_GT(mean(1, 14), 0) << "upwards";
    EXPECT_LT(mean(1, 23), 0) << "downwards";
    EXPECT_GT(mean(2, 6), 9.81 * total_mass(robot.model) / 4) << "two feet of four carry";
    EXPECT_LT(mean(2, 18), 20);
    EXPECT_TRUE(row["courses"][3]["mean"][6].is_null()) << "a foot of one point has no front";
    EXPECT_EQ(row["courses"][4]["name"], "torque of FL_thigh_joint");
    EXPECT_EQ(row["courses"][5]["name"], "torque of FL_calf_joint");
  }

  ASSERT_EQ(run("sweep conditions --changes --worlds 2 --seconds 0.2 --out c" + common, quick).status, 0);
  const Json changes = report("c/report.json")["results"]["rows"];
  ASSERT_EQ(changes.size(), 22u);
  EXPECT_EQ(changes[6]["settings"][0], "gait.stance_fraction=0.4");
  EXPECT_LT(changes[0]["height_error"], 0.1);
  EXPECT_EQ(changes[0]["self_collision"], 0);
}

TEST_F(Program, BenchRowsHaveEveryKey) {
  ASSERT_EQ(run("bench sim --robot unitree_go2 --worlds 2 --json bench.json").status, 0);
  const Json rows = report("bench.json")["results"]["rows"];
  ASSERT_GT(rows.size(), 1u);
  for (const char* key : {"name", "robot", "worlds", "threads", "iterations", "median_us", "p99_us", "per_second", "reference", "ratio", "check"})
    EXPECT_TRUE(rows[0].contains(key)) << key;
}

TEST_F(Program, BenchHoldsTheCentroidalMpcAgainstOsqp) {
  ASSERT_EQ(run("bench centroidal --json bench.json").status, 0);
  const Json rows = report("bench.json")["results"]["rows"];
  int solves = 0;
  for (const Json& row : rows) {
    if (row["name"] != "centroidal/solve") continue;
    ++solves;
    EXPECT_LT(row["check"], 1e-3);  // in single precision, against OSQP at convergence
    EXPECT_GT(row["ratio"], 1);
  }
  EXPECT_EQ(solves, 1);
}

TEST_F(Program, MistakesAreOneLineAndExitCodeOne) {
  expect_refusal("play --robot mit_humanod --no-film", 1, "\"mit_humanoid\"");
  expect_refusal("play --no-film --set solver.iteratons=3", 1, "\"solver.iterations\"");
  expect_refusal("eval --set mpc.dt=-1", 1, "dt");
  expect_refusal("play --no-film --json no/such/folder/x.json", 1, "no/such/folder");
  expect_refusal("play --no-film --push 1,2@0", 1, "--push");
  expect_refusal("play --no-film --push 1,2,3@0 --push-body trso", 1, "nearest");
  expect_refusal("eval --vx 1,0", 1, "--vx");
  expect_refusal("sweep iterations --modes fast", 1, "--modes");
  expect_refusal("eval --controller rl", 1, "--policy");
  expect_refusal("eval --policy nowhere.safetensors", 1, "nowhere.safetensors");
  expect_refusal("eval --config nowhere.toml", 1, "nowhere.toml");
  expect_refusal("compare nowhere", 1, "nowhere");
  const std::string policy = TANDEM_SOURCE_DIR "/policies/mit_humanoid_residual.safetensors";
  expect_refusal("compare --no-eval " + policy + " " + policy, 1, "is named twice");
  expect_refusal("replay nowhere", 1, "nowhere");
  expect_refusal("replay a/trajectory.json", 1, "is part of a motion; give its folder: ./tandem replay a");
  expect_refusal("play --no-film --seconds 0.2 --push 1,0,0@0.2", 1, "starts after the run");
  expect_refusal("eval --worlds 1 --seconds 1 --push-angle 90", 2, "--push-angle requires --push");
  expect_refusal("eval --worlds 1 --seconds 1 --push 5 --push-time 0.95", 1, "--push-time 0.95: a push takes 0.1 s and the run ends after 1 s");
  expect_refusal("eval --worlds 1 --plant torso_heavy", 1, "--plant torso_heavy: only --controller centroidal");
  expect_refusal("play --no-film --gait trot", 1, "--gait trot: only --controller centroidal");
  expect_refusal("eval --set mpc.rho_friction=-1", 1, "mpc.rho_friction = -1, expected at least 0");
  expect_refusal("eval --set weights.force=0", 1, "weights.force = 0, expected more than 0");
}

// An arm: nothing that walks, and a robot file that is whole.
TEST_F(Program, ARobotThatCannotWalkIsOneLine) {
  const auto folder = this->folder / "arm";
  std::filesystem::create_directory(folder);
  std::ofstream(folder / "arm.xml")
      << "<mujoco><worldbody><geom type='plane' size='1 1 1'/><body name='upper' pos='0 0 1'><joint name='elbow' axis='0 1 0'/>"
         "<inertial pos='0 0 -.1' mass='1' diaginertia='.01 .01 .01'/></body></worldbody>"
         "<actuator><general joint='elbow' gainprm='1' biastype='affine' biasprm='0 -1 -1' forcerange='-9 9'/></actuator></mujoco>";
  std::ofstream(folder / "robot.toml") << "model = 'arm.xml'\n[nominal]\nbase_height = 1.0\n[nominal.joints]\n'*' = 0.0\n[joints.kp]\n'*' = 10.0\n"
                                          "[joints.kd]\n'*' = 1.0\n[mpc.weights.joint_position]\n'*' = 1.0\n";
  const std::string robot = "--robot " + (folder / "robot.toml").string();
  for (const char* command : {"play --no-film ", "eval --worlds 1 ", "eval --controller centroidal --worlds 1 ", "sweep pushes "})
    expect_refusal(command + robot, 1, "fixed base");
}

TEST_F(Program, WrongOptionsAreOneLineAndExitCodeTwo) {
  expect_refusal("", 2, "subcommand");
  expect_refusal("evla", 2, "\"eval\"");
  expect_refusal("bench mpcc", 2, "of bench; nearest: \"mpc\"");
  expect_refusal("eval --worlds 0", 2, "tandem eval --help");
  expect_refusal("sweep loads --controller mpc", 2, "tandem sweep loads --help");
  expect_refusal("eval --worlds many", 2, "--worlds");
  expect_refusal("play --command 1,2", 2, "--command");
  expect_refusal("play --bogus", 2, "--bogus");
  expect_refusal("eval --controller lqr", 2, "mpc");
  expect_refusal("sweep", 2, "subcommand");
  expect_refusal("bench mpc --iterations 0", 2, "--iterations");
  expect_refusal("bench sim --set solver.iterations=5", 2, "--set");
  expect_refusal("bench dynamics --worlds 4", 2, "--worlds");
}

TEST_F(Program, CtrlCEndsItWith130) {
  const Finished finished = run("eval --worlds 50 --seconds 100", "timeout --foreground --preserve-status -s INT 1");
  EXPECT_EQ(finished.status, 130);
  EXPECT_NE(finished.output.find("interrupted"), std::string::npos) << finished.output;
}

}  // namespace
}  // namespace tandem
