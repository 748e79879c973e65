// Parts of cost matching's programs: theta files, trials, pairs, the store of outcomes, push measures, plants.
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "base/check.hpp"
#include "cli/centroidal_loop.hpp"
#include "cli/fit_compare.hpp"
#include "cli/fit_options.hpp"
#include "cli/fit_outcomes.hpp"
#include "cli/fit_theta.hpp"
#include "cli/metrics.hpp"
#include "cli/options.hpp"
#include "tests/support/message_of.hpp"
#include "tests/support/own_path.hpp"

namespace tandem {
namespace {

namespace fs = std::filesystem;

class FitFiles : public testing::Test {
 protected:
  fs::path folder = own_path();
  ThetaOwner owner{"walker", "centroidal", {{"state", 0, 2}, {"input", 2, 3}}};
  void SetUp() override { fs::create_directories(folder); }
  void TearDown() override { fs::remove_all(folder); }
  std::string path(const char* name) const { return (folder / name).string(); }
  std::string error_of(const std::string& file, const ThetaOwner& reader) const {
    return message_of([&] { load_theta(file, reader); });
  }
};

TEST_F(FitFiles, ThetaComesBackBitForBit) {
  const std::vector<double> theta = {1.0 / 3, 2, 0.1, 1e-7, 12345.678901234567};
  save_theta(path("theta.json"), owner, theta);
  EXPECT_EQ(load_theta(path("theta.json"), owner), theta);
}

TEST_F(FitFiles, ThetaOfOtherOwnersIsRefusedByName) {
  save_theta(path("theta.json"), owner, {1, 1, 1, 1, 1});
  ThetaOwner other = owner;
  other.robot = "runner";
  EXPECT_NE(error_of(path("theta.json"), other).find("robot walker, here it is runner"), std::string::npos);
  other = owner, other.controller = "kinodynamic";
  EXPECT_NE(error_of(path("theta.json"), other).find("kinodynamic"), std::string::npos);
  other = owner, other.groups[1].size = 4;
  EXPECT_NE(error_of(path("theta.json"), other).find("\"input\" has 3 numbers, expected 4"), std::string::npos);
  other = owner, other.groups[1].name = "inputs";
  EXPECT_NE(error_of(path("theta.json"), other).find("\"inputs\" is missing"), std::string::npos);
}

TEST_F(FitFiles, EveryTruncationOfThetaIsRefused) {
  save_theta(path("theta.json"), owner, {1, 2, 3, 4, 5});
  std::ifstream file(path("theta.json"));
  const std::string whole{std::istreambuf_iterator<char>(file), {}};
  for (size_t n = 0; n + 2 < whole.size(); ++n) {  // the last two bytes close the object
    std::ofstream(path("cut.json")) << whole.substr(0, n);
    EXPECT_NE(error_of(path("cut.json"), owner).find("cut.json"), std::string::npos) << n;
  }
}

TEST_F(FitFiles, MultipliersThatAreNotPositiveAreRefused) {
  for (const char* value : {"0", "-1", "\"x\"", "null"}) {
    std::ofstream(path("theta.json")) << R"({"format": "tandem theta 1", "robot": "walker", "controller": "centroidal", "blocks": {"state": [1, )"
                                      << value << R"(], "input": [1, 1, 1]}})";
    EXPECT_NE(error_of(path("theta.json"), owner).find("number 1"), std::string::npos) << value;
  }
}

TEST_F(FitFiles, OutcomesSurviveALineThatWasCutOff) {
  {
    OutcomeStore store(path("outcomes.jsonl"));
    store.add("a", {{"x", 1.5}});
    store.add("b", {{"x", 2.5}});
  }
  fs::resize_file(path("outcomes.jsonl"), fs::file_size(path("outcomes.jsonl")) - 4);
  OutcomeStore store(path("outcomes.jsonl"));
  EXPECT_EQ(store.at("a")["x"], 1.5);
  EXPECT_FALSE(store.has("b"));
  store.add("b", {{"x", 3.5}});
  EXPECT_EQ(OutcomeStore(path("outcomes.jsonl")).at("b")["x"], 3.5);
}

TEST_F(FitFiles, OnlyWhatIsMissingIsWorkedOut) {
  OutcomeStore store(path("outcomes.jsonl"));
  store.add("1", 10);
  ThreadPool pool(3);
  std::atomic<int> calls = 0;
  std::vector<Job> jobs;
  for (int i = 0; i < 20; ++i) jobs.push_back({std::to_string(i), [&calls, i](int) { return ++calls, Json(i); }});
  work_through(store, pool, jobs, [](double) {});
  EXPECT_EQ(calls, 19);
  EXPECT_EQ(store.at("1"), 10);
  for (int i = 2; i < 20; ++i) EXPECT_EQ(store.at(std::to_string(i)), i);
}

TEST_F(FitFiles, ErrorsOfOneThreadArrive) {
  OutcomeStore store(path("outcomes.jsonl"));
  ThreadPool pool(2);
  const std::vector<Job> jobs = {{"a", [](int) { return Json(1); }}, {"b", [](int) -> Json { throw Error("the cure"); }}};
  EXPECT_THROW(work_through(store, pool, jobs, [](double) {}), Error);
  EXPECT_FALSE(store.has("b"));
}

// The interval of the mean of normal numbers: Student's is exact, the bootstrap's agrees to about a tenth for 200 pairs.
TEST(FitPairs, IntervalAgreesWithStudents) {
  Rng rng{5, 0, 0};
  std::vector<double> a, b, d;
  for (int i = 0; i < 200; ++i) a.push_back(10 + rng.normal()), d.push_back(0.3 + rng.normal()), b.push_back(a.back() + d.back());
  const PairedDifference found = compare_pairs(a, b);
  const ConfidenceInterval exact = mean_interval(d);
  EXPECT_NEAR(found.low, exact.low, 0.1 * (exact.high - exact.low));
  EXPECT_NEAR(found.high, exact.high, 0.1 * (exact.high - exact.low));
}

TEST(FitPairs, ConstantRatioHasNoUncertainty) {
  const PairedDifference found = compare_pairs({1, 2, 4, 8}, {0.5, 1, 2, 4});
  EXPECT_NEAR(found.ratio, 0.5, 1e-12);
  EXPECT_NEAR(found.ratio_low, 0.5, 1e-12);
  EXPECT_NEAR(found.ratio_high, 0.5, 1e-12);
}

TEST(FitPairs, PairsWithAFallAreLeftOut) {
  const PairedDifference found = compare_pairs({1, NAN, 3}, {2, 5, NAN});
  EXPECT_EQ(found.pairs, 1);
  EXPECT_EQ(found.difference, 1);
}

// A triangle of velocity: 0 before 1 s, then 1 m/s falling to 0 within 2 s.
TEST(FitPush, RecoveryOfATriangleIsAsByHand) {
  const double dt = 0.001;
  std::vector<std::array<double, 2>> pushed, calm;
  for (int k = 0; k < 5000; ++k) {
    const double t = k * dt - 1, distance = t < 0 ? 0 : std::max(0.0, 1 - t / 2);
    calm.push_back({0.3, 0.1}), pushed.push_back({0.3 + 0.6 * distance, 0.1 - 0.8 * distance});
  }
  const Recovery r = measure_recovery(pushed, calm, dt, 1);
  EXPECT_NEAR(r.peak, 1, 1e-6);
  EXPECT_NEAR(r.integrated, 1, 2e-3);
  EXPECT_NEAR(r.rms, std::sqrt(2.0 / 3 / 4), 2e-3);  // the square integrates to 2/3 over 4 s
  EXPECT_NEAR(r.settling, 1.8, 2e-3);                // 0.1 m/s is left
}

TEST(FitPush, LargestImpulseIsFoundToItsResolution) {
  for (double edge : {0.4, 3.0, 8.0, 21.7, 59.0}) {
    const double found = largest_impulse([&](double impulse) { return impulse <= edge; }, 8, 1, 60);
    EXPECT_LE(found, edge);
    EXPECT_GT(found, edge - 1) << edge;
  }
  EXPECT_EQ(largest_impulse([](double) { return true; }, 8, 1, 60), 60);
}

TEST(FitTrial, IsAFunctionOfSeedAndNumber) {
  const Robot robot = load_robot("unitree_g1");
  const auto draw = [&](std::uint64_t seed, int number) { return draw_trial(robot, {}, 0, seed, number); };
  const Trial a = draw(3, 7), b = draw(3, 7), other = draw(3, 8), foreign = draw(4, 7);
  EXPECT_EQ(a.q, b.q);
  EXPECT_EQ(a.pushes.size(), b.pushes.size());
  EXPECT_EQ(a.pushes[0].force, b.pushes[0].force);
  EXPECT_EQ(a.commands[1].value, b.commands[1].value);
  EXPECT_NE(a.q, other.q);
  EXPECT_NE(a.q, foreign.q);
}

TEST(FitTrial, CommandsAndPushesStayWithinTheirRanges) {
  const Robot robot = load_robot("unitree_g1");
  const TrialSettings s;
  for (int number = 0; number < 20; ++number) {
    const Trial trial = draw_trial(robot, s, 3, 1, number);
    double before = -s.push_interval;
    for (const TimedPush& push : trial.pushes) {
      const double impulse = std::hypot(push.force[0], push.force[1]) * push.duration;
      EXPECT_GE(impulse, s.push_impulse[0] - 1e-9);
      EXPECT_LE(impulse, s.push_impulse[1] + 1e-9);
      EXPECT_EQ(push.body, 3);
      EXPECT_GE(push.start - before, s.push_interval / 2);
      before = push.start;
    }
    for (double time : {0.0, 3.99, 4.0, 14.9}) {
      const auto command = command_at(trial, 0.7, time);
      EXPECT_EQ(command[1], trial.commands[static_cast<size_t>(time / s.command_interval)].value[0]) << time;
      EXPECT_GE(command[1], s.vx[0]);
      EXPECT_LE(command[1], s.vx[1]);
    }
  }
}

// One loop of the G1 for each plant that the tests below compare.
class FitPlant : public testing::Test {
 protected:
  Robot robot = load_robot("unitree_g1");
  CentroidalLoopSettings settings;
  Trial trial;
  void SetUp() override {
    settings.mpc.gait = centroidal_gait("quick_walk");
    trial.seconds = 0.3;
    trial.q = robot.stand, trial.v.assign(robot.model.nv, 0);
    trial.commands = {{0, {0.3, 0, 0}}};
  }
  std::vector<double> end_of(const Plant& plant) {
    CentroidalLoop loop(robot, settings, plant);
    loop.run(trial);
    return loop.sim().output.q;
  }
};

TEST_F(FitPlant, ATrialDoesNotRememberTheOneBefore) {
  CentroidalLoop loop(robot, settings, {});
  loop.run(trial);
  const std::vector<double> first = loop.sim().output.q;
  Trial other = trial;
  other.pushes = {{0, push_body(robot.model, ""), {50, 50, 0}, 0.05, 0.1}};
  loop.run(other);
  EXPECT_NE(loop.sim().output.q, first);
  loop.run(trial);
  EXPECT_EQ(loop.sim().output.q, first);
}

// A plant that changes nothing is the nominal one bit for bit; each mismatch is not.
TEST_F(FitPlant, EveryMismatchActsOnThePlant) {
  const std::vector<double> nominal = end_of({});
  trial.pushes = {{0, push_body(robot.model, ""), {50, 50, 0}, 0.05, 0.1}};
  const std::vector<double> pushed = end_of({});
  for (const Plant& plant : standard_plants()) {
    const std::vector<double> q = end_of(plant);
    if (plant.name == "nominal" || plant.name == "custom") {
      EXPECT_EQ(q, pushed) << plant.name;
    } else {
      EXPECT_NE(q, pushed) << plant.name;
    }
  }
  EXPECT_NE(nominal, pushed);
}

// A robot that stands presses on the floor with its weight: by that much more as the torso is heavier.
TEST_F(FitPlant, AHeavierTorsoWeighsMore) {
  trial.seconds = 2, trial.standing = true;
  trial.commands = {{0, {0, 0, 0}}};
  const auto weight = [&](double torso_mass) {
    Plant plant;
    plant.torso_mass = torso_mass;
    CentroidalLoop loop(robot, settings, plant);
    double sum = 0;
    int steps = 0;
    const auto measured = [&](const Simulator& sim) {
      if (sim.output.time[0] > 1) sum += sim.output.foot_force[2] + sim.output.foot_force[5], ++steps;
    };
    loop.run(trial, {.measured = measured});
    return sum / steps;
  };
  const double torso = robot.model.mass[push_body(robot.model, settings.mpc.torso)];
  EXPECT_NEAR(weight(1.2) - weight(1), 0.2 * torso * 9.81, 0.02 * torso * 9.81);
}

TEST_F(FitPlant, SetPointsArriveAfterTheDelay) {
  Plant late;
  late.delay = 0.004;
  std::vector<std::vector<double>> sent, arrived;
  CentroidalLoop loop(robot, settings, late);
  CentroidalObserver observer;
  observer.measured = [&](const Simulator& sim) { sent.push_back(loop.tracker().output.q_des), arrived.push_back(sim.input.q_des); };
  loop.run(trial, observer);
  ASSERT_GT(sent.size(), 100u);
  for (size_t k = 4; k < sent.size(); ++k) EXPECT_EQ(arrived[k], sent[k - 4]) << k;
}

// --- settings ------------------------------------------------------------------------------------------------------------------------------------------

TEST(FitSettingsFile, AgreesWithTheDefaults) {
  FitOptions options;
  options.common.robot = "unitree_g1";
  FitRunSettings defaults;
  const Json read = resolve_fit(options, {}, 1).described, expected = to_json(fields(defaults));
  for (const auto& [name, value] : expected.items()) EXPECT_EQ(read[name], value) << name << " in robots/cost_matching.toml";
}

}  // namespace
}  // namespace tandem
