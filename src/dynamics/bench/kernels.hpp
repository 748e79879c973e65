// The timed kernels, compiled once per instruction set; one call is one robot, or one robot in each vector lane.
#pragma once

#include "model/model_view.hpp"

namespace tandem {

enum class BenchKernel { kForwardKinematics, kRnea, kCrba, kCentroidal, kRneaDerivatives };
inline constexpr BenchKernel kBenchKernels[] = {BenchKernel::kForwardKinematics, BenchKernel::kRnea, BenchKernel::kCrba, BenchKernel::kCentroidal,
                                                BenchKernel::kRneaDerivatives};

// Arrays of one call; with lanes, entry i of lane l is at [i * lanes + l], and everything is aligned to 64 bytes.
template <class T>
struct BenchBuffers {
  const T* q;  // (nq)
  const T* v;  // (nv)
  const T* a;  // (nv)
  T* out;      // (bench_output_size)
  T* memory;   // (bench_memory_size)
};

// What a kernel writes: body rotations (nbody, 9) and positions (nbody, 3), world axes, base at its place; tau (nv); M (nv, nv); A_G (6, nv), linear part
// last, and h_G (6); dtau/dq and dtau/dv (nv, nv).
int bench_output_size(BenchKernel kernel, int nbody, int nv);
int bench_memory_size(int nbody, int nv);

struct BenchFunctions {
  int lanes;
  void (*run_double)(BenchKernel, const ModelView<double>&, const BenchBuffers<double>&);
  void (*run_float)(BenchKernel, const ModelView<float>&, const BenchBuffers<float>&);
  void (*run_lanes)(BenchKernel, const ModelView<float>&, const BenchBuffers<float>&);
};

namespace avx2 {
BenchFunctions bench_functions();
}
namespace avx512 {
BenchFunctions bench_functions();
}

}  // namespace tandem
