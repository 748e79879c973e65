// The arrays of a model in a block of constants that is copied to a device.
#pragma once

#include "base/constant_block.hpp"
#include "model/model_view.hpp"

namespace tandem {

// Appends them; the pointers of `view`, a copy of arrays.view, are turned with the block.
template <class S>
void add_model(const ModelArrays<S>& arrays, ModelView<S>& view, ConstantBlock& block) {
  ModelView<S>& m = view;
  block.add(arrays.ints, {&m.parent, &m.level_start, &m.level_body, &m.child_start, &m.child_body, &m.joint_type, &m.contact_body, &m.contact_foot});
  block.add(arrays.reals, {&m.mass, &m.com, &m.inertia, &m.p_PJ, &m.R_PB, &m.axis, &m.anchor, &m.armature, &m.p_BC});
}

}  // namespace tandem
