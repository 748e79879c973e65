// `tandem sweep loads`: what joints and feet bear under the MPC alone and under policies in the same worlds, and what share of the torque is the policy's, over
// the gait and over commands.
#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/sweep.hpp"

namespace tandem {
namespace {

constexpr int kPhases = 20;  // parts of a gait period
constexpr double kFractions[] = {0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99};

struct Quantity {
  const char *name, *unit;
  std::vector<double> values;
};

// |tau_residual| / |tau_mpc| over the joints, and the cosine of the angle between them.
struct Share {
  double ratio = 0, cosine = 0;
  int n = 0;

  void add(double r, double c) { ratio += r, cosine += c, ++n; }
  Json json() const { return {{"ratio", number(n ? ratio / n : kNaN)}, {"cosine", number(n ? cosine / n : kNaN)}}; }
};

// Samples of one controller: control steps in the steady state of robots that have not fallen.
struct Loads {
  Quantity speed{"joint_velocity", "rad/s", {}}, torque{"torque", "N m", {}}, power{"joint_power", "W", {}}, force{"foot_force", "N", {}};
  Share all, by_phase[kPhases];
  std::vector<Share> by_world;

  explicit Loads(int nworld) : by_world(nworld) {}
  void add(ClosedLoop& loop, int world) {
    const Model& m = loop.robot().model;
    const SimOutput& out = loop.sim().output;
    const size_t w = world, njnt = m.njnt, nfoot = m.foot_name.size();
    const double *tau = &out.tau[w * njnt], *v = &out.v[w * m.nv + m.nv - njnt];
    for (size_t j = 0; j < njnt; ++j) {
      speed.values.push_back(std::abs(v[j])), torque.values.push_back(std::abs(tau[j]));
      power.values.push_back(std::abs(tau[j] * v[j]));
    }
    for (size_t f = 0; f < nfoot; ++f)
      if (const double z = out.foot_force[3 * (w * nfoot + f) + 2]; z > kLoaded) force.values.push_back(z);
    if (loop.task().controller != Controller::kResidual) return;
    std::vector<double> mpc(njnt), residual(njnt);
    split_torques(loop.control, world, mpc.data(), residual.data());
    double mm = 0, rr = 0, rm = 0;
    for (size_t j = 0; j < njnt; ++j) mm += mpc[j] * mpc[j], rr += residual[j] * residual[j], rm += residual[j] * mpc[j];
    const double ratio = std::sqrt(rr / mm), cosine = rr > 0 ? rm / std::sqrt(rr * mm) : 0;
    for (Share* share : {&all, &by_phase[std::min(static_cast<int>(kPhases * loop.control.phase[w]), kPhases - 1)], &by_world[w]})
      share->add(ratio, cosine);
  }
};

Json quantiles(Quantity& quantity) {
  Json list = Json::array();
  for (double fraction : kFractions) list.push_back(number(percentile(quantity.values, fraction)));
  return {{"unit", quantity.unit}, {"quantiles", list}};
}

Json measure(const ComparisonOptions& o, const RunSettings& settings, const std::function<void(double)>& progress) {
  ComparisonRun walk(o, settings, o.sweep.common.seed);
  Loads loads(o.worlds);
  const auto results = run(walk.loop, walk.scenario, [&](Moment moment, int step, const std::vector<unsigned char>& active) {
    for (int w = 0; w < o.worlds && moment == Moment::kAfterStep && step >= walk.steady; ++w)
      if (active[w]) loads.add(walk.loop, w);
    progress((step + 1.0) / walk.steps);
  });
  Json row = name_controller(settings);
  row["survival"] = double(count_upright(results, 0, results.size())) / o.worlds;
  for (Quantity* quantity : {&loads.speed, &loads.torque, &loads.power, &loads.force}) row["quantities"][quantity->name] = quantiles(*quantity);
  row.update(loads.all.json());
  row["by_phase"] = row["by_world"] = Json::array();
  for (const Share& share : loads.by_phase) row["by_phase"].push_back(share.json());
  for (int w = 0; w < o.worlds; ++w) {
    const double* command = walk.scenario.world[w].command;
    row["by_world"].push_back(loads.by_world[w].json());
    row["by_world"].back()["command"] = {command[1], command[2], command[3]};
  }
  return row;
}

void print(const ComparisonOptions& o, const std::string& robot, const Json& rows) {
  std::printf("%s, %d robots, %.1f s; median and 95 %% quantile; residual torque over the MPC's\n\n", robot.c_str(), o.worlds, o.seconds);
  Table table({"controller", "survival", "joint velocity [rad/s]", "torque [N m]", "power of a joint [W]", "foot force [N]", "ratio", "cosine"});
  const auto text = [](const Json& value, int digits) { return value.is_null() ? std::string("-") : fixed(value, digits); };
  for (const Json& row : rows) {
    std::vector<std::string> line{row["controller"], fixed(row["survival"], 2)};
    for (const Json& quantity : row["quantities"]) line.push_back(text(quantity["quantiles"][4], 2) + " / " + text(quantity["quantiles"][7], 1));
    line.push_back(text(row["ratio"], 3)), line.push_back(text(row["cosine"], 2));
    table.add(line);
  }
  table.print();
}

void sweep_loads(const ComparisonOptions& o) {
  std::vector<RunSettings> controllers = resolve_controllers(o);
  const Json rows =
      measure_each("sweep loads", controllers, [&](const auto& settings, const auto& progress) { return measure(o, settings, progress); });
  print(o, controllers[0].robot.name, rows);
  finish_sweep(o.sweep, controllers[0], {describe(o), {{"kind", "loads"}, {"fractions", kFractions}, {"rows", rows}}});
}

}  // namespace

void add_sweep_loads(CLI::App& sweep, const std::vector<std::string>& argv) {
  CLI::App* sub = sweep.add_subcommand("loads", "What joints and feet bear, and the policy's share of the torque over gait and commands");
  const auto o = std::make_shared<ComparisonOptions>();
  add_comparison_options(*sub, *o, argv);
  sub->callback([o] { sweep_loads(*o); });
}

}  // namespace tandem
