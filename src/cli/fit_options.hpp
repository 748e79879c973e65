// Options that the subcommands of fit share, and what they name. docs/programs.md, "fit".
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/centroidal_run.hpp"
#include "cli/fit_rounds.hpp"

namespace tandem {

struct FitOptions {
  CommonOptions common;
  CentroidalOptions centroidal;  // gait and plant
  std::string controller = "centroidal";
  std::string mode = "fast";
  std::string parameters = "cost";
  std::string features;  // empty: recorded, or stabilised where the prediction is fitted
  std::string cost;      // file of the stage cost; empty: the controller's own cost
  std::string out;
};
// --robot --json --seed --threads --set --config --controller --gait --cost --out
void add_subject_options(CLI::App& app, FitOptions& options);

// Robot, controller, plants and settings of the fit that the options name.
struct FitSetup {
  FitSubject subject;
  FitRunSettings run;
  std::vector<Plant> plants;
  Json described;  // every setting
};
// Settings come from robots/cost_matching.toml, --config, the other options and --set, in this order. Throws Error.
FitSetup resolve_fit(const FitOptions& options, const RoundSettings& round, int threads);

}  // namespace tandem
