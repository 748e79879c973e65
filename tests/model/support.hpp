// Oracles of tests/model: MuJoCo itself, and the plainest possible kinematics and kinetic energy of a Model.
#pragma once

#include <gtest/gtest.h>
#include <mujoco/mujoco.h>

#include <cmath>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "math/vec3.hpp"
#include "model/model.hpp"

namespace tandem {

// A compiled MuJoCo model and its state.
struct Mujoco {
  std::unique_ptr<mjModel, void (*)(mjModel*)> m{nullptr, mj_deleteModel};
  std::unique_ptr<mjData, void (*)(mjData*)> d{nullptr, mj_deleteData};

  explicit Mujoco(const std::string& path) {
    char error[1000] = "";
    m.reset(mj_loadXML(path.c_str(), nullptr, error, sizeof error));
    EXPECT_TRUE(m) << error;
    if (m) d.reset(mj_makeData(m.get()));
  }
  int body(const std::string& name) const { return mj_name2id(m.get(), mjOBJ_BODY, name.c_str()); }
  int joint(const std::string& name) const { return mj_name2id(m.get(), mjOBJ_JOINT, name.c_str()); }
  std::string geom(int id) const {
    const char* name = mj_id2name(m.get(), mjOBJ_GEOM, id);
    return name ? name : "";
  }
};

using V3 = Vec3<double>;
using M3 = Mat3<double>;

struct PlainBody {
  V3 p, v, w;  // origin, its velocity, angular velocity; world frame
  M3 R;
};

// Positions and velocities of all bodies, straight from the definition of Model.
inline std::vector<PlainBody> plain_kinematics(const Model& model, const double* q, const double* v) {
  std::vector<PlainBody> bodies(model.nbody);
  const int nq_base = model.floating ? 7 : 0, nv_base = model.floating ? 6 : 0;
  PlainBody& base = bodies[0];
  base = {load3<double>(model.p_PB.data()), {0, 0, 0}, {0, 0, 0}, load33<double>(model.R_PB.data())};
  if (model.floating) {
    base.p = load3<double>(q);
    base.R = quat_to_rotation(q + 3);
    base.v = load3<double>(v);
    base.w = base.R * load3<double>(v + 3);
  }
  for (int i = 1; i < model.nbody; ++i) {
    const PlainBody& parent = bodies[model.parent[i]];
    const double qj = q[nq_base + i - 1], vj = v[nv_base + i - 1];
    const V3 axis = load3<double>(&model.axis[3 * (i - 1)]), anchor = load3<double>(&model.anchor[3 * (i - 1)]);
    const M3 R0 = parent.R * load33<double>(&model.R_PB[9 * i]);
    const V3 p0 = parent.p + parent.R * load3<double>(&model.p_PB[3 * i]);
    PlainBody& body = bodies[i];
    if (model.joint_type[i - 1] == JointType::kHinge) {
      body.R = R0 * axis_rotation(axis, std::sin(qj), std::cos(qj));
      body.p = p0 + R0 * anchor - body.R * anchor;
      body.w = parent.w + vj * (R0 * axis);
      const V3 pivot = p0 + R0 * anchor;
      body.v = parent.v + cross(parent.w, pivot - parent.p) + cross(body.w, body.p - pivot);
    } else {
      body.R = R0;
      body.p = p0 + qj * (R0 * axis);
      body.w = parent.w;
      body.v = parent.v + cross(parent.w, body.p - parent.p) + vj * (R0 * axis);
    }
  }
  return bodies;
}

// 1/2 v' M v: links and reflected rotors.
inline double plain_kinetic_energy(const Model& model, const double* q, const double* v) {
  const std::vector<PlainBody> bodies = plain_kinematics(model, q, v);
  double energy = 0;
  for (int i = 0; i < model.nbody; ++i) {
    const PlainBody& b = bodies[i];
    const V3 vc = b.v + cross(b.w, b.R * load3<double>(&model.com[3 * i]));
    const V3 w = mul_t(b.R, b.w);
    energy += 0.5 * model.mass[i] * dot(vc, vc) + 0.5 * dot(w, symmetric3<double>(&model.inertia[6 * i]) * w);
  }
  for (int j = 0; j < model.njnt; ++j) energy += 0.5 * model.armature[j] * v[model.nv - model.njnt + j] * v[model.nv - model.njnt + j];
  return energy;
}

inline std::vector<double> random_q(const Model& model, std::mt19937& rng) {
  std::normal_distribution<double> normal;
  std::vector<double> q(model.nq);
  for (double& x : q) x = normal(rng);
  if (model.floating) {
    const double length = std::sqrt(q[3] * q[3] + q[4] * q[4] + q[5] * q[5] + q[6] * q[6]);
    for (int k = 3; k < 7; ++k) q[k] /= length;
  }
  return q;
}

inline std::vector<double> random_v(const Model& model, std::mt19937& rng) {
  std::normal_distribution<double> normal;
  std::vector<double> v(model.nv);
  for (double& x : v) x = normal(rng);
  return v;
}

// Fails unless MuJoCo, reading `path` itself, has the same body frames and the same kinetic energy as `model` in random states.
inline void expect_same_as_mujoco(const Model& model, const Mujoco& mujoco, unsigned seed) {
  std::mt19937 rng(seed);
  mjModel* m = mujoco.m.get();
  mjData* d = mujoco.d.get();
  ASSERT_EQ(model.nq, m->nq);
  ASSERT_EQ(model.nv, m->nv);
  for (int sample = 0; sample < 5; ++sample) {
    const std::vector<double> q = random_q(model, rng), v = random_v(model, rng);
    std::copy(q.begin(), q.end(), d->qpos);
    std::copy(v.begin(), v.end(), d->qvel);
    mj_forward(m, d);
    const std::vector<PlainBody> bodies = plain_kinematics(model, q.data(), v.data());
    for (int i = 0; i < model.nbody; ++i) {
      const int b = mujoco.body(model.body_name[i]);
      if (b < 0) continue;  // a massless body between two joints
      for (int k = 0; k < 3; ++k) EXPECT_NEAR((&bodies[i].p.x)[k], d->xpos[3 * b + k], 1e-12) << model.body_name[i] << " seed " << seed;
      for (int k = 0; k < 9; ++k) EXPECT_NEAR(bodies[i].R.m[k], d->xmat[9 * b + k], 1e-12) << model.body_name[i] << " seed " << seed;
    }
    std::vector<double> Mv(m->nv);
    mj_mulM(m, d, Mv.data(), d->qvel);
    double energy = 0;
    for (int k = 0; k < m->nv; ++k) energy += 0.5 * Mv[k] * d->qvel[k];
    EXPECT_NEAR(plain_kinetic_energy(model, q.data(), v.data()), energy, 1e-11 * energy) << "seed " << seed;
  }
}

// Name of the mirror image of a link, joint or foot; the name itself for those in the middle.
inline std::string mirrored(std::string name) {
  for (const auto& [a, b] :
       {std::pair<std::string, std::string>{"left_", "right_"}, {"right_", "left_"}, {"FL_", "FR_"}, {"FR_", "FL_"}, {"RL_", "RR_"}, {"RR_", "RL_"}})
    if (name.rfind(a, 0) == 0) return b + name.substr(a.size());
  return name;
}

inline void write_file(const std::string& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

}  // namespace tandem
