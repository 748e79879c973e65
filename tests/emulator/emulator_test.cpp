// The emulator itself: arithmetic, barriers, and that what a kernel does wrong is found.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <numeric>
#include <random>

#include "tests/emulator/samples.hpp"

namespace tandem::ptx {
namespace {

TEST(Emulator, ArithmeticHasTheBitsOfTheHost) {
  std::mt19937_64 random(5);
  std::normal_distribution<double> normal(0, 30);
  std::vector<Sample> samples;
  for (int i = 0; i < 300; ++i)
    samples.push_back(
        {float(normal(random)), float(normal(random)), normal(random), int32_t(random()), int32_t(random() >> (i % 60)), random(), random()});
  samples.push_back({0.5f, -0.0f, 1e300, std::numeric_limits<int32_t>::min(), 7, 0, ~uint64_t{0}});
  samples.push_back({-2.5f, std::numeric_limits<float>::infinity(), -1e-320, -1, 31, ~uint64_t{0}, ~uint64_t{0}});
  std::vector<uint64_t> device = arithmetic(samples, true), host = arithmetic(samples, false);
  for (size_t i = 0; i < host.size(); ++i) {
    if (i / kNumbers == samples.size() - 1 && i % kNumbers == 8) continue;  // infinity as an integer: not defined on the host
    if (i % kNumbers == kSine) {
      const auto number = [](uint64_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits)); };
      EXPECT_NEAR(number(device[i]), number(host[i]), 2e-7) << "sample " << i / kNumbers;
      continue;
    }
    EXPECT_EQ(device[i], host[i]) << "sample " << i / kNumbers << ", result " << i % kNumbers;
  }
}

TEST(Emulator, LanesThatPartMeetAtBarriers) {
  std::vector<int> numbers(1000);
  std::iota(numbers.begin(), numbers.end(), 1);
  for (int threads : {32, 64, 256}) {
    const std::vector<int> found = sums(numbers, threads);
    for (size_t block = 0; block < found.size(); ++block) {
      const auto from = numbers.begin() + static_cast<long>(block) * threads;
      EXPECT_EQ(found[block], std::accumulate(from, std::min(from + threads, numbers.end()), 0)) << block;
    }
  }
}

TEST(Emulator, CopiesAreThereAfterTheirEnd) {
  for (int n : {4, 252, 256, 260, 1000}) {
    std::vector<float> numbers(n), reversed(n);
    std::iota(numbers.begin(), numbers.end(), 1.0f);
    std::reverse_copy(numbers.begin(), numbers.end(), reversed.begin());
    EXPECT_EQ(copied(numbers), reversed) << n;
  }
}

// Each in a process of its own: after a fault nothing runs.
void expect_fault(Wrong what, const char* words) {
  EXPECT_EXIT(std::_Exit(run_wrong(what) == "no error" ? 0 : 3), testing::ExitedWithCode(words ? 3 : 0), words ? words : "");
}
class EmulatorDeathTest : public testing::Test {
  void SetUp() override {
    testing::FLAGS_gtest_death_test_style = "threadsafe";
    setenv("TANDEM_EMULATOR_CHECK", "1", 1);
  }
};
TEST_F(EmulatorDeathTest, FindsWhatAKernelDoesWrong) {
  expect_fault(Wrong::kNothing, nullptr);
  expect_fault(Wrong::kOutside, "wrong_kernel.*samples_cuda.cu:[0-9]+, line [0-9]+ of its PTX, block 0, warp 1.*memory that was not allocated");
  expect_fault(Wrong::kOutsideShared, "byte [0-9]+ of 512 bytes of shared memory");
  expect_fault(Wrong::kMisaligned, "not a multiple of 8");
  expect_fault(Wrong::kRaceInWarp, "is read that is written by thread 1 of block 0");
  expect_fault(Wrong::kRaceInBlock, "warp 1, lane 0: a number is written that is read by thread 0 of block 0");
  expect_fault(Wrong::kNeverWritten, "read that nothing has written");
  expect_fault(Wrong::kCopyNotEnded, "read that nothing has written");
  expect_fault(Wrong::kReadWhileCopied, "a copy writes a number that is read by thread [0-9]+ after it began");
  expect_fault(Wrong::kChangedWhileCopied, "numbers change while they are copied");
  expect_fault(Wrong::kCopyFromShared, "a copy from shared memory, expected global");
  expect_fault(Wrong::kBarrierOfSome, "not all of its lanes reach");
}

// The estimate of a kernel's cycles, from a process of its own, which comes by here too and keeps the name of the file.
long estimate(bool one_by_one) {
  setenv("TANDEM_EMULATOR_CYCLES", (testing::TempDir() + "cycles" + std::to_string(getpid())).c_str(), 0);
  EXPECT_EXIT(
      {
        load_numbers(one_by_one);
        std::exit(0);
      },
      testing::ExitedWithCode(0), "");
  std::ifstream file(std::getenv("TANDEM_EMULATOR_CYCLES"));
  std::string head;
  std::getline(file, head);
  long cycles = 0;
  file >> cycles;
  return cycles;
}
TEST_F(EmulatorDeathTest, EstimatesThatAChainOfLoadsWaitsForEach) {
  const long chain = estimate(true), together = estimate(false);
  EXPECT_GT(chain, 64 * 30);
  EXPECT_LT(chain, 64 * 60);
  EXPECT_GT(together, 64);
  EXPECT_LT(together, chain / 4);
  std::remove(std::getenv("TANDEM_EMULATOR_CYCLES"));
}

}  // namespace
}  // namespace tandem::ptx
