// `tandem sweep commands`: the range of commands that the controller survives, and that it tracks within 0.25 m/s, along each axis.
#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/check.hpp"
#include "cli/progress.hpp"
#include "cli/sweep.hpp"

namespace tandem {
namespace {

struct CommandOptions {
  SweepOptions sweep;
  int seeds = 20;
  double seconds = 5;
  double start_scale = 0.5;
};

constexpr int kBlock = 4;       // commands that are tried side by side
constexpr int kMaxBlocks = 10;  // an axis ends here at the latest

struct Axis {
  const char* name;
  const char* unit;
  std::array<double, 3> step;  // from one command to the next
};
constexpr Axis kAxes[] = {
    {"forward", "m/s", {0.2, 0, 0}}, {"backward", "m/s", {-0.2, 0, 0}}, {"left", "m/s", {0, 0.1, 0}}, {"turn", "rad/s", {0, 0, 0.25}}};

// The worlds of one command: [command x seeds, (command + 1) x seeds).
struct Outcome {
  double survival, velocity_error, yaw_rate_error;
  bool survived, tracked;
};
Outcome outcome(const std::vector<WorldResult>& results, int command, int seeds) {
  const size_t begin = static_cast<size_t>(command) * seeds, end = begin + seeds;
  std::vector<double> velocity, yaw;
  for (size_t w = begin; w < end; ++w) velocity.push_back(results[w].velocity_error), yaw.push_back(results[w].yaw_rate_error);
  const int upright = count_upright(results, begin, end);
  Outcome o{double(upright) / seeds, finite_mean(velocity), finite_mean(yaw), upright == seeds, false};
  o.tracked = o.survived && o.velocity_error <= kTracked && o.yaw_rate_error <= kTracked;
  return o;
}

// Commands 1 .. n of an axis with their outcomes, n a multiple of kBlock: until one is not survived.
std::vector<Outcome> follow_axis(const CommandOptions& o, ClosedLoop& loop, const Axis& axis, const std::function<void(double)>& progress) {
  std::vector<Outcome> found;
  bool all = true;
  for (int block = 0; all && block < kMaxBlocks; ++block) {
    Scenario scenario = standing_start(loop.robot(), loop.task(), kBlock * o.seeds, o.seconds, o.sweep.common.seed);
    draw_states(loop.robot(), {}, o.start_scale, scenario);
    for (int w = 0; w < loop.nworld(); ++w) {
      const int factor = block * kBlock + w / o.seeds + 1;
      set_command(scenario, w, {factor * axis.step[0], factor * axis.step[1], factor * axis.step[2]});
    }
    const double steps = step_count(loop, o.seconds);
    const auto results =
        run(loop, scenario, [&](Moment, int step, const std::vector<unsigned char>&) { progress((block + (step + 1) / steps) / kMaxBlocks); });
    for (int c = 0; c < kBlock; ++c) {
      found.push_back(outcome(results, c, o.seeds));
      all &= found.back().survived;
    }
  }
  return found;
}

// Commands of `found` before the first that does not meet `criterion`.
int reach(const std::vector<Outcome>& found, bool Outcome::* criterion) {
  int n = 0;
  while (n < int(found.size()) && found[n].*criterion) ++n;
  return n;
}

void sweep_commands(const CommandOptions& o) {
  RunSettings settings = resolve(o.sweep.common);
  ClosedLoop loop(settings, kBlock * o.seeds, o.sweep.common.threads);
  Json axes = Json::array();
  Table table({"axis", "survived up to", "tracked within 0.25 up to", "unit"});
  {
    Progress progress("sweep commands");
    for (size_t a = 0; a < std::size(kAxes); ++a) {
      const Axis& axis = kAxes[a];
      const std::vector<Outcome> found = follow_axis(o, loop, axis, [&](double part) { progress.update((a + part) / std::size(kAxes)); });
      const double step = axis.step[0] + axis.step[1] + axis.step[2];
      const auto far = [&](bool Outcome::* criterion) { return step * reach(found, criterion) + 0.0; };  // + 0.0: none is not -0
      const double survived = far(&Outcome::survived), tracked = far(&Outcome::tracked);
      Json rows = Json::array();
      for (size_t i = 0; i < found.size(); ++i)
        rows.push_back({{"command", step * double(i + 1)},
                        {"survival", found[i].survival},
                        {"velocity_error", number(found[i].velocity_error)},
                        {"yaw_rate_error", number(found[i].yaw_rate_error)}});
      axes.push_back({{"axis", axis.name}, {"unit", axis.unit}, {"survived", survived}, {"tracked", tracked}, {"rows", rows}});
      table.add({axis.name, fixed(survived, 2), fixed(tracked, 2), axis.unit});
    }
  }
  std::printf("%s, %d starts a command, %.1f s\n\n", settings.robot.name.c_str(), o.seeds, o.seconds);
  table.print();
  finish_sweep(o.sweep, settings,
               {{{"seeds", o.seeds}, {"seconds", o.seconds}, {"start_scale", o.start_scale}},
                {{"kind", "commands"}, {"tracked_within", kTracked}, {"axes", axes}}});
}

}  // namespace

void add_sweep_commands(CLI::App& sweep, const std::vector<std::string>& argv) {
  CLI::App* sub = sweep.add_subcommand("commands", "The range of commands that is survived and tracked, along each axis");
  const auto o = std::make_shared<CommandOptions>();
  add_sweep_options(*sub, o->sweep, argv);
  sub->add_option("--worlds,--seeds", o->seeds, "random starts a command; all must survive")->check(CLI::Range(1, 10000))->capture_default_str();
  sub->add_option("--seconds", o->seconds, "that count as survival [s]")->check(within(0.01, 3600))->capture_default_str();
  sub->add_option("--start-scale", o->start_scale, "random start: 1 is 18 degrees, 0.5 m/s, 0.5 rad/s")->check(within(0, 10))->capture_default_str();
  sub->callback([o] { sweep_commands(*o); });
}

}  // namespace tandem
