#include "cli/program.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <new>

#include "base/check.hpp"
#include "cli/options.hpp"
#include "cli/progress.hpp"
#include "model/names.hpp"

namespace tandem {
namespace {

constexpr int kFailure = 1;
constexpr int kUsage = 2;
constexpr int kInterrupted = 130;

struct UsageError {
  std::string message;
};

// A misspelt subcommand, at any depth, is answered with the nearest ones.
void check_subcommand(const CLI::App& app, const std::vector<std::string>& arguments, std::size_t at = 1) {
  const auto subcommands = app.get_subcommands([](const CLI::App*) { return true; });
  if (subcommands.empty() || at >= arguments.size() || arguments[at].starts_with('-')) return;
  std::vector<std::string> names;
  for (const CLI::App* sub : subcommands) {
    if (sub->get_name() == arguments[at]) return check_subcommand(*sub, arguments, at + 1);
    names.push_back(sub->get_name());
  }
  const std::string of = at > 1 ? cat(" of ", app.get_name()) : "";
  throw UsageError{cat("there is no subcommand \"", arguments[at], "\"", of, "; nearest: ", nearest(arguments[at], names))};
}

int parse_and_run(const std::vector<std::string>& arguments) {
  CLI::App app("Model predictive control for legged robots", "tandem");
  app.set_version_flag("--version", "tandem " TANDEM_VERSION);
  app.require_subcommand(1);
  app.failure_message([](const CLI::App* used, const CLI::Error& error) {
    std::string words;  // of the innermost subcommand, whose options are meant
    while (!used->get_subcommands().empty()) used = used->get_subcommands().front(), words += used->get_name() + " ";
    return cat("tandem: ", error.what(), "; tandem ", words, "--help lists what there is\n");
  });
  add_play(app, arguments);
  add_eval(app, arguments);
  add_sweep(app, arguments);
  add_bench(app, arguments);
  add_compare(app, arguments);
  add_replay(app, arguments);
  add_fit(app, arguments);
  check_subcommand(app, arguments);
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend() - 1);  // as CLI11 takes a vector
  try {
    app.parse(reversed);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  return 0;
}

}  // namespace

int run_program(const std::vector<std::string>& arguments) {
  try {
    start_program();
    const int code = parse_and_run(arguments);
    if (code == 0) check_printed();
    return code;
  } catch (const UsageError& error) {
    std::fprintf(stderr, "tandem: %s\n", error.message.c_str());
    return kUsage;
  } catch (const Interrupted&) {
    std::fprintf(stderr, "tandem: interrupted\n");
    return kInterrupted;
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "tandem: out of memory; take fewer --worlds\n");
    return kFailure;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tandem: %s\n", error.what());
    return kFailure;
  }
}

}  // namespace tandem
