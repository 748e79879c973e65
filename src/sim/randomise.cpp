#include "sim/randomise.hpp"

#include <cmath>

#include "base/check.hpp"
#include "base/rng.hpp"

namespace tandem {
namespace {

enum Stream : std::uint32_t { kInitialState = 0, kCommand = 1 };

}  // namespace

InitialStateSampler::InitialStateSampler(const Model& model, const double* stance, const InitialStateRange& range)
    : arrays_(make_arrays<double>(model)) {
  check(model.floating && !model.contacts.empty(), "initial state: \"", model.name, "\" needs a floating base and contact points");
  q_.assign(stance, stance + model.nq);
  memory_.resize(kinematics_size<double>(model.nbody));
  stance_ = {q_.data(), lowest_contact(arrays_.view, stance, memory_.data()), range};
}

void InitialStateSampler::draw(Rng rng, double scale, double* q, double* v) {
  check(scale >= 0 && std::isfinite(scale), "initial state: scale = ", scale, ", expected 0 or more");
  draw_initial_state(arrays_.view, stance_, rng, scale, q, v, memory_.data());
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
