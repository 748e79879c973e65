// The whole-body MPC of src/mpc as the fit sees it: one multiplier per kind of weight, left and right together. docs/cost-matching.md, section 6.
#pragma once

#include <memory>
#include <span>

#include "mpc/mpc.hpp"
#include "sim/simulator.hpp"
#include "tune/matched_mpc.hpp"

namespace tandem {

// Only FeatureMode::kRecorded. The groups of theta name the weights.
MatchedMpc matched_kinodynamic(const Model& model, const MpcSettings& settings);

// The settings with their weights multiplied by theta: what to make the Mpc from that is deployed. Throws Error on a wrong size or entries that are not
// positive.
MpcSettings with_theta(const Model& model, MpcSettings settings, std::span<const double> theta);

// Records one world of a closed loop under the whole-body MPC; used as CentroidalRecorder.
class KinodynamicRecorder {
 public:
  KinodynamicRecorder(const Mpc& mpc, int world, std::span<const double> theta);
  ~KinodynamicRecorder();
  KinodynamicRecorder(KinodynamicRecorder&&) noexcept;

  void begin();
  void planned(const Mpc& mpc, std::span<const double> q, std::span<const double> v, std::span<const double> command);  // of this world, as measured
  void measured(const Simulator& sim);
  Recording finish(bool fell);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tandem
