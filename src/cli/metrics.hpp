// Formulas behind the tables: intervals, percentiles, velocities in the heading frame. docs/programs.md.
#pragma once

#include <limits>
#include <span>
#include <vector>

#include "model/model.hpp"

namespace tandem {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kStandingSpeed = 0.05;  // below it cost of transport means nothing [m/s]

struct ConfidenceInterval {
  double low, high;
};

// 95 % Wilson score interval of a probability of which `successes` out of `trials` were seen; {0, 1} without trials.
// Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
ConfidenceInterval wilson_interval(int successes, int trials);

// 95 % interval of the mean of the finite ones among independent `values`, by Student's distribution; NaN with fewer than two.
ConfidenceInterval mean_interval(std::span<const double> values);

// The smallest of `values` that at least `fraction` of them do not exceed (nearest rank); NaN if there are none. Reorders `values`.
double percentile(std::vector<double>& values, double fraction);

// Mean of the finite ones among `values`; NaN if there are none.
double finite_mean(std::span<const double> values);

// Times of `count` runs of a loop of dependent multiply-adds, always the same number, chosen to take about `us`: what is not constant in them is the
// machine's doing (other programs, interrupts, clock), and no program's times can be steadier. [us]
std::vector<double> time_constant_work(double us, int count);

// Total mass [kg].
double total_mass(const Model& model);

// Control steps [first, total) that form the steady state of a run: as many whole gait periods as fit into its second half, at its end; the whole second
// half if not even one fits.
int steady_state_start(int total, double period, double control_dt);

}  // namespace tandem
