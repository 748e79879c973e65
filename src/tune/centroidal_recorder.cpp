#include "tune/centroidal_recorder.hpp"

#include <algorithm>
#include <cmath>

#include "base/check.hpp"
#include "dynamics/dynamics.hpp"
#include "math/vec3.hpp"
#include "tune/centroidal_columns.hpp"
#include "tune/measured_terms.hpp"

namespace tandem {

struct CentroidalRecorder::Impl {
  int world, nx, nj;
  std::vector<int> joint_of_robot;
  Model model;
  RobotDynamics dynamics;
  std::vector<double> foot_point;
  Recording recording = {};
  TermMeter terms = {};
  std::vector<double> command = std::vector<double>(4);
  std::vector<double> u = {};  // sum over the steps of the open sample  (nx)
  std::vector<float> u_plan = {}, schedule = {};
  CentroidalNodeInput<float> opened = {};
  bool open = false;

  // Column number `next` of the recording gets the numbers.
  template <class T>
  void put(size_t& next, const T* numbers, int size) {
    std::vector<float>& data = recording.columns[next++].data;
    data.insert(data.end(), numbers, numbers + size);
  }
  void add_wrenches(const Simulator& sim);
  void close();
};

// Adds force and moment about the middle of each sole, in the axes of the world.
void CentroidalRecorder::Impl::add_wrenches(const Simulator& sim) {
  set_state(dynamics, &sim.output.q[static_cast<size_t>(world) * model.nq], &sim.output.v[static_cast<size_t>(world) * model.nv]);
  for (int c = 0; c < static_cast<int>(model.contacts.size()); ++c) {
    const ContactPoint& point = model.contacts[c];
    double p[3], R[9];
    body_pose(dynamics, point.body, p, R);
    const Vec3<double> lever = load33<double>(R) * (load3<double>(point.p_BC) - load3<double>(foot_point.data()));
    const Vec3<double> force = load3<double>(&sim.output.point_force[3 * (static_cast<size_t>(world) * model.contacts.size() + c)]),
                       moment = cross(lever, force);
    double* wrench = u.data() + kWrench + 6 * point.foot;
    const double add[6] = {force.x, force.y, force.z, moment.x, moment.y, moment.z};
    for (int i = 0; i < 6; ++i) wrench[i] += add[i];
  }
}

// Moves the open sample to the columns.
void CentroidalRecorder::Impl::close() {
  if (!open || terms.steps() == 0) return;
  for (int i = 0; i < nx; ++i) opened.u[i] = static_cast<float>(u[i] / terms.steps());
  size_t next = 0;
  visit_node(opened, nx, [&](const char*, const char*, const float* numbers, int size) { put(next, numbers, size); });
  put(next, u_plan.data(), nx), put(next, schedule.data(), static_cast<int>(schedule.size())), put(next, command.data(), 4);
  terms.finish(&recording.columns[next]);
  recording.time.push_back(recording.time.size() * recording.sample_dt);
  recording.trajectory.push_back(0);
  open = false;
}

CentroidalRecorder::CentroidalRecorder(const CentroidalMpc& mpc, int world, std::span<const double> theta) {
  check(world >= 0 && world < mpc.nworld(), "recorder: world ", world, ", expected 0 to ", mpc.nworld() - 1);
  check(static_cast<int>(theta.size()) == theta_size(mpc.joints()), "recorder: theta has ", theta.size(), " values, expected ",
        theta_size(mpc.joints()));
  const Model& model = mpc.robot().model;
  const double* foot_point = mpc.settings().foot_point;
  impl_ = std::make_unique<Impl>(Impl{.world = world,
                                      .nx = 12 + mpc.joints(),
                                      .nj = mpc.joints(),
                                      .joint_of_robot = mpc.joint_of_robot(),
                                      .model = model,
                                      .dynamics = make_dynamics(model),
                                      .foot_point = {foot_point, foot_point + 3}});
  Recording& r = impl_->recording;
  r.robot = mpc.robot().name, r.controller = "centroidal", r.sample_dt = mpc.settings().control_dt;
  r.theta.assign(theta.begin(), theta.end());
  const int nx = impl_->nx;
  CentroidalNodeInput<float> node;
  visit_node(node, nx, [&](const char* name, const char* unit, const float*, int size) { r.columns.push_back({name, unit, size, {}}); });
  r.columns.push_back({"u_plan", "N, N m, rad/s", nx, {}});
  r.columns.push_back({"schedule", "1", kFeet * (mpc.settings().horizon + 1), {}});
  r.columns.push_back({"command", "m, m/s, m/s, rad/s", 4, {}});
  for (Column& c : term_columns()) r.columns.push_back(std::move(c));
}
CentroidalRecorder::~CentroidalRecorder() = default;
CentroidalRecorder::CentroidalRecorder(CentroidalRecorder&&) noexcept = default;

void CentroidalRecorder::begin() {
  Impl& s = *impl_;
  s.open = false;
  s.recording.time.clear(), s.recording.trajectory.clear();
  for (Column& c : s.recording.columns) c.data.clear();
}

void CentroidalRecorder::planned(const CentroidalMpc& mpc, std::span<const double> command) {
  Impl& s = *impl_;
  check(command.size() == 4, "recorder: command has ", command.size(), " values, expected 4: height, vx, vy, wz");
  s.close();
  const CentroidalPlan plan = mpc.plan(s.world);
  s.opened = plan[0];
  const std::span<const float> x = mpc.measured(s.world);
  std::copy(x.begin(), x.end(), s.opened.x);
  s.u_plan.assign(plan[0].u, plan[0].u + s.nx);
  s.schedule.clear();
  for (const CentroidalNodeInput<float>& node : plan) s.schedule.insert(s.schedule.end(), node.ref.stance, node.ref.stance + kFeet);
  s.command.assign(command.begin(), command.end());
  s.u.assign(s.nx, 0);
  s.terms.begin();
  s.open = true;
}

void CentroidalRecorder::measured(const Simulator& sim) {
  Impl& s = *impl_;
  if (!s.open) return;
  s.add_wrenches(sim);
  const double* v = &sim.output.v[static_cast<size_t>(s.world) * s.model.nv + 6];
  for (int j = 0; j < s.nj; ++j) s.u[kVelocities + j] += v[s.joint_of_robot[j]];
  s.terms.add(sim, s.world, s.command);
}

Recording CentroidalRecorder::finish(bool fell) {
  impl_->close();
  Recording done = impl_->recording;
  if (!done.time.empty()) done.fell = {static_cast<unsigned char>(fell)};
  begin();
  return done;
}

}  // namespace tandem
