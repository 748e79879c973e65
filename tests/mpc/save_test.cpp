// An Mpc that goes on from saved bytes is indistinguishable from one that never stopped, and a world's plan is its own wherever it stands in a batch.
#include <gtest/gtest.h>

#include <cmath>

#include "base/check.hpp"
#include "tests/mpc/fixture.hpp"
#include "tests/support/message_of.hpp"

namespace tandem {
namespace {

constexpr int kSaved = 4, kMore = 5;  // control steps before and after

bool operator==(const QpInfo& a, const QpInfo& b) {
  return a.status == b.status && a.primal_residual == b.primal_residual && a.dual_residual == b.dual_residual && a.objective == b.objective;
}

void expect_same(const MpcOutput& a, const MpcOutput& b) {
  EXPECT_EQ(a.tau_ff, b.tau_ff);
  EXPECT_EQ(a.q_des, b.q_des);
  EXPECT_EQ(a.v_des, b.v_des);
  EXPECT_EQ(a.value, b.value);
  EXPECT_EQ(a.phase, b.phase);
  for (size_t w = 0; w < a.info.size(); ++w) EXPECT_TRUE(a.info[w] == b.info[w]) << "world " << w;
}

class MpcSave : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    robot = load_robot(GetParam());
    settings = make_mpc_settings(robot);
  }
  // Another state at each step, so that warm starts matter.
  void run(Mpc& mpc, int first, int steps) {
    for (int k = first; k < first + steps; ++k) {
      const States s = disturbed_states(robot, mpc.nworld(), 100 + k);
      mpc.step(s.q, s.v, s.command);
    }
  }
  Robot robot;
  MpcSettings settings;
};

TEST_P(MpcSave, LoadGoesOnBitForBit) {
  const int nworld = 5;
  Mpc straight(robot.model, settings, nworld), loaded(robot.model, settings, nworld, 2);
  for (int w = 0; w < nworld; ++w) straight.reset(w, 0.13 * w);
  run(straight, 0, kSaved);
  const std::vector<std::byte> bytes = straight.save();
  run(loaded, 50, 3);  // a past of its own, which load() must replace
  loaded.load(bytes);
  expect_same(loaded.output, straight.output);
  EXPECT_EQ(loaded.save(), bytes);
  run(straight, kSaved, kMore), run(loaded, kSaved, kMore);
  expect_same(loaded.output, straight.output);
}

// What a world computes depends on its own past alone: not on its index, its neighbours, nor on how many there are. Worlds are taken in groups of 4
// and chunks of 16, their nodes in lanes of 8 or 16: the places below lie at both ends and in the middle of all of these.
TEST_P(MpcSave, ResultDoesNotDependOnPlaceOrNeighbours) {
  const int nj = robot.model.njnt, nq = robot.model.nq, nv = robot.model.nv;
  const int nworld = 37;
  Mpc alone(robot.model, settings, 1);
  alone.reset(0, 0.3);
  for (int k = 0; k < kMore; ++k) {
    const States mine = disturbed_states(robot, 1, 7 + k);
    alone.step(mine.q, mine.v, mine.command);
  }
  for (int place : {0, 3, 4, 15, 16, 29, 36}) {
    Mpc crowd(robot.model, settings, nworld);
    for (int w = 0; w < nworld; ++w) crowd.reset(w, w == place ? 0.3 : 0.02 * w);
    std::vector<unsigned char> active(nworld, 1);
    for (int k = 0; k < kMore; ++k) {
      States s = disturbed_states(robot, nworld, 1000 + k + place);
      const States mine = disturbed_states(robot, 1, 7 + k);
      std::copy(mine.q.begin(), mine.q.end(), s.q.begin() + place * nq);
      std::copy(mine.v.begin(), mine.v.end(), s.v.begin() + place * nv);
      std::copy(mine.command.begin(), mine.command.end(), s.command.begin() + place * 4);
      for (int w = 0; w < nworld; ++w) active[w] = w == place || (w + k) % 3 != 0;  // neighbours come and go
      s.q[(place + 1) % nworld * nq] = k == 2 ? NAN : 0.1;                          // and one breaks
      crowd.step(s.q, s.v, s.command, active);
    }
    EXPECT_EQ(row(crowd.output.tau_ff, place, nj), alone.output.tau_ff) << "world " << place;
    EXPECT_EQ(row(crowd.output.q_des, place, nj), alone.output.q_des) << "world " << place;
    EXPECT_EQ(crowd.output.value[place], alone.output.value[0]) << "world " << place;
  }
}

INSTANTIATE_TEST_SUITE_P(Robots, MpcSave, testing::Values("mit_humanoid", "unitree_g1", "unitree_go2"));

TEST(MpcSaveErrors, NameWhatDiffersAndChangeNothing) {
  const Robot robot = load_robot("unitree_go2"), other = load_robot("mit_humanoid");
  const MpcSettings settings = make_mpc_settings(robot);
  Mpc mpc(robot.model, settings, 2);
  const std::vector<std::byte> bytes = mpc.save();
  const States s = disturbed_states(robot, 2, 1);
  mpc.step(s.q, s.v, s.command);
  const std::vector<std::byte> before = mpc.save();
  const auto expect = [&](Mpc& target, std::span<const std::byte> from, const std::string& text) {
    const std::string message = message_of([&] { target.load(from); });
    EXPECT_NE(message.find(text), std::string::npos) << message;
  };
  Mpc humanoid(other.model, make_mpc_settings(other), 2), three(robot.model, settings, 3);
  MpcSettings longer = settings;
  longer.nodes += 2;
  Mpc far(robot.model, longer, 2);
  expect(humanoid, bytes, "robot was unitree_go2, here it is mit_humanoid");
  expect(three, bytes, "nworld was 2, here it is 3");
  expect(far, bytes, cat("nodes was ", settings.nodes, ", here it is ", longer.nodes));
  expect(mpc, {}, "ends too early");
  for (size_t size = 0; size < bytes.size(); size += 1 + bytes.size() / 50)
    EXPECT_NE(message_of([&] { mpc.load(std::span(bytes).first(size)); }), "") << size << " bytes of " << bytes.size();
  std::vector<std::byte> newer = bytes;
  newer[sizeof(std::uint64_t) * 2 + 3] = std::byte{9};  // the version comes after the size and the word "MPC"
  expect(mpc, newer, "version 9, this program reads version 3");
  EXPECT_EQ(mpc.save(), before);
}

}  // namespace
}  // namespace tandem
