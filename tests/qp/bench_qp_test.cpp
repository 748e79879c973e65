#include "qp/bench_qp.hpp"

#include <gtest/gtest.h>

#include "base/check.hpp"

namespace tandem {
namespace {

TEST(BenchQp, EveryRowIsCheckedAndTimed) {
  const std::vector<BenchProblems> problems = random_bench_problems(2);
  for (const BenchRow& row : bench_qp({problems[0]}, 10, 0.002)) {
    EXPECT_LT(row.check, 1e-3) << row.name;
    EXPECT_GT(row.per_second, 0) << row.name;
  }
}

TEST(BenchQp, AWrongAnswerIsAnErrorAndNotASpeed) {
  BenchProblems p = random_bench_problems(1)[0];
  const QpView<float> qp = qp_view(p.dims, p.qp.data());
  qp.g(3)[0] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(bench_qp({p}, 10, 0.002), Error);
}

}  // namespace
}  // namespace tandem
