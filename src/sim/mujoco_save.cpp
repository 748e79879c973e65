// The simulator's state as bytes. MuJoCo's state rows hold positions, velocities, the time, applied forces and the contact solver's warm start.
#include "base/bytes.hpp"
#include "sim/mujoco_simulator.hpp"

namespace tandem {
namespace {

constexpr int kSaveVersion = 2;  // of the list of fields below

// Equal for two robots on the same ground, different otherwise (64-bit FNV-1a over what shapes their motion).
std::uint64_t fingerprint(const mjModel* m) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  const auto add = [&hash](const auto* values, size_t count) {
    for (const std::byte byte : std::as_bytes(std::span(values, count))) hash = (hash ^ std::uint64_t(byte)) * 0x100000001b3u;
  };
  add(m->qpos0, m->nq);
  add(m->body_mass, m->nbody), add(m->body_inertia, 3 * m->nbody), add(m->body_ipos, 3 * m->nbody);
  add(m->body_pos, 3 * m->nbody), add(m->body_quat, 4 * m->nbody);
  add(m->jnt_type, m->njnt), add(m->jnt_axis, 3 * m->njnt), add(m->jnt_pos, 3 * m->njnt), add(m->jnt_range, 2 * m->njnt);
  add(m->dof_armature, m->nv), add(m->dof_damping, m->nv), add(m->dof_frictionloss, m->nv);
  add(m->actuator_forcerange, 2 * m->nactuator);
  add(m->geom_type, m->ngeom), add(m->geom_size, 3 * m->ngeom), add(m->geom_pos, 3 * m->ngeom), add(m->geom_quat, 4 * m->ngeom);
  add(m->geom_contype, m->ngeom), add(m->geom_conaffinity, m->ngeom), add(m->geom_condim, m->ngeom), add(m->geom_priority, m->ngeom);
  add(m->geom_friction, 3 * m->ngeom), add(m->geom_solref, mjNREF * m->ngeom), add(m->geom_solimp, mjNIMP * m->ngeom);
  add(m->hfield_size, 4 * m->nhfield), add(m->hfield_data, m->nhfielddata);
  add(m->opt.gravity, 3), add(&m->opt.integrator, 1), add(&m->opt.cone, 1), add(&m->opt.impratio, 1);
  return hash;
}

}  // namespace

template <class Archive, class Self>
void MujocoSimulator::archive(Archive& bytes, Self& self) {
  bytes.expect("robot", self.model_.name);
  bytes.expect("nworld", self.nworld_);
  bytes.expect("control_dt", self.settings_.control_dt);
  bytes.expect("physics_dt", self.settings_.physics_dt);
  bytes.expect("MuJoCo", mj_version());
  bytes.expect("fingerprint of MJCF and ground", fingerprint(mjb_model(self.batch_)));
  bytes.expect("numbers per state", self.nstate_);
  bytes(std::span(mjb_state(self.batch_), size_t(self.nworld_) * self.nstate_));
  bytes(std::span(self.parameters_));
  for (auto& push : self.push_) bytes(push.body), bytes(push.steps), bytes(push.force);
  auto& in = self.input;
  for (auto* values : {&in.tau_ff, &in.q_des, &in.v_des, &in.kp, &in.kd}) bytes(std::span(*values));
  auto& out = self.output;
  for (auto* values : {&out.time, &out.q, &out.v, &out.tau, &out.power, &out.point_force, &out.foot_force, &out.foot_slip}) bytes(std::span(*values));
  for (auto* flags : {&out.floor_contact, &out.self_collision, &out.fault}) bytes(std::span(*flags));
}

std::vector<std::byte> MujocoSimulator::save() const {
  ByteWriter bytes("simulator", kSaveVersion);
  archive(bytes, *this);
  return bytes.finish();
}

void MujocoSimulator::load(std::span<const std::byte> bytes) {
  ByteReader reader("simulator", kSaveVersion, bytes);
  archive(reader, *this);
  for (int w = 0; w < nworld_; ++w) apply_parameters(w);
}

}  // namespace tandem
