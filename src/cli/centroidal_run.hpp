// The centroidal MPC under eval and play: options, settings by name, many robots, one robot on film. docs/programs.md, "Controllers".
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/centroidal_loop.hpp"
#include "cli/evaluation.hpp"
#include "cli/fit_theta.hpp"
#include "cli/player.hpp"

namespace tandem {

struct CentroidalOptions {
  std::string theta;                // file; empty: all 1
  std::string plant = "nominal";    // fit_trial.hpp
  std::string gait = "brisk_walk";  // centroidal_gait
};
// --theta --plant --gait
void add_centroidal_options(CLI::App& app, CentroidalOptions& options);
// Throws Error where one of them was given and the controller is another.
void refuse_centroidal_options(const CentroidalOptions& options);

// Everything that a run of this controller can be told to change.
struct CentroidalSetup {
  RunSettings settings;  // robot, ranges of commands, limits; its controller is not used
  CentroidalLoopSettings loop;
  std::vector<Plant> plants;
  Plant plant;                // the one chosen
  std::vector<double> theta;  // empty: all 1
};

Fields fields(CentroidalSetup& run);  // centroidal.*, gait.*, loop.*, plant.*, command.*, robot.*

// Whose multipliers a theta file of this controller holds.
ThetaOwner theta_owner(const Robot& robot, const CentroidalSettings& settings);

// Throws Error as load_settings, apply_config, apply_override and load_theta do.
CentroidalSetup resolve_centroidal(const CommonOptions& common, const CentroidalOptions& options);
Json describe_centroidal(const CommonOptions& common, const CentroidalOptions& options, CentroidalSetup& run);

// World `world` of a scenario as a trial of one robot.
Trial trial_of(const Scenario& scenario, int world);

// As evaluate(), with the same starts, commands and pushes. Rewards are NaN.
Evaluation evaluate_centroidal(const EvaluationOptions& options, const CommonOptions& common, CentroidalSetup& run,
                               const std::function<void(double)>& progress);

// As play_one().
Played play_centroidal(const CentroidalSetup& run, const Scenario& scenario, const std::string& folder);

}  // namespace tandem
