// What differs between worlds: friction, gravity, motor strength, masses and reflected inertias, written over MuJoCo's model of that world.
#include <algorithm>
#include <memory>

#include "base/check.hpp"
#include "model/names.hpp"
#include "sim/mujoco_simulator.hpp"

namespace tandem {
namespace {

// Moves the centre of mass of MuJoCo's body b by `shift` in the axes of the body it is welded into.
void shift_com(const MujocoMap& map, int b, const double* shift, double* ipos) {
  double back[4], own[3];
  mju_negQuat(back, &map.carrier[4 * b]);
  mju_rotVecQuat(own, shift, back);
  for (int i = 0; i < 3; ++i) ipos[i] += own[i];
}

// Mass of all that moves as the base does [kg].
double base_mass(const mjModel* m, const MujocoMap& map) {
  double mass = 0;
  for (int b = 1; b < m->nbody; ++b) mass += map.model_body[b] == 0 ? m->body_mass[b] : 0;
  return mass;
}

}  // namespace

// Writes SimSettings::changes over the model that all worlds share.
void MujocoSimulator::change_bodies(mjModel* m) const {
  if (settings_.changes.empty()) return;
  for (const BodyChange& change : settings_.changes) {
    check(change.mass_scale > 0 && change.inertia_scale > 0, "simulator: scales of body \"", change.body, "\" are ", change.mass_scale, " and ",
          change.inertia_scale, ", expected more than 0");
    check(all_finite(change.com_offset, 3), "simulator: the shift of body \"", change.body, "\" is not finite");
    int found = 0;
    for (int b = 1; b < m->nbody; ++b) {
      const int body = map_.model_body[b];
      if (body < 0 || !matches(change.body, model_.body_name[body])) continue;
      ++found;
      m->body_mass[b] *= change.mass_scale;
      for (int i = 0; i < 3; ++i) m->body_inertia[3 * b + i] *= change.mass_scale * change.inertia_scale;
      shift_com(map_, b, change.com_offset, m->body_ipos + 3 * b);
    }
    check(found > 0, "simulator: no body of the robot matches \"", change.body, "\"; nearest: ", nearest(change.body, model_.body_name));
  }
  const std::unique_ptr<mjData, void (*)(mjData*)> d(mj_makeData(m), mj_deleteData);
  check(d != nullptr, "simulator: out of memory for MuJoCo's data");
  mj_setConst(m, d.get());
}

// Every world starts with what the MJCF says.
void MujocoSimulator::default_parameters(const mjModel* m) {
  nparameter_ = parameter_size(model_);
  std::vector<double> row(nparameter_, 1);
  const ParameterRow plain = parameter_row(model_, row.data());
  *plain.friction = -1;
  *plain.added_mass = 0;
  std::copy_n(m->opt.gravity, 3, plain.gravity);
  std::fill_n(plain.com_offset, 3, 0);
  for (int w = 0; w < nworld_; ++w) parameters_.insert(parameters_.end(), row.begin(), row.end());
  applied_ = parameters_;
}

void MujocoSimulator::check_parameters(int world, const WorldParameters& p) const {
  check_world(world);
  const auto check_size = [](const char* name, const std::vector<double>& values, int size) {
    check(values.empty() || int(values.size()) == size, "set_parameters: ", name, " has ", values.size(), " values, expected none or ", size);
    for (double value : values) check(value > 0 && value < kHuge, "set_parameters: ", name, " holds ", value, ", expected a positive number");
  };
  check_size("mass_scale", p.mass_scale, model_.nbody);
  check_size("armature_scale", p.armature_scale, model_.njnt);
  check_size("strength", p.strength, model_.njnt);
  const bool finite = all_finite(&p.friction, 1) && all_finite(&p.added_mass, 1) && all_finite(p.com_offset, 3) &&
                      all_finite(p.gravity.data(), int(p.gravity.size()));
  check(finite, "set_parameters: a value for world ", world, " is not finite");
  check(p.gravity.empty() || p.gravity.size() == 3, "set_parameters: gravity has ", p.gravity.size(), " values, expected none or 3");
  const double base = (p.mass_scale.empty() ? 1 : p.mass_scale[0]) * base_mass(mjb_model(batch_), map_);
  check(p.added_mass == 0 || base + p.added_mass > 0, "set_parameters: added_mass = ", p.added_mass, " kg leaves the base without mass; it has ",
        base, " kg");
}

void MujocoSimulator::set_parameters(int world, const WorldParameters& p) {
  check_parameters(world, p);
  const ParameterRow row = parameters_at(world);
  const auto fill = [](double* to, const std::vector<double>& values, int size) {
    for (int i = 0; i < size; ++i) to[i] = values.empty() ? 1 : values[i];
  };
  *row.friction = p.friction;
  *row.added_mass = p.added_mass;
  std::copy_n(p.gravity.empty() ? mjb_model(batch_)->opt.gravity : p.gravity.data(), 3, row.gravity);
  std::copy_n(p.com_offset, 3, row.com_offset);
  fill(row.strength, p.strength, model_.njnt);
  fill(row.mass_scale, p.mass_scale, model_.nbody);
  fill(row.armature_scale, p.armature_scale, model_.njnt);
  apply_parameters(world);
}

// Gives the physics the world's row.
void MujocoSimulator::apply_parameters(int world) {
  const mjModel* m = mjb_model(batch_);
  const ParameterRow row = parameters_at(world);
  double* before = &applied_[size_t(world) * nparameter_];
  if (!std::equal(row.added_mass, row.end, parameter_row(model_, before).added_mass)) write_masses(world);
  double* friction = field("geom_friction", world, 3 * int(m->ngeom));
  for (int g = 0; g < m->ngeom; ++g) friction[3 * g] = *row.friction >= 0 ? *row.friction : m->geom_friction[3 * g];
  std::copy_n(row.gravity, 3, field("opt.gravity", world, 3));
  for (int j = 0; j < model_.njnt; ++j) {
    const size_t a = size_t(world) * m->nactuator + map_.actuator[j];
    gain_[a * mjNGAIN] = row.strength[j];
    for (int side = 0; side < 2; ++side) force_range_[2 * a + side] = row.strength[j] * m->actuator_forcerange[2 * map_.actuator[j] + side];
  }
  std::copy_n(row.friction, nparameter_, before);
}

// Masses, centres of mass and reflected inertias of the world's row, and what MuJoCo derives from them.
void MujocoSimulator::write_masses(int world) {
  const mjModel* m = mjb_model(batch_);
  const ParameterRow row = parameters_at(world);
  double* mass = field("body_mass", world, int(m->nbody));
  double* inertia = field("body_inertia", world, 3 * int(m->nbody));
  double* com = field("body_ipos", world, 3 * int(m->nbody));
  double* armature = field("dof_armature", world, int(m->nv));
  const double more = *row.added_mass == 0 ? 0 : *row.added_mass / base_mass(m, map_);
  for (int b = 1; b < m->nbody; ++b) {
    const int body = map_.model_body[b];
    const double scale = (body < 0 ? 1 : row.mass_scale[body]) + (body == 0 ? more : 0);
    mass[b] = scale * m->body_mass[b];
    for (int i = 0; i < 3; ++i) inertia[3 * b + i] = scale * m->body_inertia[3 * b + i];
    std::copy_n(m->body_ipos + 3 * b, 3, com + 3 * b);
    if (body == 0) shift_com(map_, b, row.com_offset, com + 3 * b);
  }
  for (int j = 0; j < model_.njnt; ++j) armature[map_.dof[j]] = row.armature_scale[j] * m->dof_armature[map_.dof[j]];
  const int failed = mjb_setConst(batch_, &world, 1);
  check(failed == 0, "set_parameters: MuJoCo refuses the masses of world ", world, ": ", mjb_error(batch_, world));
}

}  // namespace tandem
