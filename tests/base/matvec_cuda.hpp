// matvec_twice on a CUDA device, for the test of the CUDA teams.
#pragma once

#include <vector>

namespace tandem {

enum class CudaTeam { kBlock, kWarp };

// z = A (A x) in every world: A (nworld, n, n), x (nworld, n), returns z (nworld, n). Throws Error without CUDA or without a device.
std::vector<double> matvec_twice_cuda(CudaTeam team, int nworld, int n, const std::vector<double>& A, const std::vector<double>& x);

}  // namespace tandem
