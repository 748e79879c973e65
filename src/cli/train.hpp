// The program `tandem-train`: ./tandem train. A program of its own, because it is the only one that needs Torch.
#pragma once

#include "cli/train_settings.hpp"

namespace tandem {

// Builds task and learner from the options, trains, reports. Throws Error, and Interrupted after Ctrl-C, when everything is saved.
void train(const TrainOptions& options);

}  // namespace tandem
