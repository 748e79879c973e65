#include "env/measure.hpp"

#include "base/check.hpp"

namespace tandem {

int noise_draws(const Model& model) { return noise_draws(model.njnt); }

void add_noise(const NoiseSettings& noise, double scale, Rng rng, const Model& model, double* q, double* v) {
  add_noise(noise, scale, rng, model.njnt, q, v);
}

GroundSensor::GroundSensor(const Model& model, int threads) : arrays_(make_arrays<double>(model)) {
  check(model.floating && !model.contacts.empty(), "\"", model.name, "\" needs a floating base and contact points to feel the ground");
  memory_.assign(threads, std::vector<double>(kinematics_size<double>(model.nbody)));
}

GroundPlane GroundSensor::under(const Terrain& terrain, const double* q, int thread) {
  return ground_under(arrays_.view, view_of(terrain), q, memory_[thread].data());
}

}  // namespace tandem
