#include "learn/trainer.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>

#include "base/bytes.hpp"
#include "base/check.hpp"
#include "base/rng.hpp"
#include "env/task_worlds.hpp"

namespace tandem {
namespace {

constexpr std::uint32_t kRandomActionStream = 1003, kResumedStream = 1004;

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

double value_of(const std::vector<NamedNumber>& scalars, const std::string& name) {
  const auto found = std::find_if(scalars.begin(), scalars.end(), [&](const NamedNumber& scalar) { return scalar.first == name; });
  return found == scalars.end() ? NAN : found->second;
}

std::vector<NamedBytes> copy(const std::vector<StateArray>& state) {
  std::vector<NamedBytes> copies;
  for (const StateArray& array : state) copies.push_back({array.name, array.type, {array.bytes.begin(), array.bytes.end()}});
  return copies;
}

void restore(Ppo& ppo, const std::vector<NamedBytes>& saved, const std::string& path) {
  const std::vector<StateArray> state = ppo.state();
  check(saved.size() == state.size(), path, ": has ", saved.size(), " arrays of a learner, expected ", state.size());
  for (size_t i = 0; i < state.size(); ++i) {
    check(saved[i].name == state[i].name && saved[i].bytes.size() == state[i].bytes.size(), path, ": ", saved[i].name, " has ", saved[i].bytes.size(),
          " bytes, expected ", state[i].name, " with ", state[i].bytes.size(), "; it is of another network");
    std::copy(saved[i].bytes.begin(), saved[i].bytes.end(), state[i].bytes.begin());
  }
  ppo.restored();
  check(ppo.finite(), path, ": has parameters that are not finite; take an earlier checkpoint");
}

}  // namespace

Trainer::Trainer(TrainJob job)
    : job_(std::move(job)), statistics_(*job_.env), action_(static_cast<size_t>(job_.env->nworld) * job_.env->naction, 0.0f) {
  check(job_.ppo != nullptr || job_.actions != ActionSource::kPolicy, "a training needs a learner, or zero or random actions");
}

void Trainer::start() {
  job_.env->set_progress(0);
  job_.env->reset();
  log_ = std::make_unique<RunLog>(*job_.folder, 0);
  save(true);
}

// Whether the worlds of a checkpoint go on; a warning says why not.
bool Trainer::load_worlds(const std::vector<std::byte>& worlds, const std::string& path) {
  try {
    check(!worlds.empty() && !saved_as(kTaskWorldsSaved, worlds), "they are those of a training on a device");
    job_.env->load(worlds);
    return true;
  } catch (const Error& error) {
    if (job_.hooks.warn) job_.hooks.warn(cat(path, ": its worlds cannot go on here, they start new episodes: ", error.what()));
    return false;
  }
}

void Trainer::resume() {
  const Checkpoint checkpoint = load_latest_checkpoint(*job_.folder, job_.identity, job_.hooks.warn);
  const std::string path = job_.folder->checkpoint(checkpoint.iteration);
  if (job_.ppo) restore(*job_.ppo, checkpoint.learner, path);
  const bool running = load_worlds(checkpoint.worlds, path);
  statistics_.load(checkpoint.statistics, running);
  if (!running) {
    const double drawn = Rng{job_.settings.seed, static_cast<std::uint32_t>(checkpoint.iteration), kResumedStream}.uniform();
    job_.env->set_seed(static_cast<std::uint64_t>(0x1p53 * drawn));  // other episodes than at the start
    job_.env->set_progress(std::min(1.0, static_cast<double>(checkpoint.iteration) / job_.settings.iterations));
    job_.env->reset();
  }
  iteration_ = saved_ = checkpoint.iteration;
  seconds_ = checkpoint.seconds;
  log_ = std::make_unique<RunLog>(*job_.folder, iteration_);
  try {
    if (job_.hooks.saved) job_.hooks.saved(iteration_);  // again: the run may have ended before that
  } catch (const Error& error) {
    if (job_.hooks.warn) job_.hooks.warn(error.what());
  }
}

void Trainer::add_time(const std::string& part, double seconds) {
  const auto found = std::find_if(time_.begin(), time_.end(), [&](const NamedNumber& scalar) { return scalar.first == part; });
  if (found == time_.end())
    time_.emplace_back(part, seconds);
  else
    found->second += seconds;
}

// Actions without a learner; zero ones never change.
void Trainer::act(int t) {
  if (job_.actions != ActionSource::kRandom) return;
  VectorEnv& env = *job_.env;
  const std::uint64_t step = static_cast<std::uint64_t>(iteration_) * job_.steps + t;
  for (int w = 0; w < env.nworld; ++w) {
    Rng rng{job_.settings.seed, static_cast<std::uint32_t>(w), kRandomActionStream, 2 * step * env.naction};
    for (int i = 0; i < env.naction; ++i) action_[w * env.naction + i] = static_cast<float>(rng.normal());
  }
}

void Trainer::collect() {
  VectorEnv& env = *job_.env;
  double policy = 0, environment = 0;
  for (int t = 0; t < job_.steps; ++t) {
    const double start = now();
    act(t);
    const std::span<const float> action = job_.ppo ? job_.ppo->act(env.observation) : std::span<const float>(action_);
    const double acted = now();
    env.step(action);
    const double stepped = now();
    if (job_.ppo) job_.ppo->process_step(env.reward, env.done, env.time_out);
    statistics_.add_step(env);
    policy += acted - start + now() - stepped;
    environment += stepped - acted;
  }
  const double start = now();
  if (job_.ppo) job_.ppo->compute_returns(env.observation);
  add_time("policy", policy + now() - start);
  if (!job_.hooks.env_times) return add_time("environment", environment);
  for (const auto& [part, seconds] : job_.hooks.env_times()) add_time(part, seconds);
}

// One update; its scalars, none without a learner.
std::vector<NamedNumber> Trainer::learn() {
  if (!job_.ppo) return {};
  UpdateInfo info;
  try {
    info = job_.ppo->update();
  } catch (const Error& error) {
    throw Error(cat("iteration ", iteration_ + 1, ": ", error.what(), "; the last good checkpoint is ", job_.folder->checkpoint(saved_),
                    ": go on from it with another seed or a smaller ppo.max_learning_rate"));
  }
  return {{"Loss/value", info.value},           {"Loss/surrogate", info.surrogate},
          {"Loss/entropy", info.entropy},       {"Loss/learning_rate", info.learning_rate},
          {"Loss/divergence", info.divergence}, {"Loss/gradient_norm", info.gradient_norm},
          {"Policy/mean_std", info.mean_sigma}};
}

// must: an error is thrown; otherwise it is a warning, and the next checkpoint is another chance.
void Trainer::save(bool must) {
  const double start = now();
  try {
    save_checkpoint({job_.identity, iteration_, samples() * iteration_, seconds_, job_.ppo ? copy(job_.ppo->state()) : std::vector<NamedBytes>{},
                     statistics_.save(), job_.env->save()},
                    job_.folder->checkpoint(iteration_));
    saved_ = iteration_;
    if (job_.hooks.saved) job_.hooks.saved(iteration_);
  } catch (const Error& error) {
    if (must) throw;
    if (job_.hooks.warn) job_.hooks.warn(cat(error.what(), "; training goes on, the last good checkpoint is ", job_.folder->checkpoint(saved_)));
  }
  add_time("save", now() - start);
}

void Trainer::log(std::vector<NamedNumber> scalars, double elapsed) {
  const double update = value_of(scalars, "Perf/learning_time");
  scalars.emplace_back("Perf/collection_time", elapsed - (std::isnan(update) ? 0 : update));
  scalars.emplace_back("Perf/total_fps", static_cast<double>(samples()) / elapsed);
  scalars.emplace_back("Perf/robot_steps", static_cast<double>(samples() * iteration_));
  scalars.emplace_back("Perf/seconds", seconds_);
  log_->write(iteration_, scalars, job_.hooks.warn);
}

void Trainer::report(const std::vector<NamedNumber>& scalars, double elapsed, double left) const {
  if (!job_.hooks.progress) return;
  job_.hooks.progress({iteration_, job_.settings.iterations, samples() * iteration_, static_cast<double>(samples()) / elapsed,
                       value_of(scalars, "Train/mean_reward"), value_of(scalars, "Train/mean_episode_length"), left});
}

TrainResult Trainer::run() {
  TrainResult result;
  const std::int64_t first = iteration_, iterations = job_.settings.iterations;
  if (job_.hooks.env_times) job_.hooks.env_times();  // the start is not part of the run
  time_.clear();
  const double begin = now();
  while (iteration_ < iterations && !result.interrupted) {
    const double start = now();
    job_.env->set_progress(static_cast<double>(iteration_) / static_cast<double>(iterations));
    collect();
    const double collected = now();
    std::vector<NamedNumber> scalars = statistics_.take();
    const std::vector<NamedNumber> losses = learn();
    const double learnt = now();
    add_time("update", learnt - collected);
    if (job_.ppo) scalars.emplace_back("Perf/learning_time", learnt - collected);
    scalars.insert(scalars.end(), losses.begin(), losses.end());
    ++iteration_;
    seconds_ += learnt - start;
    log(scalars, learnt - start);
    if (job_.hooks.iterated) job_.hooks.iterated(iteration_);
    result.interrupted = job_.hooks.interrupted && job_.hooks.interrupted();
    const bool last = iteration_ == iterations || result.interrupted;
    if (last || iteration_ % job_.settings.save_interval == 0) save(last);
    const double per_iteration = (now() - begin) / static_cast<double>(iteration_ - first);
    report(scalars, now() - start, per_iteration * static_cast<double>(iterations - iteration_));
    result.last = std::move(scalars);
  }
  result.iteration = iteration_;
  result.robot_steps = samples() * iteration_;
  result.seconds = now() - begin;
  result.steps_per_second = static_cast<double>(samples() * (iteration_ - first)) / result.seconds;
  double known = 0;
  for (const auto& [part, seconds] : time_) known += seconds;
  add_time("other", std::max(result.seconds - known, 0.0));
  for (const auto& [part, seconds] : time_) result.shares.emplace_back(part, seconds / result.seconds);
  return result;
}

}  // namespace tandem
