#include "policy/symmetry.hpp"

#include <algorithm>
#include <cmath>

#include "base/check.hpp"

namespace tandem {
namespace {

constexpr double kTolerance = 1e-6;

// Throws Error unless values (njnt) are those of the counterparts.   sign: of the joint, or 1 for what has none
void check_joints(const Model& model, const SignedPermutation& joint, const std::vector<double>& values, bool signs, const char* what) {
  for (int j = 0; j < joint.size(); ++j) {
    const double expected = (signs ? joint.sign[j] : 1) * values[joint.from[j]];
    check(std::abs(values[j] - expected) < kTolerance, what, " of ", model.joint_name[j], " is ", values[j], ", but ",
          model.joint_name[joint.from[j]], " on the other side asks for ", expected);
  }
}

// A gait whose mirror image is the gait itself, some time later: all feet differ from their counterparts by the same part of a period.
void check_gait(const Model& model, const std::vector<int>& foot, const std::vector<double>& offset) {
  for (size_t f = 0; f < foot.size(); ++f) {
    const double later = offset[foot[f]] - offset[f] - (offset[foot[0]] - offset[0]);
    check(std::abs(later - std::round(later)) < kTolerance, "gait.offset of ", model.foot_name[f], " and ", model.foot_name[foot[f]],
          " differs from that of ", model.foot_name[0], " and ", model.foot_name[foot[0]], ", so that the gait is not its own mirror image");
  }
}

void add_vector(SignedPermutation& out, const double (&sign)[3]) {
  const int begin = out.size();
  for (int i = 0; i < 3; ++i) out.add(begin + i, sign[i]);
}

void add_joints(SignedPermutation& out, const SignedPermutation& joint) {
  const int begin = out.size();
  for (int j = 0; j < joint.size(); ++j) out.add(begin + joint.from[j], joint.sign[j]);
}

void add_group(SignedPermutation& out, const ObservationGroup& group, const Mirror& mirror) {
  const int begin = out.size();
  if (group.name == "height" || group.name == "value")
    out.add(begin, 1);
  else if (group.name == "gravity" || group.name == "linear_velocity")
    add_vector(out, {1, -1, 1});
  else if (group.name == "angular_velocity")
    add_vector(out, {-1, 1, -1});
  else if (group.name == "command")  // forward, left, turning left
    add_vector(out, {1, -1, -1});
  else if (group.name == "joint_position" || group.name == "joint_velocity")
    add_joints(out, mirror.joint);
  else if (group.name == "phase")
    for (const int f : mirror.foot) out.add(begin + 2 * f, 1), out.add(begin + 2 * f + 1, 1);
  check(out.size() == begin + group.size, "the observation group ", group.name, " has no mirror image");
}

SignedPermutation mirrored_action(const Model& model, const Blending& blending, const SignedPermutation& joint) {
  SignedPermutation action;
  for (size_t i = 0; i < blending.joint.size(); ++i) {
    const int j = blending.joint[i];
    const auto other = std::find(blending.joint.begin(), blending.joint.end(), joint.from[j]);
    check(other != blending.joint.end(), "a policy moves ", model.joint_name[j], " but not ", model.joint_name[joint.from[j]], " on the other side");
    const auto k = static_cast<size_t>(other - blending.joint.begin());
    check(blending.kp_a[i] == blending.kp_a[k] && blending.kd_a[i] == blending.kd_a[k], "the policy's gains of ", model.joint_name[j], " and ",
          model.joint_name[joint.from[j]], " differ");
    action.add(static_cast<int>(k), joint.sign[j]);
  }
  return action;
}

}  // namespace

Symmetry symmetry_of(const Model& model, const ObservationLayout& layout, const Blending& blending) {
  const Mirror mirror = mirror_of(model);
  check_joints(model, mirror.joint, layout.nominal, true, "the nominal position");
  check_joints(model, mirror.joint, blending.nominal, true, "the nominal position");
  check_joints(model, mirror.joint, blending.kp, false, "kp");
  check_joints(model, mirror.joint, blending.kd, false, "kd");
  check_gait(model, mirror.foot, layout.gait_offset);
  Symmetry symmetry;
  for (const ObservationGroup& group : layout.groups) add_group(symmetry.observation, group, mirror);
  symmetry.action = mirrored_action(model, blending, mirror.joint);
  return symmetry;
}

}  // namespace tandem
