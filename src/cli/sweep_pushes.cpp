// `tandem sweep pushes`: the largest impulse at the torso that is survived whenever in the gait it comes, by direction.
#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/progress.hpp"
#include "cli/push_search.hpp"
#include "cli/sweep.hpp"

namespace tandem {
namespace {

struct PushOptions {
  SweepOptions sweep;
  PushSearch search;
  std::vector<double> command = {0.3, 0, 0};
  std::string body;
};

void sweep_pushes(const PushOptions& o) {
  RunSettings settings = resolve(o.sweep.common);
  PushSearch search = o.search;
  search.command = {o.command[0], o.command[1], o.command[2]};
  search.body = push_body(settings.robot.model, o.body);
  ClosedLoop loop(settings, search.nworld(), o.sweep.common.threads);
  std::vector<PushLimit> limits;
  {
    Progress progress("sweep pushes");
    limits = find_push_limits(search, loop, o.sweep.common.seed, [&](double part) { progress.update(part); });
  }
  const std::string& body = settings.robot.model.body_name[search.body];
  std::printf("%s walking at %.2f, %.2f m/s, %.2f rad/s; 0.1 s pushes on %s; all of %d phases survive %.0f s\n\n", settings.robot.name.c_str(),
              o.command[0], o.command[1], o.command[2], body.c_str(), search.phases, kPushRecovery);
  Json rows = Json::array();
  Table table({"direction [degrees from forward, to the left]", "survived [N s]", "falls at [N s]"});
  for (const PushLimit& p : limits) {
    const double degrees = p.angle * 180 / M_PI;
    rows.push_back({{"angle", degrees}, {"impulse", p.survived}, {"falls_at", number(p.falls_at)}});
    table.add({fixed(degrees, 0), fixed(p.survived, 1), fixed(p.falls_at, 1)});
  }
  table.print();
  finish_sweep(o.sweep, settings,
               {{{"command", o.command}, {"phases", search.phases}, {"resolution", search.resolution}, {"stride", search.stride}, {"body", body}},
                {{"kind", "pushes"}, {"rows", rows}}});
}

}  // namespace

void add_sweep_pushes(CLI::App& sweep, const std::vector<std::string>& argv) {
  CLI::App* sub = sweep.add_subcommand("pushes", "The largest impulse that is survived in any phase of the gait, by direction");
  const auto o = std::make_shared<PushOptions>();
  add_sweep_options(*sub, o->sweep, argv);
  PushSearch& s = o->search;
  add_numbers(*sub, "--command", 3, o->command, "vx,vy,wz while pushed; default 0.3,0,0");
  sub->add_option("--directions", s.directions, "evenly around the robot, forward first")->check(CLI::Range(1, 360))->capture_default_str();
  sub->add_option("--phases,--worlds", s.phases, "moments of the gait at which a push comes; all must be survived")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  sub->add_option("--resolution", s.resolution, "of the impulse [N s]")->check(within(0.01, 10))->capture_default_str();
  sub->add_option("--stride", s.stride, "of the search upwards, which halves afterwards [N s]")->check(within(0.1, 100))->capture_default_str();
  sub->add_option("--body", o->body, "what is pushed; default: the torso, or else the base");
  sub->callback([o] { sweep_pushes(*o); });
}

}  // namespace tandem
