// Batches of QPs: problems spread over threads, and on each core one after the other or side by side in SIMD lanes; or one per block on a GPU.
#pragma once

#include <memory>

#include "base/isa.hpp"
#include "qp/qp.hpp"

namespace tandem {

// How a core takes its problems.
enum class Lanes {
  kSingle,  // one at a time, vector code inside the matrix products: the default, faster where a problem's matrices are wider than a vector register
  kPack,    // 8 (AVX2) or 16 (AVX-512) at a time, one per lane of every register: the same results to rounding, for problems with small matrices
};

// nworld problems of the same dims, world-major. The caller owns the memory; 64-byte alignment is not needed.
struct QpBatch {
  QpDims dims;
  int nworld;
  const float* qp;  // problems, read  (nworld, qp_size(dims))
  float* solution;  // warm starts, read and written  (nworld, solution_size(dims))
  QpInfo* info;     // written  (nworld)
};

// Scratch and threads for batches of one set of dims; makes no difference to results.
class Workspace {
 public:
  // threads: 0 = one per processor. isa: which copy of the kernels; the processor must have it. Throws Error where dims or settings make no sense.
  Workspace(const QpDims& dims, const SolverSettings& settings, int threads = 0, Lanes lanes = Lanes::kSingle, Isa isa = detect_isa());
  ~Workspace();
  Workspace(Workspace&&) noexcept;

  struct State;
  State& state() { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

// Throws Error unless the sizes are consistent and the settings in range, naming the one that is not.
void check_problem(const QpDims& dims, const SolverSettings& settings);

// Solves all problems of the batch (what is written: solve_qp in qp/qp_kernel.hpp). Does not allocate. A problem with bad data gets its Status and
// does not disturb the others; results do not depend on the number of threads, bit by bit.
// Throws Error, before any work, where dims or mode are not those of the workspace.
void solve(const QpBatch& batch, const SolverSettings& settings, Workspace& workspace);

// The same on a CUDA device, one block of 128 threads per problem; the batch is in host memory and copied. Throws Error in a build without CUDA or on
// a machine without a device. Results agree with the CPU's to rounding.
void solve_cuda(const QpBatch& batch, const SolverSettings& settings);

}  // namespace tandem
