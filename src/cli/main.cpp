// The program `tandem`: parses the command line and calls one function per subcommand. A mistake of the caller is one line on stderr and exit code 1,
// a wrong option exit code 2, Ctrl-C exit code 130.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>

#include "base/isa.hpp"
#include "cli/options.hpp"
#include "cli/progress.hpp"
#include "model/names.hpp"

namespace {

constexpr int kFailure = 1;
constexpr int kUsage = 2;
constexpr int kInterrupted = 130;

struct UsageError {
  std::string message;
};

// A misspelt subcommand is answered with the nearest ones.
void check_subcommand(const CLI::App& app, const std::vector<std::string>& arguments) {
  if (arguments.size() < 2 || arguments[1].starts_with('-')) return;
  std::vector<std::string> names;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) names.push_back(sub->get_name());
  if (std::find(names.begin(), names.end(), arguments[1]) != names.end()) return;
  throw UsageError{"there is no subcommand \"" + arguments[1] + "\"; nearest: " + tandem::nearest(arguments[1], names)};
}

int run(int argc, char** argv) {
  CLI::App app("Model predictive control for legged robots", "tandem");
  app.set_version_flag("--version", "tandem " TANDEM_VERSION);
  app.require_subcommand(1);
  app.failure_message([](const CLI::App* where, const CLI::Error& error) {
    const CLI::App* used = where->get_subcommands().empty() ? where : where->get_subcommands().front();
    return std::string("tandem: ") + error.what() + "; tandem " + (used == where ? "" : used->get_name() + " ") + "--help lists what there is\n";
  });
  std::vector<std::string> arguments(argv, argv + argc);
  arguments[0] = "./tandem";  // as it is called, not where it was built
  tandem::add_play(app, arguments);
  tandem::add_eval(app, arguments);
  tandem::add_sweep(app, arguments);
  tandem::add_bench(app, arguments);
  check_subcommand(app, arguments);
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
    tandem::catch_interrupts();
    return run(argc, argv);
  } catch (const UsageError& error) {
    std::fprintf(stderr, "tandem: %s\n", error.message.c_str());
    return kUsage;
  } catch (const tandem::Interrupted&) {
    std::fprintf(stderr, "tandem: interrupted\n");
    return kInterrupted;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tandem: %s\n", error.what());
    return kFailure;
  }
}
