// The kernels of the MPC on every kind of team and number: one lane, four threads (under ThreadSanitizer too), single precision, vector lanes.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "base/pack.hpp"
#include "mpc/arrays.hpp"
#include "mpc/form_kernel.hpp"
#include "qp/qp_kernel.hpp"
#include "tests/mpc/fixture.hpp"
#include "tests/support/thread_team.hpp"

namespace tandem {
namespace {

// What one control step leaves behind.
template <class S>
struct Step {
  std::vector<S> world, qp, tau;
};

// Memory of one control step; everything that a kernel must write starts as NaN.
template <class S>
struct Bench {
  MpcArrays<S> arrays;
  std::vector<S> world, qp, solution, plan, input, output, work, solver, tau;

  Bench(const Robot& robot, const MpcSettings& settings) : arrays(make_arrays<S>(robot.model, settings, 1)) {
    const MpcView<S>& mpc = arrays.view;
    const S nan = std::numeric_limits<S>::quiet_NaN();
    world.assign(world_size(mpc), 0), solution.assign(solution_size(mpc.dims), 0), qp.assign(qp_size(mpc.dims), 0);
    plan.assign(world_size(mpc), nan), input.assign(mpc.ninput, nan), output.assign(node_output_size(mpc), nan);
    work.assign(node_work_size<S>(mpc.model), nan), solver.assign(qp_workspace_size(mpc.dims, settings.solver), nan);
    tau.assign(robot.model.njnt, nan);
    form_constants(mpc, qp_view(mpc.dims, qp.data()));
  }
};

template <Team T, class S>
void gather(const T& team, const MpcView<S>& mpc, const WorldView<S>& world, int k, const NodeInput<S>& in) {
  read_node(mpc, world, k, in, [&](S* to, const S* from, int n) { for_each(team, 0, n, [=](int i) { to[i] = from[i]; }); });
  team.sync();
}

template <Team T, class S>
void control_step(const T& team, Bench<S>& b, const std::vector<S>& q, const std::vector<S>& v, const SolverSettings& solver) {
  const MpcView<S>& mpc = b.arrays.view;
  const WorldView<S> world = world_at(mpc, b.world.data());
  const QpView<S> qp = qp_view(mpc.dims, b.qp.data());
  const SolutionView<S> step = solution_view(mpc.dims, b.solution.data());
  prepare_plan(team, mpc, world, q.data(), v.data(), nullptr, b.plan.data());
  for (int k = 0; k < mpc.nodes; ++k) {
    const NodeInput<S> in = node_input_at(mpc.model, b.input.data());
    gather(team, mpc, world, k, in);
    linearise_node(team, mpc, in, node_output_at(mpc, b.output.data()), b.work.data());
    const int count = k == mpc.nodes - 1 ? rows_size(mpc) : mpc.nlinear;
    for_each(team, 0, count, [&](int i) { qp.at(k, 0)[mpc.scatter[i]] = b.output[i]; });
    team.sync();
  }
  form_costs_and_bounds(team, mpc, world, qp);
  LaneInfo<S> info;
  solve_qp(team, solver, qp, step, info, b.solver.data());
  apply_step(team, mpc, world, step);
  const NodeInput<S> in = node_input_at(mpc.model, b.input.data());
  gather(team, mpc, world, 0, in);
  inverse_dynamics(team, mpc, in, b.tau.data(), b.work.data());
  set_points(team, mpc, world);
  plan_value(team, mpc, world, b.plan.data());
  for_each(team, 0, 1, [&](int) { *world.started = S(1); });
  team.sync();
}

class MpcKernels : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    robot = load_robot(GetParam());
    settings = make_mpc_settings(robot);
    settings.solver.iterations = 4;
    states = disturbed_states(robot, 1, 21);
  }
  template <class S>
  Step<S> two_steps(int lanes) {
    Bench<S> bench(robot, settings);
    const WorldView<S> world = world_at(bench.arrays.view, bench.world.data());
    std::copy(states.command.begin(), states.command.end(), world.command);
    *world.phase = S(0.13);
    const std::vector<S> q(states.q.begin(), states.q.end()), v(states.v.begin(), states.v.end());
    const auto run = [&](const auto& team) {
      for (int i = 0; i < 2; ++i) control_step(team, bench, q, v, settings.solver);
    };
    if (lanes == 1) run(SerialTeam{});
    if (lanes > 1) run_team(lanes, run);
    return {bench.world, bench.qp, bench.tau};
  }
  // A world with its first plan, which began where the robot was measured: there was none before that could tell where it goes.
  Bench<double> planned_once() const {
    Bench<double> bench(robot, settings);
    const WorldView<double> world = world_at(bench.arrays.view, bench.world.data());
    std::copy(states.command.begin(), states.command.end(), world.command);
    prepare_plan(SerialTeam{}, bench.arrays.view, world, states.q.data(), states.v.data(), nullptr, bench.plan.data());
    for (int i = 0; i < robot.model.nq; ++i) EXPECT_EQ(world.q[i], states.q[i]) << i;
    for (int i = 0; i < robot.model.nv; ++i) EXPECT_EQ(world.v[i], states.v[i]) << i;
    control_step(SerialTeam{}, bench, states.q, states.v, settings.solver);
    return bench;
  }
  Robot robot;
  MpcSettings settings;
  States states;
};

TEST_P(MpcKernels, FourThreadsGiveTheBitsOfOne) {
  const Step<double> one = two_steps<double>(1), four = two_steps<double>(4);
  EXPECT_EQ(one.qp, four.qp);
  EXPECT_EQ(one.world, four.world);
  EXPECT_EQ(one.tau, four.tau);
}

TEST_P(MpcKernels, SinglePrecisionFollowsDouble) {
  const Step<double> exact = two_steps<double>(1);
  const Step<float> single = two_steps<float>(1);
  for (size_t j = 0; j < exact.tau.size(); ++j) EXPECT_NEAR(single.tau[j], exact.tau[j], 0.02 + 1e-3 * std::abs(exact.tau[j])) << "joint " << j;
}

// Eq. (26) by hand: node 0 is where the old plan, one control step on, takes the measured state within the delay.
TEST_P(MpcKernels, ADelayStartsThePlanWhereItsSetPointsAct) {
  settings.delay = 0.02, settings.pose_trust = 1;
  Bench<double> bench = planned_once();
  const MpcView<double>& mpc = bench.arrays.view;
  const WorldView<double> world = world_at(mpc, bench.world.data());
  const int nv = robot.model.nv, nq = robot.model.nq;
  const std::vector<double> v0(world.v, world.v + nv), v1(world.v + nv, world.v + 2 * nv);
  prepare_plan(SerialTeam{}, mpc, world, states.q.data(), states.v.data(), nullptr, bench.plan.data());
  const double share = settings.control_dt / settings.dt[0];
  for (int i = 0; i < nv; ++i) {
    const double now = v0[i] + share * (v1[i] - v0[i]), acceleration = (world.v[nv + i] - now) / settings.dt[0];
    EXPECT_NEAR(world.v[i], states.v[i] + 0.02 * acceleration, 1e-12) << i;
    if (i >= 3 && i < 6) continue;
    const int at = i < 3 ? i : i + 1;
    EXPECT_NEAR(world.q[at], states.q[at] + 0.02 * now, 1e-12) << i;
  }
  double turned = 0;  // the quaternion's product with the measured one: the cosine of half the angle
  for (int i = 3; i < 7; ++i) turned += world.q[i] * states.q[i];
  double rate = 0;
  for (int i = 3; i < 6; ++i) rate += std::pow(v0[i] + share * (v1[i] - v0[i]), 2);
  EXPECT_NEAR(std::abs(turned), std::cos(0.5 * 0.02 * std::sqrt(rate)), 1e-9);
  EXPECT_EQ(nq, nv + 1);
}

// Eq. (27) by hand: the base of node 0 lies between where the velocities carried it and what is measured; joints and velocities are measured.
TEST_P(MpcKernels, APoseThatIsNotTrustedMovesThePlanLess) {
  settings.pose_trust = 0.25;
  Bench<double> bench = planned_once();
  const MpcView<double>& mpc = bench.arrays.view;
  const WorldView<double> world = world_at(mpc, bench.world.data());
  const int nv = robot.model.nv, nq = robot.model.nq;
  std::vector<double> predicted(nq), d(nv), between(nq);
  for (int i = 0; i < nv; ++i) d[i] = (world.v[i] + states.v[i]) / 2;
  integrate(SerialTeam{}, mpc.model, world.q, d.data(), settings.control_dt, predicted.data());
  prepare_plan(SerialTeam{}, mpc, world, states.q.data(), states.v.data(), nullptr, bench.plan.data());
  for (int i = 0; i < nv; ++i) EXPECT_EQ(world.v[i], states.v[i]) << i;
  for (int i = 7; i < nq; ++i) EXPECT_NEAR(world.q[i], states.q[i], 1e-12) << i;
  interpolate_configuration(mpc.model, between.data(), predicted.data(), states.q.data(), 0.25, d.data());
  double moved = 0;
  for (int i = 0; i < 7; ++i) EXPECT_NEAR(world.q[i], between[i], 1e-12) << i;
  for (int i = 0; i < 7; ++i) moved += std::abs(between[i] - states.q[i]);
  EXPECT_GT(moved, 1e-3) << "measured and predicted do not differ: nothing is tested";
}

// What velocities explain, a push for one, is followed at once, however little the pose is trusted.
TEST_P(MpcKernels, APoseThatItsVelocitiesExplainIsTakenWhole) {
  settings.pose_trust = 0.01;
  Bench<double> bench = planned_once();
  const MpcView<double>& mpc = bench.arrays.view;
  const WorldView<double> world = world_at(mpc, bench.world.data());
  std::vector<double> q(robot.model.nq), v = states.v, mean(robot.model.nv);
  for (int i = 0; i < 6; ++i) v[i] += 2;
  for (int i = 0; i < robot.model.nv; ++i) mean[i] = (states.v[i] + v[i]) / 2;
  integrate(SerialTeam{}, mpc.model, states.q.data(), mean.data(), settings.control_dt, q.data());
  prepare_plan(SerialTeam{}, mpc, world, q.data(), v.data(), nullptr, bench.plan.data());
  for (int i = 0; i < robot.model.nq; ++i) EXPECT_NEAR(world.q[i], q[i], 1e-12) << i;
}

// A base that goes up with a slope keeps its height above it, whether heights are counted from one place or from the ground of the moment; and one that
// does not is followed by what is trusted, however the place that heights are counted from moves.
TEST_P(MpcKernels, HeightsAreWeighedAboveTheGround) {
  settings.pose_trust = 0.1;
  states.v[2] = 0.2 * states.v[0] - 0.3 * states.v[1];
  const double dt = settings.control_dt, climb = dt * states.v[2], off = 0.05;
  const int nq = robot.model.nq;
  for (const double moved : {0.0, -climb, 100.0}) {
    Bench<double> bench = planned_once();
    const WorldView<double> world = world_at(bench.arrays.view, bench.world.data());
    world.ground[0] = 0.2, world.ground[1] = -0.3, world.ground[2] = 0.01;
    std::vector<double> q(nq);
    integrate(SerialTeam{}, bench.arrays.view.model, states.q.data(), states.v.data(), dt, q.data());
    q[2] += moved;
    const double ground[3] = {0.2, -0.3, 0.01 + climb + moved}, expected_height = q[2] + 0.1 * off;
    q[2] += off;
    prepare_plan(SerialTeam{}, bench.arrays.view, world, q.data(), states.v.data(), ground, bench.plan.data());
    EXPECT_NEAR(world.q[2], expected_height, 1e-12) << "heights counted from a place that moves by " << moved;
    EXPECT_EQ(world.ground[2], ground[2]);
  }
}

// Eq. (24) is about the base of node 0, which a delay moves on.
TEST_P(MpcKernels, ADelayTakesTheGroundAlong) {
  settings.delay = 0.02, settings.pose_trust = 1;
  Bench<double> bench = planned_once();
  const WorldView<double> world = world_at(bench.arrays.view, bench.world.data());
  const double ground[3] = {0.2, -0.3, 0.01};
  prepare_plan(SerialTeam{}, bench.arrays.view, world, states.q.data(), states.v.data(), ground, bench.plan.data());
  EXPECT_NEAR(world.ground[2], 0.01 + 0.2 * (world.q[0] - states.q[0]) - 0.3 * (world.q[1] - states.q[1]), 1e-12);
  EXPECT_GT(std::hypot(world.q[0] - states.q[0], world.q[1] - states.q[1]), 1e-3) << "the base does not move: nothing is tested";
}

TEST_P(MpcKernels, FourThreadsGiveTheBitsOfOneWithADelayAndLittleTrust) {
  settings.delay = 0.02, settings.pose_trust = 0.2;
  EXPECT_EQ(two_steps<double>(1).world, two_steps<double>(4).world);
}

// Nodes side by side in vector lanes are what one node alone is.
TEST_P(MpcKernels, LanesGiveTheBitsOfOneNode) {
  constexpr int kLanes = 8;
  using Lanes = Pack<float, kLanes>;
  Bench<float> bench(robot, settings);
  const MpcView<float>& mpc = bench.arrays.view;
  const WorldView<float> world = world_at(mpc, bench.world.data());
  const std::vector<float> q(states.q.begin(), states.q.end()), v(states.v.begin(), states.v.end());
  prepare_plan(SerialTeam{}, mpc, world, q.data(), v.data(), nullptr, bench.plan.data());
  std::vector<Lanes> input(mpc.ninput), output(node_output_size(mpc)), work(node_work_size<Lanes>(mpc.model));
  std::vector<std::vector<float>> alone;
  for (int lane = 0; lane < kLanes; ++lane) {
    gather(SerialTeam{}, mpc, world, lane, node_input_at(mpc.model, bench.input.data()));
    for (int i = 0; i < mpc.ninput; ++i) input[i].set(lane, bench.input[i]);
    linearise_node(SerialTeam{}, mpc, node_input_at(mpc.model, bench.input.data()), node_output_at(mpc, bench.output.data()), bench.work.data());
    alone.push_back(bench.output);
  }
  linearise_node(SerialTeam{}, mpc, node_input_at(mpc.model, input.data()), node_output_at(mpc, output.data()), work.data());
  for (int lane = 0; lane < kLanes; ++lane)
    for (size_t i = 0; i < output.size(); ++i) ASSERT_EQ(output[i][lane], alone[lane][i]) << "number " << i << ", node " << lane;
}

INSTANTIATE_TEST_SUITE_P(Robots, MpcKernels, testing::Values("mit_humanoid", "unitree_g1", "unitree_go2"));

}  // namespace
}  // namespace tandem
