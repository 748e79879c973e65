// The program `tandem-train`, which ./tandem train runs. Exit codes as those of `tandem`.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "base/isa.hpp"
#include "cli/progress.hpp"
#include "cli/train.hpp"

int main(int argc, char** argv) {
  constexpr int kFailure = 1, kUsage = 2, kInterrupted = 130;
  try {
    tandem::detect_isa();  // a machine that cannot run the kernels is told so before anything starts
    tandem::catch_interrupts();
    std::vector<std::string> arguments(argv, argv + argc);
    arguments[0] = "./tandem";  // as it is called, not where it was built
    CLI::App app("Training of policies for legged robots", "tandem");
    app.require_subcommand(1);
    app.failure_message([](const CLI::App*, const CLI::Error& error) {
      return std::string("tandem: ") + error.what() + "; tandem train --help lists what there is\n";
    });
    tandem::add_train(app, arguments);
    try {
      app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      return app.exit(error) == 0 ? 0 : kUsage;
    }
    return 0;
  } catch (const tandem::Interrupted&) {
    return kInterrupted;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tandem: %s\n", error.what());
    return kFailure;
  }
}
