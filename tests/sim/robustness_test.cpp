// What a batch must guarantee: the same bits as MuJoCo alone and for any number of threads, one bad world disturbs no other, no allocation, clear errors.
#include <gtest/gtest.h>
#include <mujoco/mujoco.h>

#include <limits>
#include <memory>

#include "base/check.hpp"
#include "base/rng.hpp"
#include "sim/metrics.hpp"
#include "sim/randomise.hpp"
#include "tests/sim/stool.hpp"
#include "tests/support/allocations.hpp"
#include "tests/support/message_of.hpp"

namespace tandem {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// Every world falls from its own height, turned its own way.
void scatter(Stool& stool, std::uint64_t seed) {
  const size_t n = stool.worlds.size();
  std::vector<double> stance = {0, 0, kStoolHeight + 0.05, 1, 0, 0, 0, 0, 0, 0, 0}, q(n * 11), v(n * 10);
  for (size_t w = 0; w < n; ++w) {
    Rng rng{seed, std::uint32_t(w), 7};
    std::copy(stance.begin(), stance.end(), &q[w * 11]);
    q[w * 11 + 2] += rng.uniform(0, 0.1);
    q[w * 11 + 4] = rng.uniform(-0.2, 0.2);
    for (int i = 0; i < 4; ++i) q[w * 11 + 7 + i] = rng.uniform(-0.3, 0.3);
    for (int i = 0; i < 10; ++i) v[w * 10 + i] = rng.uniform(-0.5, 0.5);
  }
  stool.sim->set_state(stool.worlds, q, v);
}

// MuJoCo alone, one mj_step after the other, must land on the same bits.
TEST(SimulatorBatch, EqualsMujocoAloneBitForBit) {
  Stool stool(3);
  scatter(stool, 1);
  const std::unique_ptr<mjModel, void (*)(mjModel*)> m(mj_loadXML(kStoolXml.c_str(), nullptr, nullptr, 0), mj_deleteModel);
  ASSERT_NE(m, nullptr);
  const std::unique_ptr<mjData, void (*)(mjData*)> d(mj_makeData(m.get()), mj_deleteData);
  for (int a = 0; a < 4; ++a) {
    m->actuator_biasprm[mjNBIAS * a + 1] = -100;
    m->actuator_biasprm[mjNBIAS * a + 2] = -3;
  }
  std::copy_n(&stool.sim->output.q[11], 7, d->qpos);
  std::copy_n(&stool.sim->output.v[10], 6, d->qvel);
  for (int j = 0; j < 4; ++j) {
    const int joint = mj_name2id(m.get(), mjOBJ_JOINT, stool.model.joint_name[j].c_str());
    d->qpos[m->jnt_qposadr[joint]] = stool.sim->output.q[11 + 7 + j];
    d->qvel[m->jnt_dofadr[joint]] = stool.sim->output.v[10 + 6 + j];
  }
  stool.run(60);
  for (int k = 0; k < 600; ++k) mj_step(m.get(), d.get());
  for (int i = 0; i < 7; ++i) EXPECT_EQ(stool.sim->output.q[11 + i], d->qpos[i]) << i;
  for (int i = 0; i < 6; ++i) EXPECT_EQ(stool.sim->output.v[10 + i], d->qvel[i]) << i;
  for (int j = 0; j < 4; ++j) {
    const int joint = mj_name2id(m.get(), mjOBJ_JOINT, stool.model.joint_name[j].c_str());
    EXPECT_EQ(stool.sim->output.q[11 + 7 + j], d->qpos[m->jnt_qposadr[joint]]) << stool.model.joint_name[j];
  }
}

TEST(SimulatorBatch, ThreadsDoNotChangeTheResult) {
  std::vector<double> reference;
  for (int threads : {1, 2, 5}) {
    Stool stool(13, {.threads = threads});
    WorldParameters slippery;
    slippery.friction = 0.2;
    stool.sim->set_parameters(3, slippery);
    stool.sim->set_push({.world = 5, .body = 0, .force = {20, 5, 0}, .steps = 10});
    scatter(stool, 2);
    stool.run(20);
    stool.sim->kick(6, std::vector<double>{0.3, -0.2, 0, 0.1, 0, 0.4});
    for (int w : {0, 6, 12}) stool.sim->set_push({.world = w, .body = w % 5, .force = {-30, 10.0 * w, 5}, .steps = 7});
    WorldParameters weak;
    weak.strength.assign(4, 0.7);
    weak.added_mass = 1.5;
    stool.sim->set_parameters(8, weak);
    stool.run(20);
    if (reference.empty()) reference = all_outputs(stool.sim->output);
    EXPECT_EQ(all_outputs(stool.sim->output), reference) << threads << " threads";
  }
}

TEST(SimulatorBatch, StepWritesEveryOutput) {
  Stool stool(2);
  auto& o = stool.sim->output;
  for (auto* block : {&o.tau, &o.power, &o.point_force, &o.foot_force, &o.foot_slip, &o.q, &o.v}) std::fill(block->begin(), block->end(), kNan);
  for (auto* block : {&o.floor_contact, &o.self_collision}) std::fill(block->begin(), block->end(), 77);
  stool.sim->step();
  for (double value : all_outputs(o)) {
    EXPECT_TRUE(std::isfinite(value));
    EXPECT_NE(value, 77);
  }
}

TEST(SimulatorBatch, StepAllocatesNothing) {
  Stool stool(8);
  scatter(stool, 3);
  stool.run(2);
  const long before = allocations;
  stool.run(20);
  EXPECT_EQ(allocations - before, 0);
}

TEST(SimulatorBatch, BadSetPointStopsItsWorldOnly) {
  Stool good(3), stool(3);
  scatter(good, 4);
  scatter(stool, 4);
  good.run(20);
  stool.run(10);
  const std::vector<double> before = stool.sim->output.q;
  stool.sim->input.tau_ff[4 + 2] = kNan;
  stool.run(10);
  EXPECT_EQ(stool.sim->output.fault[1], kFaultSetPoint);
  for (int i = 0; i < 11; ++i) EXPECT_EQ(stool.sim->output.q[11 + i], before[11 + i]);
  for (int w : {0, 2}) {
    EXPECT_EQ(stool.sim->output.fault[w], kFaultNone);
    for (int i = 0; i < 11; ++i) EXPECT_EQ(stool.sim->output.q[w * 11 + i], good.sim->output.q[w * 11 + i]);
  }
}

TEST(SimulatorBatch, ExplodingPhysicsStopsItsWorldAtTheLastGoodState) {
  Stool stool(2);
  scatter(stool, 5);
  stool.run(5);
  stool.sim->set_push({.world = 0, .body = 0, .force = {9e9, 9e9, 9e9}, .steps = 1000});
  stool.run(400);
  EXPECT_EQ(stool.sim->output.fault[0], kFaultState);
  EXPECT_EQ(stool.sim->output.fault[1], kFaultNone);
  for (double value : stool.sim->output.q) EXPECT_TRUE(std::isfinite(value));
}

TEST(SimulatorBatch, SetStateRestartsAStoppedWorld) {
  Stool stool(2);
  stool.sim->input.q_des[0] = kNan;
  stool.run(2);
  ASSERT_EQ(stool.sim->output.fault[0], kFaultSetPoint);
  stool.sim->input.q_des[0] = 0;
  stool.place(1.0);
  stool.run(2);
  EXPECT_EQ(stool.sim->output.fault[0], kFaultNone);
  EXPECT_LT(stool.sim->output.q[2], 1.0);
}

TEST(SimulatorBatch, ResetWorldForgetsItsPast) {
  Stool fresh(1), used(1);
  scatter(used, 6);
  used.sim->set_push({.world = 0, .body = 0, .force = {50, 0, 0}, .steps = 1000});
  used.run(30);
  // in contact from the first step, where the solver's warm start would show
  fresh.place(kStoolHeight - 0.003);
  used.place(kStoolHeight - 0.003);
  fresh.run(20);
  used.run(20);
  EXPECT_EQ(all_outputs(fresh.sim->output), all_outputs(used.sim->output));
}

TEST(SimulatorBatch, DefaultParametersAreTheModels) {
  Stool plain(1), set(1);
  WorldParameters heavy;
  heavy.added_mass = 3;
  heavy.friction = 0.1;
  heavy.com_offset[1] = 0.02;
  set.sim->set_parameters(0, heavy);
  set.sim->set_parameters(0, {});
  scatter(plain, 8);
  scatter(set, 8);
  plain.run(30);
  set.run(30);
  EXPECT_EQ(all_outputs(plain.sim->output), all_outputs(set.sim->output));
}

TEST(SimulatorErrors, NameValueAndExpectation) {
  Stool stool(2);
  const std::vector<double> q(22, 0.0), v(20, 0.0);
  auto& sim = *stool.sim;
  EXPECT_EQ(message_of([&] { sim.body("leg_rx"); }).find("stool has no body \"leg_rx\"; nearest: \"leg_r"), 0u);
  EXPECT_NE(message_of([&] { sim.set_state(stool.worlds, std::span(q).first(20), v); }).find("q has 20 values, expected 2 worlds x nq = 11"),
            std::string::npos);
  EXPECT_NE(message_of([&] { sim.set_state(stool.worlds, q, v); }).find("quaternion of world 0 is zero"), std::string::npos);
  EXPECT_NE(message_of([&] { sim.set_push({.world = 2, .body = 0, .force = {0, 0, 0}, .steps = 1}); }).find("world 2, expected 0 .. 1"),
            std::string::npos);
  EXPECT_NE(message_of([&] { make_mujoco_simulator("no_such.xml", stool.model, 1); }).find("no_such.xml"), std::string::npos);
  EXPECT_NE(message_of([&] { Stool(1, {.control_dt = 0.01, .physics_dt = 0.003}); }).find("not a whole multiple"), std::string::npos);
  EXPECT_NE(message_of([&] { Stool(1, {.foot_geoms = {"foot_xx"}}); }).find("no geom \"foot_xx\"; nearest: \"foot_"), std::string::npos);
  WorldParameters wrong;
  wrong.strength = {1, 1};
  EXPECT_NE(message_of([&] { sim.set_parameters(0, wrong); }).find("strength has 2 values, expected none or 4"), std::string::npos);
}

TEST(FallCause, NamesWhatHappenedFirst) {
  Stool stool(1);
  SimOutput output = stool.sim->output;
  const FallLimits limits{.min_base_height = 0.2, .max_tilt = 0.8};
  EXPECT_EQ(detect_fall(stool.model, output, limits, 0), FallCause::kNone);
  output.q[3] = std::cos(0.45);  // rolled by .9 rad
  output.q[4] = std::sin(0.45);
  EXPECT_EQ(detect_fall(stool.model, output, limits, 0), FallCause::kTilt);
  output.q[2] = 0.1;
  EXPECT_EQ(detect_fall(stool.model, output, limits, 0), FallCause::kHeight);
  output.floor_contact[0] = 1;
  EXPECT_EQ(detect_fall(stool.model, output, limits, 0), FallCause::kFloorContact);
  output.fault[0] = kFaultState;
  EXPECT_EQ(detect_fall(stool.model, output, limits, 0), FallCause::kNotFinite);
}

}  // namespace
}  // namespace tandem
