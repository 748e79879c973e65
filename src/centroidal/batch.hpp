// What the host hands to the kernels of one instruction set. Internal to src/centroidal.
#pragma once

#include "centroidal/centroidal.hpp"
#include "centroidal/plan_kernel.hpp"

namespace tandem {

// One control step of one world.
struct CentroidalTask {
  const CentroidalView<float>* view;
  const PlanView<float>* plan;
  PlanOrder<float> order;
  bool started;                       // the plan is one to go on from
  CentroidalNodeInput<float>* nodes;  // the plan  (N + 1)
  int iterations;                     // Gauss-Newton steps
  CentroidalProfile* profile;         // nullptr: do not measure
};
struct CentroidalAnswer {
  QpInfo info;
  float cost;  // of the plan that was linearised
};

// Functions of one instruction set.
struct CentroidalKernels {
  size_t (*scratch_size)(const CentroidalView<float>& view);  // floats, for one thread
  void (*init_scratch)(const CentroidalView<float>& view, float* scratch);
  // Moves the plan on, linearises, solves, and moves it by the solution if that is usable.
  CentroidalAnswer (*step_world)(const CentroidalTask& task, float* scratch);
  // Forms the QP of the task into `qp` (qp_size) without solving it; the plan is moved on.
  void (*form_world)(const CentroidalTask& task, float* scratch, float* qp);
};

namespace avx2 {
CentroidalKernels centroidal_kernels();
}
namespace avx512 {
CentroidalKernels centroidal_kernels();
}

}  // namespace tandem
