#include "centroidal/measure.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "centroidal/view.hpp"
#include "math/so3.hpp"

namespace tandem {

StateMeter make_state_meter(const LockedModel& locked) {
  const Model& model = locked.model;
  StateMeter meter{locked, make_dynamics(model), {}, {}, {}, 0};
  meter.q.resize(model.nq), meter.v.resize(model.nv), meter.A.resize(6 * model.nv);
  for (double m : model.mass) meter.mass += m;
  return meter;
}

void measure_state(StateMeter& meter, const double* q, const double* v, double yaw_near, double* x) {
  const std::vector<int>& joint = meter.locked.joint;
  std::copy_n(q, 7, meter.q.begin()), std::copy_n(v, 6, meter.v.begin());
  scale_to_unit(&meter.q[3]);
  for (size_t j = 0; j < joint.size(); ++j) meter.q[7 + j] = q[7 + joint[j]], meter.v[6 + j] = v[6 + joint[j]], x[kJoints + j] = q[7 + joint[j]];
  set_state(meter.dynamics, meter.q.data(), meter.v.data());
  double h[6];
  centroidal_momentum(meter.dynamics, meter.A.data(), h);
  for (int r = 0; r < 3; ++r) x[kLinear + r] = h[3 + r] / meter.mass, x[kAngular + r] = h[r] / meter.mass, x[kPosition + r] = q[r];
  const double w = meter.q[3], i = meter.q[4], j = meter.q[5], k = meter.q[6], turn = 2 * std::numbers::pi;
  const double yaw = std::atan2(2 * (w * k + i * j), 1 - 2 * (j * j + k * k));
  x[kEuler] = yaw + turn * std::round((yaw_near - yaw) / turn);
  x[kEuler + 1] = std::asin(std::clamp(2 * (w * j - i * k), -1.0, 1.0));
  x[kEuler + 2] = std::atan2(2 * (w * i + j * k), 1 - 2 * (i * i + j * j));
}

}  // namespace tandem
