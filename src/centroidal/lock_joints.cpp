#include "centroidal/lock_joints.hpp"

#include "base/check.hpp"
#include "dynamics/kinematics_kernel.hpp"
#include "math/spatial.hpp"

namespace tandem {
namespace {

// Mass properties of one body about its own origin, in its own axes.
Inertia<double> inertia_of(const Model& m, int i) {
  return body_inertia(m.mass[i], &m.inertia[6 * i], identity3<double>(), load3<double>(&m.com[3 * i]));
}

void set_inertia(Model& m, int i, const Inertia<double>& I) {
  const Vec3<double> c = I.m > 0 ? (1 / I.m) * I.h : Vec3<double>{0, 0, 0};
  const double cc = dot(c, c);
  m.mass[i] = I.m;
  store3(&m.com[3 * i], c);
  const double about[6] = {I.I[0] - I.m * (cc - c.x * c.x), I.I[1] - I.m * (cc - c.y * c.y), I.I[2] - I.m * (cc - c.z * c.z),
                           I.I[3] + I.m * c.x * c.y,        I.I[4] + I.m * c.x * c.z,        I.I[5] + I.m * c.y * c.z};
  std::copy(about, about + 6, &m.inertia[6 * i]);
}

// Pose of each body in its parent at joint position q.
Pose<double> pose_in_parent(const Model& m, int i, double q) {
  const Mat3<double> R_PB = load33<double>(&m.R_PB[9 * i]);
  const Vec3<double> p_PB = load3<double>(&m.p_PB[3 * i]), axis = load3<double>(&m.axis[3 * (i - 1)]), anchor = load3<double>(&m.anchor[3 * (i - 1)]);
  if (m.joint_type[i - 1] == JointType::kSlide) return {R_PB, p_PB + R_PB * (q * axis)};
  const Mat3<double> R = R_PB * axis_rotation(axis, std::sin(q), std::cos(q));
  return {R, p_PB + R_PB * anchor - R * anchor};
}

template <class T>
void append(std::vector<T>& to, const std::vector<T>& from, int row, int width) {
  to.insert(to.end(), from.begin() + row * width, from.begin() + (row + 1) * width);
}

}  // namespace

LockedModel lock_joints(const Model& full, const std::vector<bool>& locked, const std::vector<double>& q_joint) {
  check(static_cast<int>(locked.size()) == full.njnt && static_cast<int>(q_joint.size()) == full.njnt, "lock_joints: ", locked.size(), " flags and ",
        q_joint.size(), " positions, expected ", full.njnt, " of each for robot ", full.name);
  const Vec3<double> zero{0, 0, 0};
  LockedModel out;
  Model& m = out.model;
  m.name = full.name, m.floating = full.floating;
  std::copy(full.gravity, full.gravity + 3, m.gravity);
  std::vector<Pose<double>> in_carrier(full.nbody, {identity3<double>(), zero});  // pose of a full body in the body that carries it
  out.body.assign(full.nbody, 0);
  for (int i = 0; i < full.nbody; ++i) {
    const bool merged = i > 0 && locked[i - 1];
    const Pose<double>* parent = i > 0 ? &in_carrier[full.parent[i]] : nullptr;
    if (merged) {
      const Pose<double> pose = pose_in_parent(full, i, q_joint[i - 1]);
      in_carrier[i] = {parent->R * pose.R, parent->p + parent->R * pose.p};
      out.body[i] = out.body[full.parent[i]];
      const int carrier = out.body[i];
      const Pose<double>& at = in_carrier[i];
      const Inertia<double> own = body_inertia(full.mass[i], &full.inertia[6 * i], at.R, at.p + at.R * load3<double>(&full.com[3 * i]));
      set_inertia(m, carrier, inertia_of(m, carrier) + own);
      continue;
    }
    const int added = static_cast<int>(m.mass.size());
    out.body[i] = added;
    m.body_name.push_back(full.body_name[i]);
    m.parent.push_back(i > 0 ? out.body[full.parent[i]] : -1);
    m.mass.push_back(full.mass[i]);
    append(m.com, full.com, i, 3), append(m.inertia, full.inertia, i, 6), append(m.p_PB, full.p_PB, i, 3), append(m.R_PB, full.R_PB, i, 9);
    if (i == 0) continue;
    store3(&m.p_PB[3 * added], parent->p + parent->R * load3<double>(&full.p_PB[3 * i]));
    store33(&m.R_PB[9 * added], parent->R * load33<double>(&full.R_PB[9 * i]));
    const int j = i - 1;
    out.joint.push_back(j);
    m.joint_name.push_back(full.joint_name[j]), m.joint_type.push_back(full.joint_type[j]);
    append(m.axis, full.axis, j, 3), append(m.anchor, full.anchor, j, 3);
    m.armature.push_back(full.armature[j]), m.damping.push_back(full.damping[j]);
    m.q_min.push_back(full.q_min[j]), m.q_max.push_back(full.q_max[j]), m.v_max.push_back(full.v_max[j]), m.tau_max.push_back(full.tau_max[j]);
  }
  m.nbody = static_cast<int>(m.mass.size()), m.njnt = m.nbody - 1;
  m.nq = m.njnt + (m.floating ? 7 : 0), m.nv = m.njnt + (m.floating ? 6 : 0);
  return out;
}

}  // namespace tandem
