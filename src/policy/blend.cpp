#include "policy/blend.hpp"

namespace tandem {

const char* name(Blend blend) { return kBlendNames[static_cast<int>(blend)]; }

Blending make_blending(const Robot& robot, Blend blend, double lambda, double scale) {
  return {blend, lambda, scale, robot.action_joint, robot.action_kp, robot.action_kd, robot.nominal, robot.kp, robot.kd};
}

BlendingView<double> view_of(const Blending& b) {
  return {b.blend,
          static_cast<int>(b.nominal.size()),
          static_cast<int>(b.joint.size()),
          b.lambda,
          b.scale,
          b.joint.data(),
          b.kp_a.data(),
          b.kd_a.data(),
          b.nominal.data(),
          b.kp.data(),
          b.kd.data()};
}

void blend(const Blending& blending, const float* action, const SetPoints& set_points) { blend(view_of(blending), action, set_points); }

}  // namespace tandem
