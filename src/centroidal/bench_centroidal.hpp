// Benchmark of the centroidal MPC: a control step of one robot on one core, by stage.
#pragma once

#include <vector>

#include "base/bench.hpp"
#include "centroidal/centroidal.hpp"

namespace tandem {

struct CentroidalBench {
  BenchRow row;                        // one world, one thread; check: error of the step against an exact solution of its QP in double, relative
  CentroidalProfile median;            // median time by stage [s]
  std::vector<std::vector<float>> qp;  // problems of the run, qp_size(dims) each, for other solvers to be timed on
  QpDims dims;
};

// Steps a disturbed robot in the first phases of its gait for `seconds`. Throws Error if the check fails.
CentroidalBench bench_centroidal(const Robot& robot, const CentroidalSettings& settings, double seconds = 1);

}  // namespace tandem
