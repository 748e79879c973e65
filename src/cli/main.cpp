// The program `tandem`; cli/program.hpp does the work.
#include "cli/program.hpp"

int main(int argc, char** argv) {
  std::vector<std::string> arguments(argv, argv + argc);
  arguments[0] = "./tandem";  // as it is called, not where it was built
  return tandem::run_program(arguments);
}
