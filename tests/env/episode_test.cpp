// What is drawn for an episode depends on its key alone and stays in its ranges.
#include "env/episode.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace tandem {
namespace {

class EpisodeTest : public testing::Test {
 protected:
  EpisodeTest() : robot(load_robot("mit_humanoid")), settings(make_task_settings(robot, Controller::kRl)) {
    RandomiseSettings& r = settings.randomise;
    for (auto* range : {&r.friction, &r.mass_scale, &r.armature_scale, &r.gain_scale, &r.strength, &r.noise_scale})
      (*range)[0] = 0.7, (*range)[1] = 1.4;
    r.added_mass[0] = -1, r.added_mass[1] = 2;
    r.com_offset[0] = -0.05, r.com_offset[1] = 0.05;
    r.delay[1] = 0.04;
  }
  Robot robot;
  TaskSettings settings;
};

bool same(const Episode& a, const Episode& b) {
  return a.q == b.q && a.v == b.v && a.phase == b.phase && std::equal(a.command, a.command + 4, b.command) &&
         a.parameters.friction == b.parameters.friction && a.parameters.added_mass == b.parameters.added_mass &&
         a.parameters.mass_scale == b.parameters.mass_scale && a.parameters.strength == b.parameters.strength && a.kp_scale == b.kp_scale &&
         a.kd_scale == b.kd_scale && a.delay == b.delay && a.noise_scale == b.noise_scale;
}

TEST_F(EpisodeTest, IsTheSameForEveryControllerAndInAnyOrder) {
  EpisodeSampler first(robot, settings);
  settings.controller = Controller::kMpc;
  EpisodeSampler second(robot, settings);
  second.draw({7, 3, 5}, 0);
  const Episode a = first.draw({7, 1, 2}, 0);
  EXPECT_TRUE(same(a, second.draw({7, 1, 2}, 0)));
}

TEST_F(EpisodeTest, DiffersBySeedWorldAndNumber) {
  EpisodeSampler sampler(robot, settings);
  std::set<double> phases, velocities, frictions;
  for (const EpisodeKey key : {EpisodeKey{7, 1, 2}, {8, 1, 2}, {7, 2, 2}, {7, 1, 3}}) {
    const Episode& e = sampler.draw(key, 0);
    phases.insert(e.phase), velocities.insert(e.v[0]), frictions.insert(e.parameters.friction);
  }
  EXPECT_EQ(phases.size() + velocities.size() + frictions.size(), 12u);
}

TEST_F(EpisodeTest, StaysInItsRanges) {
  EpisodeSampler sampler(robot, settings);
  double low = 10, high = 0;
  for (std::uint32_t i = 0; i < 300; ++i) {
    const Episode& e = sampler.draw({11, i, 0}, 0);
    for (const auto* scales : {&e.parameters.mass_scale, &e.parameters.armature_scale, &e.parameters.strength, &e.kp_scale, &e.kd_scale}) {
      ASSERT_FALSE(scales->empty());
      for (const double scale : *scales) low = std::min(low, scale), high = std::max(high, scale);
    }
    ASSERT_TRUE(e.parameters.added_mass >= -1 && e.parameters.added_mass < 2);
    ASSERT_TRUE(e.delay >= 0 && e.delay < 0.04);
    ASSERT_TRUE(e.phase >= 0 && e.phase < 1);
    ASSERT_TRUE(e.command[1] >= settings.command.vx[0] && e.command[1] < settings.command.vx[1]);
  }
  EXPECT_NEAR(low, 0.7, 0.001);
  EXPECT_NEAR(high, 1.4, 0.001);
}

TEST_F(EpisodeTest, ScalesOfOneLeaveTheModelAlone) {
  EpisodeSampler sampler(robot, make_task_settings(robot, Controller::kRl));
  const Episode& e = sampler.draw({1, 0, 0}, 0);
  EXPECT_TRUE(e.parameters.mass_scale.empty() && e.parameters.strength.empty() && e.kp_scale.empty());
}

TEST_F(EpisodeTest, SmallCommandsBecomeZeroAndOthersStay) {
  settings.command_deadband = 0;
  EpisodeSampler raw(robot, settings);
  settings.command_deadband = 0.6;
  EpisodeSampler sampler(robot, settings);
  int zero = 0;
  for (std::uint32_t i = 0; i < 200; ++i) {
    const double *c = sampler.draw({12, i, 0}, 0).command, *r = raw.draw({12, i, 0}, 0).command;
    const bool small = std::hypot(r[1], r[2], r[3]) < 0.6;
    for (int k = 1; k < 4; ++k) ASSERT_EQ(c[k], small ? 0 : r[k]);
    zero += small;
    ASSERT_EQ(c[0], robot.base_height);
  }
  EXPECT_GT(zero, 0);
  EXPECT_LT(zero, 200);
}

// Half the range at the start, three quarters half way to command_full, all of it from there on.
TEST_F(EpisodeTest, CommandRangeGrowsWithProgress) {
  settings.command_start = 0.5, settings.command_full = 0.4, settings.command_deadband = 0;
  EpisodeSampler sampler(robot, settings);
  const double full = sampler.draw({1, 0, 0}, 1).command[1];
  EXPECT_DOUBLE_EQ(sampler.draw({1, 0, 0}, 0).command[1], 0.5 * full);
  EXPECT_DOUBLE_EQ(sampler.draw({1, 0, 0}, 0.2).command[1], 0.75 * full);
  EXPECT_DOUBLE_EQ(sampler.draw({1, 0, 0}, 0.4).command[1], full);
}

TEST_F(EpisodeTest, KicksComeAtTheirInterval) {
  settings.kick_interval = 0.3, settings.kick_velocity = 0.2;
  const EpisodeSampler sampler(robot, settings);
  std::set<double> kicks;
  for (int step = 0; step <= 100; ++step) {
    double dv[6];
    ASSERT_EQ(sampler.kick({1, 0, 0}, step, dv), step > 0 && step % 30 == 0);
    if (step == 0 || step % 30 != 0) continue;
    for (int i = 0; i < 3; ++i) ASSERT_LE(std::abs(dv[i]), 0.2);
    for (int i = 3; i < 6; ++i) ASSERT_EQ(dv[i], 0);
    kicks.insert({dv[0], dv[1], dv[2]});
  }
  EXPECT_EQ(kicks.size(), 9u);
}

TEST_F(EpisodeTest, NoKicksWithoutInterval) {
  settings.kick_interval = 0;
  const EpisodeSampler sampler(robot, settings);
  double dv[6];
  for (int step = 0; step <= 500; ++step) EXPECT_FALSE(sampler.kick({1, 0, 0}, step, dv));
}

// One push per episode; force times duration is its impulse.
TEST_F(EpisodeTest, OnePushPerEpisodeHasItsImpulse) {
  settings.push_impulse[0] = 5, settings.push_impulse[1] = 8;
  const EpisodeSampler sampler(robot, settings);
  for (std::uint32_t world = 0; world < 20; ++world) {
    int count = 0;
    for (int step = 0; step < sampler.steps(); ++step) {
      Push push;
      if (!sampler.push({1, world, 0}, step, push)) continue;
      ++count;
      const double impulse = std::hypot(push.force[0], push.force[1]) * push.steps * settings.mpc.control_dt;
      EXPECT_TRUE(impulse >= 5 && impulse < 8) << impulse;
      EXPECT_EQ(push.force[2], 0);
    }
    ASSERT_EQ(count, 1);
  }
}

TEST_F(EpisodeTest, OnlyFirstEpisodesAreStaggered) {
  const EpisodeSampler sampler(robot, settings);
  std::set<int> starts;
  for (std::uint32_t world = 0; world < 100; ++world) {
    starts.insert(sampler.stagger({1, world, 0}));
    EXPECT_EQ(sampler.stagger({1, world, 1}), 0);
  }
  EXPECT_GT(starts.size(), 80u);
  EXPECT_GE(*starts.begin(), 0);
  EXPECT_LT(*starts.rbegin(), sampler.steps());
  settings.staggered_start = false;
  EXPECT_EQ(EpisodeSampler(robot, settings).stagger({1, 5, 0}), 0);
}

}  // namespace
}  // namespace tandem
