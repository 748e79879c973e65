// The CPU backend of the centroidal MPC, compiled once per instruction set: nodes side by side in vector lanes for the linearisation, one QP after the
// other with vector code inside its products.
#include <algorithm>

#include "base/pack.hpp"
#include "base/stopwatch.hpp"
#include "centroidal/batch.hpp"
#include "centroidal/form_kernel.hpp"
#include "qp/qp_kernel.hpp"

namespace tandem {
inline namespace TANDEM_ISA {
namespace {

using Lanes = Pack<float, TANDEM_LANES>;
constexpr int kLanes = TANDEM_LANES;
constexpr int kAlign = 16;

const SolverSettings kSolver{.iterations = 1, .relaxation = 1.0f, .warm_start = false};

// Scratch of one thread, every part 64-byte aligned.
struct Scratch {
  float *qp, *solution, *solver, *rows;
  CentroidalNodeInput<Lanes>* input;
  CentroidalNodeOutput<Lanes>* output;
  NodeWork<Lanes>* work;
  Lanes* memory;
  size_t size;
};
Scratch layout_scratch(const CentroidalView<float>& view, float* memory) {
  const QpDims dims = centroidal_dims(view.N, view.nx, kAlign);
  Scratch s{};
  const auto take = [&](size_t floats) {
    s.size += (floats + 15) / 16 * 16;
    return memory + (s.size - (floats + 15) / 16 * 16);
  };
  const auto floats_of = [](size_t bytes) { return bytes / sizeof(float); };
  s.qp = take(qp_size(dims)), s.solution = take(solution_size(dims)), s.solver = take(qp_workspace_size(dims, kSolver));
  s.rows = take(row_list(view).nrow * qp_layout(dims).ldz);
  s.input = reinterpret_cast<CentroidalNodeInput<Lanes>*>(take(floats_of(sizeof(CentroidalNodeInput<Lanes>))));
  s.output = reinterpret_cast<CentroidalNodeOutput<Lanes>*>(take(floats_of(sizeof(CentroidalNodeOutput<Lanes>))));
  s.work = reinterpret_cast<NodeWork<Lanes>*>(take(floats_of(sizeof(NodeWork<Lanes>))));
  s.memory = reinterpret_cast<Lanes*>(take(floats_of(sizeof(Lanes)) * node_memory_size<Lanes>(view.model.nbody)));
  return s;
}

size_t scratch_size(const CentroidalView<float>& view) { return layout_scratch(view, nullptr).size; }

void init_scratch(const CentroidalView<float>& view, float* memory) {
  const Scratch s = layout_scratch(view, memory);
  std::fill_n(memory, s.size, 0.0f);
  form_constants(view, qp_view(centroidal_dims(view.N, view.nx, kAlign), s.qp));
}

using Clock = ProfileClock<CentroidalProfile>;

// Node `node` into one lane.
void gather(const CentroidalNodeInput<float>& node, CentroidalNodeInput<Lanes>& in, int lane) {
  constexpr size_t kReals = sizeof(CentroidalNodeInput<float>) / sizeof(float);
  const float* from = reinterpret_cast<const float*>(&node);
  float* to = reinterpret_cast<float*>(&in) + lane;
  for (size_t i = 0; i < kReals; ++i) to[i * kLanes] = from[i];
}

// Linearises all nodes and forms the QP around the plan. Returns the cost of the plan.
float form_qp(const CentroidalView<float>& view, const CentroidalNodeInput<float>* nodes, Scratch& s, Clock& clock) {
  const QpView<float> qp = qp_view(centroidal_dims(view.N, view.nx, kAlign), s.qp);
  const RowList<float> list = row_list(view);
  float cost = form_terminal(view, nodes[view.N], qp);
  for (int first = 0; first < view.N; first += kLanes) {
    const int used = std::min(kLanes, view.N - first);
    for (int lane = 0; lane < kLanes; ++lane) gather(nodes[first + std::min(lane, used - 1)], *s.input, lane);  // spare lanes repeat the last node
    linearise_node(view, *s.input, s.memory, *s.work, *s.output);
    clock.lap(&CentroidalProfile::linearise);
    for (int lane = 0; lane < used; ++lane) {
      const LaneReader<Lanes> read{lane};
      const int k = first + lane;
      cost += read(s.output->cost);
      const QpStage<float> stage{qp, k};
      form_dynamics(view, s.output->step, nodes[k + 1].x, read, stage);
      form_contacts(view, *s.output, read, stage);
      form_cost(view, list, *s.output, read, stage, s.rows);
    }
    clock.lap(&CentroidalProfile::form);
  }
  return cost;
}

void move_plan(const CentroidalView<float>& view, const SolutionView<float>& step, CentroidalNodeInput<float>* nodes) {
  for (int k = 0; k <= view.N; ++k) {
    for (int i = 0; k > 0 && i < view.nx; ++i) nodes[k].x[i] += step.x(k)[i];
    for (int i = 0; k < view.N && i < view.nu; ++i) nodes[k].u[i] += step.u(k)[i];
  }
}

CentroidalAnswer step_world(const CentroidalTask& task, float* memory) {
  const CentroidalView<float>& view = *task.view;
  Scratch s = layout_scratch(view, memory);
  Clock clock{task.profile};
  prepare_plan(view, *task.plan, task.order, task.started, task.nodes);
  clock.lap(&CentroidalProfile::prepare);
  CentroidalAnswer answer{};
  const QpDims dims = centroidal_dims(view.N, view.nx, kAlign);
  const SolutionView<float> step = solution_view(dims, s.solution);
  for (int i = 0; i < task.iterations; ++i) {
    answer.cost = form_qp(view, task.nodes, s, clock);
    LaneInfo<float> info;
    solve_qp(SerialTeam{}, kSolver, qp_view(dims, s.qp), step, info, s.solver);
    clock.lap(&CentroidalProfile::solve);
    answer.info = {static_cast<Status>(static_cast<int>(info.status)), info.primal_residual, info.dual_residual, info.objective};
    if (!usable(answer.info.status)) break;
    move_plan(view, step, task.nodes);
    clock.lap(&CentroidalProfile::finish);
  }
  return answer;
}

void form_world(const CentroidalTask& task, float* memory, float* qp) {
  Scratch s = layout_scratch(*task.view, memory);
  Clock clock{nullptr};
  prepare_plan(*task.view, *task.plan, task.order, task.started, task.nodes);
  form_qp(*task.view, task.nodes, s, clock);
  std::copy_n(s.qp, qp_size(centroidal_dims(task.view->N, task.view->nx, kAlign)), qp);
}

}  // namespace

CentroidalKernels centroidal_kernels() { return {scratch_size, init_scratch, step_world, form_world}; }

}  // namespace TANDEM_ISA
}  // namespace tandem
