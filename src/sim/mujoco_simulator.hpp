// The Simulator on MuJoCo's batch API; internal to sim/. One mjb_apply call per control step runs advance() for every world on the batch's threads; a
// world is its state row, so one mjData per thread serves them all and stays in cache.
//   mujoco_simulator.cpp   construction, states, pushes
//   mujoco_parameters.cpp  what differs between worlds
//   mujoco_step.cpp        the control step
//   mujoco_save.cpp        saving and loading
#pragma once

#include <mujoco/mjbatch.h>
#include <mujoco/mujoco.h>

#include <cmath>

#include "sim/mujoco_map.hpp"
#include "sim/simulator.hpp"

namespace tandem {

// MuJoCo's own bound on positions, velocities and accelerations.
constexpr double kHuge = 1e10;

inline bool all_finite(const double* x, int n) {
  bool good = true;
  for (int i = 0; i < n; ++i) good &= std::abs(x[i]) < kHuge;
  return good;
}

// True on a thread while it advances a world: physics warnings then become SimFault bits instead of being printed.
inline thread_local bool advancing = false;

struct PushState {
  int body = 0;  // MuJoCo's index
  int steps = 0;
  double force[3] = {0, 0, 0};
};

// WorldParameters as one row of numbers: what set_parameters() fills, save() writes and the physics is given.
struct ParameterRow {
  double *friction, *gravity, *strength;                          // (1), (3), (njnt)
  double *added_mass, *com_offset, *mass_scale, *armature_scale;  // (1), (3), (nbody), (njnt): what MuJoCo derives other numbers from
  double* end;
};
inline int parameter_size(const Model& model) { return 8 + model.nbody + 2 * model.njnt; }
inline ParameterRow parameter_row(const Model& model, double* at) {
  const auto take = [&at](int n) { return (at += n) - n; };
  ParameterRow row;
  row.friction = take(1), row.gravity = take(3), row.strength = take(model.njnt);
  row.added_mass = take(1), row.com_offset = take(3), row.mass_scale = take(model.nbody), row.armature_scale = take(model.njnt);
  row.end = at;
  return row;
}

class MujocoSimulator final : public Simulator {
 public:
  MujocoSimulator(const std::string& xml, const Model& model, int nworld, const SimSettings& settings);
  ~MujocoSimulator() override { mjb_deleteBatch(batch_); }
  const Model& model() const override { return model_; }
  int nworld() const override { return nworld_; }
  const SimSettings& settings() const override { return settings_; }
  void set_state(std::span<const int> worlds, std::span<const double> q, std::span<const double> v) override;
  void kick(int world, std::span<const double> dv) override;
  void set_push(const Push& push) override;
  void set_parameters(int world, const WorldParameters& parameters) override;
  void step() override;
  std::vector<std::byte> save() const override;
  void load(std::span<const std::byte> bytes) override;

 private:
  void change_bodies(mjModel* m) const;
  void size_arrays();
  void default_row(const mjModel* m);
  void write_gains(int world);
  void default_parameters(const mjModel* m);
  ParameterRow parameters_at(int world) { return parameter_row(model_, &parameters_[size_t(world) * nparameter_]); }
  void check_parameters(int world, const WorldParameters& parameters) const;
  void apply_parameters(int world);
  void write_masses(int world);
  template <class Archive, class Self>
  static void archive(Archive& bytes, Self& self);
  void advance(const mjModel* m, mjData* d, int world);
  bool inputs_finite(int world) const;
  void physics_step(const mjModel* m, mjData* d, int world);
  void add_floor_contact(const mjModel* m, const mjData* d, int contact, int world);
  int nearest_point(const mjData* d, int body, const double* position) const;
  void read_state(const mjData* d, int world);
  double* row(int component, int world) const { return mjb_stateComponent(batch_, component, nullptr) + size_t(world) * nstate_; }
  double* field(const char* name, int world, int size) const {
    return static_cast<double*>(mjb_expand(batch_, name, nullptr, nullptr)) + size_t(world) * size;
  }
  void check_world(int world) const;

  Model model_;
  int nworld_;
  SimSettings settings_;
  int nsubstep_;
  int nbase_;  // degrees of freedom of the base
  MujocoMap map_;
  mjBatch* batch_ = nullptr;
  int nstate_ = 0;
  double* gain_ = nullptr;            // actuator_gainprm  (nworld, nactuator, mjNGAIN)
  double* bias_ = nullptr;            // actuator_biasprm  (nworld, nactuator, mjNBIAS)
  double* force_range_ = nullptr;     // (nworld, nactuator, 2)
  std::vector<double> default_row_;   // the state row of a world at rest  (nstate)
  int nparameter_ = 0;                // numbers of a ParameterRow
  std::vector<double> parameters_;    // (nworld, nparameter)
  std::vector<double> applied_;       // the rows that the physics has  (nworld, nparameter)
  std::vector<PushState> push_;       // (nworld)
  std::vector<int> running_;          // worlds without a stopping fault
  std::vector<double> load_, slide_;  // of one physics step: normal force, and normal force times sliding speed  (nworld, nfoot)
};

}  // namespace tandem
