#include "qp/solve.hpp"

#include <algorithm>

#include "base/aligned.hpp"
#include "base/check.hpp"
#include "base/parallel.hpp"
#include "qp/qp_cpu.hpp"

namespace tandem {

struct Workspace::State {
  CpuTask task;
  CpuKernels kernels;
  ThreadPool pool;
  size_t per_thread;  // floats
  AlignedFloats memory;

  State(CpuTask t, const CpuKernels& k, int threads)
      : task(std::move(t)), kernels(k), pool(threads), per_thread((kernels.memory(task) + 15) / 16 * 16), memory(per_thread * pool.size()) {}
};

void check_problem(const QpDims& d, const SolverSettings& s) {
  const auto positive = [](const char* name, int value) { check(value >= 1, "dims.", name, " is ", value, ", expected 1 or more"); };
  const auto counted = [](const char* name, int value) { check(value >= 0, "dims.", name, " is ", value, ", expected 0 or more"); };
  positive("N", d.N), positive("nx", d.nx), positive("nu", d.nu), positive("align", d.align), counted("nc", d.nc), counted("nd", d.nd),
      counted("ne", d.ne);
  check(d.ne <= d.nu, "dims.ne is ", d.ne, ", expected at most nu = ", d.nu, " mixed rows");
  check(d.ne == 0 || s.mode == SolverMode::kRiccati, "dims.ne is ", d.ne, "; mixed rows need SolverMode::kRiccati");
  check(d.du >= 0 && d.du <= d.nu, "dims.du is ", d.du, ", expected 0 (all inputs) to nu = ", d.nu);
  if (d.dynamics == Dynamics::kIntegrator) {
    counted("np", d.np), counted("na", d.na), counted("nf", d.nf);
    check(d.nx == 2 * (d.np + d.na), "dims.nx is ", d.nx, ", expected 2 (np + na) = ", 2 * (d.np + d.na), "; use integrator_dims");
    check(d.nu == d.nf + d.na, "dims.nu is ", d.nu, ", expected nf + na = ", d.nf + d.na, "; use integrator_dims");
  }
  check(s.iterations >= 1, "settings.iterations is ", s.iterations, ", expected 1 or more");
  check(s.relaxation > 0 && s.relaxation < 2, "settings.relaxation is ", s.relaxation, ", expected a number in (0, 2)");
  check(s.rho_scale > 0, "settings.rho_scale is ", s.rho_scale, ", expected a positive number");
  check(s.osqp_rho > 0 && s.osqp_sigma > 0, "settings.osqp_rho and osqp_sigma are ", s.osqp_rho, " and ", s.osqp_sigma,
        ", expected positive numbers");
  check(s.osqp_scaling >= 0, "settings.osqp_scaling is ", s.osqp_scaling, ", expected 0 or more passes");
}

Workspace::Workspace(const QpDims& dims, const SolverSettings& settings, int threads, Lanes lanes, Isa isa) {
  check_problem(dims, settings);
  check(lanes == Lanes::kPack || dims.align % 16 == 0, "dims.align is ", dims.align,
        ", expected a multiple of 16 for Lanes::kSingle; or use Lanes::kPack");
  CpuTask task{dims, dims, settings, lanes, {}, {}, {}};
  if (lanes == Lanes::kPack) {
    task.work_dims.align = 1;
    task.problem_in = problem_runs(dims, task.work_dims);
    task.solution_in = solution_runs(dims, task.work_dims);
    task.solution_out = solution_runs(task.work_dims, dims);
  }
  const CpuKernels kernels = isa == Isa::kAvx512 ? avx512::qp_kernels() : avx2::qp_kernels();
  state_ = std::make_unique<State>(std::move(task), kernels, threads);
}
Workspace::~Workspace() = default;
Workspace::Workspace(Workspace&&) noexcept = default;

void solve(const QpBatch& batch, const SolverSettings& settings, Workspace& workspace) {
  Workspace::State& s = workspace.state();
  check_problem(batch.dims, settings);
  check(batch.dims == s.task.dims && settings.mode == s.task.settings.mode, "the batch, with qp_size ", qp_size(batch.dims),
        ", is not of the dims and mode that the workspace was made for, with qp_size ", qp_size(s.task.dims),
        "; make one workspace per dims and mode");
  s.task.settings = settings;
  // whole packs per thread, so that a problem shares its registers with the same others for every number of threads
  const int unit = s.task.lanes == Lanes::kPack ? s.kernels.pack_lanes : 1, units = (batch.nworld + unit - 1) / unit;
  s.pool.run(units, [&](int i, int thread) {
    s.kernels.solve(s.task, batch, i * unit, std::min(batch.nworld, (i + 1) * unit), s.memory.data + thread * s.per_thread);
  });
}

}  // namespace tandem
