// Times of the dynamics kernels on one core: each checked, then timed, then compared with Pinocchio on the same states. docs/dynamics.md, section 10.
#pragma once

#include <vector>

#include "base/bench.hpp"
#include "model/model.hpp"

namespace tandem {

// Rows for forward kinematics, RNEA, CRBA, the centroidal momentum matrix and the derivatives of RNEA, each from q (v, a) alone: one robot in double, one
// in float, and as many as fit into the vector lanes of the processor. Pinocchio is the reference where the build found it (TANDEM_PIN_DIR), otherwise
// `reference` is empty. Check: largest entry error over largest entry, against Pinocchio in double, against our double in float.
//   model    floating base, bodies in depth-first order, as the loader gives them: Pinocchio needs that
//   seconds  about how long one row is timed [s]
// Throws Error if the base is fixed, or if a check fails (1e-9 in double, 1e-4 in float): a wrong kernel has no speed.
std::vector<BenchRow> bench_dynamics(const Model& model, double seconds = 0.2);

}  // namespace tandem
