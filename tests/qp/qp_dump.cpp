// qp_dump FOLDER: writes random problems and our solutions of them, for test_peers.py, which solves the same problems with OSQP and PIQP.
//   <name>.json           the sparse QP
//   <name>.<method>.txt   our variables, one per line: optimum (kRiccati until it has converged), osqp_scaling_0, osqp_scaling_10 (kOsqp, 25 iterations)
#include <cstdio>
#include <fstream>
#include <string>

#include "qp/qp_kernel.hpp"
#include "tests/support/qp_problems.hpp"

namespace {

using namespace tandem;

void write_solution(RandomProblem& p, const SolverSettings& settings, const std::string& path) {
  std::vector<double> data(solution_size(p.dims)), work(qp_workspace_size(p.dims, settings));
  const SolutionView<double> solution = solution_view(p.dims, data.data());
  LaneInfo<double> info;
  solve_qp(SerialTeam{}, settings, problem_view(p), solution, info, work.data());
  std::ofstream file(path);
  file.precision(17);
  for (double v : test::variables(solution)) file << v << "\n";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: qp_dump FOLDER\n", stderr);
    return 2;
  }
  QpDims dense;
  dense.N = 8, dense.nx = 9, dense.nu = 4, dense.nc = 3, dense.nd = 2, dense.dense_cost = true;
  const std::pair<const char*, QpDims> kinds[] = {
      {"integrator", integrator_dims(8, 6, 6, 6, 4, 6)}, {"dense", dense}, {"humanoid", integrator_dims(11, 6, 18, 12, 10, 16)}};
  for (const auto& [kind, dims] : kinds) {
    for (unsigned seed : {1u, 2u, 3u}) {
      RandomProblem p = random_problem(dims, {.seed = seed, .tightness = 0.5, .rho = 3});
      const std::string path = std::string(argv[1]) + "/" + kind + std::to_string(seed);
      write_qp(expand(problem_view(p)), path + ".json");
      write_solution(p, {.iterations = 15000}, path + ".optimum.txt");
      for (int scaling : {0, 10}) {
        const SolverSettings osqp{.mode = SolverMode::kOsqp, .iterations = 25, .osqp_scaling = scaling};
        write_solution(p, osqp, path + ".osqp_scaling_" + std::to_string(scaling) + ".txt");
      }
    }
  }
  return 0;
}
