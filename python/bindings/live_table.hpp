// The last numbers of the live loop, one row per control step: what plots are drawn from.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "model/model.hpp"

namespace tandem::python {

class LiveTable {
 public:
  static constexpr long kRows = 1500;
  // time [s]; command and velocity in the heading frame [m/s, rad/s]; V_MPC; time of the controller's step [us]; force of a push [N]; norms of the torques
  // of MPC and policy [N m]; vertical force per foot, measured and planned [N]; torques per joint: as applied, of the MPC, of the policy [N m]
  std::vector<std::string> columns;

  explicit LiveTable(const Model& model)
      : columns{"time",   "command/forward", "command/left", "command/yaw", "velocity/forward", "velocity/left", "velocity/yaw",
                "height", "value",           "step_us",      "push",        "tau_mpc",          "tau_residual"} {
    for (const char* block : {"force/", "planned_force/"})
      for (const std::string& foot : model.foot_name) columns.push_back(block + foot);
    for (const char* block : {"tau/", "tau_mpc/", "tau_residual/"})
      for (const std::string& joint : model.joint_name) columns.push_back(block + joint);
    data_.resize(kRows * columns.size());
  }

  // row (columns)
  void add(const std::vector<double>& row) { std::copy(row.begin(), row.end(), &data_[(count_++ % kRows) * columns.size()]); }

  // Rows from number `row` on that are still there, oldest first, and the number of the first of them.
  std::pair<long, std::vector<double>> since(long row) const {
    const long first = std::clamp(row, std::max(0L, count_ - kRows), count_);
    std::vector<double> out;
    out.reserve(static_cast<size_t>(count_ - first) * columns.size());
    for (long i = first; i < count_; ++i) {
      const double* from = &data_[(i % kRows) * columns.size()];
      out.insert(out.end(), from, from + columns.size());
    }
    return {first, out};
  }

 private:
  std::vector<double> data_;  // (kRows, columns)
  long count_ = 0;
};

}  // namespace tandem::python
