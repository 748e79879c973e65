// What a robot knows of itself: the true state with noise, its height counted from the ground under its feet.
#pragma once

#include <vector>

#include "base/rng.hpp"
#include "env/measure_kernel.hpp"
#include "model/model_view.hpp"
#include "sim/terrain.hpp"

namespace tandem {

// How many random numbers one measurement takes.
int noise_draws(const Model& model);

// Adds uniform noise to a state, `scale` times as wide as `noise` says; with a product of scales of 0 the state stays as it is, bit for bit.
//   q (nq), v (nv)  of a floating-base robot, read and written: height, tilt (a small turn about the base's x and y axes), joints, velocities
void add_noise(const NoiseSettings& noise, double scale, Rng rng, const Model& model, double* q, double* v);

// The ground under a robot.
class GroundSensor {
 public:
  // Throws Error if the model has no contact points.
  GroundSensor(const Model& model, int threads);

  // Of all feet: without those in swing the height would jump with every step on a slope.   q (nq), thread in [0, threads)
  GroundPlane under(const Terrain& terrain, const double* q, int thread);

 private:
  ModelArrays<double> arrays_;
  std::vector<std::vector<double>> memory_;  // of the kinematics, per thread
};

}  // namespace tandem
