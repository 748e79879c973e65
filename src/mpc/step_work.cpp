#include "mpc/step_work.hpp"

#include <bit>

#include "base/check.hpp"
#include "mpc/robot_step_kernel.hpp"

namespace tandem {
namespace {

// A Counted view of float arrays.
template <class To, class From>
To counted(const From& view) {
  static_assert(sizeof(Counted) == sizeof(float));
  return std::bit_cast<To>(view);
}

// One robot in memory as on a GPU, its stages on one lane.
struct CountedRobot {
  MpcArrays<float> arrays;
  MpcDevicePlan plan;
  MpcView<Counted> mpc;
  std::vector<Counted> memory, begin, linearise, work, finish;
  RobotView<Counted> robot;

  CountedRobot(const Model& model, const MpcSettings& settings)
      : arrays(make_arrays<float>(model, settings, 1)), plan(plan_device(arrays, settings, 1, {})), mpc(counted<MpcView<Counted>>(arrays.view)) {
    std::size_t size = 0;
    fleet_at(plan, static_cast<Counted*>(nullptr), size);
    memory.assign(size, 0), begin.assign(plan.begin_size, 0), linearise.assign(plan.linearise_size, 0), finish.assign(plan.finish_size, 0);
    work.assign(plan.work.part[kWorkGains] + plan.work.part[kWorkStages] + plan.work.part[kWorkScratch], 0);
    robot = robot_at(mpc, fleet_at(plan, memory.data(), size), 0);
    form_constants(mpc, qp_view(mpc.dims, robot.qp));
    Counted* q = const_cast<Counted*>(robot.q);  // nominal pose, upright
    q[3] = 1;
    for (int j = 0; j < model.njnt; ++j) q[7 + j] = settings.nominal[j];
  }

  WorkMemory<Counted> work_memory() {
    WorkMemory<Counted> parts;
    Counted* from = work.data();
    for (int i = 0; i < kWorkParts; ++i) parts.part[i] = from, from += plan.work.part[i];
    return parts;
  }
};

template <class Run>
WorkCount count(Run&& run) {
  work_done = {};
  run();
  return work_done;
}

}  // namespace

WorkCount StepWork::step(int iterations) const { return prepare + linearise + form + solve(iterations) + finish; }

StepWork count_work(const Model& model, const MpcSettings& settings) {
  CountedRobot one(model, settings);
  const SerialTeam team;
  StepWork work;
  SolverSettings solver = settings.solver;
  const auto solve = [&](int iterations) {
    solver.iterations = iterations;
    return count([&] { solve_robot(team, problem_dims(one.mpc), solver, one.robot, one.work_memory(), one.plan.solve.copies); });
  };
  for (int step = 0; step < 2; ++step) {  // the first step has no plan to shift, and may leave none: the base lies at the height of the ground here
    *one.robot.world.started = Counted(step);
    work.prepare = count([&] { begin_step(team, one.mpc, one.robot, one.begin.data()); });
    work.linearise = count([&] {
      for (int k = 0; k < one.mpc.nodes; ++k) linearise_robot(team, one.mpc, one.robot, k, one.linearise.data());
    });
    work.form = count([&] { form_robot(team, one.mpc, one.robot); });
    // the first two iterations and the last one write less or more than the others
    const WorkCount three = solve(3), four = solve(4);
    work.iteration = four - three;
    work.factor = count([&] {
      WorkSizes sizes;
      QpWork<Counted> scratch = carve_work(one.mpc.dims, one.work_memory(), one.plan.solve.copies, sizes);
      riccati_factor(team, qp_view(one.mpc.dims, one.robot.qp), Counted(solver.rho_scale), scratch);
    });
    work.judge = four - work.factor - 4 * work.iteration;
    work.finish = count([&] { finish_robot(team, one.mpc, one.robot, one.finish.data()); });
  }
  check(*one.robot.good > Counted(0), "count of operations: the nominal pose of robot ", model.name, " gives a problem that cannot be solved");
  return work;
}

StepTraffic count_traffic(const MpcView<float>& mpc, const MpcDevicePlan& plan, int iterations) {
  const ModelView<float>& m = mpc.model;
  const QpDims& d = mpc.dims;
  const std::size_t T = mpc.nodes, N = T - 1, nq = m.nq, nv = m.nv, nj = m.njnt, nfoot = m.nfoot, nF = mpc.nforce, np = d.np, nx = d.nx, nu = d.nu;
  const std::size_t nz = nx + nu, nrow = d.nc + d.nd + nz, trajectory = T * (nq + nv) + N * nF, number = sizeof(float);
  const std::size_t state = nq + nv + 4, bias = 3, gait = 3;  // gait time, its rate, whether there is a plan
  StepTraffic t{};
  t.prepare = number * (state + 2 * (trajectory + T * nfoot + bias) + T * nfoot + gait + 4 + 2);
  t.linearise = number * (T * mpc.ninput + N * mpc.nlinear + rows_size(mpc));
  t.form = number * (trajectory + T * nfoot + 4 + bias + T * (2 * nv + 4 * nj) + N * (nF + nj + 4 * d.nd));
  t.solve = number * (qp_size(d) + 2 * solution_size(d) + 4);
  t.finish = number * (2 * trajectory + T * nx + N * nF + T * nfoot + 4 + bias + 2 * gait + 6 * nj + 3);
  // per iteration: bounds, penalties, gradient; E, Phi, Gam, C and D both ways and offsets, or once where they are copied
  const std::size_t rows = T * d.nc * nx + N * d.nd * d.nf, dynamics = N * np * (nz + 2 * np), offsets = N * (np + np + d.na);
  const std::size_t vectors = iterations * T * (3 * nrow + nz);
  const std::size_t matrices = plan.solve.has_copies() ? rows + dynamics + offsets : iterations * (2 * rows + 2 * dynamics + offsets);
  const std::size_t gains = in_shared(plan, kWorkGains) ? 0 : (iterations + 1) * N * (2 * nu * nx + nu * nu);
  t.solve_again = number * (vectors + matrices + gains);
  return t;
}

}  // namespace tandem
