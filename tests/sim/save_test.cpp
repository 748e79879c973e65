// A simulator that goes on from saved bytes is indistinguishable from one that never stopped.
#include <gtest/gtest.h>

#include <limits>

#include "base/check.hpp"
#include "sim/randomise.hpp"
#include "tests/sim/stool.hpp"
#include "tests/support/message_of.hpp"

namespace tandem {
namespace {

constexpr int kWorlds = 6;

// Robots that fall onto their feet, each with something of its own: other parameters, a push, a fault.
std::unique_ptr<Simulator> busy(const Robot& robot, int threads) {
  auto sim = make_simulator(robot, kWorlds, {.physics_dt = 0.0025, .threads = threads});
  const InitialStates start = sample_initial_states(robot, kWorlds, 0.3, 11);
  WorldParameters other;
  other.friction = 0.4;
  other.added_mass = 0.7;
  other.com_offset[1] = 0.01;
  other.strength.assign(robot.model.njnt, 0.8);
  other.gravity = {0.3, 0, -9.81};
  sim->set_parameters(2, other);
  sim->set_state(start.worlds, start.q, start.v);
  for (size_t i = 0; i < sim->input.q_des.size(); ++i) sim->input.q_des[i] = robot.nominal[i % robot.nominal.size()];
  sim->input.v_des[4 * robot.model.njnt] = std::numeric_limits<double>::quiet_NaN();
  sim->set_push({.world = 3, .body = 0, .force = {10, -15, 0}, .steps = 25});
  return sim;
}

void run(Simulator& sim, int steps) {
  for (int k = 0; k < steps; ++k) {
    if (k % 4 == 1) sim.kick(5, std::vector<double>{0.1, 0, 0, 0, 0, 0.2});
    sim.step();
  }
}

class SimulatorSave : public testing::TestWithParam<const char*> {};

TEST_P(SimulatorSave, LoadGoesOnBitForBit) {
  const Robot robot = load_robot(GetParam());
  const auto straight = busy(robot, 1);
  run(*straight, 15);  // the push has ten more control steps to go
  const std::vector<std::byte> bytes = straight->save();
  // a simulator with another past: other parameters, another push, no fault
  const auto loaded = make_simulator(robot, kWorlds, {.physics_dt = 0.0025, .threads = 2});
  WorldParameters heavy;
  heavy.mass_scale.assign(robot.model.nbody, 1.3);
  for (int w = 0; w < kWorlds; ++w) loaded->set_parameters(w, heavy);
  loaded->set_push({.world = 1, .body = 0, .force = {9, 9, 9}, .steps = 100});
  run(*loaded, 3);
  loaded->load(bytes);
  EXPECT_EQ(all_outputs(loaded->output), all_outputs(straight->output));
  run(*straight, 20);
  run(*loaded, 20);
  EXPECT_EQ(all_outputs(loaded->output), all_outputs(straight->output));
  EXPECT_EQ(straight->output.fault[4], kFaultSetPoint);
  EXPECT_NE(all_outputs(straight->output), all_outputs(busy(robot, 1)->output));
}

INSTANTIATE_TEST_SUITE_P(Robots, SimulatorSave, testing::Values("mit_humanoid", "unitree_g1", "unitree_go2"));

TEST(SimulatorSaveErrors, NameWhatDiffersAndChangeNothing) {
  const auto steps = [](std::uint64_t seed) { return make_terrain({.kind = TerrainKind::kSteps, .extent = 4, .seed = seed}); };
  Stool stool(2), three(3), slower(2, {.control_dt = 0.02}), hilly(2, {.terrain = steps(1)}), other_hills(2, {.terrain = steps(2)});
  const auto go2 = make_simulator(load_robot("unitree_go2"), 2);
  stool.run(5);
  const std::vector<std::byte> bytes = stool.sim->save();
  const auto expect = [&](Simulator& target, std::span<const std::byte> from, const std::string& text) {
    const std::string message = message_of([&] { target.load(from); });
    EXPECT_NE(message.find(text), std::string::npos) << message;
  };
  const std::vector<std::byte> before = go2->save();
  expect(*go2, bytes, "robot was stool, here it is unitree_go2");
  EXPECT_EQ(go2->save(), before);
  expect(*three.sim, bytes, "nworld was 2, here it is 3");
  expect(*slower.sim, bytes, "control_dt was 0.01, here it is 0.02");
  expect(*hilly.sim, bytes, "fingerprint of MJCF and ground was");
  const std::pair<const char*, const char*> changes[] = {{"axis=\"0 1 0\"", "axis=\"0 -1 0\""},
                                                         {"range=\"-1.5 1.5\"", "range=\"-1.4 1.5\""},
                                                         {"armature=\"0.01\"", "armature=\"0.01\" frictionloss=\"1\""},
                                                         {"forcerange=\"-30 30\"", "forcerange=\"-15 15\""},
                                                         {"friction=\"0.8", "friction=\"0.3"},
                                                         {"<geom friction", "<geom solref=\"0.004 1\" friction"},
                                                         {"<option timestep", "<option gravity=\"0 0 -1.62\" timestep"}};
  for (const auto& [from, to] : changes) {
    const ChangedStool file(from, to);
    SCOPED_TRACE(to);
    expect(*Stool(2, {}, file.path).sim, bytes, "fingerprint of MJCF and ground was");
  }
  expect(*hilly.sim, other_hills.sim->save(), "fingerprint of MJCF and ground was");
  for (size_t size = 0; size < bytes.size(); size += 1 + bytes.size() / 50)
    EXPECT_NE(message_of([&] { stool.sim->load(std::span(bytes).first(size)); }), "") << size << " bytes of " << bytes.size();
  std::vector<std::byte> longer = bytes;
  longer.push_back(std::byte{0});
  expect(*stool.sim, longer, "something was appended");
  EXPECT_EQ(stool.sim->save(), bytes);
}

}  // namespace
}  // namespace tandem
