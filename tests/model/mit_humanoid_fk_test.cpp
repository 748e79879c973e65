// The MIT Humanoid in three poses, against forward kinematics published with the robot's description (metres, in the base frame, four decimals).
#include "model/robot.hpp"
#include "tests/model/support.hpp"

namespace tandem {
namespace {

struct LegPose {
  double abad, hip_pitch, knee, ankle, shoulder_abad;  // left; abad of the right side is the opposite
};
struct Expected {
  V3 com, ankle, heel, toe, upper_leg, lower_leg, hand, shoulder;  // left
};
struct Case {
  const char* name;
  LegPose pose;
  Expected expected;
};

const Case kCases[] = {
    {"all joints at zero",
     {0, 0, 0, 0, 0},
     {{.0106, .0016, -.0460},
      {.0126, .0802, -.7063},
      {-.0324, .0802, -.7463},
      {.1176, .0802, -.7463},
      {.0126, .0802, -.1608},
      {.0126, .0802, -.4278},
      {.0135, .2336, -.2714},
      {.0135, .1761, .2466}}},
    {"knees bent, on the heels",
     {0, -.2, .6, 0, 0},
     {{.0132, .0016, -.0442},
      {-.0428, .0802, -.6789},
      {-.0999, .0802, -.6983},
      {.0383, .0802, -.7567},
      {.0126, .0802, -.1608},
      {.0656, .0802, -.4224},
      {.0135, .2336, -.2714},
      {.0135, .1761, .2466}}},
    {"standing",
     {.1, -.724757, 1.412282, -.68752, .1},
     {{.0262, .0016, -.0329},
      {.0133, .1202, -.5741},
      {-.0316, .1252, -.6139},
      {.1183, .1213, -.6141},
      {.0125, .0802, -.1609},
      {.1897, .0949, -.3601},
      {.0135, .2853, -.2688},
      {.0135, .1761, .2466}}},
};

class MitHumanoidFk : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    mjData* d = mujoco.d.get();
    mj_resetData(mujoco.m.get(), d);
    std::fill(d->qpos, d->qpos + 7, 0.0);
    d->qpos[3] = 1;
    const LegPose& pose = GetParam().pose;
    for (const std::string side : {"left_", "right_"}) {
      const double s = side == "left_" ? 1 : -1;
      set(side + "hip_abad", s * pose.abad);
      set(side + "hip_pitch", pose.hip_pitch);
      set(side + "knee", pose.knee);
      set(side + "ankle", pose.ankle);
      set(side + "shoulder_abad", s * pose.shoulder_abad);
    }
    mj_forward(mujoco.m.get(), d);
  }
  void set(const std::string& joint, double value) { mujoco.d->qpos[mujoco.m->jnt_qposadr[mujoco.joint(joint)]] = value; }

  V3 origin(const std::string& body) const { return load3<double>(mujoco.d->xpos + 3 * mujoco.body(body)); }
  V3 contact(const std::string& name) const {
    for (const ContactPoint& c : robot.model.contacts) {
      if (c.name != name) continue;
      const int b = mujoco.body(robot.model.body_name[c.body]);
      return load3<double>(mujoco.d->xpos + 3 * b) + load33<double>(mujoco.d->xmat + 9 * b) * load3<double>(c.p_BC);
    }
    ADD_FAILURE() << "no contact point " << name;
    return {};
  }

  Robot robot = load_robot("mit_humanoid");
  Mujoco mujoco{robot.model_path};
};
INSTANTIATE_TEST_SUITE_P(Poses, MitHumanoidFk, testing::ValuesIn(kCases));

void expect_near(V3 a, V3 b, const std::string& what) {
  EXPECT_NEAR(a.x, b.x, 7e-5) << what;
  EXPECT_NEAR(a.y, b.y, 7e-5) << what;
  EXPECT_NEAR(a.z, b.z, 7e-5) << what;
}
V3 mirrored(V3 p) { return {p.x, -p.y, p.z}; }

TEST_P(MitHumanoidFk, LinksAreWhereTheyWerePublished) {
  const Expected& e = GetParam().expected;
  for (const auto& [link, p] : {std::pair<std::string, V3>{"foot", e.ankle},
                                {"upper_leg", e.upper_leg},
                                {"lower_leg", e.lower_leg},
                                {"hand", e.hand},
                                {"shoulder", e.shoulder}}) {
    expect_near(origin("left_" + link), p, GetParam().name + (": left " + link));
    expect_near(origin("right_" + link), mirrored(p), GetParam().name + (": right " + link));
  }
}

TEST_P(MitHumanoidFk, ContactPointsAreWhereTheyWerePublished) {
  const Expected& e = GetParam().expected;
  expect_near(contact("left_foot_heel"), e.heel, GetParam().name);
  expect_near(contact("left_foot_toe"), e.toe, GetParam().name);
  expect_near(contact("right_foot_heel"), mirrored(e.heel), GetParam().name);
  expect_near(contact("right_foot_toe"), mirrored(e.toe), GetParam().name);
}

TEST_P(MitHumanoidFk, CentreOfMassIsWhereItWasPublished) {
  expect_near(load3<double>(mujoco.d->subtree_com + 3 * mujoco.body("base")), GetParam().expected.com, GetParam().name);
}

}  // namespace
}  // namespace tandem
