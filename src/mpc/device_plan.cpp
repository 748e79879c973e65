#include "mpc/device_plan.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "base/check.hpp"
#include "model/model_constants.hpp"
#include "mpc/robot_step_kernel.hpp"

namespace tandem {
namespace {

constexpr std::size_t kBlockReserve = 1 << 10;  // shared memory that CUDA keeps of every block [bytes]

// The constants as one block, with the pointers of the view that lead to them.
template <class S>
ConstantBlock block_of(const MpcArrays<S>& arrays, MpcView<S>& v) {
  ConstantBlock block;
  add_model(arrays.model, v.model, block);
  block.add(arrays.ints, {&v.chain_start, &v.chain_body, &v.scatter});
  block.add(arrays.reals, {&v.dt, &v.w_q, &v.w_v, &v.nominal, &v.q_min, &v.q_max, &v.v_max, &v.damping, &v.facet, &v.offset, &v.radius});
  return block;
}

std::string binary(std::size_t bytes) {
  constexpr const char* kUnits[] = {"KiB", "MiB", "GiB"};
  double value = static_cast<double>(bytes) / 1024;
  int unit = 0;
  while (value >= 1024 && unit < 2) value /= 1024, ++unit;
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f %s", value, kUnits[unit]);
  return text;
}

// Whether this variant's blocks fit; what they take, into `plan`.
bool place_work(const MpcView<float>& mpc, const DeviceLimits& limits, const SolveVariant& variant, MpcDevicePlan& plan) {
  plan.solve = variant;
  carve_work(mpc.dims, WorkMemory<float>{}, variant.copies, plan.work);
  plan.block_shared = plan.block_global = 0;
  for (int i = 0; i < kWorkParts; ++i) (in_shared(plan, WorkPart(i)) ? plan.block_shared : plan.block_global) += plan.work.part[i];
  plan.blocks = std::min(plan.nworld, variant.blocks * limits.multiprocessors);
  const std::size_t each = plan.block_shared * sizeof(float);
  return each <= limits.shared_per_block && variant.blocks * (each + kBlockReserve) <= limits.shared_per_multiprocessor;
}

int find_compiled(const QpDims& d, const SolveVariant& variant) {
  const auto found = std::ranges::find_if(kCompiledSolves, [&](const CompiledSolve& c) {
    return kSolveVariants[c.variant] == variant && c.np == d.np && c.na == d.na && c.nf == d.nf && c.nc == d.nc && c.nd == d.nd;
  });
  return found == std::end(kCompiledSolves) ? -1 : static_cast<int>(found - std::begin(kCompiledSolves));
}

void choose_variant(const MpcView<float>& mpc, const DeviceLimits& limits, int blocks, MpcDevicePlan& plan) {
  check(blocks >= 0 && blocks <= 2, "MPC on the GPU: ", blocks, " blocks of a multiprocessor, expected 1, 2 or 0 (as the number of robots asks)");
  for (const SolveVariant& variant : kSolveVariants) {
    const bool wanted = blocks == 0 ? variant.blocks == 1 || plan.nworld > limits.multiprocessors : blocks == variant.blocks;
    if (wanted && place_work(mpc, limits, variant, plan)) return;
  }
  throw Error(cat("MPC on the GPU: ", blocks, " blocks of ", binary(plan.block_shared * sizeof(float)),
                  " do not fit into the shared memory of a multiprocessor, ", binary(limits.shared_per_multiprocessor), "; use 1"));
}

}  // namespace

MpcDevicePlan plan_device(const MpcArrays<float>& arrays, const MpcSettings& settings, int nworld, const DeviceLimits& limits, int blocks,
                          bool known_sizes) {
  check(nworld >= 1 && nworld <= kMaxDeviceWorlds, "MPC on the GPU: nworld = ", nworld, ", expected 1 to ", kMaxDeviceWorlds);
  check(settings.solver.mode == SolverMode::kRiccati, "MPC on the GPU: solver.mode is osqp, which runs on the CPU only; use solver.mode=riccati");
  const MpcView<float>& mpc = arrays.view;
  const int kRow = 4;  // floats in 16 bytes
  MpcDevicePlan plan{};
  plan.nworld = nworld;
  plan.world_stride = round_up(world_size(mpc), kRow), plan.qp_stride = round_up(qp_size(mpc.dims), kRow),
  plan.solution_stride = round_up(solution_size(mpc.dims), kRow);
  plan.q_stride = round_up(mpc.model.nq, kRow), plan.v_stride = round_up(mpc.model.nv, kRow), plan.command_stride = kRow;
  plan.ground_stride = 3;
  plan.joint_stride = round_up(mpc.model.njnt, kRow);
  plan.begin_size = round_up(begin_size(mpc), kRow), plan.linearise_size = round_up(linearise_size(mpc), kRow);
  plan.finish_size = round_up(finish_size(mpc), kRow);
  const std::size_t warps_shared =
      kWarpsPerBlock * std::max({plan.begin_size, kNodesPerWarp * plan.linearise_size, plan.finish_size}) * sizeof(float);
  check(warps_shared <= limits.shared_per_block, "MPC on the GPU: the stages by warp need ", binary(warps_shared),
        " of shared memory, the device has ", binary(limits.shared_per_block), "; use the CPU backend");
  choose_variant(mpc, limits, blocks, plan);
  plan.compiled = known_sizes ? find_compiled(mpc.dims, plan.solve) : -1;
  std::size_t one = 0, two = 0;
  MpcDevicePlan single = plan;
  single.nworld = 1, fleet_at(single, static_cast<float*>(nullptr), one);
  single.nworld = 2, fleet_at(single, static_cast<float*>(nullptr), two);
  plan.robot_bytes = (two - one) * sizeof(float);
  plan.block_bytes = plan.block_global * sizeof(float);
  plan.constant_bytes = constants_size(arrays) + plan.qp_stride * sizeof(float);
  plan.total_bytes = plan.constant_bytes + nworld * plan.robot_bytes + plan.blocks * plan.block_bytes;
  return plan;
}

std::string describe(const MpcDevicePlan& plan) {
  constexpr const char* kNames[kWorkParts] = {"gains", "stages", "scratch"};
  std::string shared;
  for (int i = kWorkParts - 1; i >= 0; --i)
    if (in_shared(plan, WorkPart(i))) shared += cat(shared.empty() ? "" : ", ", kNames[i]);
  if (plan.solve.has_copies()) shared += ", matrices of the iterations";
  if (plan.solve.copies >= Copies::kGains) shared += ", gains of a stage";
  return cat("MPC on the GPU: ", plan.nworld, " robots x ", binary(plan.robot_bytes), " + ", plan.blocks, " blocks x ", binary(plan.block_bytes),
             " + ", binary(plan.constant_bytes), " = ", binary(plan.total_bytes),
             "; in shared memory of a block: ", binary(plan.block_shared * sizeof(float)), " (", shared.empty() ? "nothing" : shared, ")",
             plan.compiled < 0 ? "; sizes known when it runs" : "");
}

void check_device_memory(const MpcDevicePlan& plan, std::size_t free_bytes) {
  if (plan.total_bytes <= free_bytes) return;
  const std::size_t fixed = plan.total_bytes - plan.nworld * plan.robot_bytes;
  const std::size_t fit = free_bytes > fixed ? (free_bytes - fixed) / plan.robot_bytes : 0;
  throw Error(
      cat(describe(plan), "; free are ", binary(free_bytes), ", enough for ", fit, " robots: ask for fewer, or end what else uses the device"));
}

template <class S>
std::size_t constants_size(const MpcArrays<S>& arrays) {
  MpcView<S> view = arrays.view;
  return block_of(arrays, view).bytes().size();
}

template <class S>
PackedConstants<S> pack_constants(const MpcArrays<S>& arrays, const void* base) {
  PackedConstants<S> packed{{}, arrays.view};
  const ConstantBlock block = block_of(arrays, packed.view);
  block.rebase(base);
  packed.bytes = block.bytes();
  return packed;
}

template std::size_t constants_size<float>(const MpcArrays<float>&);
template std::size_t constants_size<double>(const MpcArrays<double>&);
template PackedConstants<float> pack_constants<float>(const MpcArrays<float>&, const void*);
template PackedConstants<double> pack_constants<double>(const MpcArrays<double>&, const void*);

}  // namespace tandem
