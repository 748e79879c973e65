// Other programs run from this one: git, and the project's Python for pictures and reference solvers.
#pragma once

#include <string>
#include <vector>

namespace tandem {

enum ChildOutput {
  kInherit,       // prints where this program prints
  kCapture,       // its stdout is kept, its stderr goes where ours goes
  kCaptureQuiet,  // its stdout is kept, its stderr is dropped
};

struct ChildResult {
  int status;          // exit status; 127 if the program could not be started, 128 + n if signal n ended it
  std::string output;  // what it printed to stdout, if captured
};

// Runs argv[0] with the extra environment ("NAME=value") and waits for it. Throws Interrupted after Ctrl-C or a polite kill, which are passed on, when the
// child has ended; it does not outlive this program.
ChildResult run_child(const std::vector<std::string>& argv, const std::vector<std::string>& environment, ChildOutput output);

// How to start `python -m module` with the project's packages, as words of a command line: interpreter TANDEM_PYTHON, and failing that .venv/bin/python of
// the project's folder.
std::vector<std::string> python_command(const std::string& module);

// Runs `python -m module arguments...` with the project's packages: interpreter TANDEM_PYTHON, and failing that .venv/bin/python of the project's folder.
// Status 127 if there is no such interpreter.
ChildResult run_python(const std::string& module, const std::vector<std::string>& arguments, ChildOutput output);

// Has a module draw the report of a subcommand; says so where it could not.
void draw_report(const std::string& module, const std::string& report, const std::string& subcommand);

}  // namespace tandem
