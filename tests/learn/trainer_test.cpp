// Runs of the toy task: resuming, faults of files, logs. Killed processes are those of toy_train.
#include "learn/trainer.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include "base/bytes.hpp"
#include "base/check.hpp"
#include "base/rng.hpp"
#include "env/task_worlds.hpp"
#include "tests/support/message_of.hpp"
#include "tests/support/own_path.hpp"
#include "tests/support/tmpfs.hpp"
#include "tests/support/toy_env.hpp"

namespace tandem {
namespace {

namespace fs = std::filesystem;

std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// The table without the columns that hold times.
std::string without_times(const std::string& csv) {
  std::istringstream lines(csv);
  std::string line, result, heading;
  std::getline(lines, heading);
  for (std::string row = heading; row != "" || std::getline(lines, row); row = "") {
    std::istringstream names(heading), fields(row);
    for (std::string name, field; std::getline(names, name, ',') && (std::getline(fields, field, ',') || true);)
      if (!name.starts_with("Perf/")) result += field + ",";
    result += "\n";
  }
  return result;
}

class Training : public testing::Test {
 protected:
  fs::path logs = own_path();
  std::vector<std::string> warnings;

  void SetUp() override { fs::remove_all(logs); }
  void TearDown() override { fs::remove_all(logs); }

  static PpoSettings ppo_settings() {
    PpoSettings settings;
    settings.width = 32;
    settings.layers = 1;
    return settings;
  }
  struct Parts {
    ToyEnv env{16, 1};
    Ppo ppo{ppo_settings(), {16, 2, 1, false}, 1, 1};
    TrainHooks hooks;
  };
  // A training in `folder`; returns the parameters at its end.
  std::vector<float> train(RunFolder& folder, bool resume, int iterations, const std::string& task = "toy", TrainHooks hooks = {}) {
    Parts parts;
    hooks.warn = [this](const std::string& line) { warnings.push_back(line); };
    Trainer trainer({.env = &parts.env,
                     .ppo = &parts.ppo,
                     .settings = {.worlds = 16, .iterations = iterations, .save_interval = 5},
                     .identity = {{"task", task}},
                     .folder = &folder,
                     .hooks = std::move(hooks)});
    resume ? trainer.resume() : trainer.start();
    result = trainer.run();
    const auto bytes = parts.ppo.state()[0].bytes;
    const auto* first = reinterpret_cast<const float*>(bytes.data());
    return {first, first + bytes.size() / sizeof(float)};
  }
  TrainResult result;

  // Expects an error with `text` in it.
  template <class Body>
  static void expect_error(Body&& body, const std::string& text) {
    const std::string message = message_of(std::forward<Body>(body));
    EXPECT_NE(message.find(text), std::string::npos) << message << ", expected " << text;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  }
};

TEST_F(Training, GoingOnEqualsNotHavingStopped) {
  RunFolder whole = RunFolder::create(logs, "toy", "whole"), parts = RunFolder::create(logs, "toy", "parts");
  const std::vector<float> expected = train(whole, false, 12);
  train(parts, false, 7);
  fs::remove(parts.checkpoint(7));  // from model_5, as after a kill: rows 6 and 7 of the table are there already
  const std::vector<float> resumed = train(parts, true, 12);
  EXPECT_EQ(resumed, expected);
  EXPECT_EQ(load_checkpoint(parts.checkpoint(12)).worlds, load_checkpoint(whole.checkpoint(12)).worlds);
  EXPECT_EQ(without_times(read(parts.file("progress.csv"))), without_times(read(whole.file("progress.csv"))));
}

// toy_train as a process: the folder that it prints first. It is killed `seconds` after that, or left to end if that is negative.
std::string toy_train(const std::string& what, const std::string& where, int iterations, double seconds = -1) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const pid_t process = ::fork();
  if (process == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    ::execl(TANDEM_TOY_TRAIN, TANDEM_TOY_TRAIN, what.c_str(), where.c_str(), std::to_string(iterations).c_str(), "3", nullptr);
    ::_exit(127);
  }
  ::close(ends[1]);
  std::string folder;
  for (char c; ::read(ends[0], &c, 1) == 1 && c != '\n';) folder += c;
  if (seconds >= 0) {
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
    ::kill(process, SIGKILL);
  }
  int status = 0;
  ::waitpid(process, &status, 0);
  ::close(ends[0]);
  EXPECT_TRUE(seconds >= 0 || status == 0);
  return folder;
}

// Killed at random moments, also while a checkpoint is written. TANDEM_KILLS=50 for a long run.
TEST_F(Training, KilledProcessesGoOnAsIfNothingHappened) {
  constexpr std::uint64_t kSeed = 17;
  const char* wanted = std::getenv("TANDEM_KILLS");
  const int kills = wanted ? std::atoi(wanted) : 3, iterations = 50 * kills;
  const std::string whole = toy_train("start", logs, iterations);
  std::string folder = toy_train("start", logs, iterations, 0.2);
  ASSERT_TRUE(fs::exists(folder + "/model_0"));
  Rng rng{kSeed, 0, 0};
  std::int64_t reached = 0;
  for (int kill = 0; kill < kills; ++kill) {
    folder = toy_train("resume", folder, iterations, rng.uniform(0, 0.2));
    std::int64_t latest = 0;  // of those that are whole
    for (const auto& entry : fs::directory_iterator(folder)) {
      const std::string name = entry.path().filename();
      if (name.starts_with("model_") && name.find('.') == std::string::npos) latest = std::max(latest, load_checkpoint(entry.path()).iteration);
    }
    EXPECT_GE(latest, reached);
    reached = latest;
  }
  std::printf("killed %d times, the last time after iteration %ld\n", kills, static_cast<long>(reached));
  ASSERT_LT(reached, iterations) << "it ended before it was killed";
  toy_train("resume", folder, iterations);
  const std::string last = cat("/model_", iterations);
  const Checkpoint a = load_checkpoint(folder + last), b = load_checkpoint(whole + last);
  for (size_t i = 0; i < a.learner.size(); ++i) EXPECT_EQ(a.learner[i].bytes, b.learner[i].bytes) << a.learner[i].name << ", seed " << kSeed;
  EXPECT_EQ(a.worlds, b.worlds);
  EXPECT_EQ(without_times(read(folder + "/progress.csv")), without_times(read(whole + "/progress.csv")));
}

TEST_F(Training, InterruptedItSavesAndReturns) {
  RunFolder folder = RunFolder::create(logs, "toy", "");
  int iterations = 0;
  TrainHooks hooks;
  hooks.iterated = [&](std::int64_t) { ++iterations; };
  hooks.interrupted = [&] { return iterations == 3; };
  train(folder, false, 100, "toy", hooks);
  EXPECT_TRUE(result.interrupted);
  EXPECT_EQ(result.iteration, 3);
  EXPECT_EQ(folder.checkpoints().front(), 3);
}

TEST_F(Training, DamagedCheckpointsArePassedOver) {
  RunFolder folder = RunFolder::create(logs, "toy", "");
  const std::vector<float> expected = train(folder, false, 12);
  // cut off at every kind of place, and one byte changed
  const std::string good = read(folder.checkpoint(12));
  for (size_t size : {size_t(0), size_t(3), size_t(10), size_t(30), good.size() / 2, good.size() - 1}) {
    std::ofstream(folder.checkpoint(12), std::ios::binary) << good.substr(0, size);
    EXPECT_THROW(load_checkpoint(folder.checkpoint(12)), Error) << size;
  }
  std::string changed = good;
  changed[good.size() / 2] ^= 1;
  std::ofstream(folder.checkpoint(12), std::ios::binary) << changed;
  expect_error([&] { load_checkpoint(folder.checkpoint(12)); }, "check sum");
  EXPECT_EQ(train(folder, true, 12), expected);  // from model_10
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("model_12"), std::string::npos) << warnings[0];
}

TEST_F(Training, RefusesCheckpointsOfOthers) {
  RunFolder folder = RunFolder::create(logs, "toy", "");
  train(folder, false, 1);
  expect_error([&] { train(folder, true, 2, "another"); }, "task is toy, expected task another");
  // a newer format: the version stands behind the length of all and the kind
  std::string text = read(folder.checkpoint(1));
  text[8 + 8 + 10] = 9;
  std::ofstream(folder.checkpoint(1), std::ios::binary) << text;
  expect_error([&] { load_checkpoint(folder.checkpoint(1)); }, "version 9");
}

TEST_F(Training, WhereTheWorldsAreThoseOfADeviceOrAnotherVersionTheyStartNewEpisodes) {
  RunFolder folder = RunFolder::create(logs, "toy", "");
  const std::vector<float> expected = train(folder, false, 2);
  Checkpoint checkpoint = load_checkpoint(folder.checkpoint(2));
  const std::pair<const char*, const char*> cases[] = {{kTaskWorldsSaved, "they are those of a training on a device"},
                                                       {"toy", "version 7, this program reads"}};
  for (const auto& [kind, why] : cases) {
    checkpoint.worlds = ByteWriter(kind, 7).finish();
    save_checkpoint(checkpoint, folder.checkpoint(2));
    warnings.clear();
    EXPECT_EQ(train(folder, true, 2), expected);
    ASSERT_EQ(warnings.size(), 1u);
    EXPECT_NE(warnings[0].find("model_2: its worlds cannot go on here, they start new episodes: "), std::string::npos) << warnings[0];
    EXPECT_NE(warnings[0].find(why), std::string::npos) << warnings[0];
  }
  train(folder, true, 3);
  EXPECT_TRUE(std::isfinite(load_checkpoint(folder.checkpoint(3)).seconds));
  EXPECT_FALSE(load_checkpoint(folder.checkpoint(3)).worlds.empty());
}

TEST_F(Training, EpisodesThatStartAnewAreNotThoseOfTheStart) {
  RunFolder folder = RunFolder::create(logs, "toy", "");
  train(folder, false, 0);
  Checkpoint checkpoint = load_checkpoint(folder.checkpoint(0));
  std::set<std::vector<std::byte>> starts{checkpoint.worlds};
  checkpoint.worlds.clear();
  for (const std::int64_t iteration : {0, 1}) {
    checkpoint.iteration = iteration;
    save_checkpoint(checkpoint, folder.checkpoint(iteration));
    Parts parts;
    Trainer({.env = &parts.env, .ppo = &parts.ppo, .settings = {.iterations = 1}, .identity = {{"task", "toy"}}, .folder = &folder, .hooks = {}})
        .resume();
    starts.insert(parts.env.save());
  }
  EXPECT_EQ(starts.size(), 3u);
}

TEST_F(Training, WithMoreIterationsBehindThanAskedForItEndsAtOnce) {
  RunFolder folder = RunFolder::create(logs, "toy", "");
  const std::vector<float> expected = train(folder, false, 3);
  EXPECT_EQ(train(folder, true, 2), expected);
  EXPECT_EQ(result.iteration, 3);
}

TEST_F(Training, APolicyThatWasNotWrittenIsWhenItGoesOn) {
  RunFolder folder = RunFolder::create(logs, "toy", "");
  TrainHooks hooks;
  std::vector<std::int64_t> written;
  hooks.saved = [&](std::int64_t iteration) { written.push_back(iteration); };
  train(folder, false, 5);
  train(folder, true, 5, "toy", hooks);
  EXPECT_EQ(written, std::vector<std::int64_t>{5});
}

TEST_F(Training, AFullDiskLeavesTheLastGoodCheckpoint) {
  Tmpfs disk(logs, "100k");
  if (!disk.mounted()) GTEST_SKIP() << "a small disk cannot be mounted here";
  RunFolder folder = RunFolder::create(logs, "toy", "");
  TrainHooks hooks;
  hooks.iterated = [&](std::int64_t iteration) {
    if (iteration == 6) std::ofstream(logs / "filler") << std::string(100000, 'x');
    if (iteration == 12) fs::remove(logs / "filler");
  };
  train(folder, false, 12, "toy", hooks);
  EXPECT_EQ(folder.checkpoints(), (std::vector<std::int64_t>{12, 5, 0}));
  EXPECT_EQ(std::count_if(warnings.begin(), warnings.end(), [](const std::string& line) { return line.ends_with("model_5"); }), 1);
  EXPECT_EQ(load_checkpoint(folder.checkpoint(5)).iteration, 5);
  std::istringstream table(read(folder.file("progress.csv")));
  std::string heading, row;
  std::getline(table, heading);
  int last = 0;
  for (; std::getline(table, row); last = std::stoi(row))
    EXPECT_EQ(std::ranges::count(row, ','), std::ranges::count(heading, ',')) << "a row is whole or missing: " << row;
  EXPECT_EQ(last, 12);
}

TEST_F(Training, WhatAKilledProcessHalfWroteIsRemoved) {
  std::string path;
  {
    RunFolder folder = RunFolder::create(logs, "toy", "");
    train(folder, false, 1);
    path = folder.path();
  }
  std::ofstream(path + "/model_2.part123") << "half";
  RunFolder::open(path);
  EXPECT_FALSE(fs::exists(path + "/model_2.part123"));
  EXPECT_TRUE(fs::exists(path + "/model_1"));
}

TEST_F(Training, AFolderThatVanishesIsAnErrorAtTheEnd) {
  RunFolder folder = RunFolder::create(logs, "toy", "");
  TrainHooks hooks;
  hooks.iterated = [&](std::int64_t iteration) {
    if (iteration == 6) fs::rename(folder.path(), logs / "elsewhere");
  };
  expect_error([&] { train(folder, false, 7, "toy", hooks); }, "model_7");
  EXPECT_EQ(load_checkpoint(logs / "elsewhere/model_5").iteration, 5);
}

TEST_F(Training, AReadOnlyFolderIsAnErrorBeforeAnyWork) {
  Tmpfs disk(logs, "1m");
  if (!disk.mounted()) GTEST_SKIP() << "a small disk cannot be mounted here";
  std::string path;
  {
    RunFolder folder = RunFolder::create(logs, "toy", "");
    train(folder, false, 4);
    path = folder.path();
  }
  ASSERT_TRUE(disk.make_read_only());
  expect_error([&] { RunFolder::open(path); }, "Read-only");
  expect_error([&] { RunFolder::create(logs, "toy", "other"); }, "Read-only");
  EXPECT_EQ(load_checkpoint(path + "/model_4").iteration, 4);
}

TEST_F(Training, OneRunAtATimePerFolder) {
  RunFolder first = RunFolder::create(logs, "toy", "same"), second = RunFolder::create(logs, "toy", "same");
  EXPECT_NE(first.path(), second.path());
  train(first, false, 1);
  expect_error([&] { RunFolder::open(first.path()); }, "is being written");
  expect_error([&] { RunFolder::open(second.path()); }, "is being written");
  expect_error([&] { RunFolder::open((logs / "nowhere").string()); }, "no such folder");
}

TEST_F(Training, ANetworkThatIsNotFiniteStopsWithTheLastGoodCheckpoint) {
  RunFolder folder = RunFolder::create(logs, "toy", "");
  Parts parts;
  TrainHooks hooks;
  hooks.iterated = [&](std::int64_t iteration) {
    if (iteration == 7) reinterpret_cast<float*>(parts.ppo.state()[0].bytes.data())[3] = NAN;
  };
  Trainer trainer({.env = &parts.env,
                   .ppo = &parts.ppo,
                   .settings = {.worlds = 16, .iterations = 20, .save_interval = 5},
                   .identity = {},
                   .folder = &folder,
                   .hooks = hooks});
  trainer.start();
  expect_error([&] { trainer.run(); }, "model_5");
  EXPECT_EQ(folder.checkpoints().front(), 5);
}

TEST_F(Training, ZeroAndRandomActionsNeedNoLearner) {
  for (ActionSource actions : {ActionSource::kZero, ActionSource::kRandom}) {
    RunFolder folder = RunFolder::create(logs, "toy", "");
    ToyEnv env(4, 1);
    Trainer trainer({.env = &env,
                     .actions = actions,
                     .steps = 10,
                     .settings = {.worlds = 4, .iterations = 2, .save_interval = 5},
                     .identity = {},
                     .folder = &folder,
                     .hooks = {}});
    trainer.start();
    EXPECT_EQ(trainer.run().robot_steps, 80);
  }
}

TEST_F(Training, EpisodeStatisticsAreThoseOfTheEpisodes) {
  ToyEnv env(3, 1);
  EpisodeStatistics statistics(env);
  env.reset();
  std::vector<double> episode_reward, running(3, 0.0);
  double all = 0, distance = 0, failures = 0;
  const std::vector<float> action{0.5f, 0, 0};
  constexpr int kSteps = 130;
  for (int t = 0; t < kSteps; ++t) {
    env.step(action);
    statistics.add_step(env);
    for (int w = 0; w < 3; ++w) {
      running[w] += env.reward[w];
      all += env.reward[w];
      distance += env.measures[w];
      failures += env.termination[w] == 0;
      if (env.done[w]) episode_reward.push_back(std::exchange(running[w], 0.0));
    }
  }
  double mean = 0;
  for (double reward : episode_reward) mean += reward / static_cast<double>(episode_reward.size());
  const std::vector<NamedNumber> scalars = statistics.take();
  const auto value = [&](const std::string& name) {
    for (const NamedNumber& scalar : scalars)
      if (scalar.first == name) return scalar.second;
    return double(NAN);
  };
  ASSERT_GT(episode_reward.size(), 4u);
  EXPECT_NEAR(value("Train/mean_reward"), mean, 1e-5);
  EXPECT_NEAR(value("Train/reward_per_step"), all / (3 * kSteps), 1e-6);
  EXPECT_NEAR(value("Train/distance"), distance / (3 * kSteps), 1e-6);
  EXPECT_NEAR(value("Episode_Reward/near") + value("Episode_Reward/effort"), mean, 1e-5);
  const double episodes = static_cast<double>(episode_reward.size());
  ASSERT_LT(failures, episodes) << "there must be time-outs";
  EXPECT_NEAR(value("Episode_Termination/far"), failures / episodes, 1e-12);
  EXPECT_NEAR(value("Episode_Termination/time_out"), 1 - failures / episodes, 1e-12);
}

}  // namespace
}  // namespace tandem
