// What a controller keeps from step to step, as bytes: Mpc and MpcCuda write and read the same, so that each goes on from what the other saved.
#pragma once

#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "mpc/device_plan.hpp"
#include "mpc/mpc.hpp"

namespace tandem {

inline constexpr int kMpcAlign = 16;  // QpDims::align of an Mpc, and what its rows are multiples of: floats in the widest vector register
inline constexpr const char* kMpcSaved = "MPC";
inline constexpr int kMpcSaveVersion = 3;

// Plans and solutions of all worlds as Mpc lays them out, for every instruction set alike.
struct MpcRows {
  int nworld, world_stride, solution_stride;
  std::span<float> worlds, solutions;  // (nworld, world_stride), (nworld, solution_stride)
};

// Everything that the next steps depend on, and the outputs, whose sizes must be right.
template <class Archive, class Output>
void archive_mpc(Archive& bytes, const Model& model, const MpcSettings& settings, const MpcRows& rows, Output& output) {
  bytes.expect("robot", model.name);
  bytes.expect("nworld", rows.nworld);
  bytes.expect("njnt", model.njnt);
  bytes.expect("nodes", settings.nodes);
  bytes.expect("numbers per plan", rows.world_stride);
  bytes.expect("numbers per QP solution", rows.solution_stride);
  bytes(rows.worlds), bytes(rows.solutions);
  for (auto* values : {&output.tau_ff, &output.q_des, &output.v_des, &output.value, &output.phase}) bytes(std::span(*values));
  for (auto& info : output.info) bytes(info.status), bytes(info.primal_residual), bytes(info.dual_residual), bytes(info.objective);
}

// Outputs of nworld robots, all zero.
MpcOutput zero_output(int nworld, int njnt);

// The same of an MpcCuda, plans and solutions in the rows of its plan.
struct MpcKept {
  std::vector<float> worlds, solutions;  // (nworld, plan.world_stride), (nworld, plan.solution_stride)
  MpcOutput output;
};
std::vector<std::byte> save_kept(const MpcView<float>& mpc, const Model& model, const MpcSettings& settings, const MpcDevicePlan& plan,
                                 const MpcKept& kept);
// Throws Error as Mpc::load() does.
MpcKept load_kept(const MpcView<float>& mpc, const Model& model, const MpcSettings& settings, const MpcDevicePlan& plan,
                  std::span<const std::byte> bytes);

}  // namespace tandem
