// The benchmark times only what it has checked: it returns rows, or throws what is wrong.
#include "dynamics/bench/bench_dynamics.hpp"

#include <gtest/gtest.h>

#include "tests/support/random_tree.hpp"

namespace tandem {
namespace {

TEST(BenchDynamics, EveryKernelIsCheckedInEveryPrecision) {
  Model model = random_tree(3, {.nbody = 10});
  for (int i = 1; i < model.nbody; ++i) model.parent[i] = i % 4 == 0 ? 0 : i - 1;  // depth first, which Pinocchio needs
  const std::vector<BenchRow> rows = bench_dynamics(model, 0.001);
  EXPECT_EQ(rows.size(), 15u);
  for (const BenchRow& row : rows) {
    EXPECT_GT(row.median_us, 0) << row.name;
    EXPECT_GE(row.p99_us, row.median_us) << row.name;
    EXPECT_LT(row.check, 1e-4) << row.name;
    EXPECT_EQ(row.reference.empty(), row.ratio == 0) << row.name;
  }
}

}  // namespace
}  // namespace tandem
