#include "model/mirror.hpp"

#include <cmath>
#include <limits>

#include "base/check.hpp"
#include "math/vec3.hpp"

namespace tandem {
namespace {

constexpr double kPosition = 0.005;  // how far a joint or foot may be from its image [m]
constexpr double kAxis = 1e-3;       // one minus the cosine between axes
constexpr double kMass = 0.05;       // difference of masses over their sum

// Where bodies, joints and feet are at q = 0, in the base frame.
struct Zero {
  std::vector<Mat3<double>> R;                // of the bodies
  std::vector<Vec3<double>> p, axis, anchor;  // of the bodies and the joints that move them
  std::vector<Vec3<double>> foot;             // mean of the contact points
};

Zero at_zero(const Model& model) {
  Zero zero;
  for (int i = 0; i < model.nbody; ++i) {
    const Mat3<double> R_PB = load33<double>(&model.R_PB[9 * i]);
    const int parent = model.parent[i];
    zero.R.push_back(i == 0 ? Mat3<double>{{1, 0, 0, 0, 1, 0, 0, 0, 1}} : zero.R[parent] * R_PB);
    zero.p.push_back(i == 0 ? Vec3<double>{0, 0, 0} : zero.p[parent] + zero.R[parent] * load3<double>(&model.p_PB[3 * i]));
    zero.axis.push_back(i == 0 ? Vec3<double>{0, 0, 0} : zero.R[i] * load3<double>(&model.axis[3 * (i - 1)]));
    zero.anchor.push_back(i == 0 ? Vec3<double>{0, 0, 0} : zero.p[i] + zero.R[i] * load3<double>(&model.anchor[3 * (i - 1)]));
  }
  for (int f = 0; f < static_cast<int>(model.foot_name.size()); ++f) {
    Vec3<double> sum{0, 0, 0};
    int count = 0;
    for (const ContactPoint& contact : model.contacts)
      if (contact.foot == f) sum = sum + zero.p[contact.body] + zero.R[contact.body] * load3<double>(contact.p_BC), ++count;
    zero.foot.push_back((1.0 / count) * sum);
  }
  return zero;
}

Vec3<double> reflected(Vec3<double> a) { return {a.x, -a.y, a.z}; }

double distance(Vec3<double> a, Vec3<double> b) { return std::sqrt(dot(a - b, a - b)); }

// The body whose joint is nearest to the image of the joint of `body` among those that hang on `parent` and move about the same line, and with which sign.
std::pair<int, double> counterpart(const Model& model, const Zero& zero, int body, int parent) {
  const JointType type = model.joint_type[body - 1];
  // turning is mirrored the other way round
  const Vec3<double> axis = type == JointType::kHinge ? -reflected(zero.axis[body]) : reflected(zero.axis[body]);
  double nearest = kPosition, sign = 0;
  int found = -1;
  for (int k = 1; k < model.nbody; ++k) {
    const double along = dot(axis, zero.axis[k]), apart = distance(reflected(zero.anchor[body]), zero.anchor[k]);
    if (model.parent[k] != parent || model.joint_type[k - 1] != type || std::abs(along) < 1 - kAxis || apart >= nearest) continue;
    nearest = apart, sign = along > 0 ? 1 : -1, found = k;
  }
  return {found, sign};
}

}  // namespace

Mirror mirror_of(const Model& model) {
  const Zero zero = at_zero(model);
  const auto not_symmetric = [&](const auto&... what) { throw Error(cat(model.name, " is not its own mirror image at y = 0: ", what...)); };
  Mirror mirror;
  std::vector<int> image{0};
  for (int i = 1; i < model.nbody; ++i) {
    const auto [k, sign] = counterpart(model, zero, i, image[model.parent[i]]);
    const Vec3<double> at = reflected(zero.anchor[i]);
    if (k < 0)
      not_symmetric("joint ", model.joint_name[i - 1], " has no counterpart within 5 mm of (", at.x, ", ", at.y, ", ", at.z,
                    ") m about the mirrored axis");
    if (std::abs(model.mass[i] - model.mass[k]) > kMass * (model.mass[i] + model.mass[k]))
      not_symmetric("body ", model.body_name[i], " has ", model.mass[i], " kg, ", model.body_name[k], " ", model.mass[k], " kg");
    image.push_back(k);
    mirror.joint.add(k - 1, sign);
  }
  for (int j = 0; j < model.njnt; ++j)
    if (mirror.joint.from[mirror.joint.from[j]] != j) not_symmetric("joints ", model.joint_name[j], " and another have the same counterpart");
  for (size_t f = 0; f < zero.foot.size(); ++f) {
    size_t other = 0;
    while (other < zero.foot.size() && distance(reflected(zero.foot[f]), zero.foot[other]) > kPosition) ++other;
    if (other == zero.foot.size()) not_symmetric("foot ", model.foot_name[f], " has no counterpart");
    mirror.foot.push_back(static_cast<int>(other));
  }
  return mirror;
}

}  // namespace tandem
