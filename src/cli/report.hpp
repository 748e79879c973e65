// What every subcommand leaves behind: a printed table and, with --json FILE, one JSON object {argv, commit, machine, settings, results}.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace tandem {

using Json = nlohmann::ordered_json;

// The project's folder: TANDEM_ROOT, and failing that the source tree the program was built from.
std::string project_root();

// {"commit": "<hash>", "<hash>+dirty" with uncommitted changes, "unknown" outside a git checkout}: of the project's folder, now.
std::string commit();

// Processor model, cores that this process may use, instruction set that the kernels use, memory [GiB], operating system.
Json machine();

// A number for JSON, which has neither NaN nor infinity: null instead.
Json number(double value);

// As text, also where a path in it has bytes that are no UTF-8: these become the replacement character.
//   indent  of one level; -1: a single line
std::string to_text(const Json& json, int indent = 1);

// Throws Error if `path` cannot be written, before hours of work are spent on what goes there. An empty path is fine.
void check_report_path(const std::string& path);

// Writes the object to `path` so that the file is whole or absent: first beside it, then renamed. An empty path writes nothing. Throws Error.
void write_report(const std::string& path, const std::vector<std::string>& argv, const Json& settings, const Json& results);

// What every program does first: keeps a file that is opened later from taking the place of a standard output that was closed; robots are those of
// TANDEM_ROOT where it has some, unless TANDEM_ROBOTS names other ones; throws Error on a machine that cannot run the kernels; Ctrl-C interrupts.
void start_program();
// Throws Error unless everything that was printed has been written.
void check_printed();

// Columns of text, the first left-aligned, the others right-aligned; the first row is the heading.
class Table {
 public:
  explicit Table(std::vector<std::string> heading) : rows_{std::move(heading)} {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  void print() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// `value` with so many digits after the point; "-" for NaN.
std::string fixed(double value, int digits);

}  // namespace tandem
