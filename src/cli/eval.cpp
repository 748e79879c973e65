// `tandem eval`: many robots under one controller; survival, rewards, errors, torques, step times.
#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/check.hpp"
#include "cli/centroidal_run.hpp"
#include "cli/progress.hpp"

namespace tandem {
namespace {

struct EvalOptions {
  CommonOptions common;
  EvaluationOptions evaluation;
  CentroidalOptions centroidal;
};

void print(const RunSettings& settings, const EvaluationOptions& options, const Json& r) {
  const auto value = [&](const char* key, int digits) { return fixed(r[key].is_null() ? NAN : r[key].get<double>(), digits); };
  std::printf("%s, %s, %d worlds, %.1f s\n\n", settings.robot.name.c_str(), settings.pilot.label.c_str(), options.worlds, options.seconds);
  Table table({"", "value"});
  table.add(
      {"survival", cat(value("survival", 3), "  (95 %: ", fixed(r["survival_interval"][0], 3), " .. ", fixed(r["survival_interval"][1], 3), ")")});
  table.add({"reward per control step until the fall", value("reward", 4)});
  table.add({"reward per control step of the run", value("reward_of_run", 4)});
  table.add({"velocity error [m/s]", value("velocity_error", 3)});
  table.add({"yaw rate error [rad/s]", value("yaw_rate_error", 3)});
  table.add({"mean squared torque [N^2 m^2]", value("mean_squared_torque", 1)});
  table.add({"positive mechanical power [W]", value("positive_power", 1)});
  table.add({"cost of transport", value("cost_of_transport", 2)});
  table.add({"foot slip [m/s]", value("foot_slip", 4)});
  table.add({"controller's step, median [us]", value("step_us_median", 0)});
  table.add({"controller's step, 99 % [us]", value("step_us_p99", 0)});
  table.add({"controller's step, 99.9 % [us]", value("step_us_p999", 0)});
  table.add({"99.9 % over median", value("step_us_tail", 2)});
  table.add({"... of the shortest of repetitions", value("step_us_own_tail", 2)});
  table.add({"... of constant work on this machine", value("step_us_machine_tail", 2)});
  for (const auto& [cause, count] : r["failures"].items())
    if (count.get<int>() > 0) table.add({"fell: " + cause, cat(count.get<int>())});
  if (r["failed_solves"].get<int>() > 0) table.add({"plans without a usable answer", cat(r["failed_solves"].get<int>())});
  table.print();
}

// Prints and writes what came of it.   described: settings for the report
void finish(const EvalOptions& options, const RunSettings& settings, Evaluation& evaluation, Json described) {
  Json summary = summarise(evaluation);
  print(settings, options.evaluation, summary);
  summary["per_world"] = describe_worlds(evaluation);
  described.update(describe(options.evaluation, settings));
  write_report(options.common.json, options.common.argv, described, summary);
}

void eval_centroidal(const EvalOptions& options) {
  CentroidalSetup run = resolve_centroidal(options.common, options.centroidal);
  Evaluation evaluation;
  {
    Progress progress("walking");
    evaluation = evaluate_centroidal(options.evaluation, options.common, run, [&](double part) { progress.update(part); });
  }
  finish(options, run.settings, evaluation, describe_centroidal(options.common, options.centroidal, run));
}

void eval(const EvalOptions& options) {
  if (options.common.controller == "centroidal") return eval_centroidal(options);
  refuse_centroidal_options(options.centroidal);
  RunSettings settings = resolve(options.common);
  Evaluation evaluation;
  {
    Progress progress("walking");
    evaluation = evaluate(options.evaluation, options.common, settings, [&](double part) { progress.update(part); });
  }
  finish(options, settings, evaluation, describe(options.common, settings));
}

}  // namespace

void add_eval(CLI::App& app, const std::vector<std::string>& argv) {
  CLI::App* sub = app.add_subcommand("eval", "Many robots under one controller: survival, rewards, errors, torques, step times");
  const auto o = std::make_shared<EvalOptions>();
  o->common.argv = argv;
  add_common_options(*sub, o->common);
  add_controller_options(*sub, o->common);
  add_evaluation_options(*sub, o->evaluation);
  add_centroidal_options(*sub, o->centroidal);
  sub->callback([o] { eval(*o); });
}

}  // namespace tandem
