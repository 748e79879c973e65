#include "model/model_view.hpp"

#include <algorithm>

namespace tandem {
namespace {

// Collects arrays first and takes their addresses afterwards, when nothing moves any more.
template <class T>
struct Packer {
  std::vector<T> all;
  std::vector<std::pair<const T**, size_t>> slots;

  template <class V>
  void add(const T** slot, const V& values) {
    slots.emplace_back(slot, all.size());
    for (const auto& value : values) all.push_back(static_cast<T>(value));
  }
  void finish(std::vector<T>& storage) {
    storage = std::move(all);
    for (auto& [slot, offset] : slots) *slot = storage.data() + offset;
  }
};

// Puts `width` zeros (the base's entry) before joint data, so that it can be indexed by body.
std::vector<double> by_body(const std::vector<double>& by_joint, int width) {
  std::vector<double> out(width, 0.0);
  out.insert(out.end(), by_joint.begin(), by_joint.end());
  return out;
}

}  // namespace

template <class S>
ModelArrays<S> make_arrays(const Model& model) {
  ModelArrays<S> arrays;
  ModelView<S>& view = arrays.view;
  const int nbody = model.nbody;

  std::vector<int> depth(nbody, 0), joint_type(nbody, -1);
  std::vector<std::vector<int>> children(nbody);
  for (int i = 1; i < nbody; ++i) {
    depth[i] = depth[model.parent[i]] + 1;
    children[model.parent[i]].push_back(i);
    joint_type[i] = static_cast<int>(model.joint_type[i - 1]);
  }
  const int nlevel = 1 + *std::max_element(depth.begin(), depth.end());
  std::vector<int> level_start{0}, level_body, child_start{0}, child_body;
  for (int d = 0; d < nlevel; ++d) {
    for (int i = 0; i < nbody; ++i)
      if (depth[i] == d) level_body.push_back(i);
    level_start.push_back(static_cast<int>(level_body.size()));
  }
  for (int i = 0; i < nbody; ++i) {
    child_body.insert(child_body.end(), children[i].begin(), children[i].end());
    child_start.push_back(static_cast<int>(child_body.size()));
  }

  // anchor in the parent frame: p_PB + R_PB anchor
  const std::vector<double> anchor = by_body(model.anchor, 3);
  std::vector<double> p_PJ(3 * nbody);
  for (int i = 0; i < nbody; ++i)
    for (int r = 0; r < 3; ++r) {
      p_PJ[3 * i + r] = model.p_PB[3 * i + r];
      for (int c = 0; c < 3; ++c) p_PJ[3 * i + r] += model.R_PB[9 * i + 3 * r + c] * anchor[3 * i + c];
    }
  std::vector<int> contact_body, contact_foot;
  std::vector<double> p_BC;
  for (const ContactPoint& contact : model.contacts) {
    contact_body.push_back(contact.body);
    contact_foot.push_back(contact.foot);
    p_BC.insert(p_BC.end(), contact.p_BC, contact.p_BC + 3);
  }

  view.nbody = nbody;
  view.njnt = model.njnt;
  view.nq = model.nq;
  view.nv = model.nv;
  view.ncon = static_cast<int>(model.contacts.size());
  view.nfoot = static_cast<int>(model.foot_name.size());
  view.nlevel = nlevel;
  view.nbase = model.floating ? 6 : 0;
  for (int r = 0; r < 3; ++r) view.gravity[r] = static_cast<S>(model.gravity[r]);

  Packer<int> ints;
  ints.add(&view.parent, model.parent);
  ints.add(&view.level_start, level_start);
  ints.add(&view.level_body, level_body);
  ints.add(&view.child_start, child_start);
  ints.add(&view.child_body, child_body);
  ints.add(&view.joint_type, joint_type);
  ints.add(&view.contact_body, contact_body);
  ints.add(&view.contact_foot, contact_foot);
  ints.finish(arrays.ints);

  Packer<S> reals;
  reals.add(&view.mass, model.mass);
  reals.add(&view.com, model.com);
  reals.add(&view.inertia, model.inertia);
  reals.add(&view.p_PJ, p_PJ);
  reals.add(&view.R_PB, model.R_PB);
  reals.add(&view.axis, by_body(model.axis, 3));
  reals.add(&view.anchor, anchor);
  reals.add(&view.armature, by_body(model.armature, 1));
  reals.add(&view.p_BC, p_BC);
  reals.finish(arrays.reals);
  return arrays;
}

template ModelArrays<float> make_arrays<float>(const Model&);
template ModelArrays<double> make_arrays<double>(const Model&);

}  // namespace tandem
