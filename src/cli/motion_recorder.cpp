#include "cli/motion_recorder.hpp"

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/check.hpp"
#include "cli/report.hpp"

namespace tandem {
namespace {

int plan_nodes(ClosedLoop& loop) { return loop.control.mpc() ? loop.mpc().settings().nodes : 0; }

TrajectoryInfo info_of(const ClosedLoop& loop, const std::string& title) {
  TrajectoryInfo info;
  info.xml = std::filesystem::absolute(loop.robot().model_path).string();
  info.control_dt = loop.control.control_dt();
  info.base_height = loop.robot().base_height;
  info.horizon = loop.task().controller == Controller::kRl ? 0 : loop.task().mpc.nodes;
  info.title = title;
  return info;
}

// The ground as python/tandem/trajectory.py reads it; nothing, and nothing of an earlier run, if it is flat.
void write_terrain(const Terrain& terrain, const std::string& folder) {
  const std::string shape = folder + "/terrain.json", heights = folder + "/terrain.f32";
  std::error_code ignored;
  std::filesystem::remove(shape, ignored);
  std::filesystem::remove(heights, ignored);
  if (terrain.height.empty()) return;
  std::ofstream(shape) << Json{{"rows", terrain.rows}, {"columns", terrain.columns}, {"cell", terrain.cell}} << '\n';
  std::ofstream file(heights, std::ios::binary);
  file.write(reinterpret_cast<const char*>(terrain.height.data()), static_cast<long>(terrain.height.size() * sizeof(float)));
  check(bool(file.flush()), heights, ": cannot be written; is the disk full?");
}

}  // namespace

MotionRecorder::MotionRecorder(const std::string& folder, const ClosedLoop& loop, const std::string& title)
    : folder_(folder), maths_(loop.robot().model), writer_(folder, loop.robot().model, info_of(loop, title)) {
  nodes_ = info_of(loop, title).horizon;
  base_.resize(3 * static_cast<size_t>(nodes_));
  points_.resize(base_.size() * loop.robot().model.contacts.size());
}

void MotionRecorder::append(ClosedLoop& loop, double time) {
  const SimOutput& out = loop.sim().output;
  TrajectoryRow row;
  row.time = time;
  row.q = out.q, row.v = out.v, row.tau = out.tau, row.tau_ff = loop.sim().input.tau_ff, row.foot_force = out.foot_force;
  row.command = std::span(loop.control.command).subspan(1, 3);
  row.solve_us = 1e6 * loop.step_seconds;
  if (nodes_ > 0 && plan_nodes(loop) == nodes_) append_plan(loop, row);
  writer_.append(row);
}

void MotionRecorder::append_plan(ClosedLoop& loop, TrajectoryRow& row) {
  const Model& model = loop.robot().model;
  const size_t ncon = model.contacts.size(), nodes = static_cast<size_t>(nodes_);
  plan_ = loop.mpc().horizon(0);
  for (size_t k = 0; k < nodes; ++k) {
    std::copy_n(&plan_.q[k * model.nq], 3, &base_[3 * k]);
    base_[3 * k + 2] += ground_;
    maths_.contact_points(&plan_.q[k * model.nq], std::span(points_).subspan(3 * k * ncon, 3 * ncon));
  }
  for (size_t i = 2; i < points_.size(); i += 3) points_[i] += ground_;
  row.planned_force = std::span(plan_.force).first(3 * ncon);
  row.value = loop.mpc().output.value[0];
  row.predicted_base = base_, row.predicted_point = points_;
}

void MotionRecorder::finish(const ClosedLoop& loop) {
  write_terrain(loop.control.terrain(), folder_);
  writer_.finish();
}

}  // namespace tandem
