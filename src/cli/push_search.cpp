#include "cli/push_search.hpp"

#include <algorithm>
#include <cmath>

#include "cli/sweep.hpp"

namespace tandem {
namespace {

constexpr double kWalk = 1.6;   // before the first push [s]
constexpr double kLimit = 200;  // the search ends here [N s]

// The search along one direction goes upwards in strides until some phase falls, then halves: all survive `survived`, some fall at `falls_at`.
bool bracketed(const PushLimit& p) { return std::isfinite(p.falls_at); }
bool done(const PushSearch& s, const PushLimit& p) { return bracketed(p) ? p.falls_at - p.survived <= s.resolution : p.survived >= kLimit; }
double next_impulse(const PushSearch& s, const PushLimit& p) { return bracketed(p) ? (p.survived + p.falls_at) / 2 : p.survived + s.stride; }

// World d * phases + i: direction d, pushed i / phases of a gait period later than the first.
Scenario make_scenario(const PushSearch& s, const ClosedLoop& loop, const std::vector<PushLimit>& limits, std::uint64_t seed) {
  const double period = loop.task().mpc.gait.period;
  Scenario scenario = standing_start(loop.robot(), loop.task(), loop.nworld(), push_seconds(period), seed);
  for (int w = 0; w < loop.nworld(); ++w) {
    const PushLimit& p = limits[w / s.phases];
    set_command(scenario, w, s.command);
    scenario.pushes.push_back(make_push(w, s.body, done(s, p) ? 0 : next_impulse(s, p), p.angle, push_start(s, w, period)));
  }
  return scenario;
}

// Takes in what the next impulse of every direction gave. Worlds of directions that are done walk along unpushed.
void update(const PushSearch& s, const std::vector<WorldResult>& results, std::vector<PushLimit>& limits) {
  for (size_t d = 0; d < limits.size(); ++d) {
    PushLimit& p = limits[d];
    if (done(s, p)) continue;
    const bool all = count_upright(results, d * s.phases, (d + 1) * s.phases) == s.phases;
    (all ? p.survived : p.falls_at) = next_impulse(s, p);
  }
}

// Rounds of the direction that needs most, if it falls within 30 N s.
double work_left(const PushSearch& s, const std::vector<PushLimit>& limits) {
  double most = 0;
  for (const PushLimit& p : limits) {
    const double scan = bracketed(p) ? 0 : std::max(1.0, (30 - p.survived) / s.stride);
    const double width = bracketed(p) ? p.falls_at - p.survived : s.stride;
    if (!done(s, p)) most = std::max(most, scan + std::max(0.0, std::ceil(std::log2(width / s.resolution))));
  }
  return most;
}

}  // namespace

TimedPush make_push(int world, int body, double impulse, double angle, double start) {
  const double force = impulse / kPushDuration;
  return {world, body, {force * std::cos(angle), force * std::sin(angle), 0}, start, kPushDuration};
}

double push_start(const PushSearch& search, int w, double period) { return kWalk + period * (w % search.phases) / search.phases; }
double push_seconds(double period) { return kWalk + period + kPushDuration + kPushRecovery; }

std::vector<PushLimit> find_push_limits(const PushSearch& search, ClosedLoop& loop, std::uint64_t seed, const std::function<void(double)>& progress) {
  std::vector<PushLimit> limits(search.directions);
  for (int d = 0; d < search.directions; ++d) limits[d].angle = 2 * M_PI * d / search.directions;
  int rounds = 0;
  while (work_left(search, limits) > 0) {
    const Scenario scenario = make_scenario(search, loop, limits, seed);
    const double steps = step_count(loop, scenario.seconds), total = rounds + work_left(search, limits);
    const auto show = [&](Moment, int step, const std::vector<unsigned char>&) { progress((rounds + (step + 1) / steps) / total); };
    update(search, run(loop, scenario, show), limits);
    ++rounds;
  }
  return limits;
}

}  // namespace tandem
