// `tandem replay DUMP`: runs an episode again that a training recorded because a number was not finite; says when and what, and draws its motion.
#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/check.hpp"
#include "cli/options.hpp"
#include "cli/python.hpp"
#include "env/task.hpp"
#include "sim/trajectory.hpp"

namespace tandem {
namespace {

struct ReplayOptions {
  std::vector<std::string> argv;
  std::string dump, out = "out/replay", json;
  bool no_film = false;
};

// body(), whose errors are about the file `path`.
template <class Body>
auto about(const std::string& path, const Body& body) {
  try {
    return body();
  } catch (const Error& error) {
    throw Error(cat(path, ": ", error.what()));
  }
}

EpisodeRecord read_record(const std::string& path) {
  const std::filesystem::path whole = path;
  check(whole.filename() != "trajectory.json", path, ": is part of a motion; give its folder: ./tandem replay ", whole.parent_path().string());
  std::ifstream file(path, std::ios::binary);
  check(file.good() && std::filesystem::is_regular_file(path), path, ": cannot be read; name the file that a training wrote for an episode");
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  return about(path, [&] { return record_from_bytes(std::as_bytes(std::span(bytes))); });
}

// Index of the first number that is not finite; -1: none.
template <class T>
long first_not_finite(std::span<const T> values) {
  for (size_t i = 0; i < values.size(); ++i)
    if (!std::isfinite(values[i])) return static_cast<long>(i);
  return -1;
}

// "observation joint_velocity[3]", or "" if all numbers are finite.
std::string find_in_observation(const ControlLoop& loop) {
  long i = first_not_finite(std::span<const float>(loop.observation));
  if (i < 0) return "";
  for (const ObservationGroup& group : loop.layout().groups) {
    if (i < group.size) return cat("observation ", group.name, "[", i, "]");
    i -= group.size;
  }
  return "observation";
}

// What is not finite in the last step of the episode; "" if nothing is.
std::string find_cause(const EpisodeRecord& record, const Robot& robot, size_t steps) {
  const std::span<const float> actions = std::span(record.action).first(steps * record.naction), last = actions.last(record.naction);
  if (const long i = first_not_finite(last); i >= 0) return "action of " + robot.model.joint_name[robot.action_joint[i]];
  Task task(robot, settings_of(record, robot), 1, 1, record.key.seed, record.key.world);
  task.set_progress(record.progress);
  task.reset(record.key.episode);
  for (size_t s = 0; s + 1 < steps; ++s) task.step(actions.subspan(s * record.naction, record.naction));
  ControlLoop& loop = task.loop();
  if (const Mpc* mpc = loop.mpc(); mpc && first_not_finite(std::span<const double>(mpc->output.tau_ff)) >= 0) return "set points of the MPC";
  loop.advance(last);
  const std::uint8_t fault = loop.simulator().output.fault[0];
  if (fault & kFaultSetPoint) return "set points";
  if (fault & kFaultState) return "state of the physics";
  loop.prepare();
  return find_in_observation(loop);
}

void write_motion(const Replay& found, const Robot& robot, double control_dt, const std::string& folder) {
  const Model& model = robot.model;
  TrajectoryInfo info;
  info.xml = std::filesystem::absolute(robot.model_path).string();
  info.control_dt = control_dt;
  info.title = robot.name + ", replay";
  TrajectoryWriter writer(folder, model, info);
  const size_t nq = model.nq, nv = model.nv;
  for (size_t s = 0; s * nq < found.q.size(); ++s) {
    TrajectoryRow row;
    row.time = static_cast<double>(s) * control_dt;
    row.q = std::span(found.q).subspan(s * nq, nq), row.v = std::span(found.v).subspan(s * nv, nv);
    writer.append(row);
  }
  writer.finish();
}

void draw(const ReplayOptions& o) {
  std::printf("motion: %s\n", o.out.c_str());
  std::fflush(stdout);
  if (o.no_film) return;
  if (const int status = run_python("tandem.figures", {o.out}, kInherit).status; status != 0)
    std::printf("no pictures: %s\n", status == 127 ? "there is no Python with the project's packages" : "the line above says why");
}

void replay_dump(const ReplayOptions& o) {
  check_report_path(o.json);
  const EpisodeRecord record = read_record(o.dump);
  const Robot robot = about(o.dump, [&] { return load_robot(record.robot); });
  const TaskSettings settings = about(o.dump, [&] { return settings_of(record, robot); });
  const double dt = settings.mpc.control_dt;
  const Replay found = about(o.dump, [&] { return replay(record, robot); });
  const size_t steps = found.q.size() / robot.model.nq;
  const bool not_finite = found.termination == "not_finite";
  const std::string cause = not_finite ? find_cause(record, robot, steps) : "";
  std::printf("%s, %s, seed %llu, world %u, episode %u: %zu control steps\n", robot.name.c_str(), name(settings.controller),
              static_cast<unsigned long long>(record.key.seed), record.key.world, record.key.episode, steps);
  if (not_finite)
    std::printf("not finite at step %zu (%.2f s): %s\n", steps, static_cast<double>(steps) * dt, cause.empty() ? "reward" : cause.c_str());
  else
    std::printf("it ends with \"%s\", where the recorded one ended with \"%s\": what was not finite then does not follow from its actions\n",
                found.termination.empty() ? "nothing" : found.termination.c_str(), record.termination.c_str());
  write_motion(found, robot, dt, o.out);
  write_report(o.json, o.argv, Json::parse(record.settings),
               {{"robot", robot.name},
                {"seed", record.key.seed},
                {"world", record.key.world},
                {"episode", record.key.episode},
                {"steps", steps},
                {"recorded_termination", record.termination},
                {"termination", found.termination.empty() ? Json(nullptr) : Json(found.termination)},
                {"not_finite", not_finite ? Json(cause) : Json(nullptr)},
                {"folder", o.out}});
  draw(o);
}

}  // namespace

void add_replay(CLI::App& app, const std::vector<std::string>& argv) {
  CLI::App* sub =
      app.add_subcommand("replay",
                         "An episode that a training recorded because a number was not finite: when, what, and its motion. ./tandem replay FOLDER "
                         "of a recorded motion opens it in the live view");
  const auto o = std::make_shared<ReplayOptions>();
  o->argv = argv;
  sub->add_option("dump", o->dump, "file that the training wrote")->required();
  sub->add_option("--out", o->out, "folder for motion and pictures")->capture_default_str();
  sub->add_option("--json", o->json, "also write what was found to this file");
  sub->add_flag("--no-film", o->no_film, "write the motion only, no pictures");
  sub->callback([o] { replay_dump(*o); });
}

}  // namespace tandem
