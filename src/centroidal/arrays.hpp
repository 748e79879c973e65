// CentroidalArrays<S>: owns on the host what a CentroidalView<S> points to. Built from a Robot, CentroidalSettings and theta.
#pragma once

#include <span>
#include <vector>

#include "centroidal/lock_joints.hpp"
#include "centroidal/settings.hpp"
#include "centroidal/view.hpp"

namespace tandem {

template <class S>
struct CentroidalArrays {
  LockedModel locked;
  ModelArrays<S> model;
  StageTerms<double> nominal;  // weights at theta = 1
  double nominal_terminal[kMaxState];
  CentroidalView<S> view;
};

// theta = 1. Throws Error, naming value, expectation and cure, where robot and settings do not fit together.
template <class S>
CentroidalArrays<S> make_arrays(const Robot& robot, const CentroidalSettings& settings);

// Sets weights and momentum rows to nominal value times theta (theta_size).
template <class S>
void set_theta(std::span<const double> theta, CentroidalArrays<S>& arrays);

}  // namespace tandem
