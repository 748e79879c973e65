// `tandem sweep conditions`: survival where an MPC alone tends to fall (delay, noise, speed, rough ground, pushes), for the MPC and for policies in the same
// worlds.
#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/check.hpp"
#include "cli/progress.hpp"
#include "cli/push_search.hpp"
#include "cli/sweep.hpp"

namespace tandem {
namespace {

struct ConditionOptions {
  ComparisonOptions base;
  int push_phases = 16;
  bool hard = false, changes = false;
};

struct Condition {
  std::string name;
  std::vector<std::string> settings;  // name=value
  std::array<double, 3> command;      // forward, left, yaw rate
  double push = 0;                    // impulse over the largest that the MPC alone survives; 0: none
};
const std::vector<Condition> kMild = {
    {"nominal", {}, {0.5, 0, 0}},
    {"delay 30 ms", {"randomise.delay=0.03"}, {0.5, 0, 0}},
    {"noise x3", {"noise.scale=3"}, {0.5, 0, 0}},
    {"noise x1, delay 10-20 ms", {"noise.scale=1", "randomise.delay=0.01,0.02"}, {0.5, 0, 0}},
    {"2.5 m/s", {}, {2.5, 0, 0}},
    {"rough +-3 cm, noise x1, delay 10-20 ms",
     {"terrain.kind=rough", "terrain.amplitude=0.03", "noise.scale=1", "randomise.delay=0.01,0.02"},
     {0.5, 0, 0}},
    {"rough +-5 cm, 1 m/s", {"terrain.kind=rough", "terrain.amplitude=0.05"}, {1, 0, 0}},
    {"pushes, 1.3 x the largest survived", {}, {0.3, 0, 0}, 1.3},
};
// A step beyond, where the MPC alone falls more often than not.
const std::vector<Condition> kHard = {
    {"delay 40 ms", {"randomise.delay=0.04"}, {0.5, 0, 0}},
    {"noise x4", {"noise.scale=4"}, {0.5, 0, 0}},
    {"noise x2, delay 20-30 ms", {"noise.scale=2", "randomise.delay=0.02,0.03"}, {0.5, 0, 0}},
    {"3 m/s", {}, {3, 0, 0}},
    {"rough +-5 cm, noise x2, delay 20-30 ms",
     {"terrain.kind=rough", "terrain.amplitude=0.05", "noise.scale=2", "randomise.delay=0.02,0.03"},
     {0.5, 0, 0}},
    {"rough +-8 cm, 1 m/s", {"terrain.kind=rough", "terrain.amplitude=0.08"}, {1, 0, 0}},
    {"pushes, 2 x the largest survived", {}, {0.3, 0, 0}, 2},
};
// What the MPC is asked after training: its gait, its swing, its commands; the policy learnt with others.
const std::string kRoughGround = "terrain.kind=rough", kSteppedGround = "terrain.kind=steps", kFourCentimetres = "terrain.amplitude=0.04",
                  kHighSwing = "gait.swing_height=0.15";
const std::vector<Condition> kChanges = {
    {"nominal", {}, {0.5, 0, 0}},
    {"turning at 2.5 rad/s", {}, {0, 0, 2.5}},
    {"longer double stance", {"gait.stance_fraction=0.65"}, {0.5, 0, 0}},
    {"flight", {"gait.stance_fraction=0.4"}, {0.5, 0, 0}},
    {"faster steps", {"gait.period=0.4"}, {0.5, 0, 0}},
    {"slower steps", {"gait.period=0.65"}, {0.5, 0, 0}},
    {"swing 0.15 m", {kHighSwing}, {0.5, 0, 0}},
    {"rough +-4 cm", {kRoughGround, kFourCentimetres}, {0.5, 0, 0}},
    {"rough +-4 cm, swing 0.15 m", {kRoughGround, kFourCentimetres, kHighSwing}, {0.5, 0, 0}},
    {"steps +-4 cm", {kSteppedGround, kFourCentimetres}, {0.5, 0, 0}},
    {"steps +-4 cm, swing 0.15 m", {kSteppedGround, kFourCentimetres, kHighSwing}, {0.5, 0, 0}},
};
constexpr int kDirections = 4;  // of the pushes

// The largest pushes that the MPC alone survives, by direction.
std::vector<PushLimit> search_limits(const ConditionOptions& o, const RunSettings& settings, const std::function<void(double)>& progress) {
  PushSearch search;
  search.directions = kDirections, search.phases = o.push_phases, search.body = push_body(settings.robot.model, "");
  search.resolution = 1;
  ClosedLoop loop(settings, search.nworld(), o.base.sweep.common.threads);
  return find_push_limits(search, loop, o.base.sweep.common.seed, progress);
}

// World w is pushed in direction w mod 4, spread over the phases of the gait; other conditions start at random.
Scenario make_scenario(const ConditionOptions& o, const Condition& condition, const ClosedLoop& loop, const std::vector<PushLimit>& limits) {
  const double period = loop.task().mpc.gait.period;
  const double seconds = condition.push > 0 ? push_seconds(period) : o.base.seconds;
  Scenario scenario = standing_start(loop.robot(), loop.task(), o.base.worlds, seconds, o.base.sweep.common.seed);
  if (condition.push == 0) draw_states(loop.robot(), {}, o.base.start_scale, scenario);
  PushSearch spread;
  spread.phases = o.push_phases;
  const int body = push_body(loop.robot().model, "");
  for (int w = 0; w < o.base.worlds; ++w) {
    set_command(scenario, w, condition.command);
    if (condition.push == 0) continue;
    const PushLimit& limit = limits[w % kDirections];
    scenario.pushes.push_back(make_push(w, body, condition.push * limit.survived, limit.angle, push_start(spread, w / kDirections, period)));
  }
  return scenario;
}

Json measure(const ConditionOptions& o, const Condition& condition, RunSettings settings, const std::vector<PushLimit>& limits,
             const std::function<void(double)>& progress) {
  for (const std::string& assignment : condition.settings) apply_override(settings, assignment);
  ClosedLoop loop(settings, o.base.worlds, o.base.sweep.common.threads);
  const Scenario scenario = make_scenario(o, condition, loop, limits);
  const double steps = step_count(loop, scenario.seconds);
  double walked = 0, touching = 0,
         height = 0;  // control steps of robots that had not fallen; those with two links touching; sum of |height - command|
  const auto results = run(loop, scenario, [&](Moment moment, int step, const std::vector<unsigned char>& active) {
    const SimOutput& out = loop.sim().output;
    for (int w = 0; w < o.base.worlds && moment == Moment::kAfterStep; ++w) {
      if (!active[w]) continue;
      const double z = out.q[static_cast<size_t>(w) * loop.robot().model.nq + 2] - loop.control.ground[w];
      walked += 1, touching += out.self_collision[w], height += std::abs(z - loop.control.command[4 * w]);
    }
    progress((step + 1) / steps);
  });
  const int upright = count_upright(results, 0, results.size());
  const ConfidenceInterval interval = wilson_interval(upright, o.base.worlds);
  double reward = 0;
  std::vector<double> power;
  for (const WorldResult& r : results) reward += r.reward_of_run / o.base.worlds, power.push_back(r.positive_power);
  Json row{{"condition", condition.name}};
  row.update(name_controller(settings));
  row.update({{"settings", condition.settings},
              {"command", condition.command},
              {"seconds", scenario.seconds},
              {"worlds", o.base.worlds},
              {"survival", double(upright) / o.base.worlds},
              {"survival_interval", {interval.low, interval.high}},
              {"reward_of_run", reward},
              {"positive_power", number(finite_mean(power))},
              {"self_collision", touching / walked},
              {"height_error", height / walked}});
  return row;
}

void print(const ConditionOptions& o, const std::string& robot, const Json& rows, size_t controllers) {
  std::printf("%s, %d robots a condition, survival (95 %%)\n\n", robot.c_str(), o.base.worlds);
  std::vector<std::string> heading{"condition"};
  for (size_t c = 0; c < controllers; ++c) heading.push_back(rows[c]["controller"]);
  Table table(heading);
  for (size_t first = 0; first < rows.size(); first += controllers) {
    std::vector<std::string> line{rows[first]["condition"]};
    for (size_t c = 0; c < controllers; ++c) {
      const Json& row = rows[first + c];
      line.push_back(cat(fixed(row["survival"], 2), " (", fixed(row["survival_interval"][0], 2), " .. ", fixed(row["survival_interval"][1], 2), ")"));
    }
    table.add(line);
  }
  table.print();
}

void sweep_conditions(const ConditionOptions& o) {
  std::vector<RunSettings> controllers = resolve_controllers(o.base);
  std::vector<Condition> conditions = kMild;
  if (o.hard) conditions.insert(conditions.end(), kHard.begin(), kHard.end());
  if (o.changes) conditions = kChanges;
  Json rows = Json::array(), pushes = Json::array();
  {
    Progress progress("sweep conditions");
    const double parts = double(conditions.size() * controllers.size()) + 3;  // the search takes about three times as long as a row
    std::vector<PushLimit> limits;
    if (!o.changes) limits = search_limits(o, controllers[0], [&](double part) { progress.update(3 * part / parts); });
    for (const PushLimit& limit : limits) pushes.push_back({{"angle", limit.angle * 180 / M_PI}, {"survived_by_mpc", limit.survived}});
    for (const Condition& condition : conditions)
      for (const RunSettings& settings : controllers) {
        const double done = 3 + double(rows.size());
        rows.push_back(measure(o, condition, settings, limits, [&](double part) { progress.update((done + part) / parts); }));
      }
  }
  print(o, controllers[0].robot.name, rows, controllers.size());
  finish_sweep(o.base.sweep, controllers[0], {describe(o.base), {{"kind", "conditions"}, {"pushes", pushes}, {"rows", rows}}});
}

}  // namespace

void add_sweep_conditions(CLI::App& sweep, const std::vector<std::string>& argv) {
  CLI::App* sub = sweep.add_subcommand("conditions", "Survival under delay, noise, speed, rough ground and pushes: the MPC alone and policies");
  const auto o = std::make_shared<ConditionOptions>();
  o->base.seconds = 6;
  add_comparison_options(*sub, o->base, argv);
  CLI::Option* hard = sub->add_flag("--hard", o->hard, "also each condition a step harder");
  sub->add_flag("--changes", o->changes, "instead: turning fast, other gaits, higher swing, ground: what was not there in training")->excludes(hard);
  sub->add_option("--push-phases", o->push_phases, "moments of the gait at which pushes come")->check(CLI::Range(1, 1000))->capture_default_str();
  sub->callback([o] { sweep_conditions(*o); });
}

}  // namespace tandem
