// What the MPC on a GPU says of memory, and what it says where it cannot run: no device is needed for either.
#include "mpc/device_plan.hpp"

#include <gtest/gtest.h>

#include <string>

#include "base/check.hpp"
#include "base/device.hpp"
#include "mpc/mpc_cuda.hpp"
#include "tests/mpc/fixture.hpp"
#include "tests/support/message_of.hpp"

namespace tandem {
namespace {

class DevicePlan : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    robot = load_robot(GetParam());
    settings = make_mpc_settings(robot);
  }
  MpcDevicePlan plan(int nworld, const DeviceLimits& limits = {}, int blocks = 0) const {
    return plan_device(make_arrays<float>(robot.model, settings, 1), settings, nworld, limits, blocks);
  }
  Robot robot;
  MpcSettings settings;
};

// docs/gpu.md, eq. (1), written out from the sizes of the robot.
TEST_P(DevicePlan, MemoryOfARobotIsTheFormulaOfTheDocuments) {
  const int nj = robot.model.njnt, nv = 6 + nj, nq = 7 + nj, nx = 2 * nv, ncon = static_cast<int>(robot.model.contacts.size()), nf = 3 * ncon;
  const int nfoot = static_cast<int>(robot.model.foot_name.size()), T = settings.nodes, N = T - 1, nu = nf + nj, nz = nx + nu;
  const int rows_of_foot = ncon / nfoot == 1 ? 3 : ncon / nfoot == 2 ? 5 : 6, pairs = nfoot / 2, nc = nfoot * rows_of_foot + pairs, nd = 4 * ncon;
  const auto row = [](int n) { return (n + 3) / 4 * 4; };
  const int world = T * (nq + nv + 2 * nfoot) + N * nf + 14 + 3 * nj;
  const int stage = row(nz) + row(6 * nz) + row(6) + 2 * 36 + row(nv) + row(1) + row(nc * nx) + row(nd * nu) + row(nz + 3 * (nc + nd + nz));
  const int problem = row(nx) + T * stage, solution = T * (nz + 2 * (nc + nd + nz));
  const size_t numbers = row(world) + row(problem) + row(solution) + row(nq) + row(nv) + 4 + 3 * row(nj) + 7;
  EXPECT_EQ(plan(100).robot_bytes, 4 * numbers);
}

TEST_P(DevicePlan, TotalIsTheSumOfItsPartsUpTo65536Robots) {
  for (int nworld : {1, 64, 4096, 65536}) {
    const MpcDevicePlan p = plan(nworld);
    EXPECT_EQ(p.total_bytes, p.constant_bytes + nworld * p.robot_bytes + p.blocks * p.block_bytes);
    EXPECT_LE(p.blocks, nworld);
    EXPECT_LT(p.total_bytes, size_t(80) << 30) << describe(p);
  }
}

TEST_P(DevicePlan, WhatDoesNotFitIntoSharedMemoryIsGlobal) {
  EXPECT_TRUE(plan(1).solve.has_copies());
  for (size_t shared : {size_t(1) << 30, size_t(227) << 10, size_t(99) << 10, size_t(70) << 10}) {
    const MpcDevicePlan p = plan(1000, {.multiprocessors = 10, .shared_per_block = shared, .shared_per_multiprocessor = shared + 1024});
    EXPECT_LE(p.block_shared * sizeof(float), shared);
    EXPECT_EQ(p.block_shared + p.block_global, p.work.part[0] + p.work.part[1] + p.work.part[2]);
    EXPECT_TRUE(in_shared(p, kWorkStages) || !p.solve.has_copies());
    EXPECT_GE(p.blocks, 10);
  }
}

TEST_P(DevicePlan, AMultiprocessorHasTwoBlocksWhereTheyFitAndTheRobotsAreMany) {
  const DeviceLimits limits;
  const bool fit = robot.name != "unitree_g1";
  EXPECT_EQ(plan(limits.multiprocessors).solve.blocks, 1);
  const MpcDevicePlan many = plan(limits.multiprocessors + 1);
  EXPECT_EQ(many.solve.blocks, fit ? 2 : 1);
  EXPECT_EQ(many.blocks, fit ? limits.multiprocessors + 1 : limits.multiprocessors);
  EXPECT_EQ(plan(4096).blocks, plan(4096).solve.blocks * limits.multiprocessors);
  EXPECT_EQ(plan(4096, limits, 1).solve.blocks, 1);
  const std::string text = message_of([&] { EXPECT_EQ(plan(1, limits, 2).solve.blocks, 2); });
  EXPECT_EQ(text.empty(), fit) << text;
  if (!fit) {
    EXPECT_NE(text.find("2 blocks of 230.4 KiB do not fit"), std::string::npos) << text;
  }
  EXPECT_NE(message_of([&] { plan(1, limits, 3); }).find("3 blocks"), std::string::npos);
}

TEST_P(DevicePlan, TheSolveIsCompiledForTheRobotsOfTheProject) {
  for (int nworld : {1, 4096}) {
    const MpcDevicePlan p = plan(nworld);
    ASSERT_GE(p.compiled, 0) << nworld << " robots";
    EXPECT_TRUE(kSolveVariants[kCompiledSolves[p.compiled].variant] == p.solve);
    EXPECT_EQ(describe(p).find("sizes"), std::string::npos);
  }
  settings.nodes = 60, settings.dt = {settings.dt[0]};  // in another way, for which nothing is compiled
  EXPECT_EQ(plan(1).compiled, -1);
  EXPECT_NE(describe(plan(1)).find("sizes known when it runs"), std::string::npos) << describe(plan(1));
}

TEST_P(DevicePlan, TooLittleMemoryNamesTheNumberOfRobotsThatFit) {
  const MpcDevicePlan p = plan(5000);
  const size_t fixed = p.total_bytes - 5000 * p.robot_bytes;
  const std::string text = message_of([&] { check_device_memory(p, fixed + 1234 * p.robot_bytes + 17); });
  EXPECT_NE(text.find("enough for 1234 robots"), std::string::npos) << text;
  EXPECT_EQ(text.find('\n'), std::string::npos);
  EXPECT_EQ(message_of([&] { check_device_memory(p, p.total_bytes); }), "");
}

INSTANTIATE_TEST_SUITE_P(Robots, DevicePlan, testing::Values("mit_humanoid", "unitree_g1", "unitree_go2"));

TEST(DevicePlanErrors, NumbersOfRobotsAndModesThatCannotRunAreNamed) {
  const Robot robot = load_robot("unitree_go2");
  MpcSettings settings = make_mpc_settings(robot);
  const MpcArrays<float> arrays = make_arrays<float>(robot.model, settings, 1);
  for (int nworld : {0, -3, 65537}) {
    const std::string text = message_of([&] { plan_device(arrays, settings, nworld, {}); });
    EXPECT_NE(text.find("nworld = " + std::to_string(nworld) + ", expected 1 to 65536"), std::string::npos) << text;
  }
  settings.solver.mode = SolverMode::kOsqp;
  EXPECT_NE(message_of([&] { plan_device(arrays, settings, 1, {}); }).find("CPU only"), std::string::npos);
}

TEST(CudaErrors, AnOldDeviceIsRefusedByItsName) {
  EXPECT_NE(message_of([] { check_device({.name = "Old Card", .major = 8, .minor = 6}); }).find("Old Card has compute capability 8.6"),
            std::string::npos);
  EXPECT_EQ(message_of([] { check_device({.name = "New Card", .major = 9}); }), "");
  EXPECT_NE(message_of([] { check_device({.number = 1, .name = "Second Card", .major = 9}); }).find("device is number 1, expected 0"),
            std::string::npos);
}

TEST(CudaErrors, WithoutADeviceTheControllerSaysSo) {
  if (cuda_device_count() > 0) GTEST_SKIP() << "there is a CUDA device";
  const Robot robot = load_robot("unitree_go2");
  const std::string text = message_of([&] { MpcCuda(robot.model, make_mpc_settings(robot), 1); });
  EXPECT_EQ(text.rfind(built_with_cuda() ? "no CUDA device that this program can use (" : "built without CUDA; run ./tandem test", 0), 0u) << text;
  EXPECT_EQ(text.find('\n'), std::string::npos);
}

}  // namespace
}  // namespace tandem
