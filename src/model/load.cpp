#include "model/source.hpp"

#include <cmath>
#include <limits>
#include <map>

#include "base/check.hpp"
#include "math/vec3.hpp"
#include "model/load.hpp"
#include "model/load_mujoco.hpp"

namespace tandem {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
using V = Vec3<double>;
using M = Mat3<double>;

// A frame: position and rotation in some other one.
struct Pose {
  V p{0, 0, 0};
  M R = identity3<double>();
};
Pose operator*(const Pose& a, const Pose& b) { return {a.p + a.R * b.p, a.R * b.R}; }

Pose pose(const double* p, const double* quat) { return {load3<double>(p), quat_to_rotation(quat)}; }

std::string name_of(const mjModel* m, mjtObj type, int id, const char* kind) {
  const char* name = mj_id2name(m, type, id);
  return name && *name ? name : cat(kind, id);
}

std::string without_comments(std::string text) {
  for (size_t at = 0; (at = text.find("<!--", at)) != std::string::npos;) text.erase(at, std::min(text.find("-->", at), text.size()) - at);
  return text;
}

// A body of Model while fixed links are still being added to it.
struct Lump {
  double mass = 0;
  V moment{0, 0, 0};                            // mass times centre of mass, body frame
  M inertia = double(0) * identity3<double>();  // about the body frame's origin
};

// Rotational inertia of a point mass at r: m (r'r 1 - r r')
M point_inertia(double mass, V r) {
  const double rr = dot(r, r);
  return {{mass * (rr - r.x * r.x), -mass * r.x * r.y, -mass * r.x * r.z, -mass * r.x * r.y, mass * (rr - r.y * r.y), -mass * r.y * r.z,
           -mass * r.x * r.z, -mass * r.y * r.z, mass * (rr - r.z * r.z)}};
}

void add_link(Lump& lump, const mjModel* m, int b, const Pose& link) {
  const Pose inertial = link * pose(m->body_ipos + 3 * b, m->body_iquat + 4 * b);
  const double* I = m->body_inertia + 3 * b;
  const M diagonal{{I[0], 0, 0, 0, I[1], 0, 0, 0, I[2]}};
  lump.mass += m->body_mass[b];
  lump.moment = lump.moment + m->body_mass[b] * inertial.p;
  lump.inertia = lump.inertia + inertial.R * diagonal * transpose(inertial.R) + point_inertia(m->body_mass[b], inertial.p);
}

// Converts one compiled file. Members are filled body by body, parents first.
class Converter {
 public:
  Converter(const MujocoFile& file, std::string path, std::string text)
      : m(file.model.get()), file(file), path(std::move(path)), text(std::move(text)) {}

  Source convert() {
    refuse_what_model_cannot_hold();
    source.urdf = file.urdf;
    model.name = m->names;  // the first of all names is the model's
    for (int r = 0; r < 3; ++r) model.gravity[r] = m->opt.gravity[r];
    place_base();
    for (int b = 1; b < m->nbody; ++b) place_body(b);
    finish_inertias();
    model.nbody = static_cast<int>(model.parent.size());
    model.njnt = model.nbody - 1;
    model.nq = model.njnt + (model.floating ? 7 : 0);
    model.nv = model.njnt + (model.floating ? 6 : 0);
    read_actuators();
    read_geoms();
    read_stand();
    check_finite();
    return std::move(source);
  }

 private:
  const mjModel* m;
  const MujocoFile& file;
  std::string path, text;
  Source source;
  Model& model = source.model;
  std::vector<Lump> lumps;
  std::map<int, int> joint_of;  // MuJoCo's joint -> Model's

  void refuse_what_model_cannot_hold() const {
    int free_joints = 0;
    for (int j = 0; j < m->njnt; ++j) {
      const std::string joint = name_of(m, mjOBJ_JOINT, j, "joint ");
      check(m->jnt_type[j] != mjJNT_BALL, path, ": joint \"", joint,
            "\" is a ball joint; expected hinge or slide: use three hinges, each on a body of its own");
      if (m->jnt_type[j] == mjJNT_FREE) {
        check(++free_joints == 1, path, ": joint \"", joint, "\" makes a second free body; a robot has one floating base");
        check(m->jnt_dofadr[j] == 0, path, ": joint \"", joint, "\" follows joints of another body; put the floating base before every other body");
        continue;
      }
      check(m->jnt_stiffness[j] == 0, path, ": joint \"", joint, "\" has stiffness ", m->jnt_stiffness[j], "; springs are not modelled: remove it");
      for (int k = 0; k < mjNPOLY; ++k)
        check(m->jnt_stiffnesspoly[j * mjNPOLY + k] == 0, path, ": joint \"", joint,
              "\" has a spring; springs are not modelled: remove its stiffness");
      const double* range = m->jnt_range + 2 * j;
      check(range[0] <= range[1], path, ": joint \"", joint, "\" has the range ", range[0], " .. ", range[1], "; expected the lower end first");
    }
    for (int b = 0; b < m->nbody; ++b)
      check(m->body_gravcomp[b] == 0, path, ": body \"", name_of(m, mjOBJ_BODY, b, "body "), "\" has gravcomp ", m->body_gravcomp[b],
            "; gravity compensation is not modelled: remove it");
    for (int a = 0; a < m->nactuator; ++a) {
      const std::string actuator = name_of(m, mjOBJ_ACTUATOR, a, "actuator ");
      check(m->actuator_delay[a] == 0, path, ": actuator \"", actuator, "\" has a delay; remove it: randomise.delay sets one");
      const double* range = m->actuator_forcerange + 2 * a;
      check(range[0] <= range[1], path, ": actuator \"", actuator, "\" has the forcerange ", range[0], " .. ", range[1],
            "; expected the lower end first");
      for (int k = 0; k < mjNPOLY; ++k)
        check(m->actuator_dampingpoly[a * mjNPOLY + k] == 0, path, ": actuator \"", actuator, "\" has damping that is not linear; give one number");
    }
    check(m->opt.density == 0 && m->opt.viscosity == 0, path, ": has a density or viscosity of air; drag is not modelled: remove it from <option>");
    const std::pair<int, const char*> needed[] = {
        {mjDSBL_GRAVITY, "gravity"}, {mjDSBL_CONTACT, "contact"}, {mjDSBL_CONSTRAINT, "constraint"},    {mjDSBL_ACTUATION, "actuation"},
        {mjDSBL_LIMIT, "limit"},     {mjDSBL_DAMPER, "damper"},   {mjDSBL_FRICTIONLOSS, "frictionloss"}};
    for (const auto& [flag, name] : needed)
      check(!(m->opt.disableflags & flag), path, ": <flag ", name, "=\"disable\"/> is not modelled; remove it from <option>");
    check(m->npair == 0, path, ": has a <pair> in <contact>, which the friction of a world would not reach; use contype and conaffinity");
    check(m->neq == 0, path, ": has an <equality> constraint; loops are not modelled: remove it");
    check(m->ntendon == 0, path, ": has a <tendon>; tendons are not modelled: remove it");
    check(m->nbody > 1, path, ": has no body; a robot needs at least one");
  }

  // Floating: the free body. Fixed: the world, with every link welded to it.
  void place_base() {
    int base = 0;
    for (int j = 0; j < m->njnt; ++j)
      if (m->jnt_type[j] == mjJNT_FREE) base = m->jnt_bodyid[j];
    model.floating = base > 0;
    source.bodies.push_back({"world", base ? -1 : 0, {0, 0, 0}, {1, 0, 0, 0, 1, 0, 0, 0, 1}, true, false});
    add_body(name_of(m, mjOBJ_BODY, base, "body "), -1, base ? pose(m->body_pos + 3 * base, m->body_quat + 4 * base) : Pose{});
  }

  void add_body(const std::string& name, int parent, const Pose& frame) {
    model.body_name.push_back(name);
    model.parent.push_back(parent);
    model.p_PB.resize(3 * model.parent.size());
    model.R_PB.resize(9 * model.parent.size());
    store3(&model.p_PB[model.p_PB.size() - 3], frame.p);
    store33(&model.R_PB[model.R_PB.size() - 9], frame.R);
    lumps.push_back({});
  }

  void place_body(int b) {
    const std::string name = name_of(m, mjOBJ_BODY, b, "body ");
    const SourceBody& parent = source.bodies[m->body_parentid[b]];
    const int first = m->body_jntadr[b], count = m->body_jntnum[b];
    const bool is_base = count == 1 && m->jnt_type[first] == mjJNT_FREE;
    // the body's frame in that of the Model body its parent belongs to
    Pose frame = Pose{load3<double>(parent.p_BS), load33<double>(parent.R_BS)} * pose(m->body_pos + 3 * b, m->body_quat + 4 * b);
    int body = parent.body;
    if (is_base) {
      body = 0;
      frame = Pose{};
    } else {
      check(body >= 0 || count == 0, path, ": body \"", name, "\" moves but does not hang on the floating base; a model is one robot");
      check(count == 0 || file.urdf || mj_id2name(m, mjOBJ_BODY, b), path, ": body ", b, " moves and has no name; give it one");
      for (int k = 0; k < count; ++k) {
        frame = add_joint(first + k, k + 1 == count ? name : cat(name, "/", name_of(m, mjOBJ_JOINT, first + k, "joint ")), body, frame);
        body = static_cast<int>(model.parent.size()) - 1;
      }
    }
    SourceBody placed{name, body, {}, {}, file.explicit_inertia[b] != 0, count > 0};
    store3(placed.p_BS, frame.p);
    store33(placed.R_BS, frame.R);
    source.bodies.push_back(placed);
    if (body >= 0) add_link(lumps[body], m, b, frame);
  }

  // Adds joint j and the body it moves; returns that body's frame in itself, for what follows.
  Pose add_joint(int j, const std::string& body_name, int parent, const Pose& frame) {
    const bool hinge = m->jnt_type[j] == mjJNT_HINGE;
    const V axis = load3<double>(m->jnt_axis + 3 * j), anchor = load3<double>(m->jnt_pos + 3 * j);
    // MuJoCo draws the file's pose at q = ref: turn back to q = 0
    const double ref = m->qpos0[m->jnt_qposadr[j]];
    Pose back{(-ref) * axis, identity3<double>()};
    if (hinge) {
      back.R = axis_rotation(axis, std::sin(-ref), std::cos(-ref));
      back.p = anchor - back.R * anchor;
    }
    add_body(body_name, parent, frame * back);

    const std::string name = name_of(m, mjOBJ_JOINT, j, "joint ");
    const int dof = m->jnt_dofadr[j];
    check(m->dof_armature[dof] >= 0 && m->dof_damping[dof] >= 0, path, ": joint \"", name,
          "\" has a negative armature or damping; expected 0 or more");
    for (int k = 0; k < mjNPOLY; ++k)
      check(m->dof_dampingpoly[dof * mjNPOLY + k] == 0, path, ": joint \"", name, "\" has damping that is not linear; give one number");
    joint_of[j] = static_cast<int>(model.joint_name.size());
    model.joint_name.push_back(name);
    model.joint_type.push_back(hinge ? JointType::kHinge : JointType::kSlide);
    for (const double x : {axis.x, axis.y, axis.z}) model.axis.push_back(x);
    for (const double x : {anchor.x, anchor.y, anchor.z}) model.anchor.push_back(x);
    model.armature.push_back(m->dof_armature[dof]);
    model.damping.push_back(m->dof_damping[dof]);
    model.q_min.push_back(m->jnt_limited[j] ? m->jnt_range[2 * j] : -kInfinity);
    model.q_max.push_back(m->jnt_limited[j] ? m->jnt_range[2 * j + 1] : kInfinity);
    model.v_max.push_back(file.urdf ? urdf_velocity(name) : kInfinity);
    model.tau_max.push_back(m->jnt_actfrclimited[j] ? std::min(-m->jnt_actfrcrange[2 * j], m->jnt_actfrcrange[2 * j + 1]) : kInfinity);
    check(model.tau_max.back() > 0, path, ": joint \"", name, "\" has a torque limit of ", model.tau_max.back(), "; expected more than 0");
    return {};
  }

  // The attribute velocity="" of the URDF joint `name`, which MuJoCo drops. `text` is well-formed and has no comments.
  double urdf_velocity(const std::string& name) const {
    size_t at = 0;
    while ((at = text.find("<joint", at)) != std::string::npos) {
      const size_t opened = std::min(text.find('>', at), text.size());
      const std::string tag = text.substr(at, opened - at);
      const bool has_content = !tag.ends_with('/');
      const size_t end = has_content ? std::min(text.find("</joint", opened), text.size()) : opened;
      const std::string joint = text.substr(at, end - at);
      at = end;
      if (attribute(tag, "name") != name || attribute(tag, "type").empty()) continue;  // a transmission names joints too
      const size_t limit = joint.find("<limit");
      if (limit == std::string::npos) return kInfinity;
      const std::string value = attribute(joint.substr(limit, joint.find('>', limit) - limit), "velocity");
      const double velocity = value.empty() ? 0 : std::strtod(value.c_str(), nullptr);
      check(velocity >= 0, path, ": joint \"", name, "\" has the velocity limit \"", value, "\"; expected a number above 0, or 0 for none");
      return velocity > 0 ? velocity : kInfinity;
    }
    return kInfinity;
  }

  static std::string attribute(const std::string& element, const std::string& key) {
    size_t at = 0;
    while ((at = element.find(key, at)) != std::string::npos) {
      size_t value = element.find_first_not_of(" \t\r\n", at + key.size());
      const bool whole = at > 0 && std::isspace(static_cast<unsigned char>(element[at - 1]));
      at += key.size();
      if (!whole || value == std::string::npos || element[value] != '=') continue;
      value = element.find_first_of("\"'", value);
      if (value == std::string::npos) break;
      return element.substr(value + 1, element.find(element[value], value + 1) - value - 1);
    }
    return "";
  }

  // From moments about the origin to the centre of mass.
  void finish_inertias() {
    for (size_t i = 0; i < lumps.size(); ++i) {
      const Lump& lump = lumps[i];
      const V com = lump.mass > 0 ? (1 / lump.mass) * lump.moment : V{0, 0, 0};
      const M I = lump.inertia - point_inertia(lump.mass, com);
      model.mass.push_back(lump.mass);
      for (const double x : {com.x, com.y, com.z}) model.com.push_back(x);
      for (const int k : {0, 4, 8, 1, 2, 5}) model.inertia.push_back(I.m[k]);
    }
  }

  void read_actuators() {
    for (int a = 0; a < m->nu; ++a) {
      SourceActuator actuator{name_of(m, mjOBJ_ACTUATOR, a, "actuator "), -1, m->actuator_gainprm[mjNGAIN * a] * m->actuator_gear[6 * a]};
      const bool direct = m->actuator_trntype[a] == mjTRN_JOINT || m->actuator_trntype[a] == mjTRN_JOINTINPARENT;
      const auto joint = direct ? joint_of.find(m->actuator_trnid[2 * a]) : joint_of.end();
      if (joint != joint_of.end()) {
        actuator.joint = joint->second;
        const double* range = m->actuator_forcerange + 2 * a;
        double& limit = model.tau_max[actuator.joint];
        if (m->actuator_forcelimited[a]) limit = std::min(limit, std::abs(m->actuator_gear[6 * a]) * std::min(-range[0], range[1]));
        check(limit > 0, path, ": actuator \"", actuator.name, "\" cannot push both ways; give a forcerange from a negative to a positive number");
      }
      source.actuators.push_back(actuator);
    }
  }

  void read_geoms() {
    for (int g = 0; g < m->ngeom; ++g)
      if (m->geom_contype[g] || m->geom_conaffinity[g]) source.colliding.push_back({name_of(m, mjOBJ_GEOM, g, "geom "), m->geom_bodyid[g]});
  }

  void read_stand() {
    const int key = mj_name2id(m, mjOBJ_KEY, "stand");
    if (key >= 0) source.stand.assign(m->key_qpos + key * m->nq, m->key_qpos + (key + 1) * m->nq);
  }

  void check_finite() const {
    for (int i = 0; i < model.nbody; ++i) {
      bool ok = std::isfinite(model.mass[i]);
      for (int k = 0; k < 3; ++k) ok = ok && std::isfinite(model.com[3 * i + k]) && std::isfinite(model.p_PB[3 * i + k]);
      for (int k = 0; k < 6; ++k) ok = ok && std::isfinite(model.inertia[6 * i + k]);
      for (int k = 0; k < 9; ++k) ok = ok && std::isfinite(model.R_PB[9 * i + k]);
      check(ok, path, ": body \"", model.body_name[i], "\" has a position, mass or inertia that is not finite; check its numbers");
    }
    for (int j = 0; j < model.njnt; ++j) {
      bool ok = std::isfinite(model.armature[j]) && std::isfinite(model.damping[j]) && model.q_min[j] <= model.q_max[j];
      for (int k = 0; k < 3; ++k) ok = ok && std::isfinite(model.axis[3 * j + k]) && std::isfinite(model.anchor[3 * j + k]);
      check(ok, path, ": joint \"", model.joint_name[j], "\" has an axis, range, armature or damping that is not a finite number");
    }
  }
};

}  // namespace

Source read_source(const std::string& path, bool floating) {
  const MujocoFile file = compile_mujoco(path, floating);
  return Converter(file, path, without_comments(read_text(path))).convert();
}

Model load_model(const std::string& path, bool floating) { return read_source(path, floating).model; }

}  // namespace tandem
