// Contacts with uneven ground: level ground made of triangles is a plane to balls and capsules, and rough ground is met where it is nearest.
#include "sim/terrain_contact.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "base/rng.hpp"
#include "sim/mujoco_load.hpp"

namespace tandem {
namespace {

constexpr double kBall = 0.02, kCapsule = 0.025, kHalf = 0.06;  // radii and half of the capsule's axis in the file [m]

enum class Shape { kBall, kCapsule };

class World {
 public:
  explicit World(const Terrain& terrain)
      : m_(load_mujoco(TANDEM_SOURCE_DIR "/tests/data/ball_and_capsule.xml", terrain), mj_deleteModel), d_(mj_makeData(m_.get()), mj_deleteData) {}

  // Contacts of the ball or the capsule alone, centred at `p` and turned by `quat`.
  std::vector<mjContact> at(Shape shape, const double p[3], const double quat[4]) {
    const int first = shape == Shape::kBall ? 0 : 7;
    mj_resetData(m_.get(), d_.get());
    d_->qpos[2] = d_->qpos[9] = 10;
    std::copy_n(p, 3, d_->qpos + first);
    std::copy_n(quat, 4, d_->qpos + first + 3);
    mj_forward(m_.get(), d_.get());
    return {d_->contact, d_->contact + d_->ncon};
  }
  // The ends of the capsule's axis, or the ball's centre twice, as placed last.
  void ends(Shape shape, double from[3], double to[3]) const {
    const int geom = mj_name2id(m_.get(), mjOBJ_GEOM, shape == Shape::kBall ? "ball" : "capsule");
    const double *p = d_->geom_xpos + 3 * geom, *mat = d_->geom_xmat + 9 * geom, half = shape == Shape::kBall ? 0 : kHalf;
    for (int i = 0; i < 3; ++i) from[i] = p[i] - half * mat[3 * i + 2], to[i] = p[i] + half * mat[3 * i + 2];
  }

 private:
  std::unique_ptr<mjModel, void (*)(mjModel*)> m_;
  std::unique_ptr<mjData, void (*)(mjData*)> d_;
};

// Level at 0, of 0.1 m cells; one far corner is higher, so that it is not empty ground.
Terrain level() {
  Terrain terrain{41, 41, 0.1, std::vector<float>(41 * 41, 0.0f)};
  terrain.height[42] = 1e-3f;
  return terrain;
}

constexpr double kUpright[4] = {1, 0, 0, 0};

// Lets a ball in anywhere, every second time within 2 mm of the edges, by up to its whole diameter: one contact, upright, as deep as it is let in.
TEST(TerrainContact, LevelTrianglesArePlaneToABall) {
  World world(level());
  Rng rng{31, 0, 0};
  for (int i = 0; i < 2000; ++i) {
    const double depth = rng.uniform(1e-4, 2 * kBall);
    double p[3] = {rng.uniform(-1.5, 1.5), rng.uniform(-1.5, 1.5), kBall - depth};
    if (i % 2) p[0] = 0.1 * std::round(10 * p[0]) + rng.uniform(-0.002, 0.002);
    const auto contacts = world.at(Shape::kBall, p, kUpright);
    ASSERT_EQ(contacts.size(), 1u) << "at " << p[0] << ", " << p[1] << ", depth " << depth;
    ASSERT_NEAR(contacts[0].dist, -depth, 1e-9) << "at " << p[0] << ", " << p[1];
    ASSERT_NEAR(contacts[0].frame[2], 1, 1e-12) << "at " << p[0] << ", " << p[1] << ", depth " << depth;
    ASSERT_NEAR(contacts[0].pos[2], -depth / 2, 1e-9) << "at " << p[0] << ", " << p[1];
  }
}

// Exactly on edges and corners of triangles, where one contact could be found twice or not at all.
TEST(TerrainContact, BallOverACornerTouchesOnce) {
  World world(level());
  for (double x : {0.1, 0.15, 0.2}) {
    for (double y : {0.1, 0.15, 0.2}) {
      const double p[3] = {x, y, kBall - 0.001};
      EXPECT_EQ(world.at(Shape::kBall, p, kUpright).size(), 1u) << "at " << x << ", " << y;
    }
  }
}

// MuJoCo's own plane and capsule say what level ground should do.
TEST(TerrainContact, LevelTrianglesArePlaneToACapsule) {
  World world(level()), plane({});
  Rng rng{32, 0, 0};
  for (int i = 0; i < 1000; ++i) {
    const double p[3] = {rng.uniform(-1.5, 1.5), rng.uniform(-1.5, 1.5), rng.uniform(0, 0.05)};
    double quat[4] = {rng.uniform(-1, 1), rng.uniform(-1, 1), rng.uniform(-1, 1), rng.uniform(-1, 1)};
    mju_normalize4(quat);
    auto found = world.at(Shape::kCapsule, p, quat), expected = plane.at(Shape::kCapsule, p, quat);
    ASSERT_EQ(found.size(), expected.size()) << "draw " << i;
    for (auto* list : {&found, &expected}) std::sort(list->begin(), list->end(), [](const auto& a, const auto& b) { return a.dist < b.dist; });
    for (size_t c = 0; c < found.size(); ++c) {
      ASSERT_NEAR(found[c].dist, expected[c].dist, 1e-9) << "draw " << i;
      for (int k = 0; k < 3; ++k) ASSERT_NEAR(found[c].pos[k], expected[c].pos[k], 1e-9) << "draw " << i;
      ASSERT_NEAR(found[c].frame[2], 1, 1e-12) << "draw " << i;
    }
  }
}

// Distance from the segment from a to b to the surface at x, y.
double distance_to(const Terrain& terrain, const double a[3], const double b[3], double x, double y) {
  const double p[3] = {x, y, terrain_height(terrain, x, y)};
  double u[3], w[3];
  mju_sub3(u, b, a), mju_sub3(w, p, a);
  mju_addToScl3(w, u, -std::clamp(mju_dot3(w, u) / std::max(1e-12, mju_dot3(u, u)), 0.0, 1.0));
  return mju_norm3(w);
}

// The distance to the nearest place, over a grid of 1 mm and one of 0.05 mm around the best of it: never less than the truth, on slopes of up to 2.4 at most
// 0.1 mm more.
double nearest(const Terrain& terrain, const double a[3], const double b[3]) {
  double best = 1, best_x = 0, best_y = 0;
  const auto search = [&](double x_min, double x_max, double y_min, double y_max, double step) {
    for (double x = x_min; x < x_max; x += step) {
      for (double y = y_min; y < y_max; y += step) {
        const double found = distance_to(terrain, a, b, x, y);
        if (found < best) best = found, best_x = x, best_y = y;
      }
    }
  };
  search(std::min(a[0], b[0]) - 0.03, std::max(a[0], b[0]) + 0.03, std::min(a[1], b[1]) - 0.03, std::max(a[1], b[1]) + 0.03, 0.001);
  search(best_x - 0.0015, best_x + 0.0015, best_y - 0.0015, best_y + 0.0015, 5e-5);
  return best;
}

// Balls and capsules 5 mm deep in rough ground or steps: the deepest contact is as deep as the nearest place of the surface says.
TEST(TerrainContact, DeepestContactIsTheNearestPlaceOfTheGround) {
  Rng rng{33, 0, 0};
  for (const TerrainKind kind : {TerrainKind::kRough, TerrainKind::kSteps}) {
    const Terrain terrain = make_terrain({.kind = kind, .amplitude = 0.03, .cell = 0.05, .extent = 4, .seed = 9});
    World world(terrain);
    for (int i = 0; i < 300; ++i) {
      const Shape shape = i % 3 ? Shape::kCapsule : Shape::kBall;
      const double radius = shape == Shape::kBall ? kBall : kCapsule;
      double p[3] = {rng.uniform(-1.5, 1.5), rng.uniform(-1.5, 1.5), 0}, quat[4] = {1, 1, rng.uniform(-0.2, 0.2), 0}, a[3], b[3];
      mju_normalize4(quat);
      p[2] = terrain_height(terrain, p[0], p[1]) + 0.1;
      const auto gap = [&] { return world.at(shape, p, quat), world.ends(shape, a, b), nearest(terrain, a, b) - radius; };
      p[2] -= gap();
      p[2] -= std::max(0.0, gap()) + 0.005;
      const double expected = gap();
      if (expected > -1e-3) continue;  // beside a wall it is not let in by moving down
      const auto contacts = world.at(shape, p, quat);
      ASSERT_FALSE(contacts.empty()) << "draw " << i;
      double deepest = 0;
      for (const mjContact& contact : contacts) deepest = std::min(deepest, contact.dist);
      EXPECT_NEAR(deepest, expected, 1e-4) << "draw " << i << ", at " << p[0] << ", " << p[1];
    }
  }
}

// A ball in a valley of two slopes is held by both, and one on a ridge by the ridge alone.
TEST(TerrainContact, ValleyHoldsABallOnBothSidesAndARidgeInTheMiddle) {
  Terrain terrain{41, 41, 0.1, std::vector<float>(41 * 41)};
  for (int i = 0; i < 41 * 41; ++i)
    terrain.height[i] = 0.05f * float(std::min(std::abs(i % 41 - 20), 3));  // a valley at x = 0, slopes of 1 : 2 up to a plateau
  World world(terrain);
  const double slope = std::atan(0.5), valley[3] = {0, 0.03, (kBall - 0.001) / std::cos(slope)}, ridge[3] = {0.3, 0.03, 0.15 + kBall - 0.001};
  const auto held = world.at(Shape::kBall, valley, kUpright), balanced = world.at(Shape::kBall, ridge, kUpright);
  ASSERT_EQ(held.size(), 2u);
  for (const mjContact& contact : held) {
    EXPECT_NEAR(contact.dist, -0.001, 1e-8);
    EXPECT_NEAR(contact.frame[2], std::cos(slope), 1e-6);
  }
  EXPECT_NEAR(held[0].frame[0] + held[1].frame[0], 0, 1e-6);
  ASSERT_EQ(balanced.size(), 1u);
  EXPECT_NEAR(balanced[0].dist, -0.001, 1e-7);
  EXPECT_NEAR(balanced[0].frame[2], 1, 1e-6);
}

}  // namespace
}  // namespace tandem
