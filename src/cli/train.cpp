// ./tandem train: builds task and learner from the settings, trains, reports.
#include "cli/train.hpp"

#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>

#include "base/atomic_file.hpp"
#include "base/check.hpp"
#include "cli/progress.hpp"
#include "cli/train_run.hpp"
#include "env/task.hpp"
#include "learn/trainer.hpp"

namespace tandem {
namespace {

// A training and what it is made of.
struct Parts {
  TrainRun run;
  std::optional<Task> task;
  std::unique_ptr<Ppo> ppo;  // none where nothing is learnt
  bool dumped = false;

  explicit Parts(const TrainOptions& options) : run(options) {
    const TrainSettings& train = run.setup.train;
    try {
      task.emplace(run.setup.robot, run.setup.task, train.worlds, options.threads, train.seed);
      if (run.learns) ppo = std::make_unique<Ppo>(run.setup.ppo, run.sizes(), options.threads, train.seed);
    } catch (...) {
      if (options.resume.empty())
        std::filesystem::remove_all(run.folder.path());  // settings that only the task can tell to be wrong leave nothing behind
      throw;
    }
  }
};

// The first episode that ended because a number was not finite, as a file that can be run again.
void dump_not_finite(Parts& parts) {
  const EpisodeRecord* record = parts.task->not_finite_record();
  if (parts.dumped || !record) return;
  parts.dumped = true;
  const std::string path = parts.run.folder.file("not_finite.episode");
  if (std::filesystem::exists(path)) return;
  try {
    write_atomically(path, to_bytes(*record));
    warn(cat("a robot's numbers were not finite; it started anew, the others did not notice. ./tandem replay ", path, " shows the episode"));
  } catch (const Error& error) {
    warn(error.what());
  }
}

TrainHooks hooks(Parts& parts, ProgressLine& line) {
  TrainHooks hooks;
  hooks.env_times = [&parts]() -> std::vector<NamedNumber> {
    const TaskTimes times = parts.task->take_times();
    return {{"mpc", times.mpc}, {"physics", times.physics}, {"reward", times.reward}, {"reset", times.reset}, {"observe", times.other}};
  };
  hooks.iterated = [&parts](std::int64_t) { dump_not_finite(parts); };
  hooks.saved = [&parts](std::int64_t iteration) {
    if (!parts.ppo) return;
    const std::vector<double>& mean = parts.ppo->observation_mean();
    export_policy(parts.run, {parts.ppo->actor(), {mean.begin(), mean.end()}, parts.ppo->observation_deviation()}, iteration);
  };
  hooks.progress = [&line](const TrainStatus& status) { line.show(status); };
  hooks.warn = warn;
  hooks.interrupted = interrupted;
  return hooks;
}

}  // namespace

void train(const TrainOptions& options) {
  check(options.device.empty(), "--device ", options.device, " is not for this program; run ./tandem train or python -m tandem train");
  Parts parts(options);
  TrainRun& run = parts.run;
  TrainResult result;
  {
    ProgressLine line;
    const ActionSource actions = run.setup.controller == "random" ? ActionSource::kRandom : ActionSource::kZero;
    Trainer trainer({.env = &*parts.task,
                     .ppo = parts.ppo.get(),
                     .actions = parts.ppo ? ActionSource::kPolicy : actions,
                     .steps = run.setup.ppo.steps,
                     .settings = run.setup.train,
                     .identity = run.identity(),
                     .folder = &run.folder,
                     .hooks = hooks(parts, line)});
    options.resume.empty() ? trainer.start() : trainer.resume();
    result = trainer.run();
  }
  report(run, options, result, parts.task->not_finite_count());
  if (!result.interrupted) return;
  std::fprintf(stderr, "tandem: saved; ./tandem train --resume %s goes on\n", run.folder.path().c_str());
  throw Interrupted{};
}

}  // namespace tandem
