#include <vector>

#include "base/cuda.cuh"
#include "base/device.hpp"
#include "base/team_cuda.cuh"
#include "qp/qp_kernel.hpp"
#include "qp/solve.hpp"

namespace tandem {

namespace {

constexpr int kThreads = 128;

// One block per problem; its workspace lies in shared memory where it fits (memory == nullptr), gains included, which need no copies there; else in `memory`.
__global__ void __launch_bounds__(kThreads)
    solve_kernel(QpDims dims, SolverSettings settings, int workspace_size, float* qp, float* solution, LaneInfo<float>* info, float* memory) {
  extern __shared__ float shared[];
  const size_t w = blockIdx.x;
  const QpLayout layout = qp_layout(dims);
  float* workspace = memory ? memory + w * workspace_size : shared;
  const BlockTeam<kThreads> team;
  LaneInfo<float> result;
  solve_qp(team, settings, qp_view(dims, qp + w * layout.size), solution_view(dims, solution + w * layout.sol_size), result, workspace,
           memory ? Copies::kNone : Copies::kMatrices);
  if (team.lane() == 0) info[w] = result;
}

}  // namespace

void solve_cuda(const QpBatch& batch, const SolverSettings& settings) {
  check_problem(batch.dims, settings);
  check_cuda_device();
  const size_t n = batch.nworld, problem = qp_size(batch.dims), solution = solution_size(batch.dims);
  const int workspace = qp_workspace_size(batch.dims, settings);
  const size_t wanted = workspace * sizeof(float);
  const unsigned shared = wanted <= allow_shared_memory(reinterpret_cast<const void*>(solve_kernel)) ? static_cast<unsigned>(wanted) : 0;
  const DeviceArray<float> qp(n * problem), sol(n * solution), memory(shared > 0 ? 1 : n * workspace);
  const DeviceArray<LaneInfo<float>> info(n);
  check_cuda(cudaMemcpy(qp.data, batch.qp, n * problem * sizeof(float), cudaMemcpyHostToDevice), "copy of the problems");
  check_cuda(cudaMemcpy(sol.data, batch.solution, n * solution * sizeof(float), cudaMemcpyHostToDevice), "copy of the warm starts");
  solve_kernel<<<static_cast<unsigned>(n), kThreads, shared>>>(batch.dims, settings, workspace, qp.data, sol.data, info.data,
                                                               shared > 0 ? nullptr : memory.data);
  check_cuda(cudaGetLastError(), "launch");
  std::vector<LaneInfo<float>> results(n);
  check_cuda(cudaMemcpy(results.data(), info.data, n * sizeof(LaneInfo<float>), cudaMemcpyDeviceToHost), "solve");
  check_cuda(cudaMemcpy(batch.solution, sol.data, n * solution * sizeof(float), cudaMemcpyDeviceToHost), "copy of the solutions");
  for (size_t w = 0; w < n; ++w) {
    batch.info[w] = {static_cast<Status>(static_cast<int>(results[w].status)), results[w].primal_residual, results[w].dual_residual,
                     results[w].objective};
  }
}

}  // namespace tandem
