// `tandem fit`: cost matching of a controller in closed loop, round by round; `tandem fit report`, `tandem fit compare`.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/atomic_file.hpp"
#include "base/check.hpp"
#include "base/stopwatch.hpp"
#include "cli/fit_compare.hpp"
#include "cli/fit_options.hpp"
#include "cli/progress.hpp"
#include "cli/python.hpp"

namespace tandem {
namespace {

struct RunOptions {
  FitOptions fit;
  RoundSettings round;
  bool resume = false;
};

// The name of the first setting whose value differs; empty: none.
std::string first_difference(const Json& a, const Json& b) {
  for (const auto& [key, value] : b.items())
    if (!a.contains(key) || a[key] != value) return key;
  return "";
}

// Starts the folder, or checks that it is of the same run.
void open_folder(const std::string& folder, const Json& described, bool resume) {
  const std::string file = folder + "/run.json";
  const bool exists = std::filesystem::exists(file);
  check(!resume || exists, "--resume: there is no run in ", folder, "; leave --resume out, or name the folder with --out");
  check(resume || !exists, folder, ": holds a run already; go on with it with --resume, or name another folder with --out");
  if (resume) {
    std::ifstream stream(file);
    const Json saved = Json::parse(stream, nullptr, false);
    check(saved.is_object(), file, ": is damaged; remove the folder and start anew");
    const std::string key = first_difference(saved, described);
    check(key.empty(), "--resume: ", key, " is ", to_text(described.value(key, Json()), -1), ", the run in ", folder, " has ",
          saved.value(key, Json()).dump(), "; give the options of that run");
    return;
  }
  std::filesystem::create_directories(folder);
  const std::string text = to_text(described) + "\n";
  write_atomically(file, std::as_bytes(std::span(text)));
}

void print(const Json& r) {
  Table table({"round", "kept", "validation mse", "closed-loop cost [1/s]", "velocity error [m/s]", "falls"});
  for (size_t i = 0; i < r["closed_loop_cost"].size(); ++i) {
    const auto value = [&](const char* key, int digits) {
      return i < r[key].size() && r[key][i].is_number() ? fixed(r[key][i].get<double>(), digits) : std::string("-");
    };
    const Json kept = i == 0 ? Json(nullptr) : r["rounds"][i - 1]["chosen"];
    table.add({cat(i),
               i == 0           ? "theta = 1"
               : kept.is_null() ? "as before"
                                : kept.get<std::string>(),
               value("validation_mse", 4), value("closed_loop_cost", 4), value("velocity_error", 4), cat(r["falls"][i].get<int>())});
  }
  table.print();
}

void fit_command(const RunOptions& options) {
  const FitOptions& o = options.fit;
  ThreadPool pool(o.common.threads);
  FitSetup setup = resolve_fit(o, options.round, pool.size());
  if (setup.run.method != FitMethod::kRandom) check_fit_settings(setup.subject.mpc, setup.run.fit);
  Json described = setup.described;
  described["mode"] = o.mode, described["parameters"] = o.parameters, described["plant"] = setup.run.plant.name;
  described["trajectories"] = options.round.trajectories;
  const std::string folder = o.out.empty() ? "out/fit-" + setup.subject.robot.name : o.out;
  open_folder(folder, described, options.resume);
  described["rounds"] = options.round.rounds;
  Stopwatch watch;
  Json results;
  {
    std::string shown;
    std::unique_ptr<Progress> progress;
    const auto show = [&](const std::string& what, double share) {
      if (what != shown) progress = std::make_unique<Progress>(shown = what);
      progress->update(share);
    };
    FitRun run{setup.subject, setup.run, folder, OutcomeStore(folder + "/outcomes.jsonl"), std::move(pool), show};
    results = run_rounds(run);
  }
  results["theta"] = folder + "/theta.json";
  results["folder"] = folder;
  results["seconds"] = watch.lap();
  print(results);
  std::printf("\ntheta: %s/theta.json\n", folder.c_str());
  write_report(folder + "/report.json", o.common.argv, described, results);
  write_report(o.common.json, o.common.argv, described, results);
}

void report_command(const std::string& folder) {
  check(std::filesystem::exists(folder + "/report.json"), folder, ": holds no finished run; name the folder that `tandem fit` wrote");
  const int status = run_python("tandem.fit_report", {folder}, kInherit).status;
  check(status != 127, "fit report: there is no Python in ", project_root(), "/.venv; ./tandem fit installs it");
  check(status == 0, "fit report: tandem.fit_report ended with ", status, "; the line above says why");
}

void add_run(CLI::App* sub, const std::vector<std::string>& argv) {
  const auto o = std::make_shared<RunOptions>();
  o->fit.common.argv = argv;
  add_subject_options(*sub, o->fit);
  sub->add_option("--plant", o->fit.centroidal.plant, "what the closed loops run on: nominal, torso_heavy, friction_low, delay_10ms, ...")
      ->capture_default_str();
  sub->add_option("--mode", o->fit.mode, "fast: bounded least squares; adam: as published; random: random search with as many rollouts")
      ->check(CLI::IsMember({"fast", "adam", "random"}))
      ->capture_default_str();
  sub->add_option("--parameters", o->fit.parameters, "what is fitted: cost, momentum (the prediction), or both")
      ->check(CLI::IsMember({"cost", "momentum", "both"}))
      ->capture_default_str();
  sub->add_option("--features", o->fit.features, "recorded, stabilised, anchored or replay; default: recorded, or stabilised for momentum")
      ->check(CLI::IsMember({"recorded", "stabilised", "anchored", "replay"}));
  sub->add_option("--rounds", o->round.rounds, "of closed loops and fit")->check(CLI::Range(1, 1000))->capture_default_str();
  sub->add_option("--trajectories", o->round.trajectories, "closed loops recorded per round")->check(CLI::Range(2, 99999))->capture_default_str();
  sub->add_flag("--resume", o->resume, "go on with the run in the folder");
  sub->callback([o, sub] {
    if (sub->get_subcommands().empty()) fit_command(*o);
  });
}

}  // namespace

void add_fit(CLI::App& app, const std::vector<std::string>& argv) {
  CLI::App* sub = app.add_subcommand("fit", "Cost matching: fits the cost of an MPC to returns measured in closed loop; fit report, fit compare");
  sub->require_subcommand(0, 1);
  add_run(sub, argv);
  CLI::App* report = sub->add_subcommand("report", "Curves, scatter and multipliers of a run as pictures and one page");
  const auto folder = std::make_shared<std::string>();
  report->add_option("run", *folder, "folder of the run")->required();
  report->callback([folder] { report_command(*folder); });
  add_fit_compare(*sub, argv);
}

}  // namespace tandem
