// Times of the QP solver on problems of the robots' sizes: each checked against the solution in double, then timed. docs/solver.md, section 8.
#pragma once

#include <string>
#include <vector>

#include "base/bench.hpp"
#include "qp/qp.hpp"

namespace tandem {

// Problems of one robot in float, dims.align = 16.
struct BenchProblems {
  std::string robot;
  QpDims dims;
  int count;
  std::vector<float> qp;  // (count, qp_size(dims))
};

// Random problems of the sizes of mit_humanoid, unitree_go2 and unitree_g1, `count` each.
std::vector<BenchProblems> random_bench_problems(int count);

// Per robot: the whole solve of one problem on one core (AVX2 and, where there is one, AVX-512; alone and in the lanes of a Pack), its factorisation and
// one iteration (from solves with 10 and 30 iterations), the batch of all problems on all cores, and our OSQP splitting at 25 iterations.
//   iterations  of the solves
//   seconds     about how long one row is timed [s]
// check: largest error of an input against the same iterations in double, over the largest input. Throws Error where that is above 1e-2: a wrong solver
// has no speed.
std::vector<BenchRow> bench_qp(const std::vector<BenchProblems>& problems, int iterations = 10, double seconds = 0.3);

}  // namespace tandem
