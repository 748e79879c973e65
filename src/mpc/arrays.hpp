// MpcArrays<S>: owns on the host what an MpcView<S> points to. Built once from a Model and MpcSettings.
#pragma once

#include <vector>

#include "model/model_view.hpp"
#include "mpc/settings.hpp"
#include "mpc/view.hpp"

namespace tandem {

template <class S>
struct MpcArrays {
  ModelArrays<S> model;
  std::vector<S> reals;
  std::vector<int> ints;
  MpcView<S> view;
};

// Throws Error where model and settings do not fit together. align: QpDims::align.
template <class S>
MpcArrays<S> make_arrays(const Model& model, const MpcSettings& settings, int align);

}  // namespace tandem
