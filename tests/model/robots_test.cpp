// The robots of robots/: their figures, and that MJCF and robot.toml agree.
#include <algorithm>
#include <numeric>
#include <set>

#include "model/names.hpp"
#include "model/robot.hpp"
#include "tests/model/support.hpp"

namespace tandem {
namespace {

class Robots : public testing::TestWithParam<const char*> {
 protected:
  Robot robot = load_robot(GetParam());
  const Model& model = robot.model;
};
INSTANTIATE_TEST_SUITE_P(All, Robots, testing::Values("mit_humanoid", "unitree_g1", "unitree_go2"),
                         [](const auto& info) { return std::string(info.param); });

TEST(RobotFigures, WeighWhatTheirMakersSay) {
  const std::pair<const char*, double> published[] = {{"mit_humanoid", 24.8886}, {"unitree_g1", 33.3411}, {"unitree_go2", 15.2064}};
  for (const auto& [name, mass] : published) {
    const Model model = load_robot(name).model;
    EXPECT_NEAR(std::accumulate(model.mass.begin(), model.mass.end(), 0.0), mass, 1e-4) << name;
  }
}

TEST(RobotFigures, HaveTheirJointsAndContactPoints) {
  const std::tuple<const char*, int, int, int> expected[] = {{"mit_humanoid", 18, 2, 4}, {"unitree_g1", 29, 2, 8}, {"unitree_go2", 12, 4, 4}};
  for (const auto& [name, njnt, nfoot, ncon] : expected) {
    const Model model = load_robot(name).model;
    EXPECT_EQ(model.njnt, njnt) << name;
    EXPECT_EQ(model.foot_name.size(), size_t(nfoot)) << name;
    EXPECT_EQ(model.contacts.size(), size_t(ncon)) << name;
  }
}

TEST(RobotFigures, PoliciesMoveTheLegs) {
  const std::pair<const char*, size_t> expected[] = {{"mit_humanoid", 10}, {"unitree_g1", 12}, {"unitree_go2", 12}};
  for (const auto& [name, naction] : expected) {
    const Robot robot = load_robot(name);
    EXPECT_EQ(robot.action_joint.size(), naction) << name;
    EXPECT_TRUE(std::is_sorted(robot.action_joint.begin(), robot.action_joint.end())) << name;
    for (const int j : robot.action_joint)
      for (const char* other : {"shoulder", "elbow", "wrist", "waist"})
        EXPECT_EQ(robot.model.joint_name[j].find(other), std::string::npos) << robot.model.joint_name[j];
  }
}

TEST_P(Robots, MoveAsInMujoco) { expect_same_as_mujoco(model, Mujoco(robot.model_path), 7); }

TEST_P(Robots, GainsInTheMjcfEqualThoseInTheToml) {
  const Mujoco mujoco(robot.model_path);
  for (int j = 0; j < model.njnt; ++j) {
    EXPECT_EQ(mujoco.m->actuator_biasprm[mjNBIAS * j + 1], -robot.kp[j]) << model.joint_name[j];
    EXPECT_EQ(mujoco.m->actuator_biasprm[mjNBIAS * j + 2], -robot.kd[j]) << model.joint_name[j];
  }
}

TEST_P(Robots, KeyframeStandIsTheNominalPose) {
  for (int j = 0; j < model.njnt; ++j) EXPECT_NEAR(robot.stand[7 + j], robot.nominal[j], 1e-12) << model.joint_name[j];
}

TEST_P(Robots, NominalPoseStandsOnItsContactPointsAndTouchesNothing) {
  const std::vector<double> v(model.nv);
  const std::vector<PlainBody> bodies = plain_kinematics(model, robot.stand.data(), v.data());
  for (const ContactPoint& contact : model.contacts) {
    const PlainBody& body = bodies[contact.body];
    EXPECT_NEAR((body.p + body.R * load3<double>(contact.p_BC)).z - contact.radius, 0, 1e-3) << contact.name;
  }
  Mujoco mujoco(robot.model_path);
  mj_resetDataKeyframe(mujoco.m.get(), mujoco.d.get(), 0);
  mj_forward(mujoco.m.get(), mujoco.d.get());
  EXPECT_EQ(mujoco.d->ncon, 0) << "touching: " << mujoco.geom(mujoco.d->contact[0].geom1) << ", " << mujoco.geom(mujoco.d->contact[0].geom2);
}

TEST_P(Robots, EveryContactPointIsOnTheShapeOfItsName) {
  const Mujoco mujoco(robot.model_path);
  for (const ContactPoint& contact : model.contacts) {
    const int g = mj_name2id(mujoco.m.get(), mjOBJ_GEOM, contact.name.c_str());
    ASSERT_GE(g, 0) << contact.name;
    const double size = mujoco.m->geom_size[3 * g];
    const V3 below = load3<double>(contact.p_BC) - load3<double>(mujoco.m->geom_pos + 3 * g);
    EXPECT_NEAR(below.x, 0, 1e-12) << contact.name;
    EXPECT_NEAR(below.y, 0, 1e-12) << contact.name;
    EXPECT_NEAR(below.z, contact.radius - size, 1e-12) << contact.name;
  }
}

// Held stiffly in the nominal pose the robot must just stand there, on its feet alone.
TEST_P(Robots, StandForASecondUnderStiffPositionControl) {
  Mujoco mujoco(robot.model_path);
  mjModel* m = mujoco.m.get();
  mjData* d = mujoco.d.get();
  mj_resetDataKeyframe(m, d, 0);
  for (int a = 0; a < m->nu; ++a) {
    m->actuator_biasprm[mjNBIAS * a + 1] = -2000;
    m->actuator_biasprm[mjNBIAS * a + 2] = -40;
    d->ctrl[a] = 2000 * robot.nominal[a];
  }
  const std::set<std::string> feet(robot.foot_geoms.begin(), robot.foot_geoms.end());
  while (d->time < 1) {
    mj_step(m, d);
    for (int c = 0; c < d->ncon; ++c) {
      const std::string a = mujoco.geom(d->contact[c].geom1), b = mujoco.geom(d->contact[c].geom2);
      ASSERT_TRUE(a == "floor" && feet.count(b)) << a << " touches " << b << " after " << d->time << " s";
    }
  }
  EXPECT_NEAR(d->qpos[2], robot.stand[2], 0.02);
  EXPECT_GT(std::abs(d->qpos[3]), std::cos(0.05 / 2)) << "tilted";
  for (int k = 0; k < m->nv; ++k) EXPECT_LT(std::abs(d->qvel[k]), 0.1) << "degree of freedom " << k;
}

int index_of(const std::vector<std::string>& names, const std::string& name) {
  return static_cast<int>(std::find(names.begin(), names.end(), name) - names.begin());
}

void expect_near(const double* a, std::vector<double> b, const std::string& what) {
  for (size_t k = 0; k < b.size(); ++k) EXPECT_NEAR(a[k], b[k], 1e-12) << what << "[" << k << "]";
}

TEST_P(Robots, LimbsAreMirrorImages) {
  for (int i = 1; i < model.nbody; ++i) {
    const std::string& name = model.body_name[i];
    if (mirrored(name) == name) continue;
    const int k = index_of(model.body_name, mirrored(name));
    ASSERT_LT(k, model.nbody) << mirrored(name);
    const double *p = &model.p_PB[3 * k], *R = &model.R_PB[9 * k], *c = &model.com[3 * k], *I = &model.inertia[6 * k];
    EXPECT_EQ(model.mass[i], model.mass[k]) << name;
    expect_near(&model.p_PB[3 * i], {p[0], -p[1], p[2]}, name + " position");
    expect_near(&model.R_PB[9 * i], {R[0], -R[1], R[2], -R[3], R[4], -R[5], R[6], -R[7], R[8]}, name + " rotation");
    expect_near(&model.com[3 * i], {c[0], -c[1], c[2]}, name + " centre of mass");
    expect_near(&model.inertia[6 * i], {I[0], I[1], I[2], -I[3], I[4], -I[5]}, name + " inertia");
  }
}

TEST_P(Robots, JointsAreMirrorImages) {
  for (int j = 0; j < model.njnt; ++j) {
    const int k = index_of(model.joint_name, mirrored(model.joint_name[j]));
    if (k == j) continue;
    ASSERT_LT(k, model.njnt) << model.joint_name[j];
    // a mirrored rotation turns about (-x, y, -z); written with the same axis, its angle changes sign
    const double* a = &model.axis[3 * k];
    const double same = -a[0] * model.axis[3 * j] + a[1] * model.axis[3 * j + 1] - a[2] * model.axis[3 * j + 2];
    ASSERT_NEAR(std::abs(same), 1, 1e-12) << model.joint_name[j];
    EXPECT_EQ(model.q_min[j], same > 0 ? model.q_min[k] : -model.q_max[k]) << model.joint_name[j];
    EXPECT_EQ(model.q_max[j], same > 0 ? model.q_max[k] : -model.q_min[k]) << model.joint_name[j];
    EXPECT_EQ(robot.nominal[j], same > 0 ? robot.nominal[k] : -robot.nominal[k]) << model.joint_name[j];
    const auto settings = [&](int i) {
      return std::vector<double>{model.armature[i],
                                 model.damping[i],
                                 model.tau_max[i],
                                 model.v_max[i],
                                 robot.kp[i],
                                 robot.kd[i],
                                 robot.weights.joint_position[i],
                                 robot.weights.joint_velocity[i]};
    };
    EXPECT_EQ(settings(j), settings(k)) << model.joint_name[j];
  }
}

TEST_P(Robots, FeetAreMirrorImages) {
  for (const ContactPoint& contact : model.contacts) {
    const int mirror_body = index_of(model.body_name, mirrored(model.body_name[contact.body]));
    const bool found = std::any_of(model.contacts.begin(), model.contacts.end(), [&](const ContactPoint& other) {
      return other.body == mirror_body && other.p_BC[0] == contact.p_BC[0] && other.p_BC[1] == -contact.p_BC[1] && other.p_BC[2] == contact.p_BC[2];
    });
    EXPECT_TRUE(found) << contact.name;
  }
}

}  // namespace
}  // namespace tandem
