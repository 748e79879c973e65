// A training of the toy task as a program, so that tests can kill it: toy_train start|resume LOGS_OR_FOLDER ITERATIONS SAVE_INTERVAL. Prints the folder.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include "learn/trainer.hpp"
#include "tests/support/toy_env.hpp"

int main(int argc, char** argv) {
  using namespace tandem;
  try {
    if (argc != 5) return 2;
    const bool start = std::string(argv[1]) == "start";
    RunFolder folder = start ? RunFolder::create(argv[2], "toy", "test") : RunFolder::open(argv[2]);
    std::printf("%s\n", folder.path().c_str());
    std::fflush(stdout);
    PpoSettings settings;
    settings.width = 32;
    settings.layers = 1;
    ToyEnv env(16, 1);
    Ppo ppo(settings, {16, 2, 1, false}, 1, 1);
    TrainJob job{.env = &env,
                 .ppo = &ppo,
                 .settings = {.worlds = 16, .iterations = std::atoi(argv[3]), .save_interval = std::atoi(argv[4])},
                 .identity = {{"task", "toy"}},
                 .folder = &folder,
                 .hooks = {}};
    Trainer trainer(std::move(job));
    start ? trainer.start() : trainer.resume();
    trainer.run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
