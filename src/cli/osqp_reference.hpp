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

// A new folder that goes away with its owner.
struct TemporaryFolder {
  std::string path;
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
};

// Problems (data of qp_size(dims) each) as qp_00000.json, ... in a folder: compact_problem() where that is possible, else expand(). Throws Error where one
// cannot be written.
struct ExportedProblems {
  TemporaryFolder folder;
  ExportedProblems(const QpDims& dims, const std::vector<std::vector<float>>& problems);
};

// Solves the problems (data of qp_size(dims) each). Throws Error if Python or OSQP is missing, saying how to install it.
OsqpReference run_osqp(const QpDims& dims, const std::vector<std::vector<float>>& problems);

}  // namespace tandem
