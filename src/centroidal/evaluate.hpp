// The cost and the prediction of a centroidal MPC at single nodes, in double, with all derivatives: what fitting theta needs. docs/centroidal.md, section 8.
//
//   stage cost = features . theta + penalties       (linear in theta; the features do not depend on it)
//   x_next     = F(x, u; momentum multipliers)
#pragma once

#include <memory>
#include <span>

#include "centroidal/settings.hpp"
#include "centroidal/view.hpp"

namespace tandem {

// Derivatives of one prediction, row-major.
struct StepDerivatives {
  std::vector<double> A;      // by x  (nx, nx)
  std::vector<double> B;      // by u  (nx, nu)
  std::vector<double> theta;  // by the momentum multipliers  (nx, 6)
};

// Not for use by several threads at once: make one for each. Nothing allocates after it is made, unless said.
class CentroidalEvaluator {
 public:
  // Throws Error where robot and settings do not fit together.
  CentroidalEvaluator(const Robot& robot, const CentroidalSettings& settings);
  ~CentroidalEvaluator();
  CentroidalEvaluator(CentroidalEvaluator&&) noexcept;

  int nx() const;      // states, and inputs
  int ntheta() const;  // multipliers; their blocks: theta_blocks(nx - 12)

  // Multipliers that predict() and gradient() use (ntheta); all 1 at first.
  void set_theta(std::span<const double> theta);

  // Adds the features of a stage, times dt, to `features` (ntheta): what each multiplier is multiplied with. Those of the momentum rows, of the terminal
  // cost and of terms without nominal weight are zero. Returns the penalties times dt.
  double stage_features(const CentroidalNodeInput<double>& node, std::span<double> features);
  // Adds the features of the last state.
  void terminal_features(const CentroidalNodeInput<double>& node, std::span<double> features);

  // The stage cost with penalties, times dt, and its gradient by x (nx) and u (nx).
  double gradient(const CentroidalNodeInput<double>& node, std::span<double> gx, std::span<double> gu);
  // The terminal cost and its gradient by x.
  double terminal_gradient(const CentroidalNodeInput<double>& node, std::span<double> gx);

  // The next state (nx). With `derivatives` (sized here at its first use) those too.
  void predict(const CentroidalNodeInput<double>& node, std::span<double> next, StepDerivatives* derivatives = nullptr);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// A node of a plan in double.
CentroidalNodeInput<double> widen(const CentroidalNodeInput<float>& node);

}  // namespace tandem
