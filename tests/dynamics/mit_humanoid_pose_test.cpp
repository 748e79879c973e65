// The MIT Humanoid against positions computed by another program from the published description of the robot, to their four printed decimals:
// base at the origin, upright; left side (the right one is its mirror image); metres.
#include <gtest/gtest.h>

#include "dynamics/dynamics.hpp"
#include "model/robot.hpp"

namespace tandem {
namespace {

constexpr double kPrinted = 6e-5;

struct KnownPoint {
  const char* name;  // a body, whose origin is meant, or a contact point
  double p[3];
};
struct KnownPose {
  const char* name;
  double hip_abad, hip_pitch, knee, ankle, shoulder_abad;  // left; abductions change sign on the right
  double com[3];
  std::vector<KnownPoint> points;
};
void PrintTo(const KnownPose& pose, std::ostream* out) { *out << pose.name; }

const KnownPose kPoses[] = {
    {"zero",
     0,
     0,
     0,
     0,
     0,
     {0.0106, 0.0016, -0.046},
     {{"left_foot", {0.0126, 0.0802, -0.7063}},
      {"left_foot_heel", {-0.0324, 0.0802, -0.7463}},
      {"left_foot_toe", {0.1176, 0.0802, -0.7463}},
      {"left_upper_leg", {0.0126, 0.0802, -0.1608}},
      {"left_lower_leg", {0.0126, 0.0802, -0.4278}},
      {"left_shoulder", {0.0135, 0.1761, 0.2466}}}},
    {"bent_knees",
     0,
     -0.2,
     0.6,
     0,
     0,
     {0.0132, 0.0016, -0.0442},
     {{"left_foot", {-0.0428, 0.0802, -0.6789}},
      {"left_foot_heel", {-0.0999, 0.0802, -0.6983}},
      {"left_foot_toe", {0.0383, 0.0802, -0.7567}},
      {"left_lower_leg", {0.0656, 0.0802, -0.4224}}}},
    {"walking",
     0.1,
     -0.724757,
     1.412282,
     -0.68752,
     0.1,
     {0.0262, 0.0016, -0.0329},
     {{"left_foot", {0.0133, 0.1202, -0.5741}},
      {"left_foot_heel", {-0.0316, 0.1252, -0.6139}},
      {"left_foot_toe", {0.1183, 0.1213, -0.6141}},
      {"left_upper_leg", {0.0125, 0.0802, -0.1609}},
      {"left_lower_leg", {0.1897, 0.0949, -0.3601}},
      {"left_shoulder", {0.0135, 0.1761, 0.2466}}}},
};

struct MitHumanoid : testing::TestWithParam<KnownPose> {
  Robot robot = load_robot("mit_humanoid");
  RobotDynamics dynamics = make_dynamics(robot.model);

  void SetUp() override {
    const KnownPose& pose = GetParam();
    std::vector<double> q(robot.model.nq, 0.0), v(robot.model.nv, 0.0);
    q[3] = 1;
    const auto set = [&](const std::string& joint, double angle) {
      const auto& names = robot.model.joint_name;
      const auto found = std::find(names.begin(), names.end(), joint);
      ASSERT_NE(found, names.end()) << joint;
      q[7 + (found - names.begin())] = angle;
    };
    for (const double side : {1.0, -1.0}) {
      const std::string prefix = side > 0 ? "left_" : "right_";
      set(prefix + "hip_abad", side * pose.hip_abad);
      set(prefix + "hip_pitch", pose.hip_pitch);
      set(prefix + "knee", pose.knee);
      set(prefix + "ankle", pose.ankle);
      set(prefix + "shoulder_abad", side * pose.shoulder_abad);
    }
    set_state(dynamics, q.data(), v.data());
  }
  // Position of the body or contact point of that name.
  std::vector<double> position(const std::string& name) {
    std::vector<double> p(3), unused(9);
    for (int i = 0; i < robot.model.nbody; ++i)
      if (robot.model.body_name[i] == name) return body_pose(dynamics, i, p.data(), unused.data()), p;
    for (size_t c = 0; c < robot.model.contacts.size(); ++c)
      if (robot.model.contacts[c].name == name) return contact_state(dynamics, static_cast<int>(c), p.data(), unused.data()), p;
    ADD_FAILURE() << "no body or contact point " << name;
    return p;
  }
};

TEST_P(MitHumanoid, BodiesAndContactPointsAreWherePublished) {
  for (const KnownPoint& known : GetParam().points) {
    const std::vector<double> p = position(known.name);
    for (int r = 0; r < 3; ++r) EXPECT_NEAR(p[r], known.p[r], kPrinted) << known.name << " axis " << r;
  }
}

TEST_P(MitHumanoid, CentreOfMassIsWherePublished) {
  double p[3], v[3];
  centre_of_mass(dynamics, p, v);
  for (int r = 0; r < 3; ++r) EXPECT_NEAR(p[r], GetParam().com[r], kPrinted) << "axis " << r;
}

TEST_P(MitHumanoid, RightIsTheMirrorImageOfLeft) {
  for (const KnownPoint& known : GetParam().points) {
    const std::string left = known.name;
    const std::vector<double> p = position("right" + left.substr(4));
    for (int r = 0; r < 3; ++r) EXPECT_NEAR(p[r], (r == 1 ? -1 : 1) * known.p[r], kPrinted) << left << " axis " << r;
  }
}

INSTANTIATE_TEST_SUITE_P(Poses, MitHumanoid, testing::ValuesIn(kPoses), [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace tandem
