#include "cli/train_run.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/check.hpp"
#include "deploy/trained_settings.hpp"

namespace tandem {
namespace {

std::string default_name(const TrainSetup& setup) {
  return cat(setup.controller == "residual" ? cat(name(setup.task.blend), "_") : "", "seed", setup.train.seed);
}

// As the control loop has it: phases are those of the gait that the settings name.
ObservationLayout layout_of(const TrainSetup& setup) {
  Robot robot = setup.robot;
  robot.gait = setup.task.mpc.gait;
  return make_observation_layout(robot, setup.task.controller != Controller::kRl, setup.task.value_scale);
}

// What ppo.symmetric asks for.
Symmetry symmetry_of(const TrainSetup& setup) {
  if (!setup.ppo.symmetric) return {};
  try {
    return symmetry_of(setup.robot.model, layout_of(setup), make_blending(setup.robot, setup.task));
  } catch (const Error& error) {
    throw Error(cat("ppo.symmetric = true: ", error.what()));
  }
}

// The settings and the folder that the options name.
std::pair<TrainSetup, RunFolder> open(const TrainOptions& options) {
  check_report_path(options.json);
  if (!options.resume.empty()) {
    RunFolder folder = RunFolder::open(options.resume);
    TrainSetup setup = resumed_setup(options, folder);
    return {std::move(setup), std::move(folder)};
  }
  TrainSetup setup = new_setup(options);
  symmetry_of(setup);  // before anything is written
  const std::string logs = options.logs.empty() ? "logs" : options.logs;
  RunFolder folder = RunFolder::create(logs, cat(setup.robot.name, "_", setup.controller), options.name.empty() ? default_name(setup) : options.name);
  write_setup(setup, options, folder);
  return {std::move(setup), std::move(folder)};
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

double peak_memory_gib() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / (1 << 20);
}

Json summarise(const TrainRun& run, const TrainResult& result, long not_finite) {
  Json json;
  json["run"] = run.folder.path();
  json["iteration"] = result.iteration;
  json["robot_steps"] = result.robot_steps;
  json["interrupted"] = result.interrupted;
  json["seconds"] = result.seconds;
  json["steps_per_second"] = number(result.steps_per_second);
  json["memory_gib"] = peak_memory_gib();
  json["not_finite"] = not_finite;
  json["shares"] = Json::object();
  for (const auto& [part, share] : result.shares) json["shares"][part] = number(share);
  json["last"] = Json::object();
  for (const auto& [name, value] : result.last) json["last"][name] = number(value);
  return json;
}

}  // namespace

TrainRun::TrainRun(const TrainOptions& options) : TrainRun(open(options)) {}

TrainRun::TrainRun(std::pair<TrainSetup, RunFolder> parts)
    : setup(std::move(parts.first)),
      folder(std::move(parts.second)),
      layout(layout_of(setup)),
      blending(make_blending(setup.robot, setup.task)),
      symmetry(symmetry_of(setup)),
      revision(commit()),
      learns(setup.controller == "residual" || setup.controller == "rl") {}

std::vector<std::string> TrainRun::action_joints() const {
  std::vector<std::string> names;
  for (int joint : blending.joint) names.push_back(setup.robot.model.joint_name[joint]);
  return names;
}

Identity TrainRun::identity() const {
  std::string joints;
  for (const std::string& joint : action_joints()) joints += (joints.empty() ? "" : ", ") + joint;
  const std::string network = cat(setup.ppo.layers, " x ", setup.ppo.width, setup.ppo.symmetric ? ", symmetric" : "");
  return {{"robot", setup.robot.name}, {"controller", setup.controller},    {"observation", described(layout.groups)},
          {"actions", joints},         {"worlds", cat(setup.train.worlds)}, {"network", network}};
}

PpoSizes TrainRun::sizes() const {
  return {setup.train.worlds, layout.size, static_cast<int>(blending.joint.size()), setup.controller == "residual", symmetry};
}

void export_policy(const TrainRun& run, LearntPolicy learnt, std::int64_t iteration) {
  const Policy policy{.controller = run.setup.task.controller,
                      .robot = run.setup.robot.name,
                      .layout = run.layout,
                      .action_joint = run.action_joints(),
                      .blending = run.blending,
                      .control_dt = run.setup.task.mpc.control_dt,
                      .mean = std::move(learnt.mean),
                      .std = std::move(learnt.std),
                      .clip = static_cast<float>(run.setup.ppo.observation_clip),
                      .layers = std::move(learnt.layers),
                      .mpc_settings = mpc_settings_text(run.setup.task.mpc, run.setup.task.controller),
                      .provenance = {{"commit", run.revision},
                                     {"run", std::filesystem::path(run.folder.path()).filename().string()},
                                     {"iteration", cat(iteration)},
                                     {"robot_steps", cat(iteration * run.setup.ppo.steps * run.setup.train.worlds)},
                                     {"seed", cat(run.setup.train.seed)}}};
  save_policy(policy, run.folder.file(cat("policy_", iteration, ".safetensors")));
  save_policy(policy, run.folder.file("policy.safetensors"));
}

void warn(const std::string& line) { std::fprintf(stderr, "%standem: %s\n", ::isatty(STDERR_FILENO) ? "\r\033[K" : "", line.c_str()); }

ProgressLine::ProgressLine() : terminal_(::isatty(STDERR_FILENO) != 0) {}

ProgressLine::~ProgressLine() {
  if (terminal_ && shown_) std::fprintf(stderr, "\n");
}

void ProgressLine::show(const TrainStatus& s) {
  const auto now = std::chrono::steady_clock::now();
  if (!terminal_ && shown_ && now - *shown_ < std::chrono::seconds(10) && s.iteration < s.iterations) return;
  shown_ = now;
  std::fprintf(stderr, "%siteration %ld/%ld  %.2f M robot-steps  %.0f robot-steps/s  reward %s  length %s  %s left%s", terminal_ ? "\r\033[K" : "",
               static_cast<long>(s.iteration), static_cast<long>(s.iterations), 1e-6 * static_cast<double>(s.robot_steps), s.steps_per_second,
               fixed(s.reward, 2).c_str(), fixed(s.length, 0).c_str(), duration(s.seconds_left).c_str(), terminal_ ? "" : "\n");
  std::fflush(stderr);
}

void report(TrainRun& run, const TrainOptions& options, const TrainResult& result, long not_finite) {
  std::printf("%s\n%ld iterations, %.2f M robot-steps, %.0f robot-steps/s\n\n", run.folder.path().c_str(), static_cast<long>(result.iteration),
              1e-6 * static_cast<double>(result.robot_steps), result.steps_per_second);
  Table table({"share of the time", "%"});
  for (const auto& [part, share] : result.shares) table.add({part, fixed(100 * share, 1)});
  table.print();
  Json settings = to_json(fields(run.setup));
  settings["robot"] = run.setup.robot.name;
  settings["controller"] = run.setup.controller;
  if (!options.device.empty()) settings["device"] = options.device, settings["any_order"] = options.any_order;
  settings["threads"] = options.threads;
  write_report(options.json, options.argv, settings, summarise(run, result, not_finite));
}

}  // namespace tandem
