// The program `tandem` as one function: main() of the program and `python -m tandem` call it.
#pragma once

#include <string>
#include <vector>

namespace tandem {

// Parses the command line and runs its subcommand. Returns the exit code: 0; 1 after one line on stderr for a mistake of the caller; 2 for a wrong
// option; 130 after Ctrl-C. Never throws. Takes over SIGINT and SIGTERM of the process.
//   arguments  as of main(); the first is how reports name the program: "./tandem"
int run_program(const std::vector<std::string>& arguments);

}  // namespace tandem
