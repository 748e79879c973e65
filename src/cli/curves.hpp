// Learning curves of training runs: read from their CSV files, put together over seeds. docs/programs.md, "compare".
#pragma once

#include <map>
#include <string>
#include <vector>

namespace tandem {

// The scalars of one run, a value per iteration; NaN where the file has none. Names are TensorBoard's: "Train/mean_reward", ...
struct RunLog {
  std::string folder;
  std::map<std::string, std::vector<double>> column;
  size_t rows() const { return column.empty() ? 0 : column.begin()->second.size(); }
};

// Reads progress.csv of a run's folder. Throws Error naming file, line and cure: missing, no heading, a row of another length, not a number, or without
// the columns Perf/robot_steps, Perf/seconds and Train/mean_reward.
RunLog read_run_log(const std::string& folder);

// What runs that differ only in time and seed have in common: "mit_humanoid_residual/joint_torque" for the folder
// logs/mit_humanoid_residual/2026-11-21_16-20-44_joint_torque_seed3, "mit_humanoid_rl" for logs/mit_humanoid_rl/2026-11-21_16-20-44_seed3.
std::string group_of_run(const std::string& folder);
// The same for a policy file: the group of its run for policy.safetensors, " at 200" added for policy_200.safetensors, else its name without seed.
std::string group_of_policy(const std::string& file);

// Throws Error unless the runs are samples of one training: each has a seed of its own, and all other settings are the same but for the number of iterations
// and of checkpoints. What config.toml of a run does not say is not looked at.
void check_seeds(const std::vector<RunLog>& runs);

// One scalar over another, of the runs of a group on common points: from where all have begun to where the first of them ends.
struct Curve {
  std::vector<double> x, mean, low, high;  // 95 % interval of the mean over runs, NaN for one run alone
};
Curve put_together(const std::vector<RunLog>& runs, const std::string& x, const std::string& y, int points);

}  // namespace tandem
