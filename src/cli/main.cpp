// The program `tandem`: parses the command line and calls one function per subcommand. A mistake of the caller is one line on stderr and exit code 1,
// a wrong option exit code 2.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "base/isa.hpp"

namespace {

constexpr int kFailure = 1;
constexpr int kUsage = 2;

int run(int argc, char** argv) {
  CLI::App app("Model predictive control for legged robots", "tandem");
  app.set_version_flag("--version", "tandem " TANDEM_VERSION);
  app.require_subcommand(1);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    tandem::detect_isa();  // a machine that cannot run the kernels is told so before anything starts
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tandem: %s\n", error.what());
    return kFailure;
  }
}
