// The real program where machine, system or user get in its way: memory, signals, full disks, damaged files, odd numbers.
#include <gtest/gtest.h>

#include <chrono>

#include "base/memory.hpp"
#include "cli/settings.hpp"
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

TEST_F(Trouble, OutputThatCannotBeWrittenIsAnError) {
  for (const std::string words : {"--help", "eval --help", "eval --robot unitree_go2 --worlds 1 --seconds 0.02"})
    for (const std::string closed : {">/dev/full", ">&-"}) {
      const Finished finished = run(words + " 2>errors " + closed + " )", "(");
      EXPECT_EQ(finished.status, 1) << words << closed;
      EXPECT_NE(bytes("errors").find("tandem: what was printed could not be written"), std::string::npos) << words << closed << bytes("errors");
    }
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
