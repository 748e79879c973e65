// The CPU backend of the MPC, compiled once per instruction set: nodes of several worlds side by side in vector lanes for linearisation and inverse
// dynamics, one world after the other for everything else.
#include <algorithm>

#include "base/pack.hpp"
#include "base/stopwatch.hpp"
#include "mpc/batch.hpp"
#include "mpc/form_kernel.hpp"
#include "qp/qp_kernel.hpp"

namespace tandem {
inline namespace TANDEM_ISA {
namespace {

using Lanes = Pack<float, TANDEM_LANES>;
constexpr int kLanes = TANDEM_LANES;

int padded(int n) { return round_up(n, 16); }

// Scratch of one thread, every part 64-byte aligned.
struct Scratch {
  float* qp;  // kGroup problems
  float* solver;
  float* plan;  // one world
  Lanes *input, *output, *work;

  int qp_stride;
};
int layout_scratch(const MpcView<float>& mpc, const SolverSettings& solver, float* memory, Scratch& s) {
  float* p = memory;
  const auto take = [&p](int n) { return (p += padded(n)) - padded(n); };
  s.qp_stride = padded(qp_size(mpc.dims));
  s.qp = take(kGroup * s.qp_stride);
  s.solver = take(qp_workspace_size(mpc.dims, solver));
  s.plan = take(world_size(mpc));
  s.input = reinterpret_cast<Lanes*>(take(kLanes * mpc.ninput));
  s.output = reinterpret_cast<Lanes*>(take(kLanes * std::max(mpc.nlinear, mpc.model.njnt)));
  s.work = reinterpret_cast<Lanes*>(take(kLanes * node_work_size<Lanes>(mpc.model)));
  return static_cast<int>(p - memory);
}

int scratch_size(const MpcView<float>& mpc, const SolverSettings& solver) {
  Scratch s;
  return layout_scratch(mpc, solver, nullptr, s);
}

void init_scratch(const MpcView<float>& mpc, const SolverSettings& solver, float* memory) {
  Scratch s;
  set_zero(memory, layout_scratch(mpc, solver, memory, s));
  for (int i = 0; i < kGroup; ++i) form_constants(mpc, qp_view(mpc.dims, s.qp + i * s.qp_stride));
}

// What linearise_node reads of node k of a world, into one lane.
void gather_node(const MpcView<float>& mpc, const WorldView<float>& world, int k, const NodeInput<Lanes>& in, int lane) {
  read_node(mpc, world, k, in, [lane](Lanes* to, const float* from, int n) {
    for (int i = 0; i < n; ++i) reinterpret_cast<float*>(to + i)[lane] = from[i];
  });
}

// Linearises all nodes of n worlds into their QPs, packs of kLanes nodes at a time.
void linearise_worlds(const MpcView<float>& mpc, const WorldView<float>* worlds, int n, Scratch& s) {
  const NodeInput<Lanes> in = node_input_at(mpc.model, s.input);
  const int total = n * mpc.nodes, nrows = rows_size(mpc);
  for (int first = 0; first < total; first += kLanes) {
    float* stage[kLanes];
    const int used = std::min(kLanes, total - first);
    for (int lane = 0; lane < kLanes; ++lane) {  // spare lanes repeat the last node
      const int i = first + std::min(lane, used - 1), w = i / mpc.nodes, k = i % mpc.nodes;
      gather_node(mpc, worlds[w], k, in, lane);
      stage[lane] = qp_view(mpc.dims, s.qp + w * s.qp_stride).at(k, 0);
    }
    linearise_node(SerialTeam{}, mpc, in, node_output_at(mpc, s.output), s.work);
    for (int lane = 0; lane < used; ++lane) {
      const bool last = (first + lane) % mpc.nodes == mpc.nodes - 1;
      const float* from = reinterpret_cast<const float*>(s.output) + lane;
      float* to = stage[lane];
      const int count = last ? nrows : mpc.nlinear;
      for (int i = 0; i < count; ++i) to[mpc.scatter[i]] = from[i * kLanes];
    }
  }
}

// Inverse dynamics on the first interval of n worlds.
void inverse_dynamics_worlds(const MpcView<float>& mpc, const WorldView<float>* worlds, int n, Scratch& s) {
  const NodeInput<Lanes> in = node_input_at(mpc.model, s.input);
  for (int first = 0; first < n; first += kLanes) {
    const int used = std::min(kLanes, n - first);
    for (int lane = 0; lane < kLanes; ++lane) gather_node(mpc, worlds[first + std::min(lane, used - 1)], 0, in, lane);
    inverse_dynamics(SerialTeam{}, mpc, in, s.output, s.work);
    for (int lane = 0; lane < used; ++lane)
      for (int j = 0; j < mpc.model.njnt; ++j) worlds[first + lane].tau[j] = s.output[j][lane];
  }
}

// The state, its quaternion brought to unit length, command and ground of one world as floats; where they are not finite, or the quaternion is no rotation,
// they are replaced by the nominal pose at rest, and false is returned.
bool read_world(const MpcView<float>& mpc, const MpcBatch& batch, int w, float* q, float* v, float* ground, const WorldView<float>& world) {
  const ModelView<float>& m = mpc.model;
  for (int i = 0; i < m.nq; ++i) q[i] = static_cast<float>(batch.q[w * m.nq + i]);
  for (int i = 0; i < m.nv; ++i) v[i] = static_cast<float>(batch.v[w * m.nv + i]);
  for (int i = 0; i < 4; ++i) world.command[i] = static_cast<float>(batch.command[w * 4 + i]);
  for (int i = 0; i < 3; ++i) ground[i] = batch.ground ? static_cast<float>(batch.ground[w * 3 + i]) : 0.0f;
  scale_to_unit(q + 3);
  const bool finite = all_finite(q, m.nq) && all_finite(v, m.nv) && all_finite(world.command, 4) && all_finite(ground, 3);
  if (finite) return true;
  for (int i = 0; i < m.nq; ++i) q[i] = i < 7 ? (i == 3) : mpc.nominal[i - 7];
  for (int i = 0; i < m.nv; ++i) v[i] = 0;
  for (int i = 0; i < 4; ++i) world.command[i] = 0;
  for (int i = 0; i < 3; ++i) ground[i] = 0;
  return false;
}

void write_output(const MpcView<float>& mpc, const WorldView<float>& world, MpcOutput& out, int w) {
  const int nj = mpc.model.njnt;
  for (int j = 0; j < nj; ++j) {
    out.tau_ff[w * nj + j] = world.tau[j];
    out.q_des[w * nj + j] = world.q_des[j];
    out.v_des[w * nj + j] = world.v_des[j];
  }
  out.value[w] = *world.value;
}

using Clock = ProfileClock<MpcProfile>;

void step_worlds(const MpcView<float>& mpc, const SolverSettings& solver, const MpcBatch& batch, int begin, int end, float* memory) {
  Scratch s;
  layout_scratch(mpc, solver, memory, s);
  const SerialTeam team;
  WorldView<float> worlds[kChunk];
  int index[kChunk], n = 0;
  bool good[kChunk];
  for (int w = begin; w < end; ++w) {
    if (batch.active && !batch.active[w]) continue;
    worlds[n] = world_at(mpc, batch.worlds + static_cast<long>(w) * batch.world_stride);
    index[n++] = w;
  }
  Clock clock{batch.profile};
  for (int group = 0; group < n; group += kGroup) {
    const int count = std::min(kGroup, n - group);
    for (int i = group; i < group + count; ++i) {
      float q[160], v[160], ground[3];
      good[i] = read_world(mpc, batch, index[i], q, v, ground, worlds[i]);
      batch.output->phase[index[i]] = *worlds[i].phase;
      prepare_plan(team, mpc, worlds[i], q, v, ground, s.plan);
      const SolutionView<float> warm = solution_view(mpc.dims, batch.solutions + static_cast<long>(index[i]) * batch.solution_stride);
      forget_changed_rows(team, mpc, worlds[i], world_at(mpc, s.plan).stance, warm);
    }
    clock.lap(&MpcProfile::prepare);
    linearise_worlds(mpc, worlds + group, count, s);
    clock.lap(&MpcProfile::linearise);
    for (int i = group; i < group + count; ++i) {
      const QpView<float> qp = qp_view(mpc.dims, s.qp + (i - group) * s.qp_stride);
      form_costs_and_bounds(team, mpc, worlds[i], qp);
      clock.lap(&MpcProfile::form);
      const SolutionView<float> step = solution_view(mpc.dims, batch.solutions + static_cast<long>(index[i]) * batch.solution_stride);
      LaneInfo<float> info;
      solve_qp(team, solver, qp, step, info, s.solver);
      clock.lap(&MpcProfile::solve);
      const Status status = static_cast<Status>(static_cast<int>(info.status));
      batch.output->info[index[i]] = {good[i] ? status : Status::kNotFinite, info.primal_residual, info.dual_residual, info.objective};
      good[i] = good[i] && usable(status);
      if (good[i]) apply_step(team, mpc, worlds[i], step);
      clock.lap(&MpcProfile::finish);
    }
  }
  inverse_dynamics_worlds(mpc, worlds, n, s);
  for (int i = 0; i < n; ++i) {
    set_points(team, mpc, worlds[i]);
    plan_value(team, mpc, worlds[i], s.plan);
    *worlds[i].started = 1;
    if (good[i] && !can_be_followed(mpc, worlds[i])) good[i] = false, batch.output->info[index[i]].status = Status::kNotFinite;
    if (!good[i]) {
      safe_output(team, mpc, worlds[i]);
      set_zero(batch.solutions + static_cast<long>(index[i]) * batch.solution_stride, solution_size(mpc.dims));
    }
    advance_gait(mpc, worlds[i]);
    write_output(mpc, worlds[i], *batch.output, index[i]);
  }
  clock.lap(&MpcProfile::finish);
}

void form_world(const MpcView<float>& mpc, float* memory, const float* q, const float* v, float* qp, float* scratch) {
  Scratch s;
  layout_scratch(mpc, SolverSettings{}, scratch, s);
  const WorldView<float> world = world_at(mpc, memory);
  prepare_plan(SerialTeam{}, mpc, world, q, v, nullptr, s.plan);
  linearise_worlds(mpc, &world, 1, s);
  form_costs_and_bounds(SerialTeam{}, mpc, world, qp_view(mpc.dims, s.qp));
  std::copy_n(s.qp, qp_size(mpc.dims), qp);
}

}  // namespace

MpcKernels mpc_kernels() { return {scratch_size, init_scratch, step_worlds, form_world}; }

}  // namespace TANDEM_ISA
}  // namespace tandem
