#include "sim/trajectory.hpp"

#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/check.hpp"

namespace tandem {
namespace {

// JSON has no infinity: an unlimited joint is written as null.
nlohmann::json finite_or_null(const std::vector<double>& values) {
  nlohmann::json list = nlohmann::json::array();
  for (double value : values) list.push_back(std::isfinite(value) ? nlohmann::json(value) : nlohmann::json());
  return list;
}

}  // namespace

TrajectoryWriter::TrajectoryWriter(const std::string& folder, const Model& model, const TrajectoryInfo& info)
    : folder_(folder), model_(model), info_(info) {
  check(info.control_dt > 0, "trajectory: control_dt = ", info.control_dt, " s, expected a positive time");
  check(info.horizon >= 0, "trajectory: horizon = ", info.horizon, ", expected 0 or more nodes");
  const int ncon = int(model.contacts.size()), nfoot = int(model.foot_name.size());
  columns_ = {{"time", 1},
              {"q", model.nq},
              {"v", model.nv},
              {"tau", model.njnt},
              {"tau_ff", model.njnt},
              {"foot_force", 3 * nfoot},
              {"planned_force", 3 * ncon},
              {"command", 3},
              {"solve_us", 1},
              {"value", 1},
              {"predicted_base", 3 * info.horizon},
              {"predicted_point", 3 * info.horizon * ncon}};
  int size = 0;
  for (const Column& column : columns_) size += column.size;
  row_.assign(size, 0);
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) fail("cannot make the folder: " + error.message());
  // an older trajectory.json would describe the new data wrongly
  std::filesystem::remove(folder + "/trajectory.json", error);
  file_ = std::fopen((folder + "/trajectory.f64.part").c_str(), "wb");
  if (!file_) fail(std::string("cannot write trajectory.f64.part: ") + std::strerror(errno));
}

TrajectoryWriter::~TrajectoryWriter() {
  if (!file_) return;
  std::fclose(file_);
  std::remove((folder_ + "/trajectory.f64.part").c_str());
}

void TrajectoryWriter::fail(const std::string& what) const { throw Error(cat(folder_, ": ", what, "; free some space or choose another folder")); }

void TrajectoryWriter::put(std::span<const double> values, int column) {
  const Column& expected = columns_[column];
  check(values.empty() || int(values.size()) == expected.size, "trajectory: ", expected.name, " has ", values.size(), " values, expected ",
        expected.size);
  for (int i = 0; i < expected.size; ++i) row_[filled_ + i] = values.empty() ? 0 : values[i];
  filled_ += expected.size;
}

void TrajectoryWriter::append(const TrajectoryRow& row) {
  check(file_ != nullptr, "trajectory: append after finish");
  filled_ = 0;
  int column = 0;
  put({&row.time, 1}, column++);
  for (auto block : {row.q, row.v, row.tau, row.tau_ff, row.foot_force, row.planned_force, row.command}) put(block, column++);
  put({&row.solve_us, 1}, column++);
  put({&row.value, 1}, column++);
  put(row.predicted_base, column++);
  put(row.predicted_point, column++);
  if (std::fwrite(row_.data(), sizeof(double), row_.size(), file_) != row_.size()) fail(std::string("cannot write: ") + std::strerror(errno));
  ++rows_;
}

void TrajectoryWriter::finish() {
  check(file_ != nullptr, "trajectory: finish was called before");
  const bool written = std::fflush(file_) == 0 && fsync(fileno(file_)) == 0;
  const std::string reason = std::strerror(errno);
  if (!written) fail("cannot write: " + reason);
  std::fclose(file_);
  file_ = nullptr;
  std::error_code error;
  std::filesystem::rename(folder_ + "/trajectory.f64.part", folder_ + "/trajectory.f64", error);
  if (error) fail("cannot be finished: " + error.message());

  nlohmann::ordered_json meta;
  meta["format"] = 1;
  meta["robot"] = model_.name;
  meta["title"] = info_.title.empty() ? model_.name : info_.title;
  meta["xml"] = info_.xml;
  meta["control_dt"] = info_.control_dt;
  meta["rows"] = rows_;
  meta["floating"] = model_.floating;
  meta["horizon"] = info_.horizon;
  meta["base_height"] = info_.base_height;
  meta["joints"] = model_.joint_name;
  meta["feet"] = model_.foot_name;
  meta["points"] = nlohmann::json::array();
  for (const ContactPoint& point : model_.contacts) {
    meta["points"].push_back({{"name", point.name}, {"body", model_.body_name[point.body]}, {"position", point.p_BC}, {"foot", point.foot}});
  }
  meta["tau_max"] = finite_or_null(model_.tau_max);
  meta["columns"] = nlohmann::json::array();
  for (const Column& column : columns_) meta["columns"].push_back({column.name, column.size});
  std::ofstream json(folder_ + "/trajectory.json");
  json << meta.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
  json.flush();
  if (!json) fail("cannot write trajectory.json");
}

}  // namespace tandem
