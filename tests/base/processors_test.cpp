#include "base/processors.hpp"

#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/own_path.hpp"

namespace tandem {
namespace {

// A folder of control groups and a process that may run on all of this machine's processors.
class Processors : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(root / "cpu");
    cpu_set_t set;
    CPU_ZERO(&set);
    ASSERT_EQ(sched_getaffinity(0, sizeof(set), &set), 0);
    all = CPU_COUNT(&set);
  }
  void TearDown() override { std::filesystem::remove_all(root); }
  int with(const std::string& file, const std::string& text) {
    std::ofstream(root / file) << text;
    return processors(root);
  }

  std::filesystem::path root = own_path();
  int all = 0;
};

TEST_F(Processors, AllWithoutAQuota) {
  EXPECT_EQ(processors(root), all);
  EXPECT_EQ(processors(root / "none"), all);
  EXPECT_EQ(with("cpu.max", "max 100000\n"), all);
  EXPECT_EQ(with("cpu.max", "100000000 100000\n"), all);
  EXPECT_EQ(with("cpu.max", "0 0\n"), all);
}

TEST_F(Processors, AsManyAsTheQuotaGives) {
  EXPECT_EQ(with("cpu.max", "50000 100000\n"), 1);
  EXPECT_EQ(with("cpu.max", "100000 100000\n"), 1);
  EXPECT_EQ(with("cpu.max", "100001 100000\n"), std::min(2, all));
}

TEST_F(Processors, QuotaOfVersionOne) {
  EXPECT_EQ(with("cpu/cpu.cfs_quota_us", "50000\n"), all);  // no period
  EXPECT_EQ(with("cpu/cpu.cfs_period_us", "100000\n"), 1);
  EXPECT_EQ(with("cpu/cpu.cfs_quota_us", "-1\n"), all);
}

TEST_F(Processors, OnlyThoseThatItMayRunOn) {
  cpu_set_t before, one;
  ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
  CPU_ZERO(&one);
  int first = 0;
  while (!CPU_ISSET(first, &before)) ++first;
  CPU_SET(first, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
  EXPECT_EQ(processors(root), 1);
  ASSERT_EQ(sched_setaffinity(0, sizeof(before), &before), 0);
}

}  // namespace
}  // namespace tandem
