#include "tune/measured_terms.hpp"

#include <cmath>

#include "math/so3.hpp"
#include "tune/stage_cost.hpp"

namespace tandem {

void TermMeter::add(const Simulator& sim, int world, std::span<const double> command) {
  const Model& model = sim.model();
  const SimOutput& out = sim.output;
  const double *q = &out.q[static_cast<size_t>(world) * model.nq], *v = &out.v[static_cast<size_t>(world) * model.nv];
  const double* tau = &out.tau[static_cast<size_t>(world) * model.njnt];
  const double yaw = quat_yaw(q + 3), turn = (quat_to_rotation(q + 3) * load3<double>(v + 3)).z;
  const double ahead = std::cos(yaw) * v[0] + std::sin(yaw) * v[1] - command[1], left = std::cos(yaw) * v[1] - std::sin(yaw) * v[0] - command[2];
  double torque = 0, slip = 0;
  for (int j = 0; j < model.njnt; ++j) torque += tau[j] * tau[j];
  const size_t nfoot = model.foot_name.size();
  for (size_t f = 0; f < nfoot; ++f) slip += out.foot_slip[world * nfoot + f];
  sum_[0] += ahead * ahead + left * left;
  sum_[1] += (turn - command[3]) * (turn - command[3]);
  sum_[2] += out.power[world];
  sum_[3] += torque;
  sum_[4] += slip / sim.settings().control_dt;
  ++steps_;
}

void TermMeter::finish(Column* columns) const {
  for (int t = 0; t < 5; ++t) columns[t].data.push_back(static_cast<float>(sum_[t] / steps_));
}

std::vector<Column> term_columns() {
  const char* units[] = {"m^2/s^2", "rad^2/s^2", "W", "N^2 m^2", "m/s"};
  std::vector<Column> columns;
  for (size_t t = 0; t < std::size(kMeasuredTerms); ++t) columns.push_back({kMeasuredTerms[t], units[t], 1, {}});
  return columns;
}

}  // namespace tandem
