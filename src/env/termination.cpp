#include "env/termination.hpp"

namespace tandem {

const std::vector<std::string>& episode_end_names() {
  static const std::vector<std::string> names = {"not_finite", "fall_contact", "height", "tilt", "velocity", "time_out"};
  return names;
}

Termination detect_failure(const TaskSettings& settings, const Model& model, const SimOutput& output, int world, double height,
                           const double* command) {
  const size_t w = world;
  const FailureInput<double> input{&output.q[w * model.nq], &output.v[w * model.nv], command, height, output.fault[w], output.floor_contact[w] != 0};
  return detect_failure(settings, input);
}

}  // namespace tandem
