#include "env/measure.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "dynamics/kinematics_kernel.hpp"
#include "math/so3.hpp"

namespace tandem {

int noise_draws(const Model& model) { return 1 + 2 + 3 + 3 + 2 * model.njnt; }

void add_noise(const NoiseSettings& noise, double scale, Rng rng, const Model& model, double* q, double* v) {
  scale *= noise.scale;
  if (scale == 0) return;
  const auto draw = [&](double half_width) { return scale * rng.uniform(-half_width, half_width); };
  q[2] += draw(noise.height);
  const double roll = draw(noise.tilt), pitch = draw(noise.tilt);
  double turn[4], turned[4];
  quat_exp(Vec3<double>{roll, pitch, 0}, turn);
  quat_multiply(turned, q + 3, turn);
  std::copy_n(turned, 4, q + 3);
  for (int i = 0; i < 3; ++i) v[i] += draw(noise.linear_velocity);
  for (int i = 3; i < 6; ++i) v[i] += draw(noise.angular_velocity);
  for (int j = 0; j < model.njnt; ++j) q[7 + j] += draw(noise.joint_position);
  for (int j = 0; j < model.njnt; ++j) v[6 + j] += draw(noise.joint_velocity);
}

GroundSensor::GroundSensor(const Model& model, int threads) : arrays_(make_arrays<double>(model)) {
  check(model.floating && !model.contacts.empty(), "\"", model.name, "\" needs a floating base and contact points to feel the ground");
  memory_.assign(threads, std::vector<double>(kinematics_size<double>(model.nbody)));
}

double GroundSensor::height(const Terrain& terrain, const double* q, int thread) {
  if (terrain.height.empty()) return 0;
  const ModelView<double>& view = arrays_.view;
  const Kinematics<double> kin = kinematics_at(memory_[thread].data(), view.nbody);
  forward_kinematics(SerialTeam{}, view, Pose<double>{quat_to_rotation(q + 3), load3<double>(q)}, q + 7, kin);
  double sum = 0;
  for (int c = 0; c < view.ncon; ++c) {
    const Vec3<double> p = contact_position<double>(view, kin, c);
    sum += terrain_height(terrain, p.x, p.y);
  }
  return sum / view.ncon;
}

}  // namespace tandem
