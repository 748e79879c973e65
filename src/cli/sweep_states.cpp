// `tandem sweep states`: how far the states that policies go through are from those of the MPC alone.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/check.hpp"
#include "cli/sweep.hpp"

namespace tandem {
namespace {

constexpr int kSamples = 24;  // of each robot, spread evenly over the steady state
constexpr double kDistanceFractions[] = {0.05, 0.25, 0.5, 0.75, 0.95};

// States, one after the other: what the observation says of the robot itself, without gait, MPC and command.
struct States {
  int size = 0;  // numbers of one
  std::vector<float> values;
  double survival = 0;
};

int state_size(const ObservationLayout& layout) {
  int size = 0;
  for (const ObservationGroup& group : layout.groups) {
    if (group.name == "phase") break;
    size += group.size;
  }
  return size;
}

States collect(const ComparisonOptions& o, const RunSettings& settings, std::uint64_t seed, const std::function<void(double)>& progress) {
  ComparisonRun walk(o, settings, seed);
  ClosedLoop& loop = walk.loop;
  const int every = std::max(1, (walk.steps - walk.steady) / kSamples), nobs = loop.control.layout().size;
  States states{.size = state_size(loop.control.layout()), .values = {}};
  const auto results = run(loop, walk.scenario, [&](Moment moment, int step, const std::vector<unsigned char>& active) {
    if (moment == Moment::kPrepared && step >= walk.steady && (step - walk.steady) % every == 0)
      for (int w = 0; w < o.worlds; ++w) {
        const float* observed = &loop.control.observation[static_cast<size_t>(w) * nobs];
        if (active[w]) states.values.insert(states.values.end(), observed, observed + states.size);
      }
    progress((step + 1.0) / walk.steps);
  });
  states.survival = double(count_upright(results, 0, results.size())) / o.worlds;
  return states;
}

// Divides every number by its deviation over `reference`, so that none counts more than another.
void scale(const std::vector<double>& deviation, States& states) {
  for (size_t i = 0; i < states.values.size(); ++i) states.values[i] /= static_cast<float>(deviation[i % states.size]);
}

std::vector<double> deviations(const States& states) {
  const size_t n = states.values.size() / states.size;
  std::vector<double> out;
  for (int i = 0; i < states.size; ++i) {
    double sum = 0, squares = 0;
    for (size_t r = 0; r < n; ++r) {
      const double x = states.values[r * states.size + i];
      sum += x, squares += x * x;
    }
    out.push_back(std::sqrt(std::max(squares / double(n) - sum * sum / double(n * n), 0.0)) + 1e-3);
  }
  return out;
}

// Distance of each state to the nearest of `reference`: mean over the numbers of |difference|.
std::vector<double> nearest(const States& states, const States& reference) {
  std::vector<double> out;
  const size_t size = states.size;
  for (size_t a = 0; a < states.values.size(); a += size) {
    float best = std::numeric_limits<float>::infinity();
    for (size_t b = 0; b < reference.values.size(); b += size) {
      float sum = 0;
      for (size_t i = 0; i < size; ++i) sum += std::abs(states.values[a + i] - reference.values[b + i]);
      best = std::min(best, sum);
    }
    out.push_back(best / static_cast<float>(size));
  }
  return out;
}

void sweep_states(const ComparisonOptions& o) {
  std::vector<RunSettings> controllers = resolve_controllers(o);
  // the MPC's own row is about other robots than those that everything is held against
  States reference = collect(o, controllers[0], o.sweep.common.seed + 1, [](double) {});
  check(!reference.values.empty(), "no robot stands under the MPC until its steady state; take an easier task or more --seconds");
  const std::vector<double> deviation = deviations(reference);
  scale(deviation, reference);
  const Json rows = measure_each("sweep states", controllers, [&](const auto& settings, const auto& progress) {
    States states = collect(o, settings, o.sweep.common.seed, progress);
    scale(deviation, states);
    std::vector<double> distance = nearest(states, reference);
    Json row = name_controller(settings);
    row["survival"] = states.survival, row["states"] = distance.size(), row["quantiles"] = Json::array();
    for (double fraction : kDistanceFractions) row["quantiles"].push_back(number(percentile(distance, fraction)));
    return row;
  });
  std::printf("%s, %d robots, %.1f s; distance of each state to the nearest of the MPC's other robots, in deviations of those\n\n",
              controllers[0].robot.name.c_str(), o.worlds, o.seconds);
  Table table({"controller", "survival", "median", "95 %", "median over the MPC's"});
  for (const Json& row : rows) {
    const auto at = [&](int i) { return row["quantiles"][i].is_null() ? kNaN : double(row["quantiles"][i]); };
    table.add({row["controller"], fixed(row["survival"], 2), fixed(at(2), 3), fixed(at(4), 3), fixed(at(2) / double(rows[0]["quantiles"][2]), 2)});
  }
  table.print();
  finish_sweep(o.sweep, controllers[0], {describe(o), {{"kind", "states"}, {"fractions", kDistanceFractions}, {"rows", rows}}});
}

}  // namespace

void add_sweep_states(CLI::App& sweep, const std::vector<std::string>& argv) {
  CLI::App* sub = sweep.add_subcommand("states", "How far the states that policies go through are from those of the MPC alone");
  const auto o = std::make_shared<ComparisonOptions>();
  add_comparison_options(*sub, *o, argv);
  sub->callback([o] { sweep_states(*o); });
}

}  // namespace tandem
