// The user's stage cost: its terms, its file.
#include "tune/stage_cost.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/check.hpp"
#include "tests/support/message_of.hpp"
#include "tests/tune/toy.hpp"

namespace tandem {
namespace {

class CostFile : public testing::Test {
 protected:
  ~CostFile() override { std::filesystem::remove(path); }
  StageCost load(const std::string& text) const {
    std::ofstream(path) << text;
    return load_stage_cost(path);
  }
  std::string refusal(const std::string& text) const {
    return message_of([&] { load(text); });
  }
  const std::string path = std::filesystem::temp_directory_path() / cat("tandem_cost_", getpid(), ".toml");
};

TEST_F(CostFile, NamesItsTerms) {
  const StageCost cost = load("[cost]\nvelocity_error = 50.0\nfoot_slip = 2\n");
  EXPECT_EQ(cost.own, 0);
  EXPECT_EQ(cost.velocity_error, 50);
  EXPECT_EQ(cost.foot_slip, 2);
  EXPECT_EQ(cost.energy, 0);
}

TEST_F(CostFile, IsRefusedWithItsLine) {
  EXPECT_NE(refusal("[cost]\nown = 1\nenergie = 2\n").find(":3"), std::string::npos) << refusal("[cost]\nown = 1\nenergie = 2\n");
  const std::string negative = refusal("[cost]\nown = -1\nenergy = 2\n");
  EXPECT_TRUE(negative.find(":2") != std::string::npos && negative.find("own") != std::string::npos) << negative;
  EXPECT_NE(refusal("[cost]\n").find("all weights"), std::string::npos);
}

TEST(StageCostTerms, AddUpByTheirWeights) {
  Recording r = random_recording(1, 3, 1);
  const std::vector<std::vector<float>> values = {{1, 2, 3}, {.1f, .2f, .3f}, {100, 200, 300}, {7, 8, 9}, {.5f, 0, 1}};
  for (size_t t = 0; t < values.size(); ++t) r.columns.push_back({kMeasuredTerms[t], "1", 1, values[t]});
  MatchedMpc mpc = toy_mpc();
  mpc.own_cost = [](const Recording&, bool, int) { return std::vector<double>{10, 20, 30}; };
  compute_stage_cost(mpc, {.own = 2, .velocity_error = 3, .turn_error = 5, .energy = 0.01, .torque = 0.1, .foot_slip = 4}, r);
  EXPECT_NEAR(r.cost[0], 20 + 3 + .5 + 1 + .7 + 2, 1e-6);
  EXPECT_NEAR(r.cost[1], 40 + 6 + 1 + 2 + .8 + 0, 1e-6);
  EXPECT_NEAR(r.cost[2], 60 + 9 + 1.5 + 3 + .9 + 4, 1e-6);
}

}  // namespace
}  // namespace tandem
