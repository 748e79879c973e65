// `tandem sweep pushes`: the largest impulse at the torso that is survived whenever in the gait it comes, by direction.
#include <cmath>
#include <cstdio>
#include <limits>
#include <memory>

#include "base/check.hpp"
#include "cli/progress.hpp"
#include "cli/sweep.hpp"

namespace tandem {
namespace {

struct PushOptions {
  SweepOptions sweep;
  std::vector<double> command = {0.3, 0, 0};
  int directions = 8, phases = 16;
  double resolution = 0.5;  // [N s]
  double stride = 4;        // of the search upwards [N s]
  std::string body;
};

constexpr double kDuration = 0.1;  // of a push [s]
constexpr double kWalk = 1.6;      // before the first push [s]
constexpr double kSurvive = 3;     // after a push [s]
constexpr double kLimit = 200;     // the search ends here [N s]

// The search along one direction: upwards in strides until some phase falls, then halving. All phases survive `low`, some fall at `high`.
struct Search {
  double angle;  // of the direction from the robot's forward, to the left [rad]
  double low = 0, high = std::numeric_limits<double>::infinity();
  bool bracketed() const { return std::isfinite(high); }
  bool done(double resolution) const { return bracketed() ? high - low <= resolution : low >= kLimit; }
  double next(double stride) const { return bracketed() ? (low + high) / 2 : low + stride; }
};

// World d * phases + i: direction d, pushed i / phases of a gait period later than the first.
Scenario make_scenario(const PushOptions& o, const ClosedLoop& loop, const std::vector<Search>& searches, int body) {
  const double period = loop.mpc.settings().gait.period;
  Scenario scenario = standing_start(loop.robot, loop.nworld(), kWalk + period + kDuration + kSurvive);
  for (int w = 0; w < loop.nworld(); ++w) {
    const Search& s = searches[w / o.phases];
    const double force = (s.done(o.resolution) ? 0 : s.next(o.stride)) / kDuration;
    set_command(scenario, w, {o.command[0], o.command[1], o.command[2]});
    scenario.pushes.push_back(
        {w, body, {force * std::cos(s.angle), force * std::sin(s.angle), 0}, kWalk + period * (w % o.phases) / o.phases, kDuration});
  }
  return scenario;
}

// Tries the next impulse of every direction. Worlds of directions that are done walk along unpushed.
void advance(const PushOptions& o, const std::vector<WorldResult>& results, std::vector<Search>& searches) {
  for (size_t d = 0; d < searches.size(); ++d) {
    Search& s = searches[d];
    if (s.done(o.resolution)) continue;
    const bool all = count_upright(results, d * o.phases, (d + 1) * o.phases) == o.phases;
    (all ? s.low : s.high) = s.next(o.stride);
  }
}

double work_left(const PushOptions& o, const std::vector<Search>& searches) {
  double most = 0;  // rounds of the direction that needs most, if it falls within 30 N s
  for (const Search& s : searches) {
    const double scan = s.bracketed() ? 0 : std::max(1.0, (30 - s.low) / o.stride);
    const double width = s.bracketed() ? s.high - s.low : o.stride;
    if (!s.done(o.resolution)) most = std::max(most, scan + std::max(0.0, std::ceil(std::log2(width / o.resolution))));
  }
  return most;
}

void sweep_pushes(const PushOptions& o) {
  RunSettings settings = resolve(o.sweep.common);
  ClosedLoop loop(settings.robot, settings.mpc, settings.sim, o.directions * o.phases, o.sweep.common.threads);
  const int body = push_body(settings.robot.model, o.body);
  std::vector<Search> searches(o.directions);
  for (int d = 0; d < o.directions; ++d) searches[d].angle = 2 * M_PI * d / o.directions;
  {
    Progress progress("sweep pushes");
    int rounds = 0;
    while (work_left(o, searches) > 0) {
      const Scenario scenario = make_scenario(o, loop, searches, body);
      const double steps = step_count(loop, scenario.seconds), total = rounds + work_left(o, searches);
      advance(
          o,
          run(loop, scenario, [&](Moment, int step, const std::vector<unsigned char>&) { progress.update((rounds + (step + 1) / steps) / total); }),
          searches);
      ++rounds;
    }
  }
  std::printf("%s walking at %.2f, %.2f m/s, %.2f rad/s; 0.1 s pushes on %s; all of %d phases survive %.0f s\n\n", settings.robot.name.c_str(),
              o.command[0], o.command[1], o.command[2], settings.robot.model.body_name[body].c_str(), o.phases, kSurvive);
  Json rows = Json::array();
  Table table({"direction [degrees from forward, to the left]", "survived [N s]", "falls at [N s]"});
  for (const Search& s : searches) {
    const double degrees = s.angle * 180 / M_PI;
    rows.push_back({{"angle", degrees}, {"impulse", s.low}, {"falls_at", number(s.high)}});
    table.add({fixed(degrees, 0), fixed(s.low, 1), fixed(s.high, 1)});
  }
  table.print();
  finish_sweep(o.sweep, settings,
               {{{"command", o.command},
                 {"phases", o.phases},
                 {"resolution", o.resolution},
                 {"stride", o.stride},
                 {"body", settings.robot.model.body_name[body]}},
                {{"kind", "pushes"}, {"rows", rows}}});
}

}  // namespace

void add_sweep_pushes(CLI::App& sweep, const std::vector<std::string>& argv) {
  CLI::App* sub = sweep.add_subcommand("pushes", "The largest impulse that is survived in any phase of the gait, by direction");
  const auto o = std::make_shared<PushOptions>();
  add_sweep_options(*sub, o->sweep, argv);
  add_numbers(*sub, "--command", 3, o->command, "vx,vy,wz while pushed; default 0.3,0,0");
  sub->add_option("--directions", o->directions, "evenly around the robot, forward first")->check(CLI::Range(1, 360))->capture_default_str();
  sub->add_option("--phases,--worlds", o->phases, "moments of the gait at which a push comes; all must be survived")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  sub->add_option("--resolution", o->resolution, "of the impulse [N s]")->check(CLI::Range(0.01, 10.0))->capture_default_str();
  sub->add_option("--stride", o->stride, "of the search upwards, which halves afterwards [N s]")
      ->check(CLI::Range(0.1, 100.0))
      ->capture_default_str();
  sub->add_option("--body", o->body, "what is pushed; default: the torso, or else the base");
  sub->callback([o] { sweep_pushes(*o); });
}

}  // namespace tandem
