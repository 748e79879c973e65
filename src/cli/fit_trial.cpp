#include "cli/fit_trial.hpp"

#include <algorithm>
#include <cmath>
#include <exception>
#include <mutex>
#include <numbers>

#include "base/check.hpp"
#include "cli/push_search.hpp"
#include "model/names.hpp"
#include "sim/randomise.hpp"

namespace tandem {
namespace {

// Random numbers of a trial, apart from those of env/streams.hpp and cli/pilot.cpp.
enum TrialStream : std::uint32_t { kStart = 200, kPhase, kCommands, kPushes };

Plant changed(const char* name, double Plant::* field, double value) {
  Plant plant;
  plant.name = name;
  plant.*field = value;
  return plant;
}

Plant shifted(const char* name, int axis, double offset) {
  Plant plant;
  plant.name = name;
  plant.com_offset[axis] = offset;
  return plant;
}

}  // namespace

std::vector<Plant> standard_plants() {
  Plant custom;
  custom.name = "custom";
  return {Plant{},
          changed("torso_heavy", &Plant::torso_mass, 1.2),
          changed("torso_light", &Plant::torso_mass, 0.8),
          shifted("com_forward", 0, 0.02),
          shifted("com_back", 0, -0.02),
          shifted("com_left", 1, 0.02),
          changed("inertia_up", &Plant::inertia, 1.2),
          changed("inertia_down", &Plant::inertia, 0.8),
          changed("friction_low", &Plant::friction, 0.3),
          changed("friction_high", &Plant::friction, 0.8),
          changed("delay_5ms", &Plant::delay, 0.005),
          changed("delay_10ms", &Plant::delay, 0.01),
          changed("gains_weak", &Plant::gains, 0.8),
          changed("pushes_strong", &Plant::push, 1.5),
          custom};
}

const Plant& find_plant(const std::vector<Plant>& plants, const std::string& name) {
  const auto found = std::find_if(plants.begin(), plants.end(), [&](const Plant& plant) { return plant.name == name; });
  if (found != plants.end()) return *found;
  std::vector<std::string> names;
  for (const Plant& plant : plants) names.push_back(plant.name);
  throw Error(cat("--plant ", name, ": there is no such plant; nearest: ", nearest(name, names)));
}

Fields fields(std::vector<Plant>& plants) {
  Fields out;
  for (Plant& plant : plants) {
    if (plant.name == "nominal") continue;
    const std::string table = "plant." + plant.name + ".";
    out.insert(out.end(), {{table + "torso_mass", &plant.torso_mass, more_than(0)},
                           {table + "com_offset", Triple{plant.com_offset}, {-0.5, 0.5}},
                           {table + "inertia", &plant.inertia, more_than(0)},
                           {table + "friction", &plant.friction},
                           {table + "delay", &plant.delay, {0, 0.1}},
                           {table + "gains", &plant.gains, more_than(0)},
                           {table + "push", &plant.push, at_least(0)}});
  }
  return out;
}

Fields fields(TrialSettings& s) {
  return {{"trial.seconds", &s.seconds, {0.1, 3600}},
          {"trial.start_scale", &s.start_scale, {0, 10}},
          {"trial.command_interval", &s.command_interval, more_than(0)},
          {"trial.vx", Interval{s.vx}},
          {"trial.vy", Interval{s.vy}},
          {"trial.wz", Interval{s.wz}},
          {"trial.push_start", &s.push_start, at_least(0)},
          {"trial.push_interval", &s.push_interval, at_least(0)},
          {"trial.push_impulse", Interval{s.push_impulse}, at_least(0)}};
}

Trial draw_trial(const Robot& robot, const TrialSettings& s, int body, std::uint64_t seed, int number) {
  const auto stream = [&](TrialStream which) { return Rng{seed, static_cast<std::uint32_t>(number), which}; };
  Trial trial;
  trial.seconds = s.seconds;
  trial.q.resize(robot.model.nq), trial.v.resize(robot.model.nv);
  InitialStateSampler(robot.model, robot.stand.data()).draw(stream(kStart), s.start_scale, trial.q.data(), trial.v.data());
  trial.phase = stream(kPhase).uniform();
  Rng commands = stream(kCommands), pushes = stream(kPushes);
  for (double start = 0; start < s.seconds; start += s.command_interval) {
    TimedCommand command{start, {}};
    const double* ranges[] = {s.vx, s.vy, s.wz};
    for (int i = 0; i < 3; ++i) command.value[i] = commands.uniform(ranges[i][0], ranges[i][1]);
    trial.commands.push_back(command);
  }
  if (s.push_interval == 0) return trial;
  for (double start = s.push_start; start < s.seconds; start += s.push_interval * pushes.uniform(0.5, 1.5)) {
    const double impulse = pushes.uniform(s.push_impulse[0], s.push_impulse[1]);
    trial.pushes.push_back(make_push(0, body, impulse, pushes.uniform(0, 2 * std::numbers::pi), start));
  }
  return trial;
}

std::array<double, 4> command_at(const Trial& trial, double base_height, double time) {
  size_t i = 0;
  while (i + 1 < trial.commands.size() && trial.commands[i + 1].start <= time + 1e-9) ++i;
  const std::array<double, 3>& c = trial.commands[i].value;
  return {base_height, c[0], c[1], c[2]};
}

void run_tasks(ThreadPool& pool, int n, const std::function<void(int task, int thread)>& body) {
  std::exception_ptr thrown;
  std::mutex mutex;
  pool.run(n, [&](int task, int thread) {
    {
      std::lock_guard lock(mutex);
      if (thrown) return;
    }
    try {
      body(task, thread);
    } catch (...) {
      std::lock_guard lock(mutex);
      if (!thrown) thrown = std::current_exception();
    }
  });
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace tandem
