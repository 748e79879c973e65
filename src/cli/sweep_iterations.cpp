// `tandem sweep iterations`: survival in place against the iterations of the solver, Fig. 4 of the Residual MPC paper.
#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/check.hpp"
#include "cli/progress.hpp"
#include "cli/sweep.hpp"

namespace tandem {
namespace {

struct IterationOptions {
  SweepOptions sweep;
  std::vector<int> iterations = {1, 2, 3, 5, 8, 10, 15, 25, 50};
  std::vector<std::string> modes = {"riccati", "osqp-0.01", "osqp-0.1"};
  std::vector<double> scales = {1};
  int worlds = 200;
  double seconds = 5;
};

// "riccati", or "osqp-" and its rho.
void choose_mode(const std::string& mode, SolverSettings& solver) {
  if (mode == "riccati") {
    solver.mode = SolverMode::kRiccati;
    return;
  }
  check(mode.starts_with("osqp-"), "--modes ", mode, ": expected riccati or osqp-<rho>, for example osqp-0.1");
  solver.mode = SolverMode::kOsqp;
  solver.osqp_rho = static_cast<float>(parse_numbers(mode.substr(5), 1, "--modes " + mode)[0]);
  check(solver.osqp_rho > 0, "--modes ", mode, ": rho must be positive");
}

// One point of a curve: how many of the worlds stand after all.
Json measure(const IterationOptions& o, ClosedLoop& loop, double scale, const std::function<void(double)>& progress) {
  Scenario scenario = standing_start(loop.robot(), loop.task(), o.worlds, o.seconds, o.sweep.common.seed);
  InitialStateRange velocities;
  velocities.angle = 0;
  draw_states(loop.robot(), velocities, scale, scenario);
  const double steps = step_count(loop, o.seconds);
  const auto results = run(loop, scenario, [&](Moment, int step, const std::vector<unsigned char>&) { progress((step + 1) / steps); });
  const int upright = count_upright(results, 0, results.size());
  const ConfidenceInterval interval = wilson_interval(upright, o.worlds);
  return {
      {"start_scale", scale}, {"worlds", o.worlds}, {"survival", double(upright) / o.worlds}, {"survival_interval", {interval.low, interval.high}}};
}

void sweep_iterations(const IterationOptions& o) {
  RunSettings settings = resolve(o.sweep.common);
  SolverSettings tried = settings.task.mpc.solver;
  for (const std::string& mode : o.modes) choose_mode(mode, tried);  // so that a wrong one is told before the work
  Json rows = Json::array();
  Table table({"mode", "iterations", "start velocities", "survival", "95 %"});
  {
    Progress progress("sweep iterations");
    const double points = double(o.modes.size() * o.iterations.size() * o.scales.size());
    for (const std::string& mode : o.modes)
      for (int iterations : o.iterations) {
        RunSettings point = settings;
        choose_mode(mode, point.task.mpc.solver);
        point.task.mpc.solver.iterations = iterations;
        ClosedLoop loop(point, o.worlds, o.sweep.common.threads);
        for (double scale : o.scales) {
          const double done = double(rows.size());
          Json row = measure(o, loop, scale, [&](double part) { progress.update((done + part) / points); });
          Json named{{"mode", mode}, {"iterations", iterations}};
          named.update(row);
          rows.push_back(named);
          table.add({mode, cat(iterations), cat("x", scale), fixed(row["survival"], 3),
                     cat(fixed(row["survival_interval"][0], 3), " .. ", fixed(row["survival_interval"][1], 3))});
        }
      }
  }
  std::printf("%s steps in place for %.1f s, %d robots a point\n\n", settings.robot.name.c_str(), o.seconds, o.worlds);
  table.print();
  finish_sweep(o.sweep, settings, {{{"worlds", o.worlds}, {"seconds", o.seconds}}, {{"kind", "iterations"}, {"rows", rows}}});
}

}  // namespace

void add_sweep_iterations(CLI::App& sweep, const std::vector<std::string>& argv) {
  CLI::App* sub = sweep.add_subcommand("iterations", "Survival in place against the iterations of the solver");
  const auto o = std::make_shared<IterationOptions>();
  add_sweep_options(*sub, o->sweep, argv);
  add_integers(*sub, "--iterations", o->iterations, "comma-separated; default 1,2,3,5,8,10,15,25,50");
  sub->add_option("--modes", o->modes, "comma-separated: riccati, osqp-<rho>; default riccati,osqp-0.01,osqp-0.1")->delimiter(',');
  add_numbers(*sub, "--start-scale", 0, o->scales, "start velocities as multiples of 0.5 m/s and 0.5 rad/s, comma-separated; default 1");
  sub->add_option("--worlds", o->worlds, "robots a point")->check(CLI::Range(1, 100000))->capture_default_str();
  sub->add_option("--seconds", o->seconds, "that count as survival [s]")->check(within(0.01, 3600))->capture_default_str();
  sub->callback([o] { sweep_iterations(*o); });
}

}  // namespace tandem
