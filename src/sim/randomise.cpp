#include "sim/randomise.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.hpp"
#include "base/rng.hpp"
#include "dynamics/kinematics_kernel.hpp"

namespace tandem {
namespace {

enum Stream : std::uint32_t { kInitialState = 0, kCommand = 1 };

}  // namespace

InitialStateSampler::InitialStateSampler(const Model& model, const double* stance, const InitialStateRange& range)
    : arrays_(make_arrays<double>(model)), range_(range) {
  check(model.floating && !model.contacts.empty(), "initial state: \"", model.name, "\" needs a floating base and contact points");
  stance_.assign(stance, stance + model.nq);
  memory_.resize(kinematics_size<double>(model.nbody));
  stance_lowest_ = lowest_point(stance);
}

double InitialStateSampler::lowest_point(const double* q) {
  const ModelView<double>& view = arrays_.view;
  const Kinematics<double> kin = kinematics_at(memory_.data(), view.nbody);
  forward_kinematics(SerialTeam{}, view, Pose<double>{quat_to_rotation(q + 3), load3<double>(q)}, q + 7, kin);
  double lowest = std::numeric_limits<double>::infinity();
  for (int c = 0; c < view.ncon; ++c) lowest = std::min(lowest, contact_position<double>(view, kin, c).z);
  return lowest;
}

void InitialStateSampler::draw(Rng rng, double scale, double* q, double* v) {
  check(scale >= 0 && std::isfinite(scale), "initial state: scale = ", scale, ", expected 0 or more");
  std::copy(stance_.begin(), stance_.end(), q);
  std::fill_n(v, arrays_.view.nv, 0.0);

  // turn the stance: R = Rz(yaw) Ry(pitch) Rx(roll) R_stance
  double turned[4];
  for (int axis = 0; axis < 3; ++axis) {
    const double half = 0.5 * scale * rng.uniform(-range_.angle, range_.angle);
    double turn[4] = {std::cos(half), 0, 0, 0};
    turn[1 + axis] = std::sin(half);
    quat_multiply(turned, turn, q + 3);
    std::copy_n(turned, 4, q + 3);
  }
  for (int i = 0; i < 3; ++i) v[i] = scale * rng.uniform(-range_.velocity, range_.velocity);
  for (int i = 3; i < 6; ++i) v[i] = scale * rng.uniform(-range_.angular_velocity, range_.angular_velocity);
  q[2] += stance_lowest_ - lowest_point(q);
}

void sample_initial_state(const Model& model, const double* stance, const InitialStateRange& range, double scale, std::uint64_t seed, int world,
                          double* q, double* v) {
  InitialStateSampler(model, stance, range).draw({seed, std::uint32_t(world), kInitialState}, scale, q, v);
}

InitialStates sample_initial_states(const Robot& robot, int nworld, double scale, std::uint64_t seed) {
  const size_t n = nworld, nq = robot.model.nq, nv = robot.model.nv;
  InitialStates states{std::vector<int>(n), std::vector<double>(n * nq), std::vector<double>(n * nv)};
  for (size_t w = 0; w < n; ++w) {
    states.worlds[w] = int(w);
    sample_initial_state(robot.model, robot.stand.data(), {}, scale, seed, int(w), &states.q[w * nq], &states.v[w * nv]);
  }
  return states;
}

void sample_command(const CommandRange& range, std::uint64_t seed, int world, double* command) {
  Rng rng{seed, std::uint32_t(world), kCommand};
  int i = 0;
  for (const double* limits : {range.vx, range.vy, range.wz}) command[i++] = rng.uniform(limits[0], limits[1]);
}

}  // namespace tandem
