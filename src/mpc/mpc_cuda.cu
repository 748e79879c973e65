#include "mpc/mpc_cuda.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "base/cuda.cuh"
#include "base/device.hpp"
#include "mpc/mpc_kernels.cuh"
#include "mpc/saved.hpp"

namespace tandem {
namespace {

DeviceLimits device_limits() {
  const CudaDevice device = cuda_device();
  return {device.multiprocessors, device.shared_per_block, device.shared_per_multiprocessor};
}

MpcArrays<float> device_arrays(const Model& model, const MpcSettings& settings) {
  check_cuda_device();
  return make_arrays<float>(model, settings, 1);
}

MpcDevicePlan affordable_plan(const MpcArrays<float>& arrays, const MpcSettings& settings, int nworld, int blocks, bool known_sizes) {
  const MpcDevicePlan plan = plan_device(arrays, settings, nworld, device_limits(), blocks, known_sizes);
  check_device_memory(plan, cuda_device().free_memory);
  return plan;
}

void upload_floats(const std::vector<float>& from, float* to) {
  check_cuda(cudaMemcpy(to, from.data(), from.size() * sizeof(float), cudaMemcpyHostToDevice), "upload");
}

// Rows of `width` numbers from the host, as floats `stride` apart, to the device.
void write_rows(std::span<const double> from, int width, int stride, int n, float* to) {
  std::vector<float> rows(static_cast<size_t>(n) * stride, 0.0f);
  for (size_t w = 0; w < static_cast<size_t>(n); ++w)
    for (int i = 0; i < width; ++i) rows[w * stride + i] = static_cast<float>(from[w * width + i]);
  upload_floats(rows, to);
}
void upload_rows(std::span<const double> from, int width, int stride, int n, const char* what, const float* to) {
  check(from.size() == static_cast<size_t>(n) * width, "MPC upload: ", what, " has ", from.size(), " values, expected ", n, " x ", width);
  write_rows(from, width, stride, n, const_cast<float*>(to));
}

// And back.
std::vector<float> download_floats(const float* from, size_t n) {
  std::vector<float> out(n);
  check_cuda(cudaMemcpy(out.data(), from, n * sizeof(float), cudaMemcpyDeviceToHost), "download");
  return out;
}
std::vector<double> read_rows(const float* from, int width, int stride, int n) {
  const std::vector<float> rows = download_floats(from, static_cast<size_t>(n) * stride);
  std::vector<double> out(static_cast<size_t>(n) * width);
  for (size_t w = 0; w < static_cast<size_t>(n); ++w)
    for (int i = 0; i < width; ++i) out[w * width + i] = rows[w * stride + i];
  return out;
}

}  // namespace

// Of a step: begin, linearise, solve, finish.
constexpr int kLaunches = 4, kSolveLaunch = 2;

struct MpcCuda::Impl {
  Model model;
  MpcSettings settings;
  MpcArrays<float> arrays;
  MpcDevicePlan plan;
  DeviceArray<float> memory;  // constants, the constant parts of a problem, blocks, robots: each but the last a multiple of 16 bytes
  MpcView<float> mpc;         // of the device
  FleetView<float> fleet;
  DeviceInput own;
  float* block_memory = nullptr;
  int parts = kBothParts;
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  std::array<cudaGraphNode_t, kLaunches> nodes{};
  std::array<cudaEvent_t, 6> events{};

  Impl(const Model& m, const MpcSettings& s, int nworld, int blocks, bool known_sizes)
      : model(m),
        settings(s),
        arrays(device_arrays(m, s)),
        plan(affordable_plan(arrays, s, nworld, blocks, known_sizes)),
        memory((plan.total_bytes + sizeof(float) - 1) / sizeof(float)) {
    place_memory();
    each_launch([&](int i, const cudaKernelNodeParams& params) {
      const size_t allowed = allow_shared_memory(params.func, i == kSolveLaunch);
      check(params.sharedMemBytes <= allowed, "MPC on the GPU: a block takes ", params.sharedMemBytes, " bytes of shared memory, the device gives ",
            allowed, "; use the CPU backend");
    });
    make_graph();
    for (cudaEvent_t& event : events) check_cuda(cudaEventCreate(&event), "event");
  }
  ~Impl() {
    for (cudaEvent_t event : events) cudaEventDestroy(event);
    cudaGraphExecDestroy(executable);
    cudaGraphDestroy(graph);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void place_memory() {
    const PackedConstants<float> packed = pack_constants(arrays, memory.data);
    mpc = packed.view;
    float* next = memory.data + packed.bytes.size() / sizeof(float);
    std::vector<float> constants(plan.qp_stride, 0.0f);
    form_constants(arrays.view, qp_view(arrays.view.dims, constants.data()));
    check_cuda(cudaMemset(memory.data, 0, plan.total_bytes), "clear");
    check_cuda(cudaMemcpy(memory.data, packed.bytes.data(), packed.bytes.size(), cudaMemcpyHostToDevice), "constants");
    check_cuda(cudaMemcpy(next, constants.data(), constants.size() * sizeof(float), cudaMemcpyHostToDevice), "constants of a problem");
    std::size_t size = 0;
    block_memory = next + plan.qp_stride;
    fleet = fleet_at(plan, block_memory + static_cast<size_t>(plan.blocks) * plan.block_global, size);
    own = {fleet.q, plan.q_stride, fleet.v, plan.v_stride, fleet.command, plan.command_stride};
    copy_constants_kernel<<<static_cast<unsigned>(plan.nworld), kThreadsPerRobot>>>(fleet, next);
    check_cuda(cudaGetLastError(), "launch");
    check_cuda(cudaDeviceSynchronize(), "constants of a problem");
  }

  // Launches in their order; arguments are read when `use` is called with them.
  template <class Use>
  void each_launch(Use&& use) {
    const unsigned n = static_cast<unsigned>(plan.nworld), nodes_of_all = n * static_cast<unsigned>(mpc.nodes);
    std::array<void*, 3> begin{&mpc, &fleet, &parts};
    std::array<void*, 4> solve{&mpc, &fleet, &settings.solver, &block_memory};
    const auto launch = [&](auto kernel, unsigned blocks, unsigned threads, int shared, void** arguments) {
      cudaKernelNodeParams params{};
      params.func = reinterpret_cast<void*>(kernel);
      params.gridDim = dim3(blocks), params.blockDim = dim3(threads);
      params.sharedMemBytes = static_cast<unsigned>(shared * sizeof(float));
      params.kernelParams = arguments;
      return params;
    };
    const auto by_warp = [&](auto kernel, unsigned teams, unsigned per_warp, int shared) {
      const unsigned per_block = kWarpsPerBlock * per_warp;
      return launch(kernel, (teams + per_block - 1) / per_block, kWarpsPerBlock * WarpTeam::kLanes, static_cast<int>(per_block) * shared,
                    begin.data());
    };
    use(0, by_warp(begin_kernel, n, 1, plan.begin_size));
    use(1, by_warp(linearise_kernel, nodes_of_all, kNodesPerWarp, plan.linearise_size));
    use(kSolveLaunch, launch(solve_kernel_for(plan), static_cast<unsigned>(plan.blocks), plan.solve.threads, plan.block_shared, solve.data()));
    use(3, by_warp(finish_kernel, n, 1, plan.finish_size));
  }

  void make_graph() {
    check_cuda(cudaGraphCreate(&graph, 0), "graph");
    each_launch([&](int i, const cudaKernelNodeParams& params) {
      check_cuda(cudaGraphAddKernelNode(&nodes[i], graph, i > 0 ? &nodes[i - 1] : nullptr, i > 0 ? 1 : 0, &params), "graph");
    });
    check_cuda(cudaGraphInstantiate(&executable, graph, 0), "graph");
  }

  // Gives the graph the arguments as they are now.
  void update_graph() {
    each_launch(
        [&](int i, const cudaKernelNodeParams& params) { check_cuda(cudaGraphExecKernelNodeSetParams(executable, nodes[i], &params), "graph"); });
  }

  // True where the input is not the one of the last step.
  bool take_input(const DeviceInput& in) {
    MpcDevicePlan& p = fleet.plan;
    const bool same = fleet.q == in.q && fleet.v == in.v && fleet.command == in.command && fleet.active == in.active && fleet.ground == in.ground &&
                      p.q_stride == in.q_stride && p.v_stride == in.v_stride && p.command_stride == in.command_stride &&
                      p.ground_stride == in.ground_stride;
    fleet.q = in.q, fleet.v = in.v, fleet.command = in.command, fleet.active = in.active, fleet.ground = in.ground;
    p.q_stride = in.q_stride, p.v_stride = in.v_stride, p.command_stride = in.command_stride, p.ground_stride = in.ground_stride;
    return !same;
  }
};

MpcDevicePlan MpcCuda::plan(const Model& model, const MpcSettings& settings, int nworld, int blocks, bool known_sizes) {
  return plan_device(device_arrays(model, settings), settings, nworld, device_limits(), blocks, known_sizes);
}

MpcCuda::MpcCuda(const Model& model, const MpcSettings& settings, int nworld, int blocks, bool known_sizes)
    : impl_(std::make_unique<Impl>(model, settings, nworld, blocks, known_sizes)) {}
MpcCuda::~MpcCuda() = default;
MpcCuda::MpcCuda(MpcCuda&&) noexcept = default;

void MpcCuda::step(const DeviceInput& input, void* stream) {
  Impl& s = *impl_;
  if (s.take_input(input)) s.update_graph();
  check_cuda(cudaGraphLaunch(s.executable, static_cast<cudaStream_t>(stream)), "control step");
}

void MpcCuda::wait() const { check_cuda(cudaDeviceSynchronize(), "control step"); }

MpcProfile MpcCuda::step_by_stages(const DeviceInput& input) {
  Impl& s = *impl_;
  const bool changed = s.take_input(input);
  int done = 0;
  const auto run = [&](const cudaKernelNodeParams& p) {
    if (done == 0) check_cuda(cudaEventRecord(s.events[0]), "event");
    check_cuda(cudaLaunchKernel(p.func, p.gridDim, p.blockDim, p.kernelParams, p.sharedMemBytes, nullptr), "launch");
    check_cuda(cudaEventRecord(s.events[++done]), "event");
  };
  s.each_launch([&](int i, const cudaKernelNodeParams& params) {
    if (i > 0) return run(params);
    for (int part : {kPrepare, kForm}) {
      s.parts = part;
      run(params);
    }
    s.parts = kBothParts;
  });
  check_cuda(cudaEventSynchronize(s.events[done]), "control step");
  if (changed) s.update_graph();
  MpcProfile profile;
  using Field = double MpcProfile::*;
  constexpr Field kStages[] = {&MpcProfile::prepare, &MpcProfile::form, &MpcProfile::linearise, &MpcProfile::solve, &MpcProfile::finish};
  for (int i = 0; i < done; ++i) {
    float ms = 0;
    check_cuda(cudaEventElapsedTime(&ms, s.events[i], s.events[i + 1]), "event");
    profile.*kStages[i] = 1e-3 * ms / s.plan.nworld;
  }
  return profile;
}

void MpcCuda::reset(const unsigned char* mask, const float* phase, void* stream) {
  Impl& s = *impl_;
  reset_kernel<<<static_cast<unsigned>(s.plan.nworld), kThreadsPerRobot, 0, static_cast<cudaStream_t>(stream)>>>(s.mpc, s.fleet, mask, phase);
  check_cuda(cudaGetLastError(), "reset");
}

DeviceInput MpcCuda::input() const { return impl_->own; }

DeviceOutput MpcCuda::output() const {
  const FleetView<float>& f = impl_->fleet;
  return {f.tau_ff, f.q_des, f.v_des, f.plan.joint_stride, f.value, f.phase, f.status, f.primal_residual, f.dual_residual, f.objective};
}

void MpcCuda::upload(std::span<const double> q, std::span<const double> v, std::span<const double> command) {
  const Impl& s = *impl_;
  const int n = s.plan.nworld;
  wait();  // a step may run in another stream, before and after
  upload_rows(q, s.model.nq, s.plan.q_stride, n, "q", s.own.q);
  upload_rows(v, s.model.nv, s.plan.v_stride, n, "v", s.own.v);
  upload_rows(command, 4, s.plan.command_stride, n, "command", s.own.command);
  wait();  // copies from pageable memory may still be on their way
}

void MpcCuda::download(MpcOutput& output) const {
  const Impl& s = *impl_;
  const DeviceOutput out = this->output();
  const int n = s.plan.nworld, nj = s.model.njnt;
  wait();
  output.tau_ff = read_rows(out.tau_ff, nj, out.joint_stride, n);
  output.q_des = read_rows(out.q_des, nj, out.joint_stride, n);
  output.v_des = read_rows(out.v_des, nj, out.joint_stride, n);
  output.value = read_rows(out.value, 1, 1, n), output.phase = read_rows(out.phase, 1, 1, n);
  const std::vector<double> status = read_rows(out.status, 1, 1, n), primal = read_rows(out.primal_residual, 1, 1, n),
                            dual = read_rows(out.dual_residual, 1, 1, n), objective = read_rows(out.objective, 1, 1, n);
  output.info.resize(n);
  for (int w = 0; w < n; ++w)
    output.info[w] = {static_cast<Status>(static_cast<int>(status[w])), static_cast<float>(primal[w]), static_cast<float>(dual[w]),
                      static_cast<float>(objective[w])};
}

std::vector<std::byte> MpcCuda::save() const {
  const Impl& s = *impl_;
  const size_t n = s.plan.nworld;
  MpcKept kept;
  download(kept.output);
  kept.worlds = download_floats(s.fleet.worlds, n * s.plan.world_stride);
  kept.solutions = download_floats(s.fleet.solutions, n * s.plan.solution_stride);
  return save_kept(s.arrays.view, s.model, s.settings, s.plan, kept);
}

void MpcCuda::load(std::span<const std::byte> bytes) {
  const Impl& s = *impl_;
  const FleetView<float>& f = s.fleet;
  const int n = s.plan.nworld, nj = s.model.njnt;
  const MpcKept kept = load_kept(s.arrays.view, s.model, s.settings, s.plan, bytes);
  wait();
  upload_floats(kept.worlds, f.worlds), upload_floats(kept.solutions, f.solutions);
  const MpcOutput& out = kept.output;
  for (auto [from, to] : {std::pair(&out.tau_ff, f.tau_ff), {&out.q_des, f.q_des}, {&out.v_des, f.v_des}})
    write_rows(*from, nj, s.plan.joint_stride, n, to);
  write_rows(out.value, 1, 1, n, f.value), write_rows(out.phase, 1, 1, n, f.phase);
  const auto write_info = [&](auto QpInfo::* field, float* to) {
    std::vector<float> values;
    for (const QpInfo& info : out.info) values.push_back(static_cast<float>(info.*field));
    upload_floats(values, to);
  };
  write_info(&QpInfo::status, f.status), write_info(&QpInfo::primal_residual, f.primal_residual);
  write_info(&QpInfo::dual_residual, f.dual_residual), write_info(&QpInfo::objective, f.objective);
  wait();  // as in upload()
}

std::vector<KernelUse> MpcCuda::kernels() const {
  constexpr const char* kNames[kLaunches] = {"begin", "linearise", "solve", "finish"};
  int device = 0, threads_at_most = 0;
  check_cuda(cudaGetDevice(&device), "device");
  check_cuda(cudaDeviceGetAttribute(&threads_at_most, cudaDevAttrMaxThreadsPerMultiProcessor, device), "device properties");
  std::vector<KernelUse> all;
  impl_->each_launch([&](int i, const cudaKernelNodeParams& p) {
    cudaFuncAttributes a{};
    check_cuda(cudaFuncGetAttributes(&a, p.func), "kernel attributes");
    KernelUse use{kNames[i], static_cast<int>(p.blockDim.x), a.numRegs, static_cast<int>(a.localSizeBytes), a.sharedSizeBytes, p.sharedMemBytes, 0,
                  0};
    check_cuda(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&use.blocks, p.func, use.threads, p.sharedMemBytes), "occupancy");
    use.occupancy = double(use.blocks) * use.threads / threads_at_most;
    all.push_back(use);
  });
  return all;
}

const MpcDevicePlan& MpcCuda::plan() const { return impl_->plan; }
const MpcSettings& MpcCuda::settings() const { return impl_->settings; }
const Model& MpcCuda::model() const { return impl_->model; }

}  // namespace tandem
