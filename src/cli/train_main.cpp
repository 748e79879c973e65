// The program `tandem-train`, which ./tandem train runs. Exit codes as those of `tandem`.
#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <string_view>

#include "cli/progress.hpp"
#include "cli/report.hpp"
#include "cli/train.hpp"

int main(int argc, char** argv) {
  constexpr int kFailure = 1, kInterrupted = 130;
  try {
    tandem::start_program();
    std::vector<std::string> arguments(argv, argv + argc);
    arguments[0] = "./tandem";  // as it is called, not where it was built
    const auto parsed = tandem::parse_train_options(arguments);
    const int* code = std::get_if<int>(&parsed);
    if (!code) tandem::train(std::get<tandem::TrainOptions>(parsed));
    if (!code || *code == 0) tandem::check_printed();
    return code ? *code : 0;
  } catch (const tandem::Interrupted&) {
    return kInterrupted;
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "tandem: out of memory; take fewer --worlds\n");
    return kFailure;
  } catch (const std::exception& error) {
    const std::string_view what = error.what();  // Torch goes on for many lines
    std::fprintf(stderr, "tandem: %s\n", std::string(what.substr(0, what.find('\n'))).c_str());
    return kFailure;
  }
}
