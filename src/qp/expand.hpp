// A stage-structured problem written out as one sparse QP, min 1/2 x'Px + q'x s.t. l <= Ax <= u, for tests and for other solvers. Allocates; not for
// control loops. docs/solver.md, eq. (1)-(4).
#pragma once

#include <string>
#include <vector>

#include "qp/qp.hpp"

namespace tandem {

struct Triplet {
  int row, col;
  double value;
};

// Variables: x_0, u_0, x_1, u_1, ..., x_N. Rows: x_0 (nx), then the dynamics of every stage (nx each), the exact mixed rows of every stage, then per
// stage the rows of C, D (k < N) and the boxes on x and u whose rho is positive. Soft mixed rows are part of P and q.
struct SparseQp {
  int variables = 0, rows = 0, equalities = 0;  // equalities: the first rows, (N + 1) nx and the exact mixed ones
  std::vector<Triplet> P;                       // both triangles; entries of one place add up
  std::vector<Triplet> A;
  std::vector<double> q, l, u;
};

// Where x_k and u_k start among the variables.
inline int variable_of_x(const QpDims& dims, int k) { return k * (dims.nx + dims.nu); }
inline int variable_of_u(const QpDims& dims, int k) { return k * (dims.nx + dims.nu) + dims.nx; }

// Dynamics of stage k of either kind as dense matrices: AB (nx, nx + nu), b (nx).
struct DenseDynamics {
  std::vector<double> AB, b;
};
DenseDynamics dense_dynamics(const QpView<double>& qp, int k);

// The kDense problem with the same solution as the kIntegrator problem `qp`; its dims are those of `qp` with Dynamics::kDense.
std::vector<double> integrator_to_dense(const QpView<double>& qp, QpDims& dims);

SparseQp expand(const QpView<double>& qp);

// Writes `qp` as JSON text: {"variables", "rows", "P": {"row": [...], "col": [...], "value": [...]}, "q", "A", "l", "u"}; infinite bounds as +-1e30.
// python/tandem/qp_export.py reads it. Throws Error where the file cannot be written.
void write_qp(const SparseQp& qp, const std::string& path);

}  // namespace tandem
