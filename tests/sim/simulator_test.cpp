// The simulator held against mechanics in closed form.
#include "sim/simulator.hpp"

#include <gtest/gtest.h>

#include "base/check.hpp"
#include "tests/sim/stool.hpp"

namespace tandem {
namespace {

constexpr double kGravity = 9.81;

WorldParameters friction(double value) {
  WorldParameters parameters;
  parameters.friction = value;
  return parameters;
}

double total_force(const Simulator& sim, int world, int axis) {
  double sum = 0;
  const size_t nfoot = sim.model().foot_name.size();
  for (size_t f = 0; f < nfoot; ++f) sum += sim.output.foot_force[(world * nfoot + f) * 3 + axis];
  return sum;
}

// Semi-implicit steps of length h fall by g h^2 n (n + 1) / 2 in n steps.
TEST(Simulator, FallsFreely) {
  Stool stool(1);
  stool.place(2.0);
  stool.run(20);
  const double n = 200, h = 0.001;
  EXPECT_NEAR(stool.sim->output.q[2], 2.0 - kGravity * h * h * n * (n + 1) / 2, 1e-9);
  EXPECT_NEAR(stool.sim->output.v[2], -kGravity * h * n, 1e-9);
  EXPECT_NEAR(stool.sim->output.time[0], 0.2, 1e-12);
}

TEST(Simulator, FeetOfAStandingRobotCarryItsWeight) {
  Stool stool(1);
  stool.run(200);
  EXPECT_NEAR(total_force(*stool.sim, 0, 2), kStoolMass * kGravity, 1e-3 * kStoolMass * kGravity);
  EXPECT_NEAR(total_force(*stool.sim, 0, 0), 0, 0.1);
  EXPECT_EQ(stool.sim->output.floor_contact[0], 0);
  EXPECT_EQ(stool.sim->output.self_collision[0], 0);
}

// A box is listed after the foot in MuJoCo's contacts, a plane before it; the force on the robot points up all the same.
TEST(Simulator, AnythingThatDoesNotMoveIsFloor) {
  Stool stool(1);
  const std::vector<double> q = {5, 0, 0.2 + kStoolHeight, 1, 0, 0, 0, 0, 0, 0, 0}, v(10, 0.0);
  stool.sim->set_state(stool.worlds, q, v);
  stool.run(200);
  EXPECT_NEAR(total_force(*stool.sim, 0, 2), kStoolMass * kGravity, 1e-3 * kStoolMass * kGravity);
  EXPECT_NEAR(stool.sim->output.q[2], 0.2 + kStoolHeight, 0.01);
}

TEST(Simulator, PointForcesOfAFootSumToItsForce) {
  Stool stool(1);
  stool.run(100);
  for (int i = 0; i < 12; ++i) EXPECT_DOUBLE_EQ(stool.sim->output.point_force[i], stool.sim->output.foot_force[i]) << i;
}

// m dv = F t exactly: nothing else touches the robot, and a vertical force through its axis of symmetry does not turn it.
TEST(Simulator, PushChangesTheMomentumByItsImpulse) {
  Stool stool(2);
  stool.place(5.0);
  stool.sim->set_push({.world = 1, .body = stool.sim->body("slab"), .force = {0, 0, 50}, .steps = 5});
  stool.run(9);
  EXPECT_NEAR(stool.sim->output.v[10 + 2] - stool.sim->output.v[2], 50 * 0.05 / kStoolMass, 1e-9);
}

TEST(Simulator, JointTorqueIsTheClippedControlLaw) {
  SimSettings settings;
  settings.control_dt = settings.physics_dt;  // the mean is then the one torque of the step
  Stool stool(3, settings);
  stool.place(3.0);
  auto& in = stool.sim->input;
  const int njnt = 4;
  for (int i = 0; i < 3 * njnt; ++i) {
    in.tau_ff[i] = 1 + i;
    in.q_des[i] = 0.1 * i;
    in.v_des[i] = -0.2 * i;
    in.kp[i] = 10 + 3 * i;
    in.kd[i] = 0.1 * i;
  }
  stool.sim->step();
  for (int k = 0; k < 30; ++k) {
    const std::vector<double> q = stool.sim->output.q, v = stool.sim->output.v;
    stool.sim->step();
    for (int w = 0; w < 3; ++w) {
      for (int j = 0; j < njnt; ++j) {
        const int i = w * njnt + j;
        const double tau = in.tau_ff[i] + in.kp[i] * (in.q_des[i] - q[w * 11 + 7 + j]) + in.kd[i] * (in.v_des[i] - v[w * 10 + 6 + j]);
        ASSERT_NEAR(stool.sim->output.tau[i], std::clamp(tau, -30.0, 30.0), 1e-10) << "world " << w << " joint " << j << " step " << k;
      }
    }
  }
}

TEST(Simulator, PositivePowerLeavesOutBrakingJoints) {
  SimSettings settings;
  settings.control_dt = settings.physics_dt;
  Stool stool(1, settings);
  stool.place(3.0);
  stool.sim->input.q_des = {0.5, -0.5, 0.3, 0.2};
  int driving = 0, braking = 0;
  for (int k = 0; k < 100; ++k) {
    const std::vector<double> v = stool.sim->output.v;
    stool.sim->step();
    double power = 0;
    for (int j = 0; j < 4; ++j) {
      const double joint = stool.sim->output.tau[j] * v[6 + j];
      power += std::max(0.0, joint);
      driving += joint > 0.1;
      braking += joint < -0.1;
    }
    ASSERT_NEAR(stool.sim->output.power[0], power, 1e-9) << "step " << k;
  }
  EXPECT_GT(driving, 10);
  EXPECT_GT(braking, 10);
}

// Pushed sideways with force F, the robot starts to slide if and only if F > friction * weight.
TEST(Simulator, SlidesOnlyWhereFrictionIsSmall) {
  Stool stool(2);
  const double weight = kStoolMass * kGravity;
  stool.run(50);
  stool.sim->set_parameters(0, friction(0.6));
  stool.sim->set_parameters(1, friction(0.1));
  const double start[2] = {stool.sim->output.q[1], stool.sim->output.q[12]};
  for (int w = 0; w < 2; ++w) stool.sim->set_push({.world = w, .body = 0, .force = {0, 0.2 * weight, 0}, .steps = 20});
  double slip[2] = {0, 0};
  for (int k = 0; k < 20; ++k) {
    stool.sim->step();
    for (int w = 0; w < 2; ++w) slip[w] += stool.sim->output.foot_slip[w * 4 + 1];
  }
  EXPECT_LT(std::abs(stool.sim->output.q[1] - start[0]), 0.005);
  EXPECT_LT(slip[0], 0.005);
  // a = (.2 - .1) g for .2 s
  const double slide = 0.5 * 0.1 * kGravity * 0.2 * 0.2;
  EXPECT_NEAR(stool.sim->output.q[12] - start[1], slide, 0.2 * slide);
  EXPECT_NEAR(slip[1], slide, 0.2 * slide);
}

TEST(Simulator, WorldsHaveTheirOwnMasses) {
  Stool stool(3);
  WorldParameters heavy_base, heavy_everywhere;
  heavy_base.added_mass = 4;
  heavy_everywhere.mass_scale.assign(5, 1.5);
  stool.sim->set_parameters(1, heavy_base);
  stool.sim->set_parameters(2, heavy_everywhere);
  stool.run(200);
  const double masses[3] = {kStoolMass, kStoolMass + 4, 1.5 * kStoolMass};
  for (int w = 0; w < 3; ++w) EXPECT_NEAR(total_force(*stool.sim, w, 2), masses[w] * kGravity, 2e-3 * masses[w] * kGravity) << w;
}

TEST(Simulator, ShiftedCentreOfMassLoadsTheFrontFeet) {
  Stool stool(1);
  WorldParameters shifted;
  shifted.com_offset[0] = 0.05;
  stool.sim->set_parameters(0, shifted);
  stool.run(200);
  const auto& f = stool.sim->output.foot_force;
  const double front = f[3 * 1 + 2] + f[3 * 2 + 2], rear = f[2] + f[3 * 3 + 2];
  // moments about the middle: (front - rear) .15 m = 8 kg g .05 m; feet move with the sagging hips, hence the tolerance
  EXPECT_NEAR((front - rear) * 0.15, 8 * kGravity * 0.05, 0.1 * 8 * kGravity * 0.05);
}

// The slab hangs, turned by a quarter, on a carrier of 0.1 kg: one body, as the MJCF's welded links are.
TEST(Simulator, WhatIsWeldedToTheBaseBelongsToIt) {
  const std::string slab = R"(<geom name="slab" type="box" size=".2 .15 .03" mass="8" rgba=".2 .4 .7 1"/>)";
  const ChangedStool welded(slab, "<geom type=\"sphere\" size=\".01\" mass=\".1\"/><body name=\"plate\" quat=\"1 0 0 1\">" + slab + "</body>");
  Stool stool(3, {}, welded.path);
  WorldParameters shifted, lighter;
  shifted.com_offset[0] = 0.05;
  lighter.added_mass = -1;  // more than the carrier has
  stool.sim->set_parameters(1, shifted);
  stool.sim->set_parameters(2, lighter);
  stool.run(200);
  const auto& force = stool.sim->output.foot_force;
  const auto front_less_rear = [&](int w) {
    const double* f = &force[12 * w];
    return f[3 * 1 + 2] + f[3 * 2 + 2] - f[2] - f[3 * 3 + 2];
  };
  EXPECT_NEAR(front_less_rear(0), 0, 0.5);
  EXPECT_NEAR(front_less_rear(1) * 0.15, 8.1 * kGravity * 0.05, 0.1 * 8.1 * kGravity * 0.05);
  EXPECT_NEAR(total_force(*stool.sim, 2, 2), (kStoolMass + 0.1 - 1) * kGravity, 0.2);
  WorldParameters nothing;
  nothing.added_mass = -9;
  EXPECT_THROW(stool.sim->set_parameters(0, nothing), Error);
}

TEST(Simulator, GravityLeftOutIsTheModels) {
  const ChangedStool moon("<option timestep", "<option gravity=\"0 0 -1.62\" timestep");
  Stool stool(1, {}, moon.path);
  stool.sim->set_parameters(0, {});
  stool.place(3.0);
  stool.run(10);
  EXPECT_NEAR(stool.sim->output.v[2], -1.62 * 0.1, 1e-9);
}

class TorqueLimit : public testing::TestWithParam<std::pair<std::string, std::string>> {};

// 30 N m to both sides, whether actuator or joint says so.
TEST_P(TorqueLimit, StrengthScalesTorqueAndLimit) {
  SimSettings settings;
  settings.control_dt = settings.physics_dt;
  const ChangedStool file(GetParam().first, GetParam().second);
  Stool stool(1, settings, file.path);
  stool.place(3.0);
  WorldParameters weak;
  weak.strength = {0.5, 0.5, 0.5, 1};
  stool.sim->set_parameters(0, weak);
  const auto& in = stool.sim->input;
  stool.sim->input.tau_ff = {10, 100, -100, 100};
  for (int k = 0; k < 10; ++k) {
    const std::vector<double> q = stool.sim->output.q, v = stool.sim->output.v;
    stool.sim->step();
    for (int j = 0; j < 4; ++j) {
      const double asked = in.tau_ff[j] + in.kp[j] * (in.q_des[j] - q[7 + j]) + in.kd[j] * (in.v_des[j] - v[6 + j]);
      EXPECT_NEAR(stool.sim->output.tau[j], weak.strength[j] * std::clamp(asked, -30.0, 30.0), 1e-10) << "step " << k << " joint " << j;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Of, TorqueLimit,
                         testing::Values(std::pair("", ""), std::pair("forcerange=\"-30 30\"", "forcerange=\"-30 90\""),
                                         std::pair("armature=\"0.01\"/>", "armature=\"0.01\" actuatorfrcrange=\"-30 40\"/>")));

TEST(Simulator, GravityIsPerWorld) {
  Stool stool(2);
  stool.place(3.0);
  WorldParameters weightless;
  weightless.gravity = {0, 0, 0};
  stool.sim->set_parameters(1, weightless);
  stool.run(10);
  EXPECT_NEAR(stool.sim->output.v[2], -kGravity * 0.1, 1e-9);
  EXPECT_NEAR(stool.sim->output.v[12], 0, 1e-9);
}

TEST(Simulator, KickAddsToTheBaseVelocity) {
  Stool stool(2);
  stool.place(3.0);
  stool.sim->kick(1, std::vector<double>{0.5, -0.25, 0, 0, 0, 0});
  EXPECT_EQ(stool.sim->output.v[10], 0.5);
  stool.run(10);
  EXPECT_NEAR(stool.sim->output.q[11], 0.05, 1e-9);
  EXPECT_NEAR(stool.sim->output.q[12], -0.025, 1e-9);
  EXPECT_EQ(stool.sim->output.q[0], 0);
}

TEST(Simulator, FallenRobotTouchesTheFloorWithALink) {
  Stool stool(1);
  std::fill(stool.sim->input.kp.begin(), stool.sim->input.kp.end(), 0);
  const std::vector<double> q = {0, 0, 0.3, std::cos(0.6), std::sin(0.6), 0, 0, 0, 0, 0, 0}, v(10, 0.0);
  stool.sim->set_state(stool.worlds, q, v);
  bool touched = false;
  for (int k = 0; k < 100; ++k) {
    stool.sim->step();
    touched |= stool.sim->output.floor_contact[0] != 0;
  }
  EXPECT_TRUE(touched);
}

TEST(Simulator, LegsThatMeetAreASelfCollision) {
  Stool stool(1);
  stool.place(3.0);
  // front leg swings back, rear leg swings forward: they cross below the slab
  stool.sim->input.q_des = {0, 1.2, 0, -1.2};
  bool touched = false;
  for (int k = 0; k < 60; ++k) {
    stool.sim->step();
    touched |= stool.sim->output.self_collision[0] != 0;
  }
  EXPECT_TRUE(touched);
}

}  // namespace
}  // namespace tandem
