// The program `tandem-train`, which ./tandem train runs. Exit codes as those of `tandem`.
#include <cstdio>
#include <exception>

#include "base/isa.hpp"
#include "cli/progress.hpp"
#include "cli/train.hpp"

int main(int argc, char** argv) {
  constexpr int kFailure = 1, kInterrupted = 130;
  try {
    tandem::detect_isa();  // a machine that cannot run the kernels is told so before anything starts
    tandem::catch_interrupts();
    std::vector<std::string> arguments(argv, argv + argc);
    arguments[0] = "./tandem";  // as it is called, not where it was built
    const auto parsed = tandem::parse_train_options(arguments);
    if (const int* code = std::get_if<int>(&parsed)) return *code;
    tandem::train(std::get<tandem::TrainOptions>(parsed));
    return 0;
  } catch (const tandem::Interrupted&) {
    return kInterrupted;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tandem: %s\n", error.what());
    return kFailure;
  }
}
