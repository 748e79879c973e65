// What the host hands to the kernels of one instruction set: the batch and the scratch of one thread. Internal to src/mpc.
#pragma once

#include "mpc/mpc.hpp"
#include "mpc/view.hpp"

namespace tandem {

// Worlds are formed and solved in groups that fit the second-level cache together.
inline constexpr int kGroup = 4;
// Worlds that one call of step_worlds may cover: the lanes of the widest vector, so that inverse dynamics fills it.
inline constexpr int kChunk = 16;

struct MpcBatch {
  float* worlds;  // blocks of world_size(), padded to world_stride
  int world_stride;
  float* solutions;  // QP solutions, warm start of the next solve
  int solution_stride;
  const double *q, *v, *command;  // (nworld, nq), (nworld, nv), (nworld, 4)
  const double* ground;           // (nworld, 3) or nullptr: level at 0
  const unsigned char* active;    // (nworld) or nullptr
  MpcOutput* output;
  MpcProfile* profile;  // nullptr: do not measure
};

// Functions of one instruction set.
struct MpcKernels {
  // Scratch of one thread, in floats.
  int (*scratch_size)(const MpcView<float>& mpc, const SolverSettings& solver);
  // Zero-fills the scratch and writes the constant parts of its QPs.
  void (*init_scratch)(const MpcView<float>& mpc, const SolverSettings& solver, float* scratch);
  // One control step of worlds [begin, end), at most kChunk of them.
  void (*step_worlds)(const MpcView<float>& mpc, const SolverSettings& solver, const MpcBatch& batch, int begin, int end, float* scratch);
  // Forms the QP of one world (for tests): the first QP block of the scratch. Changes the plan it is given.
  void (*form_world)(const MpcView<float>& mpc, float* world, const float* q, const float* v, float* qp, float* scratch);
};

namespace avx2 {
MpcKernels mpc_kernels();
}
namespace avx512 {
MpcKernels mpc_kernels();
}

}  // namespace tandem
