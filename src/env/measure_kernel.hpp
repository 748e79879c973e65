// What one robot knows of itself, in any precision, on the processor or a device. docs/training.md, "One control step".
#pragma once

#include "base/rng.hpp"
#include "env/settings.hpp"
#include "math/so3.hpp"

namespace tandem {
inline namespace TANDEM_ISA {

// How many random numbers one measurement takes.
TANDEM_FN int noise_draws(int njnt) { return 1 + 2 + 3 + 3 + 2 * njnt; }

// Adds uniform noise to a state, `scale` times as wide as `noise` says; with a product of scales of 0 the state stays as it is, bit for bit.
//   q (nq), v (nv)  of a floating-base robot, read and written: height, tilt (a small turn about the base's x and y axes), joints, velocities
template <class S>
TANDEM_FN void add_noise(const NoiseSettings& noise, double scale, Rng rng, int njnt, S* q, S* v) {
  scale *= noise.scale;
  if (scale == 0) return;
  const auto draw = [&](double half_width) { return S(scale * rng.uniform(-half_width, half_width)); };
  q[2] += draw(noise.height);
  const S roll = draw(noise.tilt), pitch = draw(noise.tilt);
  S turn[4], turned[4];
  quat_exp(Vec3<S>{roll, pitch, S(0)}, turn);
  quat_multiply(turned, q + 3, turn);
  for (int i = 0; i < 4; ++i) q[3 + i] = turned[i];
  for (int i = 0; i < 3; ++i) v[i] += draw(noise.linear_velocity);
  for (int i = 3; i < 6; ++i) v[i] += draw(noise.angular_velocity);
  for (int j = 0; j < njnt; ++j) q[7 + j] += draw(noise.joint_position);
  for (int j = 0; j < njnt; ++j) v[6 + j] += draw(noise.joint_velocity);
}

}  // namespace TANDEM_ISA
}  // namespace tandem
