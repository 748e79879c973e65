// The real program where machine, system or user get in its way: memory, signals, full disks, damaged files, odd numbers.
#include <gtest/gtest.h>

#include <chrono>

#include "base/atomic_file.hpp"
#include "base/folder_lock.hpp"
#include "base/memory.hpp"
#include "cli/settings.hpp"
#include "env/record.hpp"
#include "tests/support/program.hpp"

namespace tandem {
namespace {

class Trouble : public ProgramTest {
 protected:
  Trouble() : ProgramTest("'" TANDEM_PROGRAM "'") {}
};

TEST_F(Trouble, MoreWorldsThanTheMemoryHoldsAreOneLine) {
  const std::string long_delay = "--set mpc.control_dt=1e-5 --set env.physics_dt=1e-5 --set randomise.delay=0,1";  // 48 MB for each world
  expect_refusal("eval --robot unitree_go2 --worlds 100000 " + long_delay, 1, "GiB available; take fewer worlds");
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // these reserve terabytes of addresses
TEST_F(Trouble, WhatALimitForbidsIsOneLine) {
  for (const char* limited : {"ulimit -v 4000000; |--worlds 1 --threads 1024", "ulimit -v 600000; |--worlds 50000 --threads 2"}) {
    const std::string words = limited;
    const size_t bar = words.find('|');
    const Finished finished = run("eval --robot unitree_go2 --seconds 0.01 " + words.substr(bar + 1), words.substr(0, bar));
    EXPECT_EQ(finished.status, 1) << finished.output;
    EXPECT_EQ(std::count(finished.output.begin(), finished.output.end(), '\n'), 1) << finished.output;
    EXPECT_NE(finished.output.find("fewer"), std::string::npos) << finished.output;
  }
}
#endif

TEST_F(Trouble, CtrlCEndsEveryBenchmark) {
  for (const char* bench : {"bench sim --robot unitree_go2 --worlds 2", "bench centroidal"}) {
    const Finished finished = run(bench, "timeout --foreground --preserve-status -s INT 1");
    EXPECT_EQ(finished.status, 130) << bench;
    EXPECT_NE(finished.output.find("interrupted"), std::string::npos) << finished.output;
  }
}

TEST_F(Trouble, NumbersThatAreNoneAreRefused) {
  for (const auto& [option, value] : {std::pair{"--push", "nan"},
                                      {"--push-angle", "nan"},
                                      {"--push-angle", "inf"},
                                      {"--seconds", "nan"},
                                      {"--start-scale", "nan"},
                                      {"--push-time", "nan"},
                                      {"--push-time", "-1"}})
    expect_refusal(cat("eval --robot unitree_go2 --worlds 1 ", option, " ", value), 2, cat(option, ": ", value, ", expected a number from"));
  expect_refusal("play --no-film --seconds nan", 2, "--seconds");
  expect_refusal("sweep pushes --stride nan", 2, "--stride");
}

TEST_F(Trouble, ListsOfWholeNumbersSayHowFarTheyGo) {
  expect_refusal("bench mpc --worlds 1000000000", 2, "expected whole numbers from 1 to 1000000");
  EXPECT_NE(run("replay --help").output.find("FOLDER"), std::string::npos);
}

TEST_F(Trouble, OutputThatCannotBeWrittenIsAnError) {
  for (const std::string words : {"--help", "eval --help", "eval --robot unitree_go2 --worlds 1 --seconds 0.02"})
    for (const std::string closed : {">/dev/full", ">&-"}) {
      const Finished finished = run(words + " 2>errors " + closed + " )", "(");
      EXPECT_EQ(finished.status, 1) << words << closed;
      EXPECT_NE(bytes("errors").find("tandem: what was printed could not be written"), std::string::npos) << words << closed << bytes("errors");
    }
}

TEST_F(Trouble, PlayIsAloneInItsFolder) {
  const std::string play = "play --robot unitree_go2 --controller mpc --seconds 0.05 --no-film --out shared";
  fs::create_directory(folder / "shared");
  {
    const FolderLock other((folder / "shared").string(), "a test");
    expect_refusal(play, 1, "shared is being written by another play; wait for it to end, or choose another folder");
  }
  EXPECT_EQ(run(play).status, 0);
}

TEST_F(Trouble, PathsThatAreNoUtf8) {
  ASSERT_EQ(run("eval --robot unitree_go2 --worlds 1 --seconds 0.02 --json 'j\xff.json'").status, 0);
  EXPECT_EQ(report("j\xff.json")["argv"].back(), "j\xef\xbf\xbd.json");
  const fs::path robots = folder / "r\xff";
  fs::create_directory(robots);
  fs::copy(TANDEM_SOURCE_DIR "/robots/unitree_go2", robots / "unitree_go2", fs::copy_options::recursive);
  fs::copy(TANDEM_SOURCE_DIR "/robots/scene.xml", robots / "scene.xml");
  const Finished finished = run("play --no-film --controller mpc --seconds 0.02 --robot 'r\xff/unitree_go2' --json r.json --out motion");
  ASSERT_EQ(finished.status, 0) << finished.output;
  EXPECT_TRUE(report("motion/trajectory.json")["xml"].get<std::string>().ends_with(".xml"));
}

TEST_F(Trouble, RobotsAreThoseOfTheRootThatIsNamed) {
  fs::create_directory(folder / "robots");
  fs::copy(TANDEM_SOURCE_DIR "/robots/unitree_go2", folder / "robots/mine", fs::copy_options::recursive);
  fs::copy(TANDEM_SOURCE_DIR "/robots/scene.xml", folder / "robots/scene.xml");
  const std::string play = "play --no-film --controller mpc --seconds 0.02 --robot mine", root = "TANDEM_ROOT='" + folder.string() + "' ";
  const Finished finished = run(play, "env -u TANDEM_ROBOTS " + root);
  EXPECT_EQ(finished.status, 0) << finished.output;
  EXPECT_EQ(run(play, "TANDEM_ROBOTS='" TANDEM_SOURCE_DIR "/robots' " + root).status, 1) << "what is named itself comes first";
}

// A single bit of the file of an episode.
TEST_F(Trouble, ADamagedEpisodeIsToldByItsCheckSum) {
  const Robot robot = load_robot("unitree_go2");
  EpisodeRecord record;
  record.robot = robot.name, record.settings = settings_text(make_task_settings(robot, Controller::kResidual));
  record.naction = static_cast<int>(robot.action_joint.size());
  record.action.assign(3 * robot.action_joint.size(), 0.1f);
  std::vector<std::byte> bytes = to_bytes(record);
  EXPECT_EQ(record_from_bytes(bytes).settings, record.settings);
  for (size_t i = 0; i < bytes.size(); i += 7) {
    bytes[i] ^= std::byte{16};
    EXPECT_THROW(record_from_bytes(bytes), Error) << "byte " << i;
    bytes[i] ^= std::byte{16};
  }
  bytes[bytes.size() - 20] ^= std::byte{1};  // in an action
  write_atomically((folder / "one.episode").string(), bytes);
  expect_refusal("replay one.episode", 1, "one.episode: saved episode: its check sum is wrong");
  record.robot = "unitree_g2";
  write_atomically((folder / "other.episode").string(), to_bytes(record));
  expect_refusal("replay other.episode", 1, "other.episode: no robot \"unitree_g2\"");
}

// A Python that takes its time, and a signal that the program alone gets.
TEST_F(Trouble, APythonThatWasStartedEndsWithTheProgram) {
  std::ofstream(folder / "python") << "#!/bin/sh\nexec sleep 60\n";
  fs::permissions(folder / "python", fs::perms::owner_all);
  const std::string python = "TANDEM_PYTHON='" + (folder / "python").string() + "' timeout --foreground -s ";
  for (const auto& [signal, status] : {std::pair{"INT", 130}, {"KILL", 137}}) {
    const auto start = std::chrono::steady_clock::now();
    const Finished finished = run("play --robot unitree_go2 --controller mpc --seconds 0.02", python + signal + " --preserve-status 3");
    EXPECT_EQ(finished.status, status) << signal << "\n" << finished.output;
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30)) << signal;
  }
}

// Resident memory of this process.
double resident_bytes() {
  double pages = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return resident * double(::sysconf(_SC_PAGE_SIZE));
}

TEST(Memory, AWorldIsCountedFromAboveButNotByFar) {
  for (const char* name : {"unitree_go2", "mit_humanoid", "unitree_g1"}) {
    const RunSettings settings = load_settings(name);
    EXPECT_LT(simulator_bytes(settings.robot.model), 160 << 10) << name;
    EXPECT_LT(loop_bytes(settings.robot, settings.task), 400 << 10) << name;
  }
  const RunSettings settings = load_settings("unitree_go2");
  constexpr int kWorlds = 2000;
  const double before = resident_bytes();
  const ControlLoop loop(settings.robot, settings.task, kWorlds, 1);
  EXPECT_LT((resident_bytes() - before) / kWorlds, 1.25 * loop_bytes(settings.robot, settings.task));
}

TEST(Memory, WhatIsNotThereIsRefused) {
  EXPECT_GT(available_memory(), 0);
  EXPECT_THROW(check_memory(1e18, "much"), Error);
  EXPECT_NO_THROW(check_memory(1, "little"));
}

}  // namespace
}  // namespace tandem
