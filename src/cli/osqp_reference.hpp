// OSQP (PyPI) on our own problems, run in the project's Python: the reference of the benchmarks, measured in the same run. python/tandem/osqp_reference.py.
#pragma once

#include <string>
#include <vector>

#include "qp/expand.hpp"

namespace tandem {

struct OsqpReference {
  std::string version;                     // "1.1.3"
  std::vector<double> us;                  // per problem: new data, scaling, factorisation, 25 iterations [us]
  std::vector<std::vector<double>> paper;  // after 25 iterations: x_0 (nx), u_0 (kIntegrator: its forces alone, nf), x_1 (nx)
  std::vector<std::vector<double>> exact;  // the same at convergence; empty where there is no solution
};

// A problem of a mechanical system in the variables of the paper, x_0, F_0, x_1, F_1, ..., x_N: joint velocities of the next node take the place of the
// inputs w that set them. That leaves far sparser rows than expand(), and gives OSQP the fastest form of the problem that we know. Rows and boxes that are
// switched off (rho = 0) are left out. Throws Error where costs or rows act on w.
SparseQp compact_problem(const QpView<double>& qp);

// Solves the problems (data of qp_size(dims) each). Throws Error if Python or OSQP is missing, saying how to install it.
OsqpReference run_osqp(const QpDims& dims, const std::vector<std::vector<float>>& problems);

}  // namespace tandem
