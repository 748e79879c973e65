// Several thetas against theta = 1 in the same trials, on the nominal plant and on others: costs, errors, falls, recovery from pushes, the largest
// impulse that is survived. docs/programs.md, "fit compare".
#pragma once

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "cli/fit_subject.hpp"
#include "cli/options.hpp"

namespace tandem {

// How a robot comes back after a push: its base velocity against that of the same trial without the push.
struct Recovery {
  double peak = 0;        // largest distance of the two velocities [m/s]
  double rms = 0;         // root mean square over the time after the push [m/s]
  double integrated = 0;  // integral of the distance [m]
  double settling = 0;    // time until it stays below kSettled [s]
};
constexpr double kSettled = 0.1;  // [m/s]
//   pushed, calm  velocities every `dt`; start  of the push [s]
Recovery measure_recovery(const std::vector<std::array<double, 2>>& pushed, const std::vector<std::array<double, 2>>& calm, double dt, double start);

// Largest impulse, to `resolution`, that a trial survives: upwards in doubled steps from `first` until a fall, then halved. At most `most`.
double largest_impulse(const std::function<bool(double)>& survives, double first, double resolution, double most);

// Adds `compare` to the subcommand fit.
void add_fit_compare(CLI::App& fit, const std::vector<std::string>& argv);

}  // namespace tandem
