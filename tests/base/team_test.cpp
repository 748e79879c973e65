// Every team must compute what one lane computes. Built twice: as it is, and under ThreadSanitizer, where a missing barrier is a reported race.
#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <vector>

#include "tests/base/matvec_kernel.hpp"
#include "tests/support/thread_team.hpp"

namespace tandem {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(Team, ThreadsAgreeWithOneLane) {
  const int n = 23;
  const unsigned seed = 7;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  std::vector<double> A(n * n), x(n);
  for (double& value : A) value = normal(random);
  for (double& value : x) value = normal(random);

  std::vector<double> y(n, kNan), expected(n, kNan);
  matvec_twice(SerialTeam(), n, A.data(), x.data(), y.data(), expected.data());
  for (int lanes : {1, 2, 4, 7}) {
    std::vector<double> z(n, kNan);
    y.assign(n, kNan);
    run_team(lanes, [&](const ThreadTeam& team) { matvec_twice(team, n, A.data(), x.data(), y.data(), z.data()); });
    EXPECT_EQ(z, expected) << lanes << " lanes";
  }
}

TEST(Team, EveryIndexIsVisitedOnce) {
  for (int lanes : {1, 3, 4}) {
    std::vector<int> visits(20, 0);
    run_team(lanes, [&](const ThreadTeam& team) { for_each(team, 5, 17, [&](int i) { ++visits[i]; }); });
    for (int i = 0; i < 20; ++i) EXPECT_EQ(visits[i], i >= 5 && i < 17) << "index " << i << " of " << lanes << " lanes";
  }
}

}  // namespace
}  // namespace tandem
