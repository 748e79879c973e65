// What a policy sees and does in the mirror: observations of mirrored states, torques of mirrored actions.
#include "policy/symmetry.hpp"

#include <gtest/gtest.h>

#include <random>

#include "tests/support/message_of.hpp"
#include "tests/support/mirrored.hpp"

namespace tandem {
namespace {

struct Parts {
  Robot robot;
  ObservationLayout layout;
  Blending blending;

  explicit Parts(const std::string& name, bool with_value = true)
      : robot(load_robot(name)), layout(make_observation_layout(robot, with_value, 1)), blending(make_blending(robot, Blend::kJointTorque, 0.1, 8)) {}
  Symmetry symmetry() const { return symmetry_of(robot.model, layout, blending); }
};

class SymmetryOf : public testing::TestWithParam<const char*> {
 protected:
  std::mt19937 rng{23};
  std::normal_distribution<double> normal;

  std::vector<double> random(int n) {
    std::vector<double> x(n);
    for (double& value : x) value = normal(rng);
    return x;
  }
};
INSTANTIATE_TEST_SUITE_P(Robots, SymmetryOf, testing::Values("mit_humanoid", "unitree_g1", "unitree_go2"));

// Half a period later the other feet are where these were.
TEST_P(SymmetryOf, TheObservationOfAMirroredStateIsTheImage) {
  for (const bool with_value : {true, false}) {
    const Parts parts(GetParam(), with_value);
    const Model& model = parts.robot.model;
    const Mirror mirror = mirror_of(model);
    std::vector<double> q = random(model.nq), v = random(model.nv), command = random(4);
    const double length = std::sqrt(q[3] * q[3] + q[4] * q[4] + q[5] * q[5] + q[6] * q[6]);
    for (int i = 3; i < 7; ++i) q[i] /= length;
    const std::vector<double> q2 = mirrored_q(mirror, q), v2 = mirrored_v(mirror, v), command2{command[0], command[1], -command[2], -command[3]};
    std::vector<float> obs(parts.layout.size), obs2 = obs;
    observe(parts.layout, {q.data(), v.data(), command.data(), 0.13, 2.5}, obs.data());
    observe(parts.layout, {q2.data(), v2.data(), command2.data(), 0.63, 2.5}, obs2.data());
    const std::vector<float> expected = image(parts.symmetry().observation, obs);
    ASSERT_EQ(expected.size(), obs2.size());
    for (size_t i = 0; i < obs2.size(); ++i) EXPECT_NEAR(obs2[i], expected[i], 1e-5) << "observation " << i;
  }
}

TEST_P(SymmetryOf, AMirroredActionGivesMirroredTorques) {
  const Parts parts(GetParam());
  const Mirror mirror = mirror_of(parts.robot.model);
  const int njnt = parts.robot.model.njnt;
  const std::vector<double> q = random(njnt), v = random(njnt), tau_ff = random(njnt), q_des = random(njnt), v_des = random(njnt);
  std::vector<float> action(parts.blending.joint.size());
  for (float& a : action) a = static_cast<float>(normal(rng));
  const auto torque = [&](const std::vector<float>& a, const std::vector<double>& q_now, const std::vector<double>& v_now, std::vector<double> ff,
                          std::vector<double> qd, std::vector<double> vd) {
    std::vector<double> kp(njnt), kd(njnt), tau(njnt);
    blend(parts.blending, a.data(), {ff.data(), qd.data(), vd.data(), kp.data(), kd.data()});
    for (int j = 0; j < njnt; ++j) tau[j] = ff[j] + kp[j] * (qd[j] - q_now[j]) + kd[j] * (vd[j] - v_now[j]);
    return tau;
  };
  const auto seen = [&](const std::vector<double>& x) { return image(mirror.joint, x); };
  const std::vector<double> expected = seen(torque(action, q, v, tau_ff, q_des, v_des));
  const std::vector<double> got = torque(image(parts.symmetry().action, action), seen(q), seen(v), seen(tau_ff), seen(q_des), seen(v_des));
  for (int j = 0; j < njnt; ++j) EXPECT_NEAR(got[j], expected[j], 1e-9) << parts.robot.model.joint_name[j];
}

TEST(SymmetryErrors, NameWhatDiffersBetweenLeftAndRight) {
  const auto refused = [](const auto& change, const std::string& what) {
    Parts parts("mit_humanoid");
    change(parts);
    const std::string message = message_of([&] { parts.symmetry(); });
    EXPECT_NE(message.find(what), std::string::npos) << message << ", expected " << what;
  };
  refused([](Parts& p) { p.layout.nominal[1] = 0.3; },
          "the nominal position of right_hip_abad is 0.3, but left_hip_abad on the other side asks for -0.2");
  refused([](Parts& p) { p.blending.nominal[3] = 1; }, "the nominal position of right_knee is 1");
  refused([](Parts& p) { p.blending.kp[3] = 1; }, "kp of right_knee is 1");
  refused([](Parts& p) { p.blending.kd[3] = 1; }, "kd of right_knee is 1");
  refused([](Parts& p) { p.layout.gait_offset = {0, 0.3}; }, "gait.offset of left_foot and right_foot differs from that of right_foot and left_foot");
  refused([](Parts& p) { p.blending.joint.pop_back(); }, "a policy moves right_ankle but not left_ankle on the other side");
  refused([](Parts& p) { p.blending.kp_a[3] = 1; }, "the policy's gains of right_knee and left_knee differ");
  refused([](Parts& p) { p.layout.groups.push_back({"weather", 2}); }, "the observation group weather has no mirror image");
}

TEST(SymmetryOfGaits, AnyOffsetsThatTheMirrorOnlyDelays) {
  Parts parts("unitree_go2");
  for (const std::vector<double>& offset : {std::vector<double>{0.1, 0.6, 0.6, 0.1}, {0, 0.5, 0.25, 0.75}, {0, 0, 0, 0}, {0, 0, 0.5, 0.5}}) {
    parts.layout.gait_offset = offset;
    EXPECT_EQ(parts.symmetry().observation.size(), parts.layout.size);
  }
  parts.layout.gait_offset = {0, 0.25, 0.5, 0.75};
  EXPECT_THROW(parts.symmetry(), Error);
}

}  // namespace
}  // namespace tandem
