// Uneven ground: what is generated, that terrain_height() knows the triangles MuJoCo collides with, and that robots stand and move on it as Newton wants.
#include "sim/terrain.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>

#include "base/check.hpp"
#include "base/rng.hpp"
#include "sim/mujoco_load.hpp"
#include "tests/sim/stool.hpp"
#include "tests/support/message_of.hpp"

namespace tandem {
namespace {

constexpr TerrainSettings kRough{.kind = TerrainKind::kRough, .amplitude = 0.04, .extent = 20, .seed = 5};
constexpr TerrainSettings kSteps{.kind = TerrainKind::kSteps, .amplitude = 0.05, .cell = 0.08, .extent = 16, .seed = 6};
constexpr TerrainSettings kSlope{.kind = TerrainKind::kSlope, .extent = 20, .angle = 0.25};

struct Mujoco {
  std::unique_ptr<mjModel, void (*)(mjModel*)> m;
  std::unique_ptr<mjData, void (*)(mjData*)> d;
  Mujoco(const std::string& xml, const Terrain& terrain) : m(load_mujoco(xml, terrain), mj_deleteModel), d(mj_makeData(m.get()), mj_deleteData) {
    mj_forward(m.get(), d.get());
  }
};

TEST(Terrain, RoughHeightsAreUniformInTheAmplitude) {
  const Terrain t = make_terrain(kRough);
  ASSERT_EQ(t.rows, 201);
  ASSERT_EQ(t.columns, 201);
  double mean = 0, square = 0, neighbours = 0;
  for (float h : t.height) {
    ASSERT_LE(std::abs(h), kRough.amplitude);
    mean += h / t.height.size();
    square += h * h / t.height.size();
  }
  for (size_t i = 1; i < t.height.size(); ++i) neighbours += t.height[i] * t.height[i - 1] / t.height.size();
  // variance a^2 / 3; the edge's zeros are 2 % of the heights
  EXPECT_NEAR(mean, 0, 0.0005);
  EXPECT_NEAR(square, kRough.amplitude * kRough.amplitude / 3, 0.04 * square);
  EXPECT_NEAR(neighbours, 0, 0.03 * square);
}

TEST(Terrain, StepsAreTreadsFourCellsLongAtThreeHeights) {
  const Terrain t = make_terrain(kSteps);
  ASSERT_EQ(t.rows, 401);
  std::map<float, int> count;
  for (float h : t.height) ++count[h];
  ASSERT_EQ(count.size(), 3u);
  for (float h : {-1.0f, 0.0f, 1.0f}) EXPECT_NEAR(count[h * float(kSteps.amplitude)], t.height.size() / 3.0, 0.04 * t.height.size()) << h;
  // within a tread the ground is level; it changes only where the next tread begins, 8 heights on
  for (int r = 1; r < t.rows - 1; ++r) {
    for (int c = 2; c < t.columns - 1; ++c) {
      ASSERT_TRUE(c % 8 == 0 || t.height[r * t.columns + c] == t.height[r * t.columns + c - 1]) << "row " << r << ", column " << c;
    }
  }
  EXPECT_DOUBLE_EQ(t.cell, 0.04);
}

// tan(0.25 rad) = 0.255342.
TEST(Terrain, SlopeRisesTowardsXByItsAngle) {
  const Terrain t = make_terrain(kSlope);
  EXPECT_NEAR(terrain_height(t, 4, 1.7), 1.021368, 1e-6);
  EXPECT_NEAR(terrain_height(t, -2.63, -8), -0.671549, 1e-6);
  EXPECT_EQ(terrain_height(t, 0, 3), 0);
}

// On an incline whose tangent is more than the friction a block slides with g (sin - friction cos): 9.81 (sin 0.25 - 0.1 cos 0.25) = 1.476516 m/s^2.
TEST(Terrain, RobotOnASlipperySlopeSlidesDownAsGalileoSays) {
  const double sine = std::sin(kSlope.angle), cosine = std::cos(kSlope.angle), clearance = kStoolHeight + kTerrainClearance;
  Stool stool(1, {.terrain = make_terrain(kSlope)});
  stool.sim->set_parameters(0, {.friction = 0.1});
  // upright on the incline: turned about y, with the base off it along its normal
  const std::vector<double> q{-sine * clearance, 0, cosine * clearance, std::cos(kSlope.angle / 2), 0, -std::sin(kSlope.angle / 2), 0, 0, 0, 0, 0};
  stool.sim->set_state(stool.worlds, q, std::vector<double>(10, 0.0));
  const auto speed = [&] { return -(cosine * stool.sim->output.v[0] + sine * stool.sim->output.v[2]); };
  stool.run(30);  // until it has settled on its legs
  const double before = speed();
  stool.run(50);
  EXPECT_NEAR((speed() - before) / 0.5, 1.476516, 0.015);
}

TEST(Terrain, IsAFunctionOfItsSeed) {
  TerrainSettings other = kRough;
  other.seed = 7;
  EXPECT_EQ(make_terrain(kRough).height, make_terrain(kRough).height);
  EXPECT_NE(make_terrain(kRough).height, make_terrain(other).height);
}

TEST(Terrain, FlatAndZeroAmplitudeAreEmpty) {
  TerrainSettings zero = kRough;
  zero.amplitude = 0;
  EXPECT_TRUE(make_terrain({}).height.empty());
  EXPECT_TRUE(make_terrain(zero).height.empty());
  EXPECT_TRUE(make_terrain({.kind = TerrainKind::kSlope, .angle = 0}).height.empty());
  EXPECT_EQ(terrain_height(make_terrain({}), 1, 2), 0);
}

// Rays down onto MuJoCo's height field, on the field and on the level floor around it.
TEST(Terrain, HeightIsWhereARayMeetsTheGround) {
  for (const TerrainSettings& settings : {kRough, kSteps, kSlope}) {
    const Terrain t = make_terrain(settings);
    const Mujoco mj(kStoolXml, t);
    const double range = 2 * *std::max_element(t.height.begin(), t.height.end());  // of heights, which MuJoCo keeps as floats in shares of it
    Rng rng{21, 0, 0};
    for (int i = 0; i < 3000; ++i) {
      const double p[3] = {rng.uniform(-12, 12), rng.uniform(-12, 12), 5}, down[3] = {0, 0, -1};
      if (std::abs(p[0] - 5) < 0.6 && std::abs(p[1]) < 0.6) continue;  // the file's own box
      if (std::abs(p[0]) < 0.6 && std::abs(p[1]) < 0.6) continue;      // the robot
      const double distance = mj_ray(mj.m.get(), mj.d.get(), p, down, nullptr, 1, -1, nullptr, nullptr);
      ASSERT_NEAR(5 - distance, terrain_height(t, p[0], p[1]), 1e-7 * (1 + range)) << "at " << p[0] << ", " << p[1];
    }
  }
}

// Contacts, not only rays: a small ball let into the ground by 0.1 mm touches it where terrain_height() says.
TEST(Terrain, HeightIsWhereABallTouchesTheGround) {
  const Terrain t = make_terrain({.kind = TerrainKind::kRough, .amplitude = 0.05, .extent = 4, .seed = 8});
  Mujoco mj(kStoolXml, t);
  const int geom = mj_name2id(mj.m.get(), mjOBJ_GEOM, "foot_fl");
  mj.m->geom_size[3 * geom] = 0.002;  // smaller than the cells by far, so that it touches one triangle
  Rng rng{22, 0, 0};
  int touched = 0;
  for (int i = 0; i < 300; ++i) {
    mj_resetData(mj.m.get(), mj.d.get());
    double* at = mj.d->qpos;
    const double x = rng.uniform(-1.5, 1.5), y = rng.uniform(-1.5, 1.5);
    at[0] = x - 0.15, at[1] = y - 0.1;  // of the slab, its foot at x, y
    at[2] = terrain_height(t, x, y) + 0.28 + 0.002 - 0.0001;
    mj_forward(mj.m.get(), mj.d.get());
    for (int c = 0; c < mj.d->ncon; ++c) {
      const mjContact& contact = mj.d->contact[c];
      if (contact.geom[0] != geom && contact.geom[1] != geom) continue;
      ASSERT_NEAR(contact.pos[2], terrain_height(t, contact.pos[0], contact.pos[1]), 0.001) << "at " << x << ", " << y;
      ++touched;
    }
  }
  EXPECT_GT(touched, 250);
}

TEST(Terrain, EdgeIsFlushWithALevelFloor) {
  Stool stool(2, {.terrain = make_terrain(kRough)});
  std::vector<double> q;
  // one with two feet on either side of the edge, one far outside
  for (double x : {10.0, 60.0}) q.insert(q.end(), {x, 3, kStoolHeight + 0.05, 1, 0, 0, 0, 0, 0, 0, 0});
  stool.sim->set_state(stool.worlds, q, std::vector<double>(20, 0.0));
  stool.run(150);
  for (int w = 0; w < 2; ++w) {
    double force = 0;
    for (int f = 0; f < 4; ++f) force += stool.sim->output.foot_force[(w * 4 + f) * 3 + 2];
    EXPECT_NEAR(force, kStoolMass * 9.81, 0.01 * kStoolMass * 9.81) << "world " << w;
    EXPECT_EQ(stool.sim->output.floor_contact[w], 0) << "world " << w;
  }
  EXPECT_NEAR(stool.sim->output.q[11 + 2], kStoolHeight, 0.01);
}

TEST(TerrainErrors, NameValueAndExpectation) {
  const auto with = [](auto&& change) {
    TerrainSettings settings = kRough;
    change(settings);
    return message_of([&] { make_terrain(settings); });
  };
  EXPECT_NE(with([](TerrainSettings& s) { s.amplitude = -1; }).find("amplitude = -1 m, expected 0 to 10"), std::string::npos);
  EXPECT_NE(with([](TerrainSettings& s) { s.angle = 1.2; }).find("angle = 1.2 rad, expected -0.8 to 0.8"), std::string::npos);
  EXPECT_NE(with([](TerrainSettings& s) { s.cell = 0; }).find("cell = 0 m, expected more than 0"), std::string::npos);
  EXPECT_NE(with([](TerrainSettings& s) { s.extent = NAN; }).find("extent = nan m"), std::string::npos);
  EXPECT_NE(with([](TerrainSettings& s) { s.extent = 0.5; }).find("extent = 0.5 m, expected at least 10 cells of 0.1 m"), std::string::npos);
  EXPECT_NE(with([](TerrainSettings& s) { s.cell = 0.001; }).find("makes 20001 heights along a side, at most 4001; take a larger cell"),
            std::string::npos);
  const Terrain terrain = make_terrain(kRough);
  EXPECT_NE(message_of([&] { load_mujoco(TANDEM_SOURCE_DIR "/tests/data/no_plane.xml", terrain); }).find("has no plane that uneven ground"),
            std::string::npos);
}

TEST(Stand, IsHeldAgainstTheGround) {
  const auto with = [](auto&& change) {
    Robot robot = load_robot("unitree_go2");
    change(robot);
    return message_of([&] { make_simulator(robot, 1); });
  };
  EXPECT_EQ(with([](Robot&) {}), "");
  EXPECT_NE(with([](Robot& r) { r.stand[2] += 1; }).find("robot.toml: where it stands its lowest contact point is at height"), std::string::npos);
  EXPECT_NE(with([](Robot& r) {
              for (ContactPoint& c : r.model.contacts) c.p_BC[2] += 0.4;
            }).find("mend the points"),
            std::string::npos);
  EXPECT_NE(with([](Robot& r) {
              for (ContactPoint& c : r.model.contacts) c.radius = 0.2;
            }).find("their radius"),
            std::string::npos);
  EXPECT_NE(with([](Robot& r) { r.stand[3] = r.stand[4] = std::sqrt(0.5); }).find("mend"), std::string::npos);
}

TEST(Stand, NeedsAFloorAndAnMjcf) {
  const ChangedStool bare("<geom name=\"floor\" type=\"plane\" size=\"0 0 .05\" material=\"checks\"/>\n    <geom name=\"step\"", "<site"),
      urdf("<mujoco", "<robot/><mujoco");
  EXPECT_NE(message_of([&] { make_mujoco_simulator(bare.path, make_stool(), 1); }).find("has no floor; add <geom"), std::string::npos);
  EXPECT_NE(message_of([&] { make_mujoco_simulator(urdf.path, make_stool(), 1); }).find("is a URDF, the simulator needs an MJCF"), std::string::npos);
}

class TerrainRobots : public testing::TestWithParam<std::tuple<const char*, TerrainKind>> {
 protected:
  static constexpr int kWorlds = 12;
  Robot robot = load_robot(std::get<0>(GetParam()));
  Terrain terrain = make_terrain({.kind = std::get<1>(GetParam()), .amplitude = 0.02, .seed = 9});
  std::unique_ptr<Simulator> sim = make_simulator(robot, kWorlds, {.physics_dt = 0.0025, .terrain = terrain});
  std::vector<double> q;

  // Robots in their stance, stiff, here and there, each turned its own way.
  void SetUp() override {
    Rng rng{23, 0, 0};
    TerrainPlacer placer(robot.model);
    std::vector<int> ids(kWorlds);
    std::iota(ids.begin(), ids.end(), 0);
    for (int w = 0; w < kWorlds; ++w) {
      std::vector<double> start = robot.stand;
      const double half_yaw = rng.uniform(-1.5, 1.5);
      start[0] = rng.uniform(-15, 15), start[1] = rng.uniform(-15, 15);
      start[3] = std::cos(half_yaw), start[4] = start[5] = 0, start[6] = std::sin(half_yaw);
      placer.place(terrain, start.data());
      q.insert(q.end(), start.begin(), start.end());
    }
    sim->set_state(ids, q, std::vector<double>(kWorlds * robot.model.nv, 0.0));
    for (size_t i = 0; i < sim->input.kp.size(); ++i) {
      sim->input.kp[i] *= 5;
      sim->input.kd[i] *= 5;
      sim->input.q_des[i] = robot.stand[7 + i % robot.model.njnt];
    }
  }
  double upward_force(int world) const {
    double sum = 0;
    const size_t nfoot = robot.model.foot_name.size();
    for (size_t f = 0; f < nfoot; ++f) sum += sim->output.foot_force[(world * nfoot + f) * 3 + 2];
    return sum;
  }
  double mass() const { return std::accumulate(robot.model.mass.begin(), robot.model.mass.end(), 0.0); }
  // The lowest distance among the contacts of world `w` as placed, let down by `drop` [m]; 0 if nothing touches.
  double deepest(Mujoco& mj, int w, double drop) const {
    mj_resetData(mj.m.get(), mj.d.get());
    std::copy_n(&q[w * robot.model.nq], robot.model.nq, mj.d->qpos);
    mj.d->qpos[2] -= drop;
    mj_forward(mj.m.get(), mj.d.get());
    double distance = 0;
    for (int c = 0; c < mj.d->ncon; ++c) distance = std::min(distance, mj.d->contact[c].dist);
    return distance;
  }
};

// The shapes that MuJoCo collides stand where the contact points say: in the placed configuration no foot is deep in the ground or far above it.
TEST_P(TerrainRobots, PlacementSetsTheFeetOnTheGround) {
  Mujoco mj(robot.model_path, terrain);
  for (int w = 0; w < kWorlds; ++w) {
    EXPECT_GT(deepest(mj, w, 0), -0.006) << "world " << w;
    EXPECT_LT(deepest(mj, w, 0.008), 0) << "world " << w;
  }
}

// Newton: over a time the feet's impulse is the weight's plus the change of momentum, through landing and whatever sway there is.
TEST_P(TerrainRobots, FeetCarryTheWeightAndTheChangeOfMomentum) {
  Mujoco mj(robot.model_path, terrain);
  const auto momentum = [&](int w) {
    std::copy_n(&sim->output.q[w * robot.model.nq], robot.model.nq, mj.d->qpos);
    std::copy_n(&sim->output.v[w * robot.model.nv], robot.model.nv, mj.d->qvel);
    mj_forward(mj.m.get(), mj.d.get());
    mj_subtreeVel(mj.m.get(), mj.d.get());
    return mass() * mj.d->subtree_linvel[3 + 2];
  };
  constexpr int kSteps = 25;
  std::vector<double> impulse(kWorlds, 0.0);
  for (int k = 0; k < kSteps; ++k) {
    sim->step();
    for (int w = 0; w < kWorlds; ++w) {
      ASSERT_EQ(sim->output.floor_contact[w], 0) << "world " << w << ", step " << k;
      ASSERT_EQ(sim->output.fault[w], kFaultNone) << "world " << w << ", step " << k;
      impulse[w] += 0.01 * upward_force(w);
    }
  }
  const double weight = mass() * 9.81 * 0.01 * kSteps;
  for (int w = 0; w < kWorlds; ++w) EXPECT_NEAR(impulse[w], weight + momentum(w), 0.02 * weight) << "world " << w;
}

INSTANTIATE_TEST_SUITE_P(Robots, TerrainRobots,
                         testing::Combine(testing::Values("mit_humanoid", "unitree_g1", "unitree_go2"),
                                          testing::Values(TerrainKind::kRough, TerrainKind::kSteps)));

// A bump of 4 cm under the middle of a foot, between toe and heel, carries the foot.
TEST(TerrainPlacement, SoleClearsABumpBetweenItsContactPoints) {
  const Robot robot = load_robot("mit_humanoid");
  Mujoco mj(robot.model_path, {});
  std::vector<double> q = robot.stand;
  std::copy(q.begin(), q.end(), mj.d->qpos);
  mj_forward(mj.m.get(), mj.d.get());
  const int foot = mj_name2id(mj.m.get(), mjOBJ_BODY, "right_foot");
  const double toe[3] = {0.105, 0, -0.04}, heel[3] = {-0.045, 0, -0.04};
  double middle[3], p[3] = {(toe[0] + heel[0]) / 2, 0, toe[2]};
  mju_mulMatVec3(middle, mj.d->xmat + 9 * foot, p);
  mju_addTo3(middle, mj.d->xpos + 3 * foot);
  // a single height, 5 cm from its neighbours, which are level with the floor
  Terrain terrain{41, 41, 0.05, std::vector<float>(41 * 41, 0.0f)};
  terrain.height[20 * 41 + 20] = 0.04f;
  q[0] -= middle[0], q[1] -= middle[1];
  const double before = q[2];
  place_on_terrain(robot.model, terrain, q.data());
  EXPECT_NEAR(q[2] - before, 0.04 + kTerrainClearance - middle[2], 0.003);
}

// Four legs need no balance: at rest the feet carry the weight, no more and no less.
TEST(TerrainRest, StandingQuadrupedWeighsWhatItWeighs) {
  const Robot robot = load_robot("unitree_go2");
  const Terrain terrain = make_terrain(kRough);
  const auto sim = make_simulator(robot, 1, {.physics_dt = 0.0025, .terrain = terrain});
  std::vector<double> q = robot.stand;
  q[0] = 3.3, q[1] = -2.1;
  place_on_terrain(robot.model, terrain, q.data());
  sim->set_state(std::vector<int>{0}, q, std::vector<double>(robot.model.nv, 0.0));
  for (size_t j = 0; j < robot.kp.size(); ++j) sim->input.kp[j] *= 5, sim->input.kd[j] *= 5, sim->input.q_des[j] = robot.stand[7 + j];
  for (int k = 0; k < 150; ++k) sim->step();
  double force = 0;
  for (int f = 0; f < 4; ++f) force += sim->output.foot_force[3 * f + 2];
  const double weight = std::accumulate(robot.model.mass.begin(), robot.model.mass.end(), 0.0) * 9.81;
  EXPECT_NEAR(force, weight, 0.005 * weight);
  EXPECT_LT(std::abs(sim->output.v[2]), 0.001);
}

}  // namespace
}  // namespace tandem
