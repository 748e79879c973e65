// The program `tandem-train`: ./tandem train. A program of its own, because it is the only one that needs Torch.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace tandem {

// Adds the options of the training to `app` and runs it when they are parsed. `argv` is for the report. Throws Error, and Interrupted after Ctrl-C, when
// everything is saved.
void add_train(CLI::App& app, const std::vector<std::string>& argv);

}  // namespace tandem
