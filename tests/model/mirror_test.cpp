// The mirror image of a robot against its kinematics: a mirrored state must put every contact point and every body where its counterpart's image is.
#include "model/mirror.hpp"

#include "model/robot.hpp"
#include "tests/model/support.hpp"
#include "tests/support/message_of.hpp"
#include "tests/support/mirrored.hpp"

namespace tandem {
namespace {

constexpr unsigned kSeed = 17;

void expect_reflected(const Model& model, double tolerance) {
  const Mirror mirror = mirror_of(model);
  std::mt19937 rng(kSeed);
  const std::vector<double> q = random_q(model, rng), v = random_v(model, rng), q2 = mirrored_q(mirror, q), v2 = mirrored_v(mirror, v);
  EXPECT_EQ(mirrored_q(mirror, q2), q) << "two mirrors are none";
  const std::vector<PlainBody> here = plain_kinematics(model, q.data(), v.data()), there = plain_kinematics(model, q2.data(), v2.data());
  for (int j = 0; j < model.njnt; ++j) {
    const PlainBody &a = here[j + 1], &b = there[mirror.joint.from[j] + 1];
    const V3 p = a.p + a.R * load3<double>(&model.anchor[3 * j]), p2 = b.p + b.R * load3<double>(&model.anchor[3 * mirror.joint.from[j]]);
    for (const auto& [x, x2] : {std::pair{p.x, p2.x}, {-p.y, p2.y}, {p.z, p2.z}}) EXPECT_NEAR(x, x2, tolerance) << model.joint_name[j];
    for (const auto& [x, x2] : {std::pair{-a.w.x, b.w.x}, {a.w.y, b.w.y}, {-a.w.z, b.w.z}}) EXPECT_NEAR(x, x2, tolerance) << model.joint_name[j];
  }
  EXPECT_NEAR(plain_kinetic_energy(model, q.data(), v.data()) / plain_kinetic_energy(model, q2.data(), v2.data()), 1, 1e-2);
}

class MirrorOf : public testing::TestWithParam<const char*> {
 protected:
  const Model model = load_robot(GetParam()).model;
};
INSTANTIATE_TEST_SUITE_P(Robots, MirrorOf, testing::Values("mit_humanoid", "unitree_g1", "unitree_go2"));

TEST_P(MirrorOf, MovesAsTheImageOfTheRobot) { expect_reflected(model, 1e-3); }

TEST_P(MirrorOf, LeftAndRightChangePlaces) {
  const Mirror mirror = mirror_of(model);
  for (int j = 0; j < model.njnt; ++j) EXPECT_EQ(model.joint_name[mirror.joint.from[j]], mirrored(model.joint_name[j]));
  for (size_t f = 0; f < model.foot_name.size(); ++f) EXPECT_EQ(model.foot_name[mirror.foot[f]], mirrored(model.foot_name[f]));
}

// Sliding is mirrored as a vector, turning the other way round.
TEST(MirrorOfJoints, SlidesAcrossChangeTheirSign) {
  Model model = load_robot("mit_humanoid").model;
  const Mirror hinges = mirror_of(model);
  for (const char* name : {"left_knee", "right_knee"})  // which turns about y
    for (int j = 0; j < model.njnt; ++j)
      if (model.joint_name[j] == name) model.joint_type[j] = JointType::kSlide;
  const Mirror mirror = mirror_of(model);
  for (int j = 0; j < model.njnt; ++j)
    EXPECT_EQ(mirror.joint.sign[j], (model.joint_type[j] == JointType::kSlide ? -1 : 1) * hinges.joint.sign[j]) << model.joint_name[j];
  expect_reflected(model, 1e-3);
}

TEST(MirrorOfErrors, NameWhatHasNoCounterpart) {
  const Model good = load_robot("mit_humanoid").model;
  const auto refused = [](const Model& model, const std::string& what) {
    const std::string message = message_of([&] { mirror_of(model); });
    EXPECT_NE(message.find(what), std::string::npos) << message << ", expected " << what;
  };
  Model bad = good;
  bad.p_PB[3 * 4 + 2] += 0.02;  // of the body behind joint 3, the right knee
  refused(bad, "joint right_knee has no counterpart within 5 mm of (");
  bad = good;
  bad.joint_type[3] = JointType::kSlide;
  refused(bad, "joint right_knee has no counterpart");
  bad = good;
  bad.mass[4] *= 1.2;
  refused(bad, cat("body ", good.body_name[4], " has "));
  bad = good;
  bad.contacts[0].p_BC[0] += 0.02;
  refused(bad, "foot right_foot has no counterpart");
}

TEST(Symmetrise, MakesAVectorItsOwnImage) {
  const SignedPermutation mirror{{0, 1, 4, 3, 2}, {1, -1, -1, 1, -1}};
  std::vector<double> x{1, 2, 3, 4, 5};
  symmetrise(mirror, std::span(x));
  EXPECT_EQ(x, (std::vector<double>{1, 0, -1, 4, 1}));
  EXPECT_EQ(image(mirror, x), x);
  symmetrise({}, std::span(x));
  EXPECT_EQ(x[2], -1);
}

}  // namespace
}  // namespace tandem
