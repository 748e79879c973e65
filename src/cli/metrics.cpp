#include "cli/metrics.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

namespace tandem {
namespace {

// P(|T| <= t) of Student's distribution with n degrees of freedom. Source: Abramowitz and Stegun, 26.7.3 and 26.7.4.
double student_two_sided(double t, int n) {
  const double theta = std::atan(t / std::sqrt(n)), c = std::cos(theta), s = std::sin(theta);
  double term = n % 2 ? c : 1, sum = n > 1 ? term : 0;
  for (int k = n % 2 ? 3 : 2; k < n; k += 2) term *= c * c * (k - 1) / k, sum += term;
  return n % 2 ? 2 / std::numbers::pi * (theta + s * sum) : s * sum;
}

// What |T| does not exceed with probability 0.95.
double student_quantile(int n) {
  double low = 1.95, high = 13;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (student_two_sided(middle, n) < 0.95 ? low : high) = middle;
  }
  return low;
}

}  // namespace

ConfidenceInterval wilson_interval(int successes, int trials) {
  if (trials == 0) return {0, 1};
  constexpr double z = 1.959963984540054;  // 97.5 % quantile of the normal distribution
  const double n = trials, p = successes / n;
  const double centre = (p + z * z / (2 * n)) / (1 + z * z / n);
  const double half = z / (1 + z * z / n) * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  return {std::max(0.0, centre - half), std::min(1.0, centre + half)};
}

double percentile(std::vector<double>& values, double fraction) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  const double rank = std::ceil(fraction * static_cast<double>(values.size()) - 1e-9);  // 0.999 of 1000 is rank 999, rounding aside
  const size_t i = static_cast<size_t>(std::clamp(rank - 1, 0.0, static_cast<double>(values.size() - 1)));
  std::nth_element(values.begin(), values.begin() + static_cast<long>(i), values.end());
  return values[i];
}

double finite_mean(std::span<const double> values) {
  double sum = 0;
  int count = 0;
  for (double value : values)
    if (std::isfinite(value)) sum += value, ++count;
  return count ? sum / count : std::numeric_limits<double>::quiet_NaN();
}

ConfidenceInterval mean_interval(std::span<const double> values) {
  const double mean = finite_mean(values);
  double squares = 0;
  int n = 0;
  for (double value : values)
    if (std::isfinite(value)) squares += (value - mean) * (value - mean), ++n;
  if (n < 2) return {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::quiet_NaN()};
  const double half = student_quantile(n - 1) * std::sqrt(squares / (n - 1) / n);
  return {mean - half, mean + half};
}

std::vector<double> time_constant_work(double us, int count) {
  using Clock = std::chrono::steady_clock;
  volatile double start = 1;  // read and written, so that the loop stays
  const auto time = [&](int multiply_adds) {
    const auto begin = Clock::now();
    double x = start;
    for (int i = 0; i < multiply_adds; ++i) x = x * 0.999999 + 1e-9;
    start = x;
    return 1e6 * std::chrono::duration<double>(Clock::now() - begin).count();
  };
  constexpr int kTrial = 100000;
  double trial = time(kTrial);
  for (int i = 0; i < 20; ++i) trial = std::min(trial, time(kTrial));
  const int work = std::max(1, static_cast<int>(kTrial * us / trial));
  std::vector<double> times;
  for (int i = 0; i < count; ++i) times.push_back(time(work));
  return times;
}

double total_mass(const Model& model) { return std::accumulate(model.mass.begin(), model.mass.end(), 0.0); }

int steady_state_start(int total, double period, double control_dt) {
  const int half = total / 2;
  const int periods = static_cast<int>(half * control_dt / period + 1e-9);
  if (periods == 0) return total - half;
  return total - static_cast<int>(std::lround(periods * period / control_dt));
}

}  // namespace tandem
