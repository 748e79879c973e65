// What a thread of solve() does, one copy per instruction set (qp_cpu.cpp).
#pragma once

#include <vector>

#include "qp/copy.hpp"
#include "qp/solve.hpp"

namespace tandem {

struct CpuTask {
  QpDims dims;       // of the caller's blocks
  QpDims work_dims;  // of the blocks that the kernel works on
  SolverSettings settings;
  Lanes lanes;
  // between the two; with Lanes::kPack the target is one lane of a Pack
  std::vector<Run> problem_in, solution_in, solution_out;
};

struct CpuKernels {
  int pack_lanes;
  size_t (*memory)(const CpuTask& task);  // floats of scratch for one thread
  // solves problems [begin, end) of the batch; `memory` is 64-byte aligned
  void (*solve)(const CpuTask& task, const QpBatch& batch, int begin, int end, float* memory);
};

namespace avx2 {
CpuKernels qp_kernels();
}
namespace avx512 {
CpuKernels qp_kernels();
}

}  // namespace tandem
