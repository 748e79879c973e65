#include "qp/qp_cpu.hpp"

#include <algorithm>
#include <cstdint>

#include "base/pack.hpp"
#include "qp/qp_kernel.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

constexpr int kPackLanes = TANDEM_LANES;
using PackReal = Pack<float, kPackLanes>;

size_t thread_memory(const CpuTask& task) {
  const size_t problem = round_up(qp_size(task.work_dims), 16) + round_up(solution_size(task.work_dims), 16);
  return (problem + qp_workspace_size(task.work_dims, task.settings)) * (task.lanes == Lanes::kPack ? kPackLanes : 1);
}

template <class Real>
struct Blocks {
  Real *qp, *solution, *workspace;
};

template <class Real>
Blocks<Real> split(const CpuTask& task, float* memory) {
  Real* m = reinterpret_cast<Real*>(memory);
  Real* solution = m + round_up(qp_size(task.work_dims), 16);
  return {m, solution, solution + round_up(solution_size(task.work_dims), 16)};
}

bool is_aligned(const void* p) { return reinterpret_cast<std::uintptr_t>(p) % 64 == 0; }

template <class Real, class At>
QpInfo info_of(const LaneInfo<Real>& info, At&& at) {
  return {static_cast<Status>(static_cast<int>(at(info.status))), at(info.primal_residual), at(info.dual_residual), at(info.objective)};
}

void solve_single(const CpuTask& task, const QpBatch& batch, int begin, int end, float* memory) {
  const Blocks<float> own = split<float>(task, memory);
  const QpLayout layout = qp_layout(task.work_dims);
  for (int w = begin; w < end; ++w) {
    // vector loads need aligned blocks
    float* problem = const_cast<float*>(batch.qp) + static_cast<size_t>(w) * layout.size;
    float* solution = batch.solution + static_cast<size_t>(w) * layout.sol_size;
    const bool aligned_problem = is_aligned(problem), aligned_solution = is_aligned(solution);
    if (!aligned_problem) std::copy_n(problem, layout.size, own.qp);
    if (!aligned_solution) std::copy_n(solution, layout.sol_size, own.solution);
    const QpView<float> qp = qp_view(task.work_dims, aligned_problem ? problem : own.qp);
    const SolutionView<float> view = solution_view(task.work_dims, aligned_solution ? solution : own.solution);
    LaneInfo<float> info;
    solve_qp(SerialTeam{}, task.settings, qp, view, info, own.workspace);
    if (!aligned_solution) std::copy_n(own.solution, layout.sol_size, solution);
    batch.info[w] = info_of(info, [](float v) { return v; });
  }
}

// Problems begin.. in the lanes of a Pack; lanes past the last problem repeat it.
void solve_pack(const CpuTask& task, const QpBatch& batch, int begin, int end, float* memory) {
  const Blocks<PackReal> own = split<PackReal>(task, memory);
  const QpLayout layout = qp_layout(task.dims);
  set_zero(own.qp, qp_size(task.work_dims));
  set_zero(own.solution, solution_size(task.work_dims));
  for (int first = begin; first < end; first += kPackLanes) {
    for (int lane = 0; lane < kPackLanes; ++lane) {
      const size_t w = std::min(first + lane, end - 1);
      for (const Run& r : task.problem_in)
        for (int i = 0; i < r.count; ++i) own.qp[r.to + i].set(lane, batch.qp[w * layout.size + r.from + i]);
      for (const Run& r : task.solution_in)
        for (int i = 0; i < r.count; ++i) own.solution[r.to + i].set(lane, batch.solution[w * layout.sol_size + r.from + i]);
    }
    LaneInfo<PackReal> info;
    solve_qp(SerialTeam{}, task.settings, qp_view(task.work_dims, own.qp), solution_view(task.work_dims, own.solution), info, own.workspace);
    for (int lane = 0; lane < std::min(kPackLanes, end - first); ++lane) {
      const size_t w = first + lane;
      for (const Run& r : task.solution_out)
        for (int i = 0; i < r.count; ++i) batch.solution[w * layout.sol_size + r.to + i] = own.solution[r.from + i][lane];
      batch.info[w] = info_of(info, [lane](const PackReal& v) { return v[lane]; });
    }
  }
}

CpuKernels qp_kernels() {
  const auto solve_range = [](const CpuTask& task, const QpBatch& batch, int begin, int end, float* memory) {
    (task.lanes == Lanes::kPack ? solve_pack : solve_single)(task, batch, begin, end, memory);
  };
  return {kPackLanes, thread_memory, solve_range};
}

}  // namespace TANDEM_ISA
}  // namespace tandem
