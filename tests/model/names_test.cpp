#include "model/names.hpp"

#include <gtest/gtest.h>

namespace tandem {
namespace {

TEST(Names, StarMatchesAnyRun) {
  EXPECT_TRUE(matches("*_hip_*", "left_hip_yaw"));
  EXPECT_TRUE(matches("*", ""));
  EXPECT_TRUE(matches("a*b*c", "a_bc_b_c"));
  EXPECT_TRUE(matches("left_knee", "left_knee"));
}

TEST(Names, PatternCoversTheWholeName) {
  EXPECT_FALSE(matches("*_hip", "left_hip_yaw"));
  EXPECT_FALSE(matches("hip_*", "left_hip_yaw"));
  EXPECT_FALSE(matches("", "left_hip_yaw"));
  EXPECT_FALSE(matches("a*b", "ac"));
}

TEST(Names, NearestComesFirst) {
  EXPECT_EQ(nearest("left_kneee", {"right_hip", "left_knee", "left_ankle", "right_elbow"}), "\"left_knee\", \"left_ankle\", \"right_hip\"");
}

TEST(Names, NoCandidatesIsSaid) { EXPECT_EQ(nearest("knee", {}), "none"); }

}  // namespace
}  // namespace tandem
