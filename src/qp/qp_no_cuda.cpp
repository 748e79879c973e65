#include "base/device.hpp"
#include "qp/solve.hpp"

namespace tandem {

void solve_cuda(const QpBatch&, const SolverSettings&) { throw_built_without_cuda(); }

}  // namespace tandem
