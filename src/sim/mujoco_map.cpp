#include "sim/mujoco_map.hpp"

#include "base/check.hpp"
#include "model/names.hpp"

namespace tandem {
namespace {

std::string name_of(const mjModel* m, int type, int id) {
  const char* name = mj_id2name(m, type, id);
  return name ? name : "";
}

std::vector<std::string> names_of(const mjModel* m, int type, int count) {
  std::vector<std::string> names;
  for (int i = 0; i < count; ++i) names.push_back(name_of(m, type, i));
  return names;
}

void map_joints(const mjModel* m, const Model& model, MujocoMap& map) {
  for (const std::string& name : model.joint_name) {
    const int joint = mj_name2id(m, mjOBJ_JOINT, name.c_str());
    check(joint >= 0, "simulator: the MJCF has no joint \"", name, "\"; nearest: ", nearest(name, names_of(m, mjOBJ_JOINT, int(m->njnt))));
    int actuator = -1;
    for (int a = 0; a < m->nactuator; ++a) {
      if (m->actuator_trntype[a] == mjTRN_JOINT && m->actuator_trnid[2 * a] == joint) {
        check(actuator < 0, "simulator: joint \"", name, "\" has two actuators; it needs exactly one <general joint=\"", name, "\" .../>");
        actuator = a;
      }
    }
    check(actuator >= 0, "simulator: joint \"", name, "\" has no actuator; add <general joint=\"", name, "\" .../>");
    const bool affine = m->actuator_gaintype[actuator] == mjGAIN_FIXED && m->actuator_biastype[actuator] == mjBIAS_AFFINE &&
                        m->actuator_dyntype[actuator] == mjDYN_NONE && m->actuator_gear[6 * m->actuator_outadr[actuator]] == 1;
    check(affine, "simulator: the actuator of joint \"", name, "\" must be gaintype=\"fixed\" biastype=\"affine\" dyntype=\"none\" gear=\"1\"");
    const int ctrl = m->actuator_ctrladr[actuator];
    check(!m->actuator_ctrllimited[ctrl], "simulator: the actuator of joint \"", name, "\" limits its control; use forcerange instead of ctrlrange");
    map.qpos.push_back(m->jnt_qposadr[joint]);
    map.dof.push_back(m->jnt_dofadr[joint]);
    map.actuator.push_back(actuator);
    map.ctrl.push_back(ctrl);
    map.output.push_back(m->actuator_outadr[actuator]);
  }
}

void map_bodies(const mjModel* m, const Model& model, MujocoMap& map) {
  map.model_body.assign(m->nbody, -1);
  for (int i = 0; i < model.nbody; ++i) {
    const std::string& name = model.body_name[i];
    const int body = mj_name2id(m, mjOBJ_BODY, name.c_str());
    const size_t slash = name.find('/');  // how the loader calls all but the last joint of a body
    check(body >= 0 || slash == std::string::npos, "simulator: body \"", name.substr(0, slash),
          "\" of the MJCF has several joints; give each a body of its own");
    check(body >= 0, "simulator: the MJCF has no body \"", name, "\"; nearest: ", nearest(name, names_of(m, mjOBJ_BODY, int(m->nbody))));
    map.body.push_back(body);
    map.model_body[body] = i;
  }
  // bodies without joints belong to their parent; parents come first
  for (int b = 0; b < m->nbody; ++b) {
    const double itself[4] = {1, 0, 0, 0};
    map.carrier.insert(map.carrier.end(), itself, itself + 4);
    if (b == 0 || map.model_body[b] >= 0) continue;
    const int parent = m->body_parentid[b];
    map.model_body[b] = map.model_body[parent];
    mju_mulQuat(&map.carrier[4 * b], &map.carrier[4 * parent], m->body_quat + 4 * b);
  }
}

void map_geoms(const mjModel* m, const Model& model, const std::vector<std::string>& foot_geoms, MujocoMap& map) {
  std::vector<int> body_foot(model.nbody, -1), geoms(model.foot_name.size(), 0);
  for (const ContactPoint& point : model.contacts) body_foot[point.body] = point.foot;
  map.geom_foot.assign(m->ngeom, -1);
  for (int g = 0; g < m->ngeom; ++g) {
    const int b = m->geom_bodyid[g], body = m->body_weldid[b] == 0 ? -1 : map.model_body[b];
    map.geom_body.push_back(body);
    const int foot = body < 0 ? -1 : body_foot[body];
    if (foot_geoms.empty() && foot >= 0 && name_of(m, mjOBJ_GEOM, g).starts_with(model.foot_name[foot])) {
      map.geom_foot[g] = foot;
      ++geoms[foot];
    }
  }
  for (size_t f = 0; f < geoms.size(); ++f) {
    check(!foot_geoms.empty() || geoms[f] > 0, "simulator: foot \"", model.foot_name[f], "\" has no geom: name one \"", model.foot_name[f],
          "...\" on the body of its contact points, or list the geoms in foot_geoms");
  }
  for (const std::string& name : foot_geoms) {
    const int geom = mj_name2id(m, mjOBJ_GEOM, name.c_str());
    check(geom >= 0, "simulator: the MJCF has no geom \"", name, "\"; nearest: ", nearest(name, names_of(m, mjOBJ_GEOM, int(m->ngeom))));
    const int body = map.geom_body[geom];
    check(body >= 0 && body_foot[body] >= 0, "simulator: foot geom \"", name, "\" is on a body without a contact point");
    map.geom_foot[geom] = body_foot[body];
  }
}

}  // namespace

MujocoMap make_mujoco_map(const mjModel* m, const Model& model, const std::vector<std::string>& foot_geoms) {
  MujocoMap map;
  check(m->nq == model.nq && m->nv == model.nv, "simulator: the MJCF has nq = ", m->nq, ", nv = ", m->nv, ", the model of \"", model.name,
        "\" has nq = ", model.nq, ", nv = ", model.nv, "; it must hold that robot and nothing else that moves");
  check(!model.floating || (m->njnt > 0 && m->jnt_type[0] == mjJNT_FREE), "simulator: the first joint of the MJCF must be the free joint of \"",
        model.name, "\"");
  map_joints(m, model, map);
  map_bodies(m, model, map);
  map_geoms(m, model, foot_geoms, map);
  return map;
}

}  // namespace tandem
