// Pinocchio as the reference of the benchmark: the same robot and states, results in our conventions.
#pragma once

#include <memory>
#include <vector>

#include "dynamics/bench/kernels.hpp"
#include "model/model.hpp"

namespace tandem {

class PinocchioReference {
 public:
  virtual ~PinocchioReference() = default;
  // Takes the states (n): q, v, a in our conventions.
  virtual void set_states(const std::vector<std::vector<double>>& q, const std::vector<std::vector<double>>& v,
                          const std::vector<std::vector<double>>& a) = 0;
  // Runs a kernel on state i; this is what is timed.
  virtual void run(BenchKernel kernel, int i) = 0;
  // What the last run found, in the layout of bench_output_size.
  virtual std::vector<double> result(BenchKernel kernel, int i) = 0;
};

// The reference for `model`, or nullptr in a build without Pinocchio.
std::unique_ptr<PinocchioReference> make_pinocchio_reference(const Model& model);

}  // namespace tandem
