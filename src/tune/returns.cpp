#include "tune/returns.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.hpp"
#include "base/rng.hpp"

namespace tandem {

double discount_time(const MatchedMpc& mpc, const ReturnSettings& returns) {
  return returns.discount_time > 0 ? returns.discount_time : 1.1 * mpc.horizon * mpc.interval;
}

std::vector<double> discounted_returns(const Recording& r, double time, double fall_cost) {
  check(time > 0, "returns: discount_time = ", time, " s, expected a positive time");
  check(r.cost.size() == r.time.size(), "returns: the recording has ", r.cost.size(), " stage costs, expected one per sample = ", r.time.size(),
        "; compute_stage_cost() writes them");
  const double gamma = std::exp(-r.sample_dt / time);
  std::vector<double> returns(r.cost.size());
  double next = 0;
  for (int k = nsample(r) - 1; k >= 0; --k) {
    const bool last = k + 1 == nsample(r) || r.trajectory[k + 1] != r.trajectory[k];
    // after a fall: fall_cost for ever
    if (last) next = r.fell[r.trajectory[k]] ? fall_cost * r.sample_dt / (1 - gamma) : 0;
    next = returns[k] = r.cost[k] * r.sample_dt + gamma * next;
  }
  return returns;
}

std::vector<int> usable_samples(const MatchedMpc& mpc, const Recording& r, const FeatureSettings& features, const ReturnSettings& returns,
                                int every) {
  check(every >= 1, "fit: every = ", every, ", expected at least 1");
  check(returns.truncation > 0 && returns.truncation <= 1, "returns: truncation = ", returns.truncation, ", expected a share in (0, 1]");
  const int horizon = features.horizon > 0 ? features.horizon : mpc.horizon;
  double length = 0;
  for (int k = 0; k < horizon; ++k) length += mpc.dt.empty() ? mpc.interval : interval_at(mpc.dt, k);
  const int window = static_cast<int>(std::lround(length / r.sample_dt));
  // gamma^tail <= truncation
  const int tail = static_cast<int>(std::ceil(-std::log(returns.truncation) * discount_time(mpc, returns) / r.sample_dt - 1e-9));
  std::vector<int> usable;
  for (int first = 0, end = 0; first < nsample(r); first = end) {
    while (end < nsample(r) && r.trajectory[end] == r.trajectory[first]) ++end;
    const bool fell = r.fell[r.trajectory[first]];
    const int needed = std::max(window + 1, fell ? 0 : tail);
    for (int k = first; k + needed <= end; k += every) usable.push_back(k);
  }
  return usable;
}

std::vector<unsigned char> validation_split(int n, double share, std::uint64_t seed) {
  check(n >= 2, "fit: ", n, " trajectories, expected at least 2: one to fit to and one to validate with; record more");
  check(share > 0 && share < 1, "fit: validation_share = ", share, ", expected a share in (0, 1)");
  const int chosen = std::clamp(static_cast<int>(std::lround(share * n)), 1, n - 1);
  // a shuffle of Fisher and Yates
  std::vector<int> order(n);
  std::iota(order.begin(), order.end(), 0);
  Rng rng{seed, 0, 0};
  for (int i = n - 1; i > 0; --i) std::swap(order[i], order[static_cast<int>(rng.uniform() * (i + 1))]);
  std::vector<unsigned char> validation(n, 0);
  for (int i = 0; i < chosen; ++i) validation[order[i]] = 1;
  return validation;
}

}  // namespace tandem
