#include "tests/support/random_tree.hpp"

#include <cmath>
#include <cstdio>
#include <limits>
#include <random>

namespace tandem {
namespace {

struct Random {
  std::mt19937_64 engine;
  explicit Random(std::uint64_t seed) : engine(seed) {}
  double uniform(double low, double high) { return std::uniform_real_distribution<double>(low, high)(engine); }
  double normal() { return std::normal_distribution<double>()(engine); }
  int below(int n) { return std::uniform_int_distribution<int>(0, n - 1)(engine); }

  void append_uniform(std::vector<double>& out, int n, double size) {
    for (int i = 0; i < n; ++i) out.push_back(uniform(-size, size));
  }
  // unit vector of n numbers
  std::vector<double> direction(int n) {
    std::vector<double> a(n);
    double length = 0;
    for (double& x : a) x = normal(), length += x * x;
    for (double& x : a) x /= std::sqrt(length);
    return a;
  }
};

void append_rotation(std::vector<double>& out, const std::vector<double>& q) {
  const double w = q[0], x = q[1], y = q[2], z = q[3];
  const double R[9] = {1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y), 2 * (x * y + w * z),    1 - 2 * (x * x + z * z),
                       2 * (y * z - w * x),     2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)};
  out.insert(out.end(), R, R + 9);
}

// inertia about their centre of six masses thrown about: always that of a possible body
void append_inertia(std::vector<double>& out, double mass, Random& random) {
  double r[6][3], mean[3] = {0, 0, 0}, I[6] = {0, 0, 0, 0, 0, 0};
  for (auto& p : r)
    for (int c = 0; c < 3; ++c) p[c] = random.uniform(-0.3, 0.3), mean[c] += p[c] / 6;
  for (auto& p : r) {
    const double x = p[0] - mean[0], y = p[1] - mean[1], z = p[2] - mean[2], m = mass / 6;
    I[0] += m * (y * y + z * z), I[1] += m * (x * x + z * z), I[2] += m * (x * x + y * y);
    I[3] -= m * x * y, I[4] -= m * x * z, I[5] -= m * y * z;
  }
  out.insert(out.end(), I, I + 6);
}

std::string numbers(const double* a, int n) {
  std::string out;
  char text[32];
  for (int i = 0; i < n; ++i) {
    std::snprintf(text, sizeof text, "%s%.17g", i ? " " : "", a[i]);
    out += text;
  }
  return out;
}

void write_body(const Model& model, int i, std::string& out) {
  const double* R = &model.R_PB[9 * i];
  const double axes[6] = {R[0], R[3], R[6], R[1], R[4], R[7]};
  out += "<body name=\"" + model.body_name[i] + "\" pos=\"" + numbers(&model.p_PB[3 * i], 3) + "\" xyaxes=\"" + numbers(axes, 6) + "\">\n";
  if (i == 0 && model.floating) out += "<freejoint/>\n";
  if (i > 0) {
    const int j = i - 1;
    out += "<joint name=\"" + model.joint_name[j] + "\" type=\"" + (model.joint_type[j] == JointType::kHinge ? "hinge" : "slide");
    out += "\" axis=\"" + numbers(&model.axis[3 * j], 3) + "\" pos=\"" + numbers(&model.anchor[3 * j], 3);
    out += "\" armature=\"" + numbers(&model.armature[j], 1) + "\"/>\n";
  }
  out += "<inertial pos=\"" + numbers(&model.com[3 * i], 3) + "\" mass=\"" + numbers(&model.mass[i], 1);
  out += "\" fullinertia=\"" + numbers(&model.inertia[6 * i], 6) + "\"/>\n";
  for (int child = i + 1; child < model.nbody; ++child)
    if (model.parent[child] == i) write_body(model, child, out);
  out += "</body>\n";
}

}  // namespace

Model random_tree(std::uint64_t seed, const RandomTreeSettings& settings) {
  Random random(seed);
  Model model;
  model.name = "random_tree";
  model.floating = settings.floating;
  model.nbody = settings.nbody;
  model.njnt = settings.nbody - 1;
  model.nq = model.njnt + (settings.floating ? 7 : 0);
  model.nv = model.njnt + (settings.floating ? 6 : 0);
  for (int i = 0; i < model.nbody; ++i) {
    model.body_name.push_back("body" + std::to_string(i));
    model.parent.push_back(i == 0 ? -1 : random.below(i));
    model.mass.push_back(random.uniform(0.5, 5));
    random.append_uniform(model.com, 3, 0.2);
    append_inertia(model.inertia, model.mass[i], random);
    random.append_uniform(model.p_PB, 3, 0.4);
    append_rotation(model.R_PB, random.direction(4));
  }
  for (int j = 0; j < model.njnt; ++j) {
    model.joint_name.push_back("joint" + std::to_string(j));
    model.joint_type.push_back(random.below(4) == 0 ? JointType::kSlide : JointType::kHinge);
    const std::vector<double> axis = random.direction(3);
    model.axis.insert(model.axis.end(), axis.begin(), axis.end());
    random.append_uniform(model.anchor, 3, 0.1);
    model.armature.push_back(random.uniform(0, 0.05));
  }
  model.damping.assign(model.njnt, 0.0);
  model.q_min.assign(model.njnt, -std::numeric_limits<double>::infinity());
  model.q_max.assign(model.njnt, std::numeric_limits<double>::infinity());
  model.v_max.assign(model.njnt, std::numeric_limits<double>::infinity());
  model.tau_max.assign(model.njnt, std::numeric_limits<double>::infinity());
  for (int c = 0; c < settings.ncon; ++c) {
    ContactPoint contact{"contact" + std::to_string(c), random.below(model.nbody), {}, c};
    for (double& x : contact.p_BC) x = random.uniform(-0.3, 0.3);
    model.contacts.push_back(contact);
    model.foot_name.push_back("foot" + std::to_string(c));
  }
  return model;
}

std::string to_mjcf(const Model& model) {
  std::string out =
      "<mujoco model=\"" + model.name + "\">\n<compiler angle=\"radian\"/>\n<option gravity=\"" + numbers(model.gravity, 3) + "\"/>\n<worldbody>\n";
  write_body(model, 0, out);
  return out + "</worldbody>\n</mujoco>\n";
}

std::vector<double> random_configuration(const Model& model, std::uint64_t seed) {
  Random random(seed);
  std::vector<double> q;
  if (model.floating) {
    random.append_uniform(q, 3, 10);
    const std::vector<double> quat = random.direction(4);
    q.insert(q.end(), quat.begin(), quat.end());
  }
  for (int j = 0; j < model.njnt; ++j) q.push_back(random.uniform(-1, 1) * (model.joint_type[j] == JointType::kHinge ? 3 : 1));
  return q;
}

std::vector<double> random_vector(int n, double scale, std::uint64_t seed) {
  Random random(seed);
  std::vector<double> a(n);
  for (double& x : a) x = scale * random.normal();
  return a;
}

}  // namespace tandem
