// The settings of the MPC by name: mpc.*, gait.*, weights.*, solver.*.
#pragma once

#include "model/fields.hpp"
#include "mpc/settings.hpp"

namespace tandem {

Fields fields(MpcSettings& settings);

}  // namespace tandem
