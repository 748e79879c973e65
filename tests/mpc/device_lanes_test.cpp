// The stages of a control step with as many lanes as on a GPU, 16, 32 and 256, and every number watched: no two lanes touch one between two syncs unless both
// read it, all lanes reach every sync, and the bits are those of one lane.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>

#include "base/check.hpp"
#include "mpc/robot_step_kernel.hpp"
#include "tests/mpc/fixture.hpp"
#include "tests/support/fiber_team.hpp"

namespace tandem {
namespace {

constexpr int kWarp = 32, kHalfWarp = kWarp / kNodesPerWarp;

// One robot and all scratch in one memory.
struct WatchedRobot {
  MpcSettings settings;
  MpcArrays<float> arrays;
  MpcDevicePlan plan;
  MpcView<Traced> mpc;
  std::vector<Traced> memory;
  std::size_t robot_size = 0;
  RobotView<Traced> robot;
  Traced *begin, *linearise, *finish;
  WorkMemory<Traced> work;

  // variant: how a block solves, even if so much shared memory is nowhere
  WatchedRobot(const Robot& r, const MpcSettings& s, const SolveVariant& variant = kSolveVariants[1])
      : settings(s), arrays(make_arrays<float>(r.model, s, 1)), plan(plan_device(arrays, s, 1, {})) {
    plan.solve = variant;
    carve_work(arrays.view.dims, WorkMemory<float>{}, variant.copies, plan.work);
    static_assert(sizeof(mpc) == sizeof(arrays.view));
    std::memcpy(static_cast<void*>(&mpc), &arrays.view, sizeof(mpc));
    fleet_at(plan, static_cast<Traced*>(nullptr), robot_size);
    const int sizes[] = {plan.begin_size, plan.linearise_size, plan.finish_size, plan.work.part[0], plan.work.part[1], plan.work.part[2]};
    Traced** places[] = {&begin, &linearise, &finish, &work.part[0], &work.part[1], &work.part[2]};
    std::size_t size = robot_size;
    for (int n : sizes) size += n;
    memory.resize(size);
    Traced* next = memory.data() + robot_size;
    for (int i = 0; i < 6; ++i) *places[i] = next, next += sizes[i];
    robot = robot_at(mpc, fleet_at(plan, memory.data(), size), 0);
    form_constants(mpc, qp_view(mpc.dims, robot.qp));
  }
  void measure(const States& states) {
    std::copy(states.q.begin(), states.q.end(), const_cast<Traced*>(robot.q));
    std::copy(states.v.begin(), states.v.end(), const_cast<Traced*>(robot.v));
    std::copy(states.command.begin(), states.command.end(), const_cast<Traced*>(robot.command));
    for (std::size_t i = robot_size; i < memory.size(); ++i) memory[i].v = std::numeric_limits<float>::quiet_NaN();
  }

  // Calls run(lanes, stage) for the stages in their order, as mpc_cuda.cu launches them.
  template <class Run>
  void step(Run&& run) {
    run(kWarp, [&](const auto& team) { begin_step(team, mpc, robot, begin), form_robot(team, mpc, robot); });
    for (int k = 0; k < mpc.nodes; ++k) run(kHalfWarp, [&](const auto& team) { linearise_robot(team, mpc, robot, k, linearise); });
    run(plan.solve.threads, [&](const auto& team) { solve_robot(team, problem_dims(mpc), settings.solver, robot, work, plan.solve.copies); });
    run(kWarp, [&](const auto& team) { finish_robot(team, mpc, robot, finish); });
  }
};

class DeviceLanes : public testing::TestWithParam<const char*> {};

TEST_P(DeviceLanes, MeetNoRaceAndGiveTheBitsOfOne) {
  const Robot robot = load_robot(GetParam());
  MpcSettings settings = make_mpc_settings(robot);
  settings.solver.iterations = 3;  // one of each kind
  for (const SolveVariant& variant : {kSolveVariants[0], kSolveVariants[1]}) {
    const int threads = variant.threads;
    SCOPED_TRACE(cat(threads, " threads"));
    States states = disturbed_states(robot, 1, 25);
    WatchedRobot one(robot, settings, variant), all(robot, settings, variant);
    FiberRun fibers(all.memory.data(), all.memory.size());
    reset_robot(SerialTeam{}, one.mpc, one.robot, Traced(0.13f));
    fibers.block(threads, [&](const FiberTeam& team) { reset_robot(team, all.mpc, all.robot, Traced(0.13f)); });
    for (int i = 0; i < 3; ++i) {
      if (i == 2) states.v[3] = std::numeric_limits<double>::quiet_NaN();  // the safe output
      one.measure(states), all.measure(states);
      all.plan.solve.copies = i == 1 ? Copies::kNone : variant.copies;
      one.step([](int, const auto& stage) { stage(SerialTeam{}); });
      all.step([&](int lanes, const auto& stage) {
        fibers.block(lanes, stage);
        ASSERT_EQ(fibers.fault(), "") << "step " << i << ", " << lanes << " lanes";
      });
      ASSERT_EQ(std::memcmp(one.memory.data(), all.memory.data(), one.robot_size * sizeof(float)), 0) << "step " << i;
      EXPECT_EQ(usable(static_cast<Status>(static_cast<int>(all.robot.status->v))), i < 2);
    }
  }
}

// Why half a warp linearises a node: a tree of bodies has few branches. Prints a warp's work for a node, 32 lanes taken together, as a share of a whole warp's.
TEST_P(DeviceLanes, HalfAWarpLeavesFewerLanesIdle) {
  const Robot robot = load_robot(GetParam());
  WatchedRobot one(robot, make_mpc_settings(robot));
  reset_robot(SerialTeam{}, one.mpc, one.robot, Traced(0.13f));
  one.measure(disturbed_states(robot, 1, 26));
  begin_step(SerialTeam{}, one.mpc, one.robot, one.begin);
  std::printf("| %s |", GetParam());
  double whole = 0;
  for (int lanes : {32, 16, 8}) {
    FiberRun run(one.memory.data(), one.memory.size());
    run.block(lanes, [&](const FiberTeam& team) { linearise_robot(team, one.mpc, one.robot, 1, one.linearise); });
    const double share = double(run.load().busiest) * lanes / kWarp;
    if (lanes == kWarp) whole = share;
    std::printf(" %d: %.2f, %.0f %% busy |", lanes, share / whole, 100.0 * run.load().all / lanes / run.load().busiest);
    if (lanes == kHalfWarp) {
      EXPECT_LT(share, 0.6 * whole);
    }
  }
  std::printf("\n");
}

INSTANTIATE_TEST_SUITE_P(Robots, DeviceLanes, testing::Values("mit_humanoid", "unitree_g1", "unitree_go2"));

// What the watch itself finds.
TEST(FiberRun, FindsRacesAndSyncsThatNotAllReach) {
  std::vector<Traced> x(64), y(64);
  const auto fault = [&](const FiberRun::Body& body) {
    FiberRun run(x.data(), x.size());
    run.block(64, body);
    return run.fault();
  };
  EXPECT_EQ(fault([&](const FiberTeam& t) { for_each(t, 0, 64, [&](int i) { x[i] = Traced(1); }); }), "");
  EXPECT_EQ(fault([&](const FiberTeam& t) { for_each(t, 0, 64, [&](int i) { y[i] = x[0]; }); }), "");
  EXPECT_NE(fault([&](const FiberTeam& t) { for_each(t, 0, 64, [&](int i) { x[i / 2] = Traced(1); }); }), "");  // two write
  EXPECT_NE(fault([&](const FiberTeam& t) {                                                                     // one writes what another reads
              for_each(t, 0, 64, [&](int i) { x[i] = Traced(1); });
              for_each(t, 0, 64, [&](int i) { y[i] = x[63 - i]; });
            }),
            "");
  EXPECT_NE(fault([&](const FiberTeam& t) {  // one writes what another has read
              for_each(t, 0, 64, [&](int i) { y[i] = x[(i + 1) % 64]; });
              for_each(t, 0, 64, [&](int i) { x[i] = Traced(1); });
            }),
            "");
  EXPECT_EQ(fault([&](const FiberTeam& t) {
              for_each(t, 0, 64, [&](int i) { x[i] = Traced(1); });
              t.sync();
              for_each(t, 0, 64, [&](int i) { y[i] = x[63 - i]; });
            }),
            "");
  EXPECT_EQ(fault([&](const FiberTeam& t) {
              if (t.lane() < 10) t.sync();
            }),
            "10 lanes wait at a sync that 54 never reach");
}

}  // namespace
}  // namespace tandem
