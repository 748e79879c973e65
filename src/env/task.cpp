#include "env/task.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <tuple>
#include <utility>

#include "base/bytes.hpp"
#include "base/check.hpp"
#include "base/memory.hpp"
#include "base/stopwatch.hpp"
#include "env/episode.hpp"
#include "env/termination.hpp"

namespace tandem {
namespace {

constexpr int kTaskSaveVersion = 1;

// How far one world is.
struct TaskWorld {
  std::uint32_t episode = 0;
  int start = 0;        // control steps that the episode began with behind it
  int step = 0;         // control steps since the reset
  double progress = 0;  // of the training at the reset
};

bool all_finite(const float* x, size_t n) {
  return std::all_of(x, x + n, [](float value) { return std::isfinite(value); });
}

}  // namespace

struct Task::Impl {
  Task& task;
  std::uint64_t seed;
  std::uint32_t first_world;
  ControlLoop loop;
  EpisodeSampler sampler;
  std::vector<TaskWorld> worlds;
  std::vector<float> actions;         // since each reset  (nworld, sampler.steps(), naction)
  std::vector<float> no_action;       // before the first  (naction)
  std::vector<unsigned char> broken;  // worlds whose observation is not finite  (nworld)
  double progress = 0;
  bool started = false;
  long not_finite = 0;
  std::optional<EpisodeRecord> first_not_finite;
  TaskTimes times;

  Impl(Task& t, const Robot& robot, const TaskSettings& settings, int nworld, int threads, std::uint64_t s, std::uint32_t first)
      : task(t), seed(s), first_world(first), loop(robot, settings, nworld, threads), sampler(loop.robot(), settings), worlds(nworld) {
    check_memory(double(sizeof(float)) * nworld * sampler.steps() * loop.naction(),
                 cat("env.episode = ", settings.episode, " s of ", nworld, " worlds"), "take fewer worlds or shorter episodes");
    actions.assign(static_cast<size_t>(nworld) * sampler.steps() * loop.naction(), 0);
    no_action.assign(loop.naction(), 0);
    broken.assign(nworld, 0);
  }

  EpisodeKey key(int w) const { return {seed, first_world + static_cast<std::uint32_t>(w), worlds[w].episode}; }
  // The action of one world `step` control steps after its reset; zeros before.
  const float* action(int w, int step) const {
    return step < 0 ? no_action.data() : &actions[(static_cast<size_t>(w) * sampler.steps() + step) * no_action.size()];
  }
  float* action(int w, int step) { return const_cast<float*>(std::as_const(*this).action(w, step)); }

  void start_episode(int w, std::uint32_t episode);
  void keep_actions(std::span<const float> given);
  void evaluate(int w);
  void end_not_finite(int w);
  void count_not_finite(int w);
  void restart_ended_worlds();
  void disturb(int w);
  void prepare();
  bool find_broken_observations();
  EpisodeRecord record(int w) const;
  template <class Archive, class Self>
  static void archive(Archive& bytes, Self& self, std::vector<float>& observation, std::vector<std::byte>& loop_bytes);
};

void Task::Impl::start_episode(int w, std::uint32_t episode) {
  worlds[w].episode = episode;
  worlds[w] = {episode, sampler.stagger(key(w)), 0, progress};
  tandem::start_episode(loop, w, sampler.draw(key(w), progress), key(w));
}

// The MPC alone acts with zeros, so that the terms of the reward that are about actions are there, and zero.
void Task::Impl::keep_actions(std::span<const float> given) {
  const size_t n = no_action.size();
  const bool ignored = loop.settings().controller == Controller::kMpc;
  for (size_t w = 0; w < worlds.size(); ++w) std::copy_n(ignored ? no_action.data() : &given[w * n], n, action(static_cast<int>(w), worlds[w].step));
}

// Reward and end of one world after the simulator has advanced. Writes its row of reward, terms, done, time_out, termination.
void Task::Impl::evaluate(int w) {
  const SimOutput& out = loop.simulator().output;
  const Model& model = loop.robot().model;
  TaskWorld& world = worlds[w];
  const size_t i = w;
  const double* command = &loop.command[4 * i];
  const double height = out.q[i * model.nq + 2] - loop.ground[i];
  const int now = world.step++;
  int end = detect_failure(loop.settings(), model, out, w, height, command);
  float* terms = &task.terms[i * kRewardTerms];
  compute_reward(loop, w, {action(w, now), action(w, now - 1), action(w, now - 2)}, end != kRunning, terms);
  float sum = 0;
  for (int t = 0; t < kRewardTerms; ++t) sum += terms[t];
  if (!std::isfinite(sum)) end = kEndNotFinite;  // action_rate is not where the action is not
  if (end == kEndNotFinite) return end_not_finite(w);
  task.measures[i] = static_cast<float>(out.power[i]);
  if (end == kRunning && world.start + world.step >= sampler.steps()) end = kEndTimeOut;
  task.reward[i] = sum;
  task.termination[i] = end;
  task.done[i] = end != kRunning;
  task.time_out[i] = end == kEndTimeOut;
}

// Ends a world whose numbers mean nothing: its reward is the term of the termination alone.
void Task::Impl::end_not_finite(int w) {
  const size_t i = w;
  std::fill_n(&task.terms[i * kRewardTerms], static_cast<int>(kRewardTerms), 0.0f);
  const double term = loop.control_dt() * loop.settings().reward.termination;
  task.reward[i] = task.terms[i * kRewardTerms + kTermTermination] = static_cast<float>(term);
  task.termination[i] = kEndNotFinite;
  task.measures[i] = 0;
  task.done[i] = 1;
  task.time_out[i] = 0;
}

void Task::Impl::count_not_finite(int w) {
  ++not_finite;
  if (first_not_finite) return;
  first_not_finite = record(w);
  first_not_finite->termination = episode_end_names()[kEndNotFinite];
}

void Task::Impl::restart_ended_worlds() {
  for (int w = 0; w < task.nworld; ++w) {
    if (!task.done[w]) continue;
    if (task.termination[w] == kEndNotFinite) count_not_finite(w);
    start_episode(w, worlds[w].episode + 1);
  }
}

// The kick and the push that are due.
void Task::Impl::disturb(int w) { tandem::disturb(loop, w, sampler, key(w), worlds[w].step); }

bool Task::Impl::find_broken_observations() {
  const size_t nobs = task.nobs;
  loop.pool().run(task.nworld, [&](int w, int) { broken[w] = !all_finite(&loop.observation[w * nobs], nobs); });
  return std::any_of(broken.begin(), broken.end(), [](unsigned char b) { return b != 0; });
}

// Observations of all worlds; one that is not finite ends its world, which starts anew.
void Task::Impl::prepare() {
  const auto add_times = [&] {
    times.mpc += loop.times.mpc;
    times.other += loop.times.measure + loop.times.observe;
  };
  loop.prepare();
  add_times();
  Stopwatch watch;
  if (find_broken_observations()) {
    for (int w = 0; w < task.nworld; ++w) {
      if (!broken[w]) continue;
      count_not_finite(w);
      end_not_finite(w);
      start_episode(w, worlds[w].episode + 1);
      disturb(w);
    }
    loop.prepare(broken);
    add_times();
    check(!find_broken_observations(), "a world starts with an observation that is not finite; check the settings of the task");
  }
  std::copy(loop.observation.begin(), loop.observation.end(), task.observation.begin());
  times.other += watch.lap();
}

EpisodeRecord Task::Impl::record(int w) const {
  const size_t n = no_action.size();
  return {loop.robot().name,
          settings_text(loop.settings()),
          key(w),
          worlds[w].progress,
          "",
          static_cast<int>(n),
          {action(w, 0), action(w, 0) + worlds[w].step * n}};
}

// The fields that save() and load() share.
template <class Archive, class Self>
void Task::Impl::archive(Archive& bytes, Self& self, std::vector<float>& observation, std::vector<std::byte>& loop_bytes) {
  bytes.expect("nworld", static_cast<int>(self.worlds.size()));
  bytes.expect("control steps per episode", self.sampler.steps());
  bytes.expect("actions", static_cast<int>(self.no_action.size()));
  bytes(self.seed), bytes(self.first_world), bytes(self.progress), bytes(self.started), bytes(self.not_finite);
  for (size_t w = 0; w < self.worlds.size(); ++w) {
    auto& world = self.worlds[w];
    bytes(world.episode), bytes(world.start), bytes(world.step), bytes(world.progress);
    check(world.step >= 0 && world.step <= self.sampler.steps(), "saved task: world ", w, " is at control step ", world.step, " of ",
          self.sampler.steps(), "; the bytes are damaged");
    bytes(std::span(self.action(static_cast<int>(w), 0), world.step * self.no_action.size()));
  }
  bytes(observation), bytes(loop_bytes);
}

Task::Task(const Robot& robot, const TaskSettings& settings, int nworlds, int threads, std::uint64_t seed, std::uint32_t first_world)
    : impl_(std::make_unique<Impl>(*this, robot, settings, nworlds, threads, seed, first_world)) {
  nworld = nworlds;
  nobs = impl_->loop.layout().size;
  naction = impl_->loop.naction();
  term_names = reward_names();
  termination_names = episode_end_names();
  measure_names = {"power"};
  const size_t n = nworld;
  observation.assign(n * nobs, 0);
  reward.assign(n, 0), terms.assign(n * kRewardTerms, 0), measures.assign(n, 0);
  done.assign(n, 0), time_out.assign(n, 0), termination.assign(n, kRunning);
}
Task::~Task() = default;

ControlLoop& Task::loop() { return impl_->loop; }
const TaskSettings& Task::settings() const { return impl_->loop.settings(); }
TaskTimes Task::take_times() { return std::exchange(impl_->times, {}); }
long Task::not_finite_count() const { return impl_->not_finite; }
const EpisodeRecord* Task::not_finite_record() const { return impl_->first_not_finite ? &*impl_->first_not_finite : nullptr; }

void Task::reset() {
  Impl& s = *impl_;
  for (int w = 0; w < nworld; ++w) {
    s.start_episode(w, s.started ? s.worlds[w].episode + 1 : 0);
    s.disturb(w);
  }
  s.started = true;
  std::fill(reward.begin(), reward.end(), 0.0f), std::fill(terms.begin(), terms.end(), 0.0f);
  std::fill(done.begin(), done.end(), std::uint8_t(0)), std::fill(time_out.begin(), time_out.end(), std::uint8_t(0));
  std::fill(termination.begin(), termination.end(), static_cast<int>(kRunning));
  s.prepare();
}

void Task::reset(std::uint32_t episode) {
  for (TaskWorld& world : impl_->worlds) world.episode = episode - 1;
  impl_->started = true;
  reset();
}

void Task::step(std::span<const float> action) {
  Impl& s = *impl_;
  check(s.started, "task: step() before the first reset()");
  check(action.size() == static_cast<size_t>(nworld) * naction, "task: ", action.size(), " actions, expected ", nworld, " worlds x ", naction);
  Stopwatch watch;
  s.keep_actions(action);
  s.times.other += watch.lap();
  s.loop.advance(action);
  s.times.other += s.loop.times.blend;
  s.times.physics += s.loop.times.physics;
  watch.lap();
  s.loop.pool().run(nworld, [&](int w, int) { s.evaluate(w); });
  s.times.reward += watch.lap();
  s.restart_ended_worlds();
  for (int w = 0; w < nworld; ++w) s.disturb(w);
  s.times.reset += watch.lap();
  s.prepare();
}

void Task::set_progress(double progress) {
  check(progress >= 0 && progress <= 1, "task: progress = ", progress, ", expected 0 to 1");
  impl_->progress = progress;
}

std::vector<std::byte> Task::save() const {
  std::vector<std::byte> loop_bytes = impl_->loop.save();
  std::vector<float> observed = observation;
  ByteWriter bytes("task", kTaskSaveVersion);
  Impl::archive(bytes, *impl_, observed, loop_bytes);
  return bytes.finish();
}

void Task::load(std::span<const std::byte> bytes) {
  Impl& s = *impl_;
  const auto kept = std::tuple(s.seed, s.first_world, s.progress, s.started, s.not_finite, s.worlds, s.actions);
  try {
    std::vector<float> observed;
    std::vector<std::byte> loop_bytes;
    ByteReader reader("task", kTaskSaveVersion, bytes);
    Impl::archive(reader, s, observed, loop_bytes);
    check(observed.size() == observation.size(), "saved task: ", observed.size(), " numbers of observations, here they are ", observation.size());
    s.loop.load(loop_bytes);
    std::copy(observed.begin(), observed.end(), observation.begin());  // where others look at it
  } catch (const Error&) {
    std::tie(s.seed, s.first_world, s.progress, s.started, s.not_finite, s.worlds, s.actions) = kept;
    throw;
  }
}

void Task::set_seed(std::uint64_t seed) {
  impl_->seed = seed;
  impl_->started = false;
}

EpisodeRecord Task::record(int world) const {
  check(world >= 0 && world < nworld, "task: world ", world, ", expected 0 to ", nworld - 1);
  return impl_->record(world);
}

}  // namespace tandem
