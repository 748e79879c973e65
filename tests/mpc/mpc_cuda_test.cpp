// The controller on a GPU against the controller on the processor: skipped without a device, and run on an emulated one (tests/emulator). results/gpu_checks.sh
// runs it on a GPU, also under compute-sanitizer.
#include "mpc/mpc_cuda.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "base/check.hpp"
#include "base/device.hpp"
#include "tests/mpc/fixture.hpp"
#include "tests/support/device_bytes.hpp"

namespace tandem {
namespace {

constexpr int kIterations = 6;

// Everything of world a in one output has the bits of world b in another.
void expect_same_world(const MpcOutput& one, int a, const MpcOutput& other, int b, int njnt) {
  EXPECT_EQ(row(one.tau_ff, a, njnt), row(other.tau_ff, b, njnt)) << "world " << a;
  EXPECT_EQ(row(one.q_des, a, njnt), row(other.q_des, b, njnt)) << "world " << a;
  EXPECT_EQ(row(one.v_des, a, njnt), row(other.v_des, b, njnt)) << "world " << a;
  EXPECT_EQ(one.value[a], other.value[b]) << "world " << a;
  EXPECT_EQ(one.phase[a], other.phase[b]) << "world " << a;
  EXPECT_EQ(one.info[a].status, other.info[b].status) << "world " << a;
  EXPECT_EQ(one.info[a].primal_residual, other.info[b].primal_residual) << "world " << a;
}
void expect_same(const MpcOutput& one, const MpcOutput& other, int njnt) {
  ASSERT_EQ(one.info.size(), other.info.size());
  for (size_t w = 0; w < one.info.size(); ++w) expect_same_world(one, static_cast<int>(w), other, static_cast<int>(w), njnt);
}

class MpcOnCuda : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (cuda_device_count() == 0) GTEST_SKIP() << (built_with_cuda() ? "no CUDA device" : "built without CUDA");
    robot = load_robot(GetParam());
    settings = make_mpc_settings(robot);
    settings.solver.iterations = kIterations;
  }
  // More robots than blocks: some blocks solve for two.
  int more_than_blocks() const { return MpcCuda::plan(robot.model, settings, 65536).blocks + 2; }
  MpcCuda make(int nworld, int blocks = 0) const { return MpcCuda(robot.model, settings, nworld, blocks); }
  MpcOutput step(MpcCuda& mpc, const States& states) const {
    mpc.upload(states.q, states.v, states.command);
    mpc.step(mpc.input());
    return output(mpc);
  }
  static MpcOutput output(const MpcCuda& mpc) {
    MpcOutput out;
    mpc.download(out);
    return out;
  }
  void follow_the_processor(int nworld, int steps) const {
    MpcCuda gpu = make(nworld);
    Mpc cpu(robot.model, settings, nworld, 0);
    follow(cpu, gpu, steps);
  }
  void follow(Mpc& cpu, MpcCuda& gpu, int steps) const {
    const int nworld = cpu.nworld();
    const States states = disturbed_states(robot, nworld, 31);
    for (int i = 0; i < steps; ++i) {
      const MpcOutput found = step(gpu, states);
      cpu.step(states.q, states.v, states.command);
      expect_close(found, cpu.output, i);
    }
  }
  void expect_close(const MpcOutput& found, const MpcOutput& processor, int step) const {
    for (int w = 0; w < static_cast<int>(processor.info.size()); ++w) {
      const std::vector<double> tau = row(found.tau_ff, w, robot.model.njnt), expected = row(processor.tau_ff, w, robot.model.njnt);
      for (int j = 0; j < robot.model.njnt; ++j)
        ASSERT_NEAR(tau[j], expected[j], 0.02 + 1e-3 * std::abs(expected[j])) << "step " << step << ", robot " << w << ", joint " << j;
      EXPECT_EQ(found.info[w].status, processor.info[w].status);
      EXPECT_NEAR(found.phase[w], processor.phase[w], 1e-6);
      EXPECT_NEAR(found.value[w], processor.value[w], 1e-3 * processor.value[w]);
    }
  }
  // Outputs of two kernels compiled from one source: the same bits on the emulator, which runs what nvcc wrote; on a GPU within rounding, since ptxas may
  // contract products and sums of either in its own way.
  void expect_alike(const MpcOutput& one, const MpcOutput& other, int step) const {
    if (cuda_device().name == "emulator of PTX") return expect_same(one, other, robot.model.njnt);
    expect_close(one, other, step);
  }
  Robot robot;
  MpcSettings settings;
};

// What does not depend on the robot.
class MpcOnCudaForOne : public MpcOnCuda {};

TEST_P(MpcOnCuda, FollowsTheControllerOfTheProcessor) {
  for (int nworld : {1, 3, more_than_blocks()}) follow_the_processor(nworld, 4);
}

TEST_P(MpcOnCudaForOne, FollowsItWhereTheWorkDoesNotFitIntoSharedMemory) {
  settings.nodes = 60, settings.dt = {settings.dt[0]};
  EXPECT_FALSE(MpcCuda::plan(robot.model, settings, 2).solve.has_copies());
  follow_the_processor(2, 2);
}

TEST_P(MpcOnCudaForOne, FollowsItWhereThePlanStartsAfterADelayFromAPoseThatItHalfTrusts) {
  settings.delay = 0.02, settings.pose_trust = 0.5;
  follow_the_processor(3, 4);
}

TEST_P(MpcOnCuda, GivesTheSameBitsFromRunToRunAndInEveryBatch) {
  const int nworld = more_than_blocks();
  const States states = disturbed_states(robot, nworld, 32), first = disturbed_states(robot, 1, 32);
  MpcCuda one = make(nworld), other = make(nworld), large_blocks = make(nworld, 1), alone = make(1, one.plan().solve.blocks);
  for (int i = 0; i < 3; ++i) {
    const MpcOutput a = step(one, states), b = step(other, states), c = step(alone, first);
    expect_same(a, b, robot.model.njnt);
    if (one.plan().solve.blocks > 1) expect_alike(a, step(large_blocks, states), i);
    expect_same_world(c, 0, a, 0, robot.model.njnt);
  }
}

// A robot whose sizes nobody has compiled for.
TEST_P(MpcOnCuda, SizesThatAreKnownWhenItRunsGiveWhatThoseGiveThatTheCompilerKnows) {
  const States states = disturbed_states(robot, 3, 38);
  const int most = MpcCuda::plan(robot.model, settings, 65536).solve.blocks;
  for (int blocks = 1; blocks <= most; ++blocks) {
    SCOPED_TRACE(cat(blocks, " blocks of a multiprocessor"));
    MpcCuda known(robot.model, settings, 3, blocks), any(robot.model, settings, 3, blocks, false);
    EXPECT_GE(known.plan().compiled, 0);
    EXPECT_EQ(any.plan().compiled, -1);
    for (int i = 0; i < 2; ++i) expect_alike(step(known, states), step(any, states), i);
  }
}

TEST_P(MpcOnCuda, StagesOneAtATimeGiveTheBitsOfTheGraph) {
  const States states = disturbed_states(robot, 5, 33);
  const int most = MpcCuda::plan(robot.model, settings, 65536).solve.blocks;
  for (int blocks = 1; blocks <= most; ++blocks) {
    SCOPED_TRACE(cat(blocks, " blocks of a multiprocessor"));
    MpcCuda graph = make(5, blocks), stages = make(5, blocks);
    for (int i = 0; i < 2; ++i) {
      const MpcOutput expected = step(graph, states);
      stages.upload(states.q, states.v, states.command);
      const MpcProfile profile = stages.step_by_stages(stages.input());
      expect_same(output(stages), expected, robot.model.njnt);
      for (double seconds : {profile.prepare, profile.linearise, profile.form, profile.solve, profile.finish}) EXPECT_GT(seconds, 0);
    }
  }
}

TEST_P(MpcOnCuda, GoesOnFromWhatWasSavedHereOrOnTheProcessor) {
  const int nworld = 3;
  const States past = disturbed_states(robot, nworld, 41), other_past = disturbed_states(robot, nworld, 43);
  MpcCuda straight = make(nworld), loaded = make(nworld);
  for (int i = 0; i < 3; ++i) step(straight, past);
  step(loaded, other_past);
  const std::vector<std::byte> bytes = straight.save();
  loaded.load(bytes);
  EXPECT_EQ(loaded.save(), bytes);
  expect_same(output(loaded), output(straight), robot.model.njnt);
  Mpc cpu(robot.model, settings, nworld);
  cpu.load(bytes);
  EXPECT_EQ(cpu.save(), bytes);
  follow(cpu, straight, 1);
  step(loaded, other_past);
  loaded.load(cpu.save());
  follow(cpu, loaded, 1);
  EXPECT_THROW(make(nworld + 1).load(bytes), Error);
}

TEST_P(MpcOnCudaForOne, AMaskLeavesRobotsAlone) {
  const int nworld = 6;
  const States states = disturbed_states(robot, nworld, 34);
  MpcCuda all = make(nworld), some = make(nworld);
  const MpcOutput before = step(some, states);
  step(all, states);
  const std::vector<unsigned char> active{1, 0, 1, 0, 0, 1};
  const DeviceBytes mask(active.data(), active.size());
  DeviceInput masked = some.input();
  masked.active = static_cast<const unsigned char*>(mask.data);
  some.step(masked);
  const MpcOutput expected = step(all, states), found = output(some);
  for (int w = 0; w < nworld; ++w) expect_same_world(found, w, active[w] ? expected : before, w, robot.model.njnt);
  // those left alone go on from where they were
  const MpcOutput later = step(some, states);
  for (int w = 0; w < nworld; ++w)
    if (!active[w]) expect_same_world(later, w, expected, w, robot.model.njnt);
}

TEST_P(MpcOnCudaForOne, ResetByMaskForgetsThePlansOfThoseRobotsAlone) {
  const int nworld = 5;
  const States states = disturbed_states(robot, nworld, 35);
  MpcCuda walked = make(nworld), fresh = make(nworld), untouched = make(nworld);
  for (int i = 0; i < 3; ++i) step(walked, states), step(untouched, states);
  const std::vector<unsigned char> chosen{0, 1, 0, 1, 0};
  const std::vector<float> phase{0.1f, 0.2f, 0.3f, 1.4f, 0.5f};
  const DeviceBytes mask(chosen.data(), chosen.size()), phases(phase.data(), phase.size() * sizeof(float));
  walked.reset(static_cast<const unsigned char*>(mask.data), static_cast<const float*>(phases.data));
  fresh.reset(nullptr, static_cast<const float*>(phases.data));
  const MpcOutput found = step(walked, states), started = step(fresh, states), went_on = step(untouched, states);
  for (int w = 0; w < nworld; ++w) expect_same_world(found, w, chosen[w] ? started : went_on, w, robot.model.njnt);
  EXPECT_NEAR(found.phase[3], 0.4, 1e-6);
}

TEST_P(MpcOnCudaForOne, AStateThatIsNotFiniteGetsTheSafeOutputAndDisturbsNobody) {
  const int nworld = more_than_blocks(), bad = 2, nj = robot.model.njnt;
  const States good = disturbed_states(robot, nworld, 36);
  States broken = good;
  broken.v[bad * robot.model.nv + 2] = std::numeric_limits<double>::quiet_NaN();
  MpcCuda healthy = make(nworld), one_bad = make(nworld);
  step(healthy, good), step(one_bad, good);
  const MpcOutput expected = step(healthy, good), found = step(one_bad, broken);
  for (int w = 0; w < nworld; ++w)
    if (w != bad) expect_same_world(found, w, expected, w, nj);
  EXPECT_EQ(found.info[bad].status, Status::kNotFinite);
  EXPECT_EQ(row(found.tau_ff, bad, nj), std::vector<double>(nj, 0.0));
  for (int j = 0; j < nj; ++j) EXPECT_EQ(found.q_des[bad * nj + j], static_cast<float>(settings.nominal[j]));
  EXPECT_TRUE(usable(step(one_bad, good).info[bad].status)) << "the next good state starts afresh";
}

// Rows of numbers `stride` apart, NaN between them.
std::vector<float> spread(const std::vector<double>& rows, int width, int stride) {
  std::vector<float> out(rows.size() / width * stride, std::numeric_limits<float>::quiet_NaN());
  for (size_t i = 0; i < rows.size(); ++i) out[i / width * stride + i % width] = static_cast<float>(rows[i]);
  return out;
}

TEST_P(MpcOnCudaForOne, ReadsForeignArraysWithAnyStride) {
  const int nworld = 9, nq = robot.model.nq, nv = robot.model.nv;
  const States states = disturbed_states(robot, nworld, 37);
  MpcCuda own = make(nworld), foreign = make(nworld);
  const std::vector<float> q = spread(states.q, nq, nq + 5), v = spread(states.v, nv, nv), command = spread(states.command, 4, 7);
  const DeviceBytes on_device[] = {{q.data(), q.size() * 4}, {v.data(), v.size() * 4}, {command.data(), command.size() * 4}};
  const auto floats = [&](int i) { return static_cast<const float*>(on_device[i].data); };
  for (int i = 0; i < 2; ++i) {
    foreign.step({floats(0), nq + 5, floats(1), nv, floats(2), 7});
    expect_same(output(foreign), step(own, states), robot.model.njnt);
  }
}

TEST_P(MpcOnCudaForOne, TakesTheGroundAsTheProcessorDoes) {
  const int nworld = 3;
  const States states = disturbed_states(robot, nworld, 38);
  MpcCuda gpu = make(nworld);
  Mpc cpu(robot.model, settings, nworld);
  const std::vector<double> ground{0.1, -0.2, 0.02, 0, 0, 0, 0.3, 0.1, std::numeric_limits<double>::quiet_NaN()};
  const std::vector<float> rows = spread(ground, 3, 5);
  const DeviceBytes on_device(rows.data(), rows.size() * 4);
  DeviceInput input = gpu.input();
  input.ground = static_cast<const float*>(on_device.data), input.ground_stride = 5;
  for (int i = 0; i < 2; ++i) {
    gpu.upload(states.q, states.v, states.command);
    gpu.step(input);
    cpu.step(states.q, states.v, states.command, {}, ground);
    expect_close(output(gpu), cpu.output, i);
    EXPECT_EQ(cpu.output.info[2].status, Status::kNotFinite);
  }
}

// As compiled: registers in reserve, nothing spilled (what lies on the stack are small arrays), as many blocks as the plan counts on.
TEST_P(MpcOnCuda, KernelsFitTheMultiprocessor) {
  const MpcCuda mpc = make(4096);
  const std::vector<KernelUse> kernels = mpc.kernels();
  ASSERT_EQ(kernels.size(), 4u);
  for (const KernelUse& kernel : kernels) {
    EXPECT_GE(kernel.blocks, 1) << kernel.name;
    EXPECT_LE(kernel.registers, 255) << kernel.name;
    EXPECT_LE(kernel.local_bytes, 384) << kernel.name;
    EXPECT_GT(kernel.occupancy, 0) << kernel.name;
  }
  EXPECT_EQ(kernels[2].blocks * cuda_device().multiprocessors, mpc.plan().blocks);
}

INSTANTIATE_TEST_SUITE_P(Robots, MpcOnCuda, testing::Values("mit_humanoid", "unitree_g1", "unitree_go2"));
INSTANTIATE_TEST_SUITE_P(Robots, MpcOnCudaForOne, testing::Values("unitree_go2"));

}  // namespace
}  // namespace tandem
