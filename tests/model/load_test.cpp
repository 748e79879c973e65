// From MJCF and URDF to Model.
#include "model/load.hpp"

#include <limits>
#include <numeric>

#include "tests/model/support.hpp"

namespace tandem {
namespace {

const std::string kData = TANDEM_SOURCE_DIR "/tests/model/data/";
constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(LoadModel, MovesAsInMujoco) { expect_same_as_mujoco(load_model(kData + "branches.xml"), Mujoco(kData + "branches.xml"), 11); }

TEST(LoadModel, MergesFixedLinksAndSplitsBodiesWithSeveralJoints) {
  const Model model = load_model(kData + "branches.xml");
  EXPECT_TRUE(model.floating);
  EXPECT_EQ(model.body_name, (std::vector<std::string>{"trunk", "shoulder/shoulder_x", "shoulder/shoulder_y", "shoulder", "rail", "jaw"}));
  EXPECT_EQ(model.joint_name, (std::vector<std::string>{"shoulder_x", "shoulder_y", "shoulder_z", "rail", "jaw"}));
  EXPECT_EQ(model.parent, (std::vector<int>{-1, 0, 1, 2, 3, 4}));
  const std::vector<double> mass{5.6, 0, 0, 0.8, 0.6, 0.1};
  for (int i = 0; i < model.nbody; ++i) EXPECT_NEAR(model.mass[i], mass[i], 1e-14) << model.body_name[i];
}

TEST(LoadModel, ReadsLimits) {
  const Model model = load_model(kData + "branches.xml");
  EXPECT_EQ(model.q_min, (std::vector<double>{-1, -kInfinity, -kInfinity, -0.1, -kInfinity}));
  EXPECT_EQ(model.q_max, (std::vector<double>{2, kInfinity, kInfinity, 0.2, kInfinity}));
  EXPECT_EQ(model.tau_max, (std::vector<double>{20, 12, kInfinity, 50, kInfinity}));
  const std::vector<double> armature{0.01, 9 * 0.01, 0, 0.5 + 0.02, 0};  // of the joint and, by the gear squared, of its actuator
  for (int j = 0; j < model.njnt; ++j) EXPECT_NEAR(model.armature[j], armature[j], 1e-15) << model.joint_name[j];
  EXPECT_EQ(model.damping, (std::vector<double>{0, 0.3, 0, 0.7, 0}));
}

TEST(LoadModel, UrdfEqualsTheSameRobotInMjcf) {
  const Model urdf = load_model(kData + "hopper.urdf"), mjcf = load_model(kData + "hopper.xml");
  EXPECT_EQ(urdf.floating, mjcf.floating);
  EXPECT_EQ(urdf.body_name, mjcf.body_name);
  EXPECT_EQ(urdf.joint_name, mjcf.joint_name);
  EXPECT_EQ(urdf.joint_type, mjcf.joint_type);
  EXPECT_EQ(urdf.parent, mjcf.parent);
  const auto compare = [](const std::vector<double>& a, const std::vector<double>& b, const char* what) {
    ASSERT_EQ(a.size(), b.size()) << what;
    for (size_t k = 0; k < a.size(); ++k) EXPECT_NEAR(a[k], b[k], 1e-14) << what << "[" << k << "]";
  };
  compare(urdf.mass, mjcf.mass, "mass");
  compare(urdf.com, mjcf.com, "com");
  compare(urdf.inertia, mjcf.inertia, "inertia");
  compare(urdf.p_PB, mjcf.p_PB, "p_PB");
  compare(urdf.R_PB, mjcf.R_PB, "R_PB");
  compare(urdf.axis, mjcf.axis, "axis");
  compare(urdf.q_min, mjcf.q_min, "q_min");
  compare(urdf.q_max, mjcf.q_max, "q_max");
  compare(urdf.tau_max, mjcf.tau_max, "tau_max");
  compare(urdf.damping, mjcf.damping, "damping");
}

TEST(LoadModel, KeepsTheVelocityLimitsOfAUrdf) { EXPECT_EQ(load_model(kData + "hopper.urdf").v_max, (std::vector<double>{12.5, 2})); }

TEST(LoadModel, FixesTheBaseOfAUrdfWhenAsked) {
  const Model model = load_model(kData + "hopper.urdf", false);
  EXPECT_FALSE(model.floating);
  EXPECT_EQ(model.nq, 2);
  EXPECT_EQ(model.nv, 2);
  EXPECT_EQ(model.body_name, (std::vector<std::string>{"world", "thigh", "shank"}));
  EXPECT_NEAR(std::accumulate(model.mass.begin(), model.mass.end(), 0.0), 4.1, 1e-14);
}

}  // namespace
}  // namespace tandem
