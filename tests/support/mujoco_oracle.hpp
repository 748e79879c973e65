// MuJoCo as the second opinion on a Model: its data for one state, with degrees of freedom, bodies and configuration in the order of the Model.
#pragma once

#include <mujoco/mujoco.h>

#include <memory>
#include <string>
#include <vector>

#include "base/check.hpp"
#include "model/model.hpp"

namespace tandem {

struct MujocoOracle {
  std::unique_ptr<mjModel, void (*)(mjModel*)> m{nullptr, mj_deleteModel};
  std::unique_ptr<mjData, void (*)(mjData*)> d{nullptr, mj_deleteData};
  std::vector<int> q_address, v_address;  // of each entry of the Model's q and v in MuJoCo's
  std::vector<int> body;                  // MuJoCo's body of each body of the Model

  // No contacts, limits, friction losses or damping: the equations of motion of the tree alone.
  void init(mjModel* loaded, const Model& model) {
    m.reset(loaded);
    m->opt.disableflags |= mjDSBL_CONSTRAINT;
    for (int i = 0; i < m->nv; ++i) m->dof_damping[i] = 0;
    d.reset(mj_makeData(m.get()));
    for (int i = 0; i < (model.floating ? 7 : 0); ++i) q_address.push_back(i);
    for (int i = 0; i < (model.floating ? 6 : 0); ++i) v_address.push_back(i);
    for (const std::string& name : model.joint_name) {
      const int id = mj_name2id(m.get(), mjOBJ_JOINT, name.c_str());
      check(id >= 0, "MuJoCo's model has no joint \"", name, "\"");
      q_address.push_back(m->jnt_qposadr[id]);
      v_address.push_back(m->jnt_dofadr[id]);
    }
    for (const std::string& name : model.body_name) {
      body.push_back(mj_name2id(m.get(), mjOBJ_BODY, name.c_str()));
      check(body.back() >= 0, "MuJoCo's model has no body \"", name, "\"");
    }
  }

  // In: q, v, a of the Model. Everything up to velocities, biases and mj_inverse is then in d.
  void set_state(const std::vector<double>& q, const std::vector<double>& v, const std::vector<double>& a) {
    for (size_t i = 0; i < q.size(); ++i) d->qpos[q_address[i]] = q[i];
    for (size_t i = 0; i < v.size(); ++i) d->qvel[v_address[i]] = v[i];
    mj_forward(m.get(), d.get());
    for (size_t i = 0; i < a.size(); ++i) d->qacc[v_address[i]] = a[i];
    mj_inverse(m.get(), d.get());
    mj_subtreeVel(m.get(), d.get());
  }

  // A vector or a (rows, nv) matrix of MuJoCo's, its columns in the Model's order.
  std::vector<double> columns(const double* from, int rows) const {
    const int nv = static_cast<int>(v_address.size());
    std::vector<double> out(rows * nv);
    for (int r = 0; r < rows; ++r)
      for (int k = 0; k < nv; ++k) out[r * nv + k] = from[r * m->nv + v_address[k]];
    return out;
  }
  std::vector<double> mass_matrix() const {
    std::vector<double> full(m->nv * m->nv);
    mj_fullM(m.get(), d.get(), full.data());
    const int nv = static_cast<int>(v_address.size());
    std::vector<double> out(nv * nv);
    for (int r = 0; r < nv; ++r)
      for (int k = 0; k < nv; ++k) out[r * nv + k] = full[v_address[r] * m->nv + v_address[k]];
    return out;
  }
};

inline MujocoOracle oracle_from_text(const std::string& mjcf, const Model& model) {
  mjVFS vfs;
  mj_defaultVFS(&vfs);
  mj_addBufferVFS(&vfs, "robot.xml", mjcf.data(), static_cast<int>(mjcf.size()));
  char error[1000] = "";
  mjModel* loaded = mj_loadXML("robot.xml", &vfs, error, sizeof error);
  mj_deleteVFS(&vfs);
  check(loaded != nullptr, "MuJoCo refuses the robot: ", error);
  MujocoOracle oracle;
  oracle.init(loaded, model);
  return oracle;
}

inline MujocoOracle oracle_from_file(const std::string& path, const Model& model) {
  char error[1000] = "";
  mjModel* loaded = mj_loadXML(path.c_str(), nullptr, error, sizeof error);
  check(loaded != nullptr, "MuJoCo refuses ", path, ": ", error);
  MujocoOracle oracle;
  oracle.init(loaded, model);
  return oracle;
}

}  // namespace tandem
