#include "cli/fit_rounds.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <tuple>

#include "base/atomic_file.hpp"
#include "base/check.hpp"
#include "base/rng.hpp"
#include "cli/metrics.hpp"

namespace tandem {
namespace {

constexpr std::uint32_t kRandomThetaStream = 210;
constexpr int kDeployTrials = 50'000'000;  // numbers of the trials that decide, apart from those that are recorded
constexpr int kRandomTrials = 60'000'000;
constexpr size_t kScatter = 2000;  // samples that the report's scatter shows

struct Candidate {
  std::string name;
  std::vector<double> theta;
  Json fit;  // how well it matches; null if it was not fitted
};

// Means over the trials that did not fall.
struct Deployment {
  std::vector<double> cost, velocity_error;  // by trial; NaN: fell
  int falls = 0;
};

std::string round_folder(const FitRun& run, int round) {
  const std::string folder = cat(run.folder, "/round-", round);
  std::filesystem::create_directories(folder);
  return folder;
}

Json run_trial(const FitRun& run, int thread, const std::vector<double>& theta, const Trial& trial, const std::string& file) {
  TrialRun done = run.subject.run(thread, run.settings.plant, theta, trial);
  const TrialMeasures measures = measure(run.subject, {run.settings.cost, run.settings.fit.returns}, done);
  if (!file.empty()) save_recording(done.recording, file);
  return to_json(measures);
}

Trial draw(const FitRun& run, double seconds, int number) {
  TrialSettings settings = run.settings.trial;
  settings.seconds = seconds;
  return draw_trial(run.subject.robot, settings, run.subject.body, run.settings.seed, number);
}

// The closed loops of one round under `theta`.
Recording record(FitRun& run, int round, const std::vector<double>& theta) {
  std::vector<Job> jobs;
  std::vector<std::string> files;
  for (int t = 0; t < run.settings.round.trajectories; ++t) {
    files.push_back(cat(round_folder(run, round), "/trajectory-", t, ".rec"));
    const auto work = [&run, &theta, round, t, file = files.back()](int thread) {
      return run_trial(run, thread, theta, draw(run, run.settings.trial.seconds, 100'000 * round + t), file);
    };
    jobs.push_back({cat("record/", round, "/", t), work});
  }
  work_through(run.store, run.pool, jobs, [&](double share) { run.progress(cat("round ", round, ": closed loops"), share); });
  Recording all;
  for (const std::string& file : files) append(all, load_recording(file));
  return all;
}

Json to_json(const MatchQuality& q) {
  return {{"mse", number(q.mse)}, {"explained", number(q.explained)}, {"line_slope", number(q.line_slope)}, {"line_start", number(q.line_start)}};
}

Json to_json(const FitResult& fit, const FitSubject& subject) {
  Json json = {{"scale", fit.scale},
               {"offset", fit.offset},
               {"train_before", to_json(fit.train_before)},
               {"train_after", to_json(fit.train_after)},
               {"validation_before", to_json(fit.validation_before)},
               {"validation_after", to_json(fit.validation_after)},
               {"samples", fit.sample.size()},
               {"iterations", fit.iterations},
               {"seconds", fit.seconds},
               {"feature_seconds", fit.feature_seconds},
               {"theta", fit.theta}};
  Json scatter = {{"returns", Json::array()}, {"before", Json::array()}, {"after", Json::array()}, {"validation", Json::array()}};
  const size_t stride = std::max<size_t>(1, fit.returns.size() / kScatter);
  for (size_t i = 0; i < fit.returns.size(); i += stride) {
    scatter["returns"].push_back(fit.returns[i]), scatter["validation"].push_back(fit.validation[i] != 0);
    scatter["before"].push_back(fit.q_before[i]), scatter["after"].push_back(fit.q_after[i]);
  }
  json["scatter"] = scatter;
  check(static_cast<int>(fit.theta.size()) == subject.mpc.ntheta, "fit: ", fit.theta.size(), " multipliers, expected ", subject.mpc.ntheta);
  return json;
}

// What a fit gives, from disk if it was made before.
Json fit_once(FitRun& run, const Recording& recording, const FitSettings& settings, const std::string& file, const std::string& what) {
  if (std::filesystem::exists(file)) {
    std::ifstream stream(file);
    return Json::parse(stream);
  }
  const FitResult result = fit(run.subject.mpc, recording, settings, [&](double share, double) { run.progress(what, share); });
  const std::string text = to_json(result, run.subject).dump() + "\n";
  write_atomically(file, std::as_bytes(std::span(text)));
  return Json::parse(text);
}

// `share` of the way from one theta to another, in logarithms.
std::vector<double> between(const std::vector<double>& from, const std::vector<double>& to, double share) {
  std::vector<double> theta(from.size());
  for (size_t i = 0; i < theta.size(); ++i) theta[i] = share == 1 ? to[i] : from[i] * std::pow(to[i] / from[i], share);
  return theta;
}

std::vector<Candidate> fitted_candidates(FitRun& run, int round, const Recording& recording, const std::vector<double>& theta) {
  const FitRunSettings& s = run.settings;
  FitSettings settings = s.fit;
  settings.mode = s.method == FitMethod::kAdam ? FitMode::kAdam : FitMode::kFast;
  settings.seed = s.seed + round;
  std::vector<Candidate> candidates;
  for (double ridge : s.method == FitMethod::kAdam ? std::vector<double>{settings.ridge} : s.round.ridges) {
    settings.ridge = ridge;
    const std::string name = s.method == FitMethod::kAdam ? "adam" : cat("ridge-", ridge);
    const Json fitted = fit_once(run, recording, settings, cat(round_folder(run, round), "/fit-", name, ".json"), cat("round ", round, ": ", name));
    for (double step : s.round.steps)
      candidates.push_back({step == 1 ? name : cat(name, "-step-", step), between(theta, fitted["theta"].get<std::vector<double>>(), step), fitted});
  }
  return candidates;
}

// Theta with random multipliers where they matter; those of one kind alike if the fit ties them.
std::vector<double> random_theta(const FitRun& run, const std::vector<double>& theta, int number) {
  Rng rng{run.settings.seed, static_cast<std::uint32_t>(number), kRandomThetaStream};
  std::vector<double> out = theta;
  const MatchedMpc& mpc = run.subject.mpc;
  std::map<int, double> factor;
  for (int i = mpc.nmomentum; i < mpc.ntheta; ++i) {
    const double drawn = std::exp(run.settings.round.random_spread * rng.normal());
    const double chosen = factor.emplace(value_number(mpc, i, run.settings.fit.tie), drawn).first->second;
    if (!mpc.pinned[i]) out[i] *= chosen;
  }
  return out;
}

// As many random thetas as the round has trajectories for; the best of them, as many as a fit would have deployed.
std::vector<Candidate> random_candidates(FitRun& run, int round, const std::vector<double>& theta) {
  const RoundSettings& s = run.settings.round;
  const int count = std::max(1, s.trajectories / s.random_trials);
  std::vector<Job> jobs;
  std::vector<std::vector<double>> thetas;
  for (int c = 0; c < count; ++c) thetas.push_back(random_theta(run, theta, 1000 * round + c));
  for (int c = 0; c < count; ++c)
    for (int t = 0; t < s.random_trials; ++t)
      jobs.push_back({cat("random/", round, "/", c, "/", t), [&run, &thetas, round, c, t](int thread) {
                        const Trial trial = draw(run, run.settings.trial.seconds, kRandomTrials + 1000 * round + t);
                        return run_trial(run, thread, thetas[c], trial, "");
                      }});
  work_through(run.store, run.pool, jobs, [&](double share) { run.progress(cat("round ", round, ": random search"), share); });
  std::vector<std::tuple<int, double, int>> order;  // falls, then cost; number
  for (int c = 0; c < count; ++c) {
    int falls = 0;
    double cost = 0;
    for (int t = 0; t < s.random_trials; ++t) {
      const TrialMeasures m = measures_from(run.store.at(cat("random/", round, "/", c, "/", t)));
      falls += m.fell, cost += m.cost;
    }
    order.emplace_back(falls, cost, c);
  }
  std::sort(order.begin(), order.end());
  order.resize(std::min(order.size(), s.ridges.size() * s.steps.size()));
  std::vector<Candidate> best;
  for (const auto& [falls, cost, c] : order) best.push_back({cat("random-", c), thetas[c], nullptr});
  return best;
}

// Short deployments of several thetas, the same trials for each.
std::vector<Deployment> deploy(FitRun& run, int round, const std::vector<std::vector<double>>& thetas) {
  const RoundSettings& s = run.settings.round;
  const auto key = [](const std::vector<double>& theta, int t) { return cat("deploy/", theta_key(theta), "/", t); };
  std::vector<Job> jobs;
  for (const auto& theta : thetas)
    for (int t = 0; t < s.accept_trials; ++t)
      jobs.push_back({key(theta, t), [&run, &theta, t](int thread) {
                        return run_trial(run, thread, theta, draw(run, run.settings.round.accept_seconds, kDeployTrials + t), "");
                      }});
  work_through(run.store, run.pool, jobs, [&](double share) { run.progress(cat("round ", round, ": deployments"), share); });
  std::vector<Deployment> all;
  for (const auto& theta : thetas) {
    Deployment d;
    for (int t = 0; t < s.accept_trials; ++t) {
      const TrialMeasures m = measures_from(run.store.at(key(theta, t)));
      d.cost.push_back(m.fell ? kNaN : m.cost), d.velocity_error.push_back(m.fell ? kNaN : m.velocity_error);
      d.falls += m.fell;
    }
    all.push_back(d);
  }
  return all;
}

// Which of the deployments [1, n) is better than number 0 by the rule; 0: none.
int choose(const RoundSettings& s, const std::vector<Deployment>& all, Json& compared) {
  int best = 0;
  double least = 1;
  for (size_t i = 1; i < all.size(); ++i) {
    const PairedDifference cost = compare_pairs(all[0].cost, all[i].cost), velocity = compare_pairs(all[0].velocity_error, all[i].velocity_error);
    compared.push_back({{"cost", to_json(cost)}, {"velocity_error", to_json(velocity)}, {"falls", all[i].falls}});
    if (cost.pairs == 0) {  // one of the two fell in every trial
      if (best == 0 && all[i].falls < all[0].falls) best = static_cast<int>(i);
      continue;
    }
    const bool safe = all[i].falls <= all[0].falls && velocity.second <= s.accept_velocity * velocity.first;
    if (safe && cost.second / cost.first < least) least = cost.second / cost.first, best = static_cast<int>(i);
  }
  return best;
}

void add_state(Json& lists, const Deployment& deployed) {
  lists["closed_loop_cost"].push_back(number(finite_mean(deployed.cost)));
  lists["velocity_error"].push_back(number(finite_mean(deployed.velocity_error)));
  lists["falls"].push_back(deployed.falls);
}

// Validation errors and lines of the fit that was chosen, or of the first one.
void add_lists(Json& lists, const Json& fit) {
  if (fit.is_null()) return;
  if (lists["validation_mse"].empty())
    lists["validation_mse"].push_back(fit["validation_before"]["mse"]),
        lists["fit_line"].push_back({fit["validation_before"]["line_slope"], fit["validation_before"]["line_start"]});
  lists["validation_mse"].push_back(fit["validation_after"]["mse"]);
  lists["fit_line"].push_back({fit["validation_after"]["line_slope"], fit["validation_after"]["line_start"]});
  lists["fit_seconds"].push_back(fit["seconds"]);
}

// Without the numbers of single samples.
Json brief(Json fit) {
  if (!fit.is_null()) fit.erase("scatter"), fit.erase("theta");
  return fit;
}

}  // namespace

Fields fields(FitRunSettings& s) {
  Fields out = fields(s.fit);
  for (const Fields& more : {fields(s.trial), fields(s.cost)}) out.insert(out.end(), more.begin(), more.end());
  RoundSettings& r = s.round;
  out.insert(out.end(), {{"round.ridges", FreeList{&r.ridges}, at_least(0)},
                         {"round.steps", FreeList{&r.steps}, {0, 3, true}},
                         {"round.accept_trials", &r.accept_trials, at_least(1)},
                         {"round.accept_seconds", &r.accept_seconds, more_than(0)},
                         {"round.accept_velocity", &r.accept_velocity, more_than(0)},
                         {"round.random_trials", &r.random_trials, at_least(1)},
                         {"round.random_spread", &r.random_spread, more_than(0)}});
  return out;
}

Json run_rounds(FitRun& run) {
  const FitRunSettings& s = run.settings;
  std::vector<double> theta(run.subject.mpc.ntheta, 1.0);
  Json lists;
  for (const char* key : {"validation_mse", "fit_line", "fit_seconds", "closed_loop_cost", "velocity_error", "falls", "recorded_falls", "rounds"})
    lists[key] = Json::array();
  add_state(lists, deploy(run, 1, {theta})[0]);
  for (int round = 1; round <= s.round.rounds; ++round) {
    std::vector<Candidate> candidates;
    int falls = 0;
    if (s.method == FitMethod::kRandom) {
      candidates = random_candidates(run, round, theta);
    } else {
      const Recording recording = record(run, round, theta);
      for (unsigned char fell : recording.fell) falls += fell;
      candidates = fitted_candidates(run, round, recording, theta);
    }
    std::vector<std::vector<double>> thetas{theta};
    for (const Candidate& candidate : candidates) thetas.push_back(candidate.theta);
    const std::vector<Deployment> deployed = deploy(run, round, thetas);
    Json compared = Json::array();
    const int chosen = choose(s.round, deployed, compared);
    for (size_t i = 0; i < candidates.size(); ++i) compared[i]["name"] = candidates[i].name, compared[i]["fit"] = brief(candidates[i].fit);
    theta = thetas[chosen];
    add_state(lists, deployed[chosen]);
    add_lists(lists, candidates[std::max(0, chosen - 1)].fit);
    lists["recorded_falls"].push_back(falls);
    lists["rounds"].push_back({{"chosen", chosen ? Json(candidates[chosen - 1].name) : Json(nullptr)}, {"candidates", compared}, {"theta", theta}});
    save_theta(run.folder + "/theta.json", run.subject.owner, theta);
  }
  return lists;
}

}  // namespace tandem
