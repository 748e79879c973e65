// Random stage-structured problems, for tests and benchmarks.
#pragma once

#include <vector>

#include "qp/qp.hpp"

namespace tandem {

struct RandomProblem {
  QpDims dims;
  std::vector<double> data;  // (qp_size(dims))
};

inline namespace TANDEM_ISA {
inline QpView<double> problem_view(RandomProblem& p) { return qp_view(p.dims, p.data.data()); }
}  // namespace TANDEM_ISA

struct RandomQp {
  unsigned seed = 1;
  double tightness = 0;  // 0: rows and boxes switched off; larger: tighter bounds, more of them active
  double rho = 1;        // penalty of every row and box
};

// A convex problem of the given sizes whose rows are feasible at a random trajectory. Every fifth lower and seventh upper bound is infinite.
RandomProblem random_problem(const QpDims& dims, const RandomQp& options);

}  // namespace tandem
