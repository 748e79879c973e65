#include "tune/measured_terms.hpp"

#include "sim/metrics.hpp"
#include "tune/stage_cost.hpp"

namespace tandem {

void TermMeter::add(const Simulator& sim, int world, std::span<const double> command) {
  const Model& model = sim.model();
  const SimOutput& out = sim.output;
  const double *q = &out.q[static_cast<size_t>(world) * model.nq], *v = &out.v[static_cast<size_t>(world) * model.nv];
  const double* tau = &out.tau[static_cast<size_t>(world) * model.njnt];
  const HeadingVelocity velocity = heading_velocity(q, v);
  const double ahead = velocity.forward - command[1], left = velocity.left - command[2], turn = velocity.yaw_rate - command[3];
  double torque = 0, slip = 0;
  for (int j = 0; j < model.njnt; ++j) torque += tau[j] * tau[j];
  const size_t nfoot = model.foot_name.size();
  for (size_t f = 0; f < nfoot; ++f) slip += out.foot_slip[world * nfoot + f];
  sum_[0] += ahead * ahead + left * left;
  sum_[1] += turn * turn;
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
