// One control step of one robot in the stages of a GPU: docs/gpu.md. A stage is one launch, and a team works on one robot (or on one node of it);
// the batch loop and the choice of memories lie in the launcher (mpc_cuda.cu). Tests run the same stages on host threads.
//
//   begin_step, form_robot     a warp per robot: measured state in, plan shifted, costs and bounds
//   linearise_robot            half a warp per robot and node
//   solve_robot                a block per robot
//   finish_robot               a warp per robot
#pragma once

#include "mpc/device_plan.hpp"
#include "mpc/form_kernel.hpp"
#include "qp/qp_kernel.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

// What one robot reads, keeps and writes in a control step.
template <class S>
struct RobotView {
  WorldView<S> world;                              // kept from step to step
  S* qp;                                           // the problem; constants are written once  [qp_size]
  S* solution;                                     // warm start, kept  [solution_size]
  S* good;                                         // 1 while nothing went wrong in this step  (1)
  const S *q, *v, *command;                        // measured state and command  (nq), (nv), (4)
  const S* ground;                                 // nullptr: level at 0  (3)
  S *tau_ff, *q_des, *v_des;                       // set points  (njnt)
  S *value, *phase, *status;                       // V_MPC, gait time before the step, number of a Status  (1)
  S *primal_residual, *dual_residual, *objective;  // of the QP  (1)
};

// The same arrays for all robots, row after row.
template <class S>
struct FleetView {
  MpcDevicePlan plan;  // strides
  S *worlds, *qp, *solutions, *good;
  // measured states and commands: the fleet's own arrays, or any others with rows of consecutive numbers
  const S *q, *v, *command;
  const S* ground;              // nullptr: level at 0
  const unsigned char* active;  // 0: leave this robot alone; nullptr: all take part
  S *tau_ff, *q_des, *v_des, *value, *phase, *status, *primal_residual, *dual_residual, *objective;
};

// Deals the arrays of plan.nworld robots out from `base`, rows at multiples of 16 bytes; with nullptr only `size` (in numbers) is of use.
template <class S>
TANDEM_FN FleetView<S> fleet_at(const MpcDevicePlan& plan, S* base, std::size_t& size) {
  std::size_t o = 0;
  const std::size_t n = static_cast<std::size_t>(plan.nworld);
  const auto take = [&](int stride) {
    const std::size_t at = o;
    o += n * static_cast<std::size_t>(stride);
    return base + at;
  };
  FleetView<S> f{};
  f.plan = plan;
  f.worlds = take(plan.world_stride), f.qp = take(plan.qp_stride), f.solutions = take(plan.solution_stride);
  f.q = take(plan.q_stride), f.v = take(plan.v_stride), f.command = take(plan.command_stride);
  f.tau_ff = take(plan.joint_stride), f.q_des = take(plan.joint_stride), f.v_des = take(plan.joint_stride);
  for (S** each : {&f.good, &f.value, &f.phase, &f.status, &f.primal_residual, &f.dual_residual, &f.objective}) *each = take(1);
  size = o;
  return f;
}

template <class S>
TANDEM_FN RobotView<S> robot_at(const MpcView<S>& mpc, const FleetView<S>& f, int w) {
  const std::size_t i = static_cast<std::size_t>(w);
  const MpcDevicePlan& p = f.plan;
  RobotView<S> r;
  r.world = world_at(mpc, f.worlds + i * p.world_stride);
  r.qp = f.qp + i * p.qp_stride, r.solution = f.solutions + i * p.solution_stride, r.good = f.good + i;
  r.q = f.q + i * p.q_stride, r.v = f.v + i * p.v_stride, r.command = f.command + i * p.command_stride;
  r.ground = f.ground ? f.ground + i * p.ground_stride : nullptr;
  r.tau_ff = f.tau_ff + i * p.joint_stride, r.q_des = f.q_des + i * p.joint_stride, r.v_des = f.v_des + i * p.joint_stride;
  r.value = f.value + i, r.phase = f.phase + i, r.status = f.status + i;
  r.primal_residual = f.primal_residual + i, r.dual_residual = f.dual_residual + i, r.objective = f.objective + i;
  return r;
}

// Numbers of scratch that the stages need.
template <class S>
TANDEM_FN int begin_size(const MpcView<S>& mpc) {
  return mpc.model.nq + mpc.model.nv + 3 + world_size(mpc);
}
template <class S>
TANDEM_FN int linearise_size(const MpcView<S>& mpc) {
  return mpc.ninput + mpc.nlinear + node_work_size<S>(mpc.model);
}
template <class S>
TANDEM_FN int finish_size(const MpcView<S>& mpc) {
  const int dynamics = mpc.ninput + node_work_size<S>(mpc.model), value = value_size(mpc);
  return dynamics > value ? dynamics : value;
}

// Forgets a robot's plan; its gait time becomes `phase`, in periods.
template <Team T, class S>
TANDEM_FN void reset_robot(const T& team, const MpcView<S>& mpc, const RobotView<S>& robot, S phase) {
  for_each(team, 0, solution_size(mpc.dims), [&](int i) { robot.solution[i] = S(0); });
  for_each(team, 0, 1, [&](int) {
    *robot.world.started = S(0);
    *robot.world.phase = fraction(phase);
  });
  team.sync();
}

// Takes in the measured state, its quaternion brought to unit length, and shifts the plan, eq. (6)-(8) of docs/mpc.md. A state that is not finite, or
// whose quaternion is no rotation, is replaced by the nominal pose at rest.
//   memory   begin_size() numbers
template <Team T, class S>
TANDEM_FN void begin_step(const T& team, const MpcView<S>& mpc, const RobotView<S>& robot, S* memory) {
  const ModelView<S>& m = mpc.model;
  S *q = memory, *v = q + m.nq, *ground = v + m.nv, *scratch = ground + 3;
  const S scale = quat_scale(robot.q + 3);
  const bool finite = all_finite(robot.q, m.nq) && all_finite(robot.v, m.nv) && all_finite(robot.command, 4) &&
                      (!robot.ground || all_finite(robot.ground, 3)) && all_finite(&scale, 1);
  for_each(team, 0, m.nq, [&](int i) {
    const S measured = i >= 3 && i < 7 ? scale * robot.q[i] : robot.q[i], nominal = i < 7 ? S(i == 3) : mpc.nominal[i - 7];
    q[i] = finite ? measured : nominal;
  });
  for_each(team, 0, m.nv, [&](int i) { v[i] = finite ? robot.v[i] : S(0); });
  for_each(team, 0, 4, [&](int i) { robot.world.command[i] = finite ? robot.command[i] : S(0); });
  for_each(team, 0, 3, [&](int i) { ground[i] = finite && robot.ground ? robot.ground[i] : S(0); });
  for_each(team, 0, 1, [&](int) {
    *robot.good = S(finite);
    *robot.phase = *robot.world.phase;
  });
  team.sync();
  prepare_plan(team, mpc, robot.world, q, v, ground, scratch);
  forget_changed_rows(team, mpc, robot.world, world_at(mpc, scratch).stance, solution_view(mpc.dims, robot.solution));
}

// Linearises node k into the problem.
//   memory   linearise_size() numbers
template <Team T, class S>
TANDEM_FN void linearise_robot(const T& team, const MpcView<S>& mpc, const RobotView<S>& robot, int k, S* memory) {
  S *output = memory + mpc.ninput, *work = output + mpc.nlinear;
  const NodeInput<S> in = node_input_at(mpc.model, memory);
  read_node(mpc, robot.world, k, in, [&](S* to, const S* from, int n) { for_each(team, 0, n, [=](int i) { to[i] = from[i]; }); });
  team.sync();
  linearise_node(team, mpc, in, node_output_at(mpc, output), work);
  S* stage = qp_view(mpc.dims, robot.qp).at(k, 0);
  for_each(team, 0, k == mpc.nodes - 1 ? rows_size(mpc) : mpc.nlinear, [&](int i) { stage[mpc.scatter[i]] = output[i]; });
  team.sync();
}

template <Team T, class S>
TANDEM_FN void form_robot(const T& team, const MpcView<S>& mpc, const RobotView<S>& robot) {
  form_costs_and_bounds(team, mpc, robot.world, qp_view(mpc.dims, robot.qp));
}

// The sizes of a problem. What all problems of the MPC share is written out, so that the compiler leaves out the solver's code for other kinds.
template <class S>
TANDEM_FN QpDims problem_dims(const MpcView<S>& mpc) {
  QpDims dims = mpc.dims;
  dims.dynamics = Dynamics::kIntegrator, dims.dense_cost = false, dims.ne = 0, dims.align = 1;
  return dims;
}

// Solves the problem and notes whether the answer may be used.   dims: problem_dims(mpc), or what the compiler knows to be the same
template <Team T, class S>
TANDEM_FN void solve_robot(const T& team, const QpDims& dims, const SolverSettings& settings, const RobotView<S>& robot, const WorkMemory<S>& memory,
                           Copies copies) {
  WorkSizes sizes;
  QpWork<S> work = carve_work(dims, memory, copies, sizes);
  LaneInfo<S> info;
  solve_riccati(team, settings, qp_view(dims, robot.qp), solution_view(dims, robot.solution), info, work);
  for_each(team, 0, 1, [&](int) {
    *robot.status = *robot.good > S(0) ? info.status : S(static_cast<int>(Status::kNotFinite));
    *robot.primal_residual = info.primal_residual, *robot.dual_residual = info.dual_residual, *robot.objective = info.objective;
    *robot.good = *robot.good > S(0) && usable(static_cast<Status>(static_cast<int>(info.status))) ? S(1) : S(0);
  });
  team.sync();
}

// Moves the plan, computes torques and set points, or the safe output; advances the gait and writes the outputs.
//   memory   finish_size() numbers
template <Team T, class S>
TANDEM_FN void finish_robot(const T& team, const MpcView<S>& mpc, const RobotView<S>& robot, S* memory) {
  const WorldView<S>& world = robot.world;
  const int nj = mpc.model.njnt;
  const SolutionView<S> step = solution_view(mpc.dims, robot.solution);
  if (*robot.good > S(0)) apply_step(team, mpc, world, step);
  const NodeInput<S> in = node_input_at(mpc.model, memory);
  read_node(mpc, world, 0, in, [&](S* to, const S* from, int n) { for_each(team, 0, n, [=](int i) { to[i] = from[i]; }); });
  team.sync();
  inverse_dynamics(team, mpc, in, world.tau, memory + mpc.ninput);
  set_points(team, mpc, world);
  plan_value(team, mpc, world, memory);
  const bool solved = *robot.good > S(0), good = solved && can_be_followed(mpc, world);
  team.sync();  // every lane has read tau before it may be replaced
  for_each(team, 0, 1, [&](int) {
    if (solved && !good) *robot.status = S(static_cast<int>(Status::kNotFinite));
    *world.started = S(1);
    advance_gait(mpc, world);
  });
  team.sync();
  if (!good) {
    safe_output(team, mpc, world);
    for_each(team, 0, solution_size(mpc.dims), [&](int i) { robot.solution[i] = S(0); });
  }
  for_each(team, 0, nj, [&](int j) { robot.tau_ff[j] = world.tau[j], robot.q_des[j] = world.q_des[j], robot.v_des[j] = world.v_des[j]; });
  for_each(team, 0, 1, [&](int) { *robot.value = *world.value; });
  team.sync();
}

}  // namespace TANDEM_ISA
}  // namespace tandem
