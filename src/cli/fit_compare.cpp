#include "cli/fit_compare.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <numbers>
#include <sstream>

#include "base/atomic_file.hpp"
#include "base/check.hpp"
#include "cli/fit_options.hpp"
#include "cli/metrics.hpp"
#include "cli/progress.hpp"
#include "cli/push_search.hpp"
#include "model/names.hpp"

namespace tandem {
namespace {

struct FitCompareOptions {
  FitOptions fit;
  std::vector<std::string> thetas;  // NAME=FILE
  std::string plants = "nominal";   // comma-separated, or all
  int trials = 40;
  double seconds = 8;
  int recoveries = 0, limits = 0;  // trials of these measures, on the first plant
  double recovery_impulse = 8;     // [N s]
};

struct NamedTheta {
  std::string name;
  std::vector<double> theta;
};

// Starts, paces and measures of a push test [s].
constexpr double kPushWalk = 2, kPushSpread = 0.8, kAfterPush = 3;
constexpr int kPushTrials = 1'000'000;                                          // their numbers begin here
constexpr double kFirstImpulse = 8, kImpulseResolution = 1, kMostImpulse = 60;  // [N s]

std::vector<NamedTheta> read_thetas(const FitCompareOptions& o, const FitSubject& subject) {
  std::vector<NamedTheta> all{{"theta = 1", std::vector<double>(subject.mpc.ntheta, 1.0)}};
  for (const std::string& text : o.thetas) {
    const size_t equals = text.find('=');
    check(equals != std::string::npos && equals > 0, "fit compare ", text, ": expected NAME=FILE, for example fast=out/fit-unitree_g1/theta.json");
    all.push_back({text.substr(0, equals), load_theta(text.substr(equals + 1), subject.owner)});
  }
  return all;
}

// Those of `all` that the controller's robot cannot be are left out, with a line each.
std::vector<Plant> read_plants(const std::string& text, const std::vector<Plant>& known, const FitSubject& subject) {
  std::vector<Plant> plants;
  if (text == "all") {
    for (const Plant& plant : known) {
      if (plant.name == "custom") continue;
      try {
        subject.check_plant(plant);
        plants.push_back(plant);
      } catch (const Error& error) {
        std::fprintf(stderr, "tandem: left out: %s\n", error.what());
      }
    }
    return plants;
  }
  std::stringstream stream(text);
  for (std::string name; std::getline(stream, name, ',');) {
    plants.push_back(find_plant(known, name));
    subject.check_plant(plants.back());
  }
  check(!plants.empty(), "--plants: expected names with commas between, or all");
  return plants;
}

// Walks at one command and is pushed once; direction, moment and command are those of the number.
Trial push_trial(const FitSetup& setup, int number, double impulse) {
  TrialSettings settings = setup.run.trial;
  settings.push_interval = 0, settings.command_interval = 1e3;
  settings.seconds = kPushWalk + kPushSpread + kPushDuration + kAfterPush;
  Trial trial = draw_trial(setup.subject.robot, settings, setup.subject.body, setup.run.seed, kPushTrials + number);
  Rng rng{setup.run.seed, static_cast<std::uint32_t>(number), 220};
  const double start = kPushWalk + std::floor(rng.uniform(0, kPushSpread) * 100) / 100, angle = rng.uniform(0, 2 * std::numbers::pi);
  trial.pushes = {make_push(0, setup.subject.body, impulse, angle, start)};
  return trial;
}

Json recover(const FitSetup& setup, const Plant& plant, const std::vector<double>& theta, int number, double impulse, int thread) {
  const Trial pushed = push_trial(setup, number, impulse);
  const TrialRun with = setup.subject.run(thread, plant, theta, pushed);
  if (with.result.cause != FallCause::kNone) return {{"fell", true}};
  Trial calm = pushed;
  calm.pushes.clear();
  const TrialRun without = setup.subject.run(thread, plant, theta, calm);
  if (without.result.cause != FallCause::kNone) return {{"fell", true}};
  const double dt = pushed.seconds / static_cast<double>(with.velocity.size());
  const Recovery r = measure_recovery(with.velocity, without.velocity, dt, pushed.pushes[0].start);
  return {{"fell", false}, {"peak", r.peak}, {"rms", r.rms}, {"integrated", r.integrated}, {"settling", r.settling}};
}

Json limit(const FitSetup& setup, const Plant& plant, const std::vector<double>& theta, int number, int thread) {
  const auto survives = [&](double impulse) {
    return setup.subject.run(thread, plant, theta, push_trial(setup, number, impulse)).result.cause == FallCause::kNone;
  };
  return {{"impulse", largest_impulse(survives, kFirstImpulse, kImpulseResolution, kMostImpulse)}};
}

std::string key_of(const char* kind, const Plant& plant, const NamedTheta& theta, int number) {
  return cat(kind, "/", plant.name, "/", theta_key(theta.theta), "/", number);
}

std::vector<Job> make_jobs(const FitCompareOptions& o, const FitSetup& setup, const std::vector<Plant>& plants,
                           const std::vector<NamedTheta>& thetas) {
  std::vector<Job> jobs;
  for (const Plant& plant : plants)
    for (const NamedTheta& theta : thetas) {
      for (int t = 0; t < o.trials; ++t)
        jobs.push_back({key_of("trial", plant, theta, t), [&, t](int thread) {
                          TrialSettings settings = setup.run.trial;
                          settings.seconds = o.seconds;
                          const Trial trial = draw_trial(setup.subject.robot, settings, setup.subject.body, setup.run.seed, t);
                          TrialRun run = setup.subject.run(thread, plant, theta.theta, trial);
                          return to_json(measure(setup.subject, {setup.run.cost, setup.run.fit.returns}, run));
                        }});
      if (&plant != &plants[0]) continue;
      for (int t = 0; t < o.recoveries; ++t)
        jobs.push_back(
            {key_of("recovery", plant, theta, t), [&, t](int thread) { return recover(setup, plant, theta.theta, t, o.recovery_impulse, thread); }});
      for (int t = 0; t < o.limits; ++t)
        jobs.push_back({key_of("limit", plant, theta, t), [&, t](int thread) { return limit(setup, plant, theta.theta, t, thread); }});
    }
  return jobs;
}

// One quantity of all trials; NaN where the robot fell.
std::vector<double> values(const OutcomeStore& store, const char* kind, const Plant& plant, const NamedTheta& theta, int count, const char* name) {
  std::vector<double> out;
  for (int t = 0; t < count; ++t) {
    const Json& json = store.at(key_of(kind, plant, theta, t));
    const bool there = !json.value("fell", false) && json.contains(name) && json[name].is_number();
    out.push_back(there ? json[name].get<double>() : NAN);
  }
  return out;
}

int count_falls(const OutcomeStore& store, const char* kind, const Plant& plant, const NamedTheta& theta, int count) {
  int falls = 0;
  for (int t = 0; t < count; ++t) falls += store.at(key_of(kind, plant, theta, t)).value("fell", false);
  return falls;
}

// A row of the table: one theta on one plant, each quantity against theta = 1 in pairs.
Json make_row(const OutcomeStore& store, const FitCompareOptions& o, const Plant& plant, const std::vector<NamedTheta>& thetas, size_t i) {
  const auto pair = [&](const char* kind, int count, const char* name) {
    return to_json(compare_pairs(values(store, kind, plant, thetas[0], count, name), values(store, kind, plant, thetas[i], count, name)));
  };
  Json row = {{"plant", plant.name}, {"theta", thetas[i].name}, {"falls", count_falls(store, "trial", plant, thetas[i], o.trials)}};
  for (const char* name : {"cost", "discounted", "velocity_error", "turn_error", "power", "torque"}) row[name] = pair("trial", o.trials, name);
  if (store.has(key_of("recovery", plant, thetas[i], 0))) {
    row["recovery_falls"] = count_falls(store, "recovery", plant, thetas[i], o.recoveries);
    for (const char* name : {"peak", "rms", "integrated", "settling"}) row[cat("recovery_", name)] = pair("recovery", o.recoveries, name);
  }
  if (store.has(key_of("limit", plant, thetas[i], 0))) row["impulse"] = pair("limit", o.limits, "impulse");
  return row;
}

void print_rows(const Json& rows) {
  Table table({"plant", "theta", "cost [1/s]", "against theta = 1 (95 %)", "velocity error [m/s]", "falls"});
  for (const Json& row : rows) {
    const Json& c = row["cost"];
    const auto percent = [](const Json& ratio) { return ratio.is_null() ? std::string("-") : fixed(100 * (ratio.get<double>() - 1), 1); };
    const auto value = [](const Json& v) { return fixed(v.is_null() ? NAN : v.get<double>(), 4); };
    table.add({row["plant"], row["theta"], value(c["second"]),
               cat(percent(c["ratio"]), " % (", percent(c["ratio_interval"][0]), " .. ", percent(c["ratio_interval"][1]), ")"),
               value(row["velocity_error"]["second"]), cat(row["falls"].get<int>())});
  }
  table.print();
}

// The folder is of these settings, or new.
void open_folder(const std::string& folder, const Json& described) {
  std::filesystem::create_directories(folder);
  const std::string file = folder + "/settings.json";
  if (std::filesystem::exists(file)) {
    std::ifstream stream(file);
    check(Json::parse(stream, nullptr, false) == described, folder, ": holds trials with other settings; name another folder with --out");
    return;
  }
  const std::string text = to_text(described) + "\n";
  write_atomically(file, std::as_bytes(std::span(text)));
}

void compare_thetas(const FitCompareOptions& o) {
  ThreadPool pool(o.fit.common.threads);
  FitSetup setup = resolve_fit(o.fit, {}, pool.size());
  const std::vector<NamedTheta> thetas = read_thetas(o, setup.subject);
  const std::vector<Plant> plants = read_plants(o.plants, setup.plants, setup.subject);
  const std::string folder = o.fit.out.empty() ? "out/fit-compare-" + setup.subject.robot.name : o.fit.out;
  Json described = setup.described;
  described["seconds"] = o.seconds, described["recovery_impulse"] = o.recovery_impulse;
  open_folder(folder, described);
  OutcomeStore store(folder + "/outcomes.jsonl");
  {
    Progress progress("comparing");
    work_through(store, pool, make_jobs(o, setup, plants, thetas), [&](double share) { progress.update(share); });
  }
  Json rows = Json::array();
  for (const Plant& plant : plants)
    for (size_t i = 0; i < thetas.size(); ++i) rows.push_back(make_row(store, o, plant, thetas, i));
  print_rows(rows);
  described["trials"] = o.trials, described["recoveries"] = o.recoveries, described["limits"] = o.limits, described["thetas"] = o.thetas;
  write_report(folder + "/report.json", o.fit.common.argv, described, {{"rows", rows}});
  write_report(o.fit.common.json, o.fit.common.argv, described, {{"rows", rows}});
}

}  // namespace

Recovery measure_recovery(const std::vector<std::array<double, 2>>& pushed, const std::vector<std::array<double, 2>>& calm, double dt, double start) {
  Recovery r;
  const size_t first = static_cast<size_t>(std::lround(start / dt)), n = std::min(pushed.size(), calm.size());
  for (size_t k = first; k < n; ++k) {
    const double distance = std::hypot(pushed[k][0] - calm[k][0], pushed[k][1] - calm[k][1]);
    r.peak = std::max(r.peak, distance);
    r.rms += distance * distance;
    r.integrated += distance * dt;
    if (distance >= kSettled) r.settling = static_cast<double>(k + 1 - first) * dt;
  }
  if (n > first) r.rms = std::sqrt(r.rms / static_cast<double>(n - first));
  return r;
}

double largest_impulse(const std::function<bool(double)>& survives, double first, double resolution, double most) {
  double good = 0, bad = first;
  while (survives(bad)) {
    if (bad >= most) return most;
    good = bad, bad = std::min(most, 2 * bad);
  }
  while (bad - good > resolution) {
    const double middle = (good + bad) / 2;
    (survives(middle) ? good : bad) = middle;
  }
  return good;
}

void add_fit_compare(CLI::App& fit, const std::vector<std::string>& argv) {
  CLI::App* sub = fit.add_subcommand("compare", "Several thetas against theta = 1 in the same trials, on several plants, with intervals");
  const auto o = std::make_shared<FitCompareOptions>();
  o->fit.common.argv = argv;
  add_subject_options(*sub, o->fit);
  sub->add_option("thetas", o->thetas, "NAME=FILE ...: files that `tandem fit` wrote; theta = 1 is always compared with");
  sub->add_option("--plants", o->plants, "names with commas between, or all")->capture_default_str();
  sub->add_option("--trials", o->trials, "per theta and plant")->check(CLI::Range(2, 99999))->capture_default_str();
  sub->add_option("--seconds", o->seconds, "of a trial [s]")->check(within(0.1, 3600))->capture_default_str();
  sub->add_option("--recoveries", o->recoveries, "trials of the recovery from one push, on the first plant")->check(CLI::Range(0, 99999));
  sub->add_option("--recovery-impulse", o->recovery_impulse, "of that push [N s]")->check(within(0, 1000))->capture_default_str();
  sub->add_option("--limits", o->limits, "trials whose largest survivable impulse is searched for, on the first plant")->check(CLI::Range(0, 99999));
  sub->callback([o] { compare_thetas(*o); });
}

}  // namespace tandem
