// `tandem compare A B ...`: training runs by their curves, and their policies, other policy files and the MPC alone on the same worlds. Runs that differ only
// in their seed are one group, shown by mean and 95 % interval.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/check.hpp"
#include "cli/curves.hpp"
#include "cli/evaluation.hpp"
#include "cli/progress.hpp"
#include "cli/python.hpp"

namespace tandem {
namespace {

namespace fs = std::filesystem;

struct CompareOptions {
  CommonOptions common;
  EvaluationOptions evaluation;
  std::vector<std::string> names;
  std::string out = "out/compare";
  bool no_eval = false;
};

// What is compared: the runs, or policy files, of one configuration.
struct Group {
  std::string name;
  std::vector<RunLog> runs;
  std::vector<std::string> policies;  // files; one empty name: the MPC alone
  std::vector<Json> evaluations;      // one per policy
};

constexpr int kPoints = 200;  // of a curve
const std::string kStepsTag = "Perf/robot_steps", kSecondsTag = "Perf/seconds", kRewardTag = "Train/mean_reward",
                  kLengthTag = "Train/mean_episode_length", kPowerTag = "Train/power";
// of an evaluation, by key and as tables call it
const std::vector<std::pair<std::string, std::string>> kMeasures = {{"survival", "survival"},           {"reward", "reward"},
                                                                    {"reward_of_run", "reward of run"}, {"velocity_error", "velocity error [m/s]"},
                                                                    {"positive_power", "power [W]"},    {"cost_of_transport", "cost of transport"}};

Group& group_of(std::vector<Group>& groups, const std::string& name) {
  for (Group& group : groups)
    if (group.name == name) return group;
  groups.push_back({name, {}, {}, {}});
  return groups.back();
}

std::vector<Group> sort_into_groups(const std::vector<std::string>& names) {
  std::vector<Group> groups;
  for (const std::string& name : names) {
    if (name == "mpc") {
      group_of(groups, "mpc").policies = {""};
    } else if (fs::is_directory(name)) {
      Group& group = group_of(groups, group_of_run(name));
      group.runs.push_back(read_run_log(name));
      if (fs::exists(name + "/policy.safetensors")) group.policies.push_back(name + "/policy.safetensors");
    } else {
      check(fs::exists(name), name, ": no such file or folder; expected the folder of a run, a policy file, or mpc");
      group_of(groups, group_of_policy(name)).policies.push_back(name);
    }
  }
  for (const Group& group : groups) {
    check_seeds(group.runs);
    for (auto policy = group.policies.begin(); policy != group.policies.end(); ++policy)
      check(std::none_of(group.policies.begin(), policy, [&](const std::string& other) { return fs::equivalent(*policy, other); }), *policy,
            ": this policy is named twice; leave one of them out");
  }
  return groups;
}

void evaluate_all(const CompareOptions& o, std::vector<Group>& groups, std::optional<RunSettings>& described) {
  double done = 0, all = 0;
  for (const Group& group : groups) all += double(group.policies.size());
  Progress progress("evaluating");
  for (Group& group : groups)
    for (const std::string& policy : group.policies) {
      RunSettings settings = resolve(o.common, policy.empty() ? "mpc" : "", policy);
      Evaluation evaluation = evaluate(o.evaluation, o.common, settings, [&](double part) { progress.update((done + part) / all); });
      Json summary = summarise(evaluation);
      summary["policy"] = policy.empty() ? Json(nullptr) : Json(policy);
      group.evaluations.push_back(summary);
      described = settings;
      ++done;
    }
}

// Mean and interval of one measure: over policies, and with a single one over its worlds.
Json measure(const std::vector<Json>& evaluations, const std::string& key) {
  if (evaluations.size() == 1) return {{"mean", evaluations[0][key]}, {"interval", evaluations[0][key + "_interval"]}};
  std::vector<double> values;
  for (const Json& e : evaluations) values.push_back(e[key].is_null() ? NAN : e[key].get<double>());
  ConfidenceInterval interval = mean_interval(values);
  if (key == "survival") interval = {std::max(interval.low, 0.0), std::min(interval.high, 1.0)};
  return {{"mean", number(finite_mean(values))}, {"interval", {number(interval.low), number(interval.high)}}};
}

Json to_json(const Curve& curve) {
  const auto list = [](const std::vector<double>& values) {
    Json out = Json::array();
    for (double value : values) out.push_back(number(value));
    return out;
  };
  return {{"x", list(curve.x)}, {"mean", list(curve.mean)}, {"low", list(curve.low)}, {"high", list(curve.high)}};
}

Json to_json(const Group& group) {
  Json json{{"name", group.name}, {"runs", Json::array()}, {"policies", group.policies}, {"curves", Json::object()}, {"evaluation", Json::object()}};
  for (const RunLog& run : group.runs) json["runs"].push_back(run.folder);
  if (!group.runs.empty()) {
    json["curves"]["reward_over_steps"] = to_json(put_together(group.runs, kStepsTag, kRewardTag, kPoints));
    json["curves"]["reward_over_seconds"] = to_json(put_together(group.runs, kSecondsTag, kRewardTag, kPoints));
    json["curves"]["length_over_steps"] = to_json(put_together(group.runs, kStepsTag, kLengthTag, kPoints));
    json["curves"]["power_over_steps"] = to_json(put_together(group.runs, kStepsTag, kPowerTag, kPoints));
  }
  if (group.evaluations.empty()) return json;
  for (const auto& [key, title] : kMeasures) json["evaluation"][key] = measure(group.evaluations, key);
  json["evaluation"]["each"] = group.evaluations;
  return json;
}

std::string with_interval(const Json& mean, const Json& low, const Json& high, int digits) {
  const auto text = [&](const Json& value) { return fixed(value.is_null() ? NAN : value.get<double>(), digits); };
  return text(mean) + (low.is_null() || high.is_null() ? "" : cat(" (", text(low), " .. ", text(high), ")"));
}

void print_curves(const Json& groups) {
  Table table({"training", "seeds", "robot-steps [M]", "hours", "reward of an episode at the end (95 %)"});
  bool any = false;
  for (const Json& group : groups) {
    if (group["curves"].empty()) continue;
    const Json &steps = group["curves"]["reward_over_steps"], &seconds = group["curves"]["reward_over_seconds"];
    if (steps["x"].empty()) continue;
    any = true;
    table.add({group["name"], cat(group["runs"].size()), fixed(steps["x"].back().get<double>() / 1e6, 2),
               fixed(seconds["x"].back().get<double>() / 3600, 2),
               with_interval(steps["mean"].back(), steps["low"].back(), steps["high"].back(), 2)});
  }
  if (!any) return;
  table.print();
  std::printf("\n");
}

void print_evaluations(const CompareOptions& o, const Json& groups) {
  std::printf("the same %d worlds for each, %.1f s; 95 %% intervals over policies, or over the worlds of a single one\n\n", o.evaluation.worlds,
              o.evaluation.seconds);
  std::vector<std::string> heading{"controller", "policies"};
  for (const auto& [key, title] : kMeasures) heading.push_back(title);
  Table table(heading);
  for (const Json& group : groups) {
    if (group["evaluation"].empty()) continue;
    std::vector<std::string> line{group["name"], group["name"] == "mpc" ? "-" : cat(group["policies"].size())};
    for (const auto& [key, title] : kMeasures) {
      const Json &found = group["evaluation"][key], &interval = found["interval"];
      const int digits = key.starts_with("reward") ? 4 : key == "positive_power" ? 1 : 3;
      line.push_back(with_interval(found["mean"], interval[0], interval[1], digits));
    }
    table.add(line);
  }
  table.print();
}

void compare(const CompareOptions& o) {
  check_report_path(o.common.json);
  std::error_code error;
  fs::create_directories(o.out, error);
  check(!error, "cannot make the folder ", o.out, ": ", error.message(), "; give another one with --out");
  std::vector<Group> groups = sort_into_groups(o.names);
  std::optional<RunSettings> described;
  if (!o.no_eval) evaluate_all(o, groups, described);
  Json list = Json::array();
  for (const Group& group : groups) list.push_back(to_json(group));
  print_curves(list);
  if (described) print_evaluations(o, list);
  Json settings = described ? describe(o.common, *described) : Json{{"robot", o.common.robot}};
  if (described) settings.update(describe(o.evaluation, *described));
  settings.erase("controller"), settings.erase("policy");
  const Json results{{"kind", "compare"}, {"groups", list}};
  const std::string report = o.out + "/report.json";
  write_report(report, o.common.argv, settings, results);
  write_report(o.common.json, o.common.argv, settings, results);
  std::printf("\nreport: %s\n", report.c_str());
  draw_report("tandem.compare_plots", report, "compare");
}

}  // namespace

void add_compare(CLI::App& app, const std::vector<std::string>& argv) {
  CLI::App* sub = app.add_subcommand("compare", "Training runs, policies and the MPC alone: curves with intervals, and all on the same worlds");
  const auto o = std::make_shared<CompareOptions>();
  o->common.argv = argv;
  o->evaluation.worlds = 50, o->evaluation.seconds = 10;
  sub->add_option("what", o->names, "folders of runs, policy files, or mpc")->required();
  add_common_options(*sub, o->common);
  add_task_options(*sub, o->common);
  add_evaluation_options(*sub, o->evaluation);
  sub->add_option("--out", o->out, "folder of report and plots")->capture_default_str();
  sub->add_flag("--no-eval", o->no_eval, "curves only: nothing is run");
  sub->callback([o] { compare(*o); });
}

}  // namespace tandem
