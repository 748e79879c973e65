#include "mpc/saved.hpp"

#include "qp/copy.hpp"

namespace tandem {
namespace {

// Plans and solutions of an Mpc, all zero, and how they lie in those of a device.
struct HostRows {
  QpDims device_dims, dims;
  int nworld, world_size, world_stride, solution_stride;
  std::vector<float> worlds, solutions;

  HostRows(const MpcView<float>& mpc, int n) : device_dims(mpc.dims), dims(mpc.dims), nworld(n), world_size(tandem::world_size(mpc)) {
    dims.align = kMpcAlign;
    world_stride = round_up(world_size, kMpcAlign), solution_stride = round_up(solution_size(dims), kMpcAlign);
    worlds.resize(static_cast<size_t>(n) * world_stride), solutions.resize(static_cast<size_t>(n) * solution_stride);
  }
  std::vector<Run> world_runs() const { return {{0, 0, world_size}}; }
  MpcRows rows() { return {nworld, world_stride, solution_stride, worlds, solutions}; }
};

// Rows `stride` apart from rows `from_stride` apart, the rest zero.
std::vector<float> moved(const std::vector<float>& from, int from_stride, const std::vector<Run>& runs, int stride) {
  const size_t n = from.size() / from_stride;
  std::vector<float> to(n * stride, 0.0f);
  for (size_t w = 0; w < n; ++w) copy_runs(runs, from.data() + w * from_stride, to.data() + w * stride);
  return to;
}

}  // namespace

MpcOutput zero_output(int nworld, int njnt) {
  const std::vector<double> joints(static_cast<size_t>(nworld) * njnt, 0.0), each(nworld, 0.0);
  return {joints, joints, joints, each, each, std::vector<QpInfo>(nworld)};
}

std::vector<std::byte> save_kept(const MpcView<float>& mpc, const Model& model, const MpcSettings& settings, const MpcDevicePlan& plan,
                                 const MpcKept& kept) {
  HostRows host(mpc, plan.nworld);
  host.worlds = moved(kept.worlds, plan.world_stride, host.world_runs(), host.world_stride);
  host.solutions = moved(kept.solutions, plan.solution_stride, solution_runs(host.device_dims, host.dims), host.solution_stride);
  ByteWriter bytes(kMpcSaved, kMpcSaveVersion);
  archive_mpc(bytes, model, settings, host.rows(), kept.output);
  return bytes.finish();
}

MpcKept load_kept(const MpcView<float>& mpc, const Model& model, const MpcSettings& settings, const MpcDevicePlan& plan,
                  std::span<const std::byte> bytes) {
  HostRows host(mpc, plan.nworld);
  MpcKept kept;
  kept.output = zero_output(plan.nworld, model.njnt);
  ByteReader reader(kMpcSaved, kMpcSaveVersion, bytes);
  archive_mpc(reader, model, settings, host.rows(), kept.output);
  kept.worlds = moved(host.worlds, host.world_stride, host.world_runs(), plan.world_stride);
  kept.solutions = moved(host.solutions, host.solution_stride, solution_runs(host.dims, host.device_dims), plan.solution_stride);
  return kept;
}

}  // namespace tandem
