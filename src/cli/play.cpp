// `tandem play`: one robot in closed loop; prints tracking, torques and times of the controller, writes its motion, and has Python draw it. Where a trained
// residual policy is at hand and no controller is named: MPC alone and residual side by side, under the same disturbances.
#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/check.hpp"
#include "base/folder_lock.hpp"
#include "cli/centroidal_run.hpp"
#include "cli/player.hpp"
#include "cli/push_search.hpp"
#include "cli/python.hpp"

namespace tandem {
namespace {

struct PlayOptions {
  CommonOptions common;
  std::vector<double> command = {0.5, 0, 0};
  double seconds = 10;
  std::string out;
  double start_scale = 0;
  std::string push, push_body;
  bool no_film = false;
  CentroidalOptions centroidal;
};

// What two controllers are shown under where nothing else is asked for, and the same in words; how many robots bear it says docs/programs.md.
const std::vector<std::string> kShown = {"noise.scale=1.5", "randomise.delay=0.04"};
const std::string kShownInWords = "measure with half as much noise again as usual, and their motors hear of it 40 ms late";

// "fx,fy,fz@t"
TimedPush parse_push(const std::string& text, int body) {
  const size_t at = text.find('@');
  check(at != std::string::npos, "--push ", text, ": expected fx,fy,fz@t: a force in N in the world, and when it starts in s");
  const std::vector<double> force = parse_numbers(text.substr(0, at), 3, "--push"), start = parse_numbers(text.substr(at + 1), 1, "--push");
  check(start[0] >= 0, "--push ", text, ": starts at ", start[0], " s, expected 0 or later");
  return {0, body, {force[0], force[1], force[2]}, start[0], kPushDuration};
}

Scenario make_scenario(const PlayOptions& o, const RunSettings& settings) {
  Scenario scenario = standing_start(settings.robot, settings.task, 1, o.seconds, o.common.seed);
  if (o.start_scale > 0) draw_states(settings.robot, {}, o.start_scale, scenario);
  set_command(scenario, 0, {o.command[0], o.command[1], o.command[2]});
  const int body = push_body(settings.robot.model, o.push_body);
  if (!o.push.empty()) {
    scenario.pushes.push_back(parse_push(o.push, body));
    check(scenario.pushes[0].start < o.seconds, "--push ", o.push, ": starts after the run, which is ", o.seconds, " s long");
  }
  return scenario;
}

// described: settings of the controller
Json describe(const PlayOptions& options, Json described) {
  described["command"] = options.command;
  described["seconds"] = options.seconds;
  described["start_scale"] = options.start_scale;
  described["push"] = options.push;
  return described;
}

void draw(const std::string& folder, const std::string& beside, bool film) {
  std::printf("motion: %s%s%s\n", folder.c_str(), beside.empty() ? "" : ", ", beside.c_str());
  if (!film) return;
  std::printf("drawing the pictures ...\n");
  std::fflush(stdout);
  std::vector<std::string> arguments{folder};
  if (!beside.empty()) arguments.insert(arguments.end(), {"--beside", beside});
  const int status = run_python("tandem.figures", arguments, kInherit).status;
  if (status == 127)
    std::printf("no pictures: there is no Python in %s/.venv; ./tandem play installs it\n", project_root().c_str());
  else if (status != 0)
    std::printf("pictures are missing: tandem.figures ended with %d; the line above says why\n", status);
}

// Prints and writes what came of one controller.   described: its settings
void finish(const PlayOptions& options, Played& played, const Json& described, const std::string& folder) {
  print(played, options.command);
  Json found = results(played);
  found["folder"] = folder;
  write_report(options.common.json, options.common.argv, describe(options, described), found);
  draw(folder, "", !options.no_film);
}

// Makes the folder, into which nobody else plays until the pictures are drawn.
FolderLock take(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  check(!error, folder, ": cannot be made: ", error.message(), "; choose another folder with --out");
  return FolderLock(folder, "another play; wait for it to end, or choose another folder with --out");
}

void play_alone(const PlayOptions& options, const std::string& folder) {
  if (options.common.controller == "centroidal") {
    CentroidalSetup run = resolve_centroidal(options.common, options.centroidal);
    const auto scenario = make_scenario(options, run.settings);
    const FolderLock lock = take(folder);
    Played played = play_centroidal(run, scenario, folder);
    return finish(options, played, describe_centroidal(options.common, options.centroidal, run), folder);
  }
  RunSettings settings = resolve(options.common);
  const auto scenario = make_scenario(options, settings);
  const FolderLock lock = take(folder);
  Played played = play_one(settings, scenario, folder);
  finish(options, played, describe(options.common, settings), folder);
}

// What to look at in the film of MPC alone (first) and residual, by what happened.
void say_what_to_notice(const std::vector<Played>& all, const PlayOptions& options) {
  const WorldResult &mpc = all[0].result, &residual = all[1].result;
  const bool mpc_fell = mpc.cause != FallCause::kNone, residual_fell = residual.cause != FallCause::kNone;
  const std::string both = options.common.overrides == kShown ? kShownInWords
                           : options.push.empty()             ? "walk under the same conditions"
                                                              : "get the same push (" + options.push + ")";
  std::printf("Notice: both robots %s; the MPC alone (left) %s, with the policy (right) it %s.\n", both.c_str(),
              mpc_fell ? cat("falls at ", fixed(mpc.survived, 1), " s").c_str() : "stays up",
              residual_fell ? cat("falls at ", fixed(residual.survived, 1), " s").c_str() : "stays up");
  if (!mpc_fell && !residual_fell)
    std::printf("Watch the steps, and how closely each follows the command: %.3f against %.3f m/s of error.\n\n", mpc.velocity_error,
                residual.velocity_error);
  else
    std::printf("Watch where the feet land, and how far the body leans before it is caught.\n\n");
}

void play_beside(PlayOptions options, const std::string& policy, const std::string& folder) {
  CommonOptions& common = options.common;
  if (options.push.empty() && common.overrides.empty() && common.configs.empty() && common.disturbances == "none") common.overrides = kShown;
  std::vector<Played> all;
  std::vector<std::string> folders;
  std::optional<FolderLock> lock;
  Json described;
  for (const std::string& file : {std::string(), policy}) {
    RunSettings settings = resolve(options.common, file.empty() ? "mpc" : "", file);
    folders.push_back(folder + "/" + settings.pilot.label);
    const auto scenario = make_scenario(options, settings);
    if (!lock) lock.emplace(take(folder));
    all.push_back(play_one(settings, scenario, folders.back()));
    described = describe(options, describe(options.common, settings));
  }
  print_beside(all);
  say_what_to_notice(all, options);
  Json found = results(all[1]);
  found["folder"] = folders[1];
  found["beside"] = results(all[0]);
  found["beside"]["controller"] = all[0].settings.pilot.label;
  found["beside"]["folder"] = folders[0];
  write_report(options.common.json, options.common.argv, described, found);
  draw(folders[0], folders[1], !options.no_film);
}

void play(const PlayOptions& options) {
  const std::string robot = load_robot(options.common.robot).name, folder = options.out.empty() ? "out/play-" + robot : options.out;
  const std::string policy = project_root() + "/policies/" + robot + "_residual.safetensors";
  if (options.common.controller != "centroidal") refuse_centroidal_options(options.centroidal);
  const bool choice = !options.common.controller.empty() || !options.common.policy.empty();
  if (choice || !std::filesystem::exists(policy))
    play_alone(options, folder);
  else
    play_beside(options, policy, folder);
}

}  // namespace

void add_play(CLI::App& app, const std::vector<std::string>& argv) {
  CLI::App* sub = app.add_subcommand("play", "A robot walks in closed loop: tracking, torques, times; film, pictures and plot of the motion");
  const auto options = std::make_shared<PlayOptions>();
  options->common.argv = argv;
  add_common_options(*sub, options->common);
  add_controller_options(*sub, options->common);
  add_centroidal_options(*sub, options->centroidal);
  add_numbers(*sub, "--command", 3, options->command, "vx,vy,wz: forward and left [m/s], turning left [rad/s]; default 0.5,0,0");
  sub->add_option("--seconds", options->seconds, "how long [s]")->check(within(0.01, 3600))->capture_default_str();
  sub->add_option("--out", options->out, "folder for motion and pictures; default out/play-<robot>");
  sub->add_option("--start-scale", options->start_scale,
                  "random start, as a share of the usual one (10 degrees x 1.8, 0.5 m/s, 0.5 rad/s); 0: at rest")
      ->check(within(0, 10))
      ->capture_default_str();
  sub->add_option("--push", options->push, "fx,fy,fz@t: a force [N, world] for 0.1 s from time t [s]");
  sub->add_option("--push-body", options->push_body, "what the push acts on; default: the torso, or else the base");
  sub->add_flag("--no-film", options->no_film, "write the motion only, no pictures");
  sub->callback([options] { play(*options); });
}

}  // namespace tandem
