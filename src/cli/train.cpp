// ./tandem train: builds task and learner from the settings, trains, reports.
#include "cli/train.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "base/atomic_file.hpp"
#include "base/check.hpp"
#include "cli/progress.hpp"
#include "cli/report.hpp"
#include "cli/train_settings.hpp"
#include "env/task.hpp"
#include "learn/trainer.hpp"

namespace tandem {
namespace {

// A training and what it is made of.
struct Run {
  TrainSetup setup;
  RunFolder folder;
  Task task;
  std::unique_ptr<Ppo> ppo;  // none where nothing is learnt
  std::string revision = commit();
  bool dumped = false;

  Run(TrainSetup s, RunFolder f, int threads)
      : setup(std::move(s)), folder(std::move(f)), task(setup.robot, setup.task, setup.train.worlds, threads, setup.train.seed) {
    if (setup.controller != "residual" && setup.controller != "rl") return;
    const PpoSizes sizes{task.nworld, task.nobs, task.naction, setup.controller == "residual"};
    ppo = std::make_unique<Ppo>(setup.ppo, sizes, threads, setup.train.seed);
  }
};

std::vector<std::string> action_joints(Task& task) {
  std::vector<std::string> names;
  for (int joint : task.loop().blending().joint) names.push_back(task.loop().robot().model.joint_name[joint]);
  return names;
}

// What a checkpoint must have in common with the run that loads it.
std::vector<std::pair<std::string, std::string>> identity(Run& run) {
  std::string observation, joints;
  for (const ObservationGroup& group : run.task.loop().layout().groups)
    observation += cat(observation.empty() ? "" : ", ", group.name, " ", group.size);
  for (const std::string& joint : action_joints(run.task)) joints += (joints.empty() ? "" : ", ") + joint;
  return {{"robot", run.setup.robot.name},  {"controller", run.setup.controller},
          {"observation", observation},     {"actions", joints},
          {"worlds", cat(run.task.nworld)}, {"network", cat(run.setup.ppo.layers, " x ", run.setup.ppo.width)}};
}

Policy exported(Run& run, std::int64_t iteration) {
  const ControlLoop& loop = run.task.loop();
  const std::vector<double>& mean = run.ppo->observation_mean();
  return {.controller = run.setup.task.controller,
          .robot = run.setup.robot.name,
          .layout = loop.layout(),
          .action_joint = action_joints(run.task),
          .blending = loop.blending(),
          .control_dt = run.setup.task.mpc.control_dt,
          .mean = {mean.begin(), mean.end()},
          .std = run.ppo->observation_deviation(),
          .clip = static_cast<float>(run.setup.ppo.observation_clip),
          .layers = run.ppo->actor(),
          .provenance = {{"commit", run.revision},
                         {"run", std::filesystem::path(run.folder.path()).filename().string()},
                         {"iteration", cat(iteration)},
                         {"robot_steps", cat(iteration * run.setup.ppo.steps * run.task.nworld)},
                         {"seed", cat(run.setup.train.seed)}}};
}

void warn(const std::string& line) { std::fprintf(stderr, "%standem: %s\n", ::isatty(STDERR_FILENO) ? "\r\033[K" : "", line.c_str()); }

// The first episode that ended because a number was not finite, as a file that can be run again.
void dump_not_finite(Run& run) {
  const EpisodeRecord* record = run.task.not_finite_record();
  if (run.dumped || !record) return;
  run.dumped = true;
  const std::string path = run.folder.file("not_finite.episode");
  if (std::filesystem::exists(path)) return;
  try {
    write_atomically(path, to_bytes(*record));
    warn(cat("a robot's numbers were not finite; it started anew, the others did not notice. ./tandem replay ", path, " shows the episode"));
  } catch (const Error& error) {
    warn(error.what());
  }
}

std::string duration(double seconds) {
  char text[32];
  const long s = std::lround(seconds);
  if (s >= 3600)
    std::snprintf(text, sizeof(text), "%ld h %02ld min", s / 3600, s / 60 % 60);
  else if (s >= 60)
    std::snprintf(text, sizeof(text), "%ld min %02ld s", s / 60, s % 60);
  else
    std::snprintf(text, sizeof(text), "%ld s", s);
  return text;
}

// One line: on a terminal always the same, elsewhere every ten seconds.
class ProgressLine {
 public:
  void show(const TrainStatus& s) {
    const auto now = std::chrono::steady_clock::now();
    if (!terminal_ && shown_ && now - *shown_ < std::chrono::seconds(10) && s.iteration < s.iterations) return;
    shown_ = now;
    std::fprintf(stderr, "%siteration %ld/%ld  %.2f M robot-steps  %.0f robot-steps/s  reward %s  length %s  %s left%s", terminal_ ? "\r\033[K" : "",
                 static_cast<long>(s.iteration), static_cast<long>(s.iterations), 1e-6 * static_cast<double>(s.robot_steps), s.steps_per_second,
                 fixed(s.reward, 2).c_str(), fixed(s.length, 0).c_str(), duration(s.seconds_left).c_str(), terminal_ ? "" : "\n");
    std::fflush(stderr);
  }
  ~ProgressLine() {
    if (terminal_ && shown_) std::fprintf(stderr, "\n");
  }

 private:
  bool terminal_ = ::isatty(STDERR_FILENO) != 0;
  std::optional<std::chrono::steady_clock::time_point> shown_;
};

bool interrupted() {
  try {
    throw_if_interrupted();
  } catch (const Interrupted&) {
    return true;
  }
  return false;
}

TrainHooks hooks(Run& run, ProgressLine& line) {
  TrainHooks hooks;
  hooks.env_times = [&run]() -> std::vector<NamedNumber> {
    const TaskTimes times = run.task.take_times();
    return {{"mpc", times.mpc}, {"physics", times.physics}, {"reward", times.reward}, {"reset", times.reset}, {"observe", times.other}};
  };
  hooks.iterated = [&run](std::int64_t) { dump_not_finite(run); };
  hooks.saved = [&run](std::int64_t iteration) {
    if (!run.ppo) return;
    const Policy policy = exported(run, iteration);
    save_policy(policy, run.folder.file(cat("policy_", iteration, ".safetensors")));
    save_policy(policy, run.folder.file("policy.safetensors"));
  };
  hooks.progress = [&line](const TrainStatus& status) { line.show(status); };
  hooks.warn = warn;
  hooks.interrupted = interrupted;
  return hooks;
}

double peak_memory_gib() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / (1 << 20);
}

Json summarise(Run& run, const TrainResult& result) {
  Json json;
  json["run"] = run.folder.path();
  json["iteration"] = result.iteration;
  json["robot_steps"] = result.robot_steps;
  json["interrupted"] = result.interrupted;
  json["seconds"] = result.seconds;
  json["steps_per_second"] = number(result.steps_per_second);
  json["memory_gib"] = peak_memory_gib();
  json["not_finite"] = run.task.not_finite_count();
  json["shares"] = Json::object();
  for (const auto& [part, share] : result.shares) json["shares"][part] = number(share);
  json["last"] = Json::object();
  for (const auto& [name, value] : result.last) json["last"][name] = number(value);
  return json;
}

void print(const Run& run, const TrainResult& result) {
  std::printf("%s\n%ld iterations, %.2f M robot-steps, %.0f robot-steps/s\n\n", run.folder.path().c_str(), static_cast<long>(result.iteration),
              1e-6 * static_cast<double>(result.robot_steps), result.steps_per_second);
  Table table({"share of the time", "%"});
  for (const auto& [part, share] : result.shares) table.add({part, fixed(100 * share, 1)});
  table.print();
}

std::string default_name(const TrainSetup& setup) {
  return cat(setup.controller == "residual" ? cat(name(setup.task.blend), "_") : "", "seed", setup.train.seed);
}

std::unique_ptr<Run> make_run(const TrainOptions& options) {
  if (!options.resume.empty()) {
    RunFolder folder = RunFolder::open(options.resume);
    TrainSetup setup = resumed_setup(options, folder);
    return std::make_unique<Run>(std::move(setup), std::move(folder), options.threads);
  }
  TrainSetup setup = new_setup(options);
  const std::string logs = options.logs.empty() ? "logs" : options.logs;
  RunFolder folder = RunFolder::create(logs, cat(setup.robot.name, "_", setup.controller), options.name.empty() ? default_name(setup) : options.name);
  write_setup(setup, options, folder);
  return std::make_unique<Run>(std::move(setup), std::move(folder), options.threads);
}

void train(const TrainOptions& options) {
  check_report_path(options.json);
  const std::unique_ptr<Run> run = make_run(options);
  TrainResult result;
  {
    ProgressLine line;
    const ActionSource actions = run->setup.controller == "random" ? ActionSource::kRandom : ActionSource::kZero;
    Trainer trainer({.env = &run->task,
                     .ppo = run->ppo.get(),
                     .actions = run->ppo ? ActionSource::kPolicy : actions,
                     .steps = run->setup.ppo.steps,
                     .settings = run->setup.train,
                     .identity = identity(*run),
                     .folder = &run->folder,
                     .hooks = hooks(*run, line)});
    options.resume.empty() ? trainer.start() : trainer.resume();
    result = trainer.run();
  }
  print(*run, result);
  Json settings = to_json(fields(run->setup));
  settings["robot"] = run->setup.robot.name;
  settings["controller"] = run->setup.controller;
  settings["threads"] = options.threads;
  write_report(options.json, options.argv, settings, summarise(*run, result));
  if (!result.interrupted) return;
  std::fprintf(stderr, "tandem: saved; ./tandem train --resume %s goes on\n", run->folder.path().c_str());
  throw Interrupted{};
}

}  // namespace

void add_train(CLI::App& app, const std::vector<std::string>& argv) {
  CLI::App* sub = app.add_subcommand("train", "Trains a policy on many simulated robots at once");
  const auto o = std::make_shared<TrainOptions>();
  o->argv = argv;
  sub->add_option("--robot", o->robot, "a folder of robots/, or the path of a robot.toml; default: mit_humanoid");
  sub->add_option("--controller", o->controller,
                  "residual: a policy on top of the MPC (default); rl: a policy end to end; mpc, zero, random: nothing is learnt")
      ->check(CLI::IsMember({"residual", "rl", "mpc", "zero", "random"}));
  sub->add_option("--blend", o->blend, "how a residual joins the MPC: joint_torque (default), joint_joint, torque_torque");
  sub->add_option("--worlds", o->worlds, "robots; default: train.worlds")->check(CLI::Range(1, 1000000));
  sub->add_option("--iterations", o->iterations, "updates; default: train.iterations")->check(CLI::Range(1, 1000000000));
  sub->add_option("--seed", o->seed, "of everything random; default: train.seed");
  sub->add_option("--config", o->configs, "a file of settings as robots/task.toml; repeatable")->allow_extra_args(false);
  sub->add_option("--set", o->overrides, "name=value: another value for a setting, for example reward.torque=-2e-4; repeatable")
      ->allow_extra_args(false);
  sub->add_option("--name", o->name, "of the run's folder, after the time; default: blending and seed");
  sub->add_option("--logs", o->logs, "where run folders are made; default: logs");
  sub->add_option("--resume", o->resume, "folder of a run to go on with, from its latest checkpoint");
  sub->add_option("--threads", o->threads, "that share the work; 0: one per processor")->check(CLI::Range(0, 1024));
  sub->add_option("--json", o->json, "also write argv, commit, machine, settings and results to this file");
  sub->callback([o] { train(*o); });
}

}  // namespace tandem
