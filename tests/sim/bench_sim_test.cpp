#include "sim/bench_sim.hpp"

#include <gtest/gtest.h>

namespace tandem {
namespace {

// The benchmark's own check: the batch lands on the bits of a plain loop, and its rate is that of the same work.
TEST(SimBench, RowsAreCheckedAndComparable) {
  const auto rows = bench_sim({.robots = {"unitree_go2"}, .worlds = 3, .threads = 2, .seconds = 0.05});
  ASSERT_EQ(rows.size(), 7u);
  for (const auto& row : rows) {
    EXPECT_EQ(row.check, 0) << row.name << ", " << row.worlds << " worlds";
    EXPECT_GE(row.p99_us, row.median_us);
    EXPECT_NEAR(row.per_second, row.worlds * row.iterations * 1e6 / row.median_us, 1e-6 * row.per_second);
    EXPECT_GT(row.ratio, 0);
  }
}

}  // namespace
}  // namespace tandem
