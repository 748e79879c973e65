#include "tune/stage_cost.hpp"

#include <array>

#include "base/check.hpp"

namespace tandem {

Fields fields(StageCost& cost) {
  const Range weight = at_least(0);
  return {{"cost.own", &cost.own, weight},
          {"cost.penalties", &cost.penalties},
          {"cost.velocity_error", &cost.velocity_error, weight},
          {"cost.turn_error", &cost.turn_error, weight},
          {"cost.energy", &cost.energy, weight},
          {"cost.torque", &cost.torque, weight},
          {"cost.foot_slip", &cost.foot_slip, weight}};
}

namespace {

std::array<double, std::size(kMeasuredTerms)> term_weights(const StageCost& c) {
  return {c.velocity_error, c.turn_error, c.energy, c.torque, c.foot_slip};
}

}  // namespace

StageCost load_stage_cost(const std::string& path) {
  StageCost cost;
  cost.own = 0;
  read_fields(path, fields(cost));
  double sum = cost.own;
  for (double weight : term_weights(cost)) sum += weight;
  check(sum > 0, path, ": all weights of [cost] are 0; give at least one of own, velocity_error, turn_error, energy, torque, foot_slip");
  return cost;
}

void compute_stage_cost(const MatchedMpc& mpc, const StageCost& cost, Recording& r, int threads) {
  check_recording(r);
  std::vector<double> sum(nsample(r), 0.0);
  if (cost.own > 0) sum = mpc.own_cost(r, cost.penalties, threads);
  for (double& value : sum) value *= cost.own;
  const auto weights = term_weights(cost);
  for (size_t t = 0; t < weights.size(); ++t) {
    if (weights[t] == 0) continue;
    const Column& term = column(r, kMeasuredTerms[t]);
    for (int k = 0; k < nsample(r); ++k) sum[k] += weights[t] * term.data[k];
  }
  r.cost = std::move(sum);
}

}  // namespace tandem
