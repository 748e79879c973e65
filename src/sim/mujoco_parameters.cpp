// What differs between worlds: friction, gravity, motor strength, masses and reflected inertias, written over MuJoCo's model of that world.
#include <algorithm>
#include <memory>

#include "base/check.hpp"
#include "model/names.hpp"
#include "sim/mujoco_simulator.hpp"

namespace tandem {

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
      for (int i = 0; i < 3; ++i)
        m->body_inertia[3 * b + i] *= change.mass_scale * change.inertia_scale, m->body_ipos[3 * b + i] += change.com_offset[i];
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
  const bool finite = all_finite(&p.friction, 1) && all_finite(&p.added_mass, 1) && all_finite(p.com_offset, 3) && all_finite(p.gravity, 3);
  check(finite, "set_parameters: a value for world ", world, " is not finite");
  const double base = (p.mass_scale.empty() ? 1 : p.mass_scale[0]) * mjb_model(batch_)->body_mass[map_.body[0]];
  check(base == 0 || base + p.added_mass > 0, "set_parameters: added_mass = ", p.added_mass, " kg leaves the base without mass; it has ", base,
        " kg");
}

void MujocoSimulator::set_parameters(int world, const WorldParameters& p) {
  check_parameters(world, p);
  const ParameterRow row = parameters_at(world);
  const auto fill = [](double* to, const std::vector<double>& values, int size) {
    for (int i = 0; i < size; ++i) to[i] = values.empty() ? 1 : values[i];
  };
  *row.friction = p.friction;
  *row.added_mass = p.added_mass;
  std::copy_n(p.gravity, 3, row.gravity);
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
  const int base = map_.body[0];
  for (int b = 1; b < m->nbody; ++b) {
    const double scale = map_.model_body[b] < 0 ? 1 : row.mass_scale[map_.model_body[b]];
    mass[b] = scale * m->body_mass[b] + (b == base ? *row.added_mass : 0);
    const double ratio = m->body_mass[b] > 0 ? mass[b] / m->body_mass[b] : 1;
    for (int i = 0; i < 3; ++i) inertia[3 * b + i] = ratio * m->body_inertia[3 * b + i];
    for (int i = 0; i < 3; ++i) com[3 * b + i] = m->body_ipos[3 * b + i] + (b == base ? row.com_offset[i] : 0);
  }
  for (int j = 0; j < model_.njnt; ++j) armature[map_.dof[j]] = row.armature_scale[j] * m->dof_armature[map_.dof[j]];
  const int failed = mjb_setConst(batch_, &world, 1);
  check(failed == 0, "set_parameters: MuJoCo refuses the masses of world ", world, ": ", mjb_error(batch_, world));
}

}  // namespace tandem
