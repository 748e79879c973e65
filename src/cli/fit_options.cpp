#include "cli/fit_options.hpp"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/check.hpp"

namespace tandem {
namespace {

const char* kDefaults = "/robots/cost_matching.toml";

// Settings of one controller and of the fit, by name.
struct Settings {
  CentroidalSetup centroidal;
  FitRunSettings run;
};

Fields fields(Settings& s, bool centroidal) {
  Fields out = tandem::fields(s.run);
  const Fields own = centroidal ? fields(s.centroidal) : tandem::fields(s.centroidal.settings);
  out.insert(out.end(), own.begin(), own.end());
  if (!centroidal)
    for (const Field& field : tandem::fields(s.centroidal.plants)) out.push_back(field);
  return out;
}

// Those that --mode, --parameters and --seed decide.
bool is_decided(const Field& field) {
  return field.name == "fit.mode" || field.name == "fit.seed" || field.name == "fit.cost" || field.name == "fit.momentum";
}

void choose_fit(const FitOptions& o, FitRunSettings& run) {
  run.method = o.mode == "adam" ? FitMethod::kAdam : o.mode == "random" ? FitMethod::kRandom : FitMethod::kFast;
  run.fit.cost = o.parameters != "momentum", run.fit.momentum = o.parameters != "cost";
  if (run.fit.momentum && run.fit.features.mode == FeatureMode::kRecorded) run.fit.features.mode = FeatureMode::kStabilised;
  for (const Field& field : tandem::fields(run.fit))
    if (field.name == "features.mode" && !o.features.empty()) set_field(field, o.features);
  run.fit.features.threads = o.common.threads;
  run.seed = o.common.seed;
  if (!o.cost.empty()) run.cost = load_stage_cost(o.cost);
}

}  // namespace

void add_subject_options(CLI::App& app, FitOptions& o) {
  o.common.robot = "unitree_g1";
  add_common_options(app, o.common);
  app.add_option("--config", o.common.configs, "file of settings, like robots/cost_matching.toml; before --set; repeatable")->allow_extra_args(false);
  app.add_option("--controller", o.controller, "centroidal: the centroidal MPC; kinodynamic: the whole-body MPC")
      ->check(CLI::IsMember({"centroidal", "kinodynamic"}))
      ->capture_default_str();
  app.add_option("--gait", o.centroidal.gait, "of the centroidal MPC: slow_walk, walk, quick_walk, brisk_walk, trot, run")->capture_default_str();
  app.add_option("--cost", o.cost, "file of the stage cost L; default: the controller's own cost at theta = 1");
  app.add_option("--out", o.out, "folder of the run");
}

FitSetup resolve_fit(const FitOptions& o, const RoundSettings& round, int threads) {
  check_report_path(o.common.json);
  const bool centroidal = o.controller == "centroidal";
  Settings s{{load_settings(o.common.robot), {}, standard_plants(), {}, {}}, {}};
  s.run.round = round;
  if (centroidal) s.centroidal.loop.mpc.gait = centroidal_gait(o.centroidal.gait);
  const std::string defaults = project_root() + kDefaults;
  Fields free = fields(s, centroidal);
  std::erase_if(free, is_decided);
  if (std::filesystem::exists(defaults)) read_fields(defaults, free);
  for (const std::string& path : o.common.configs) read_fields(path, free);
  choose_fit(o, s.run);
  for (const std::string& assignment : o.common.overrides) apply_assignment(free, assignment);
  s.centroidal.settings.task.controller = Controller::kMpc;  // files of a training do not decide it
  s.run.plant = find_plant(s.centroidal.plants, o.centroidal.plant);
  FitSetup setup{
      centroidal ? centroidal_subject(s.centroidal.settings.robot, s.centroidal.loop, threads) : kinodynamic_subject(s.centroidal.settings, threads),
      s.run,
      s.centroidal.plants,
      {}};
  setup.subject.check_plant(setup.run.plant);
  setup.described = {{"robot", setup.subject.robot.name}, {"controller", o.controller}, {"gait", o.centroidal.gait}, {"seed", o.common.seed}};
  setup.described.update(to_json(fields(s, centroidal)));
  return setup;
}

}  // namespace tandem
