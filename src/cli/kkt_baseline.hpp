// Torch's batched dense factorisations on our own problems, run in the project's Python: what a general solver makes of them on the same device.
// python/tandem/kkt_baseline.py.
#pragma once

#include <string>
#include <vector>

#include "cli/report.hpp"
#include "qp/qp.hpp"

namespace tandem {

// What the program reports, with the key "robot"; {"robot": ..., "problem": why} where it could not be run.
//   problems          data of qp_size(dims) each
//   device            "cpu" or "cuda"
//   robots, iterations  sizes of batches, solves per factorisation; each with each
Json run_kkt_baseline(const std::string& robot, const QpDims& dims, const std::vector<std::vector<float>>& problems, const std::string& device,
                      const std::vector<int>& robots, const std::vector<int>& iterations);

}  // namespace tandem
