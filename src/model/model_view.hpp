// ModelView<S>: the Model as raw arrays of float or double that kernels read, on the host or on a device. ModelArrays<S> owns them on the host.
#pragma once

#include <vector>

#include "model/model.hpp"

namespace tandem {

template <class S>
struct ModelView {
  int nbody, njnt, nq, nv, ncon, nfoot, nlevel;
  int nbase;  // degrees of freedom of the base: 6 or 0; joint j is velocity nbase + j
  S gravity[3];
  const int* parent;        // (nbody)
  const int* level_start;   // bodies at depth d: level_body[level_start[d] .. level_start[d + 1])  (nlevel + 1)
  const int* level_body;    // (nbody)
  const int* child_start;   // children of body i: child_body[child_start[i] .. child_start[i + 1])  (nbody + 1)
  const int* child_body;    // (nbody - 1)
  const int* joint_type;    // per body: 0 hinge, 1 slide, of the joint that moves it; base: -1  (nbody)
  const S* mass;            // (nbody)
  const S* com;             // (nbody, 3)
  const S* inertia;         // xx yy zz xy xz yz about com  (nbody, 6)
  const S* p_PJ;            // anchor of the body's joint in the parent frame at q = 0: p_PB + R_PB anchor  (nbody, 3)
  const S* R_PB;            // (nbody, 9)
  const S* axis;            // per body, in its own frame; base: zero  (nbody, 3)
  const S* anchor;          // per body; base: zero  (nbody, 3)
  const S* armature;        // per body; base: zero  (nbody)
  const int* contact_body;  // (ncon)
  const int* contact_foot;  // (ncon)
  const S* p_BC;            // (ncon, 3)
};

template <class S>
struct ModelArrays {
  std::vector<int> ints;
  std::vector<S> reals;
  ModelView<S> view;
};

// Copies `model` into flat arrays; view points into them (move it, do not copy it).
template <class S>
ModelArrays<S> make_arrays(const Model& model);

}  // namespace tandem
