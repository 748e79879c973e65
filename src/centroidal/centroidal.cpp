#include "centroidal/centroidal.hpp"

#include <algorithm>
#include <cmath>

#include "base/aligned.hpp"
#include "base/check.hpp"
#include "base/isa.hpp"
#include "base/parallel.hpp"
#include "centroidal/arrays.hpp"
#include "centroidal/batch.hpp"
#include "centroidal/form_kernel.hpp"
#include "centroidal/measure.hpp"

namespace tandem {
namespace {

constexpr int kAlign = 16;  // floats in the widest vector register

void check_size(size_t have, size_t expected, const char* what, const char* shape) {
  check(have == expected, "centroidal MPC step: ", what, " has ", have, " values, expected ", shape, " = ", expected);
}

PlanView<float> make_plan_view(const Robot& robot, const CentroidalSettings& s, const CentroidalArrays<float>& arrays) {
  const auto f = [](double value) { return static_cast<float>(value); };
  PlanView<float> plan{};
  plan.control_dt = f(s.control_dt), plan.period = f(s.gait.period), plan.stance_fraction = f(s.gait.stance_fraction);
  for (int i = 0; i < kFeet; ++i) plan.offset[i] = f(s.gait.offset[i]);
  plan.swing_height = f(s.gait.swing_height), plan.takeoff_velocity = f(s.gait.takeoff_velocity),
  plan.touchdown_velocity = f(s.gait.touchdown_velocity);
  plan.weight = arrays.view.mass * f(std::hypot(robot.model.gravity[0], robot.model.gravity[1], robot.model.gravity[2]));
  const std::vector<double>& nominal = s.nominal.empty() ? robot.nominal : s.nominal;
  const Model& model = arrays.locked.model;
  std::vector<double> q(model.nq, 0.0), v(model.nv, 0.0);
  q[3] = 1;
  for (int j = 0; j < arrays.view.nj; ++j) plan.nominal[j] = f(q[7 + j] = nominal[arrays.locked.joint[j]]);
  RobotDynamics dynamics = make_dynamics(model);
  set_state(dynamics, q.data(), v.data());
  double p[3], R[9];
  body_pose(dynamics, arrays.view.torso.body, p, R);
  for (int r = 0; r < 3; ++r) plan.torso_offset[r] = f(p[r]);
  return plan;
}

// One world between steps.
struct World {
  std::vector<CentroidalNodeInput<float>> nodes;
  std::vector<float> x;
  double phase = 0, hold = 0;  // gait time in periods; time until it runs [s]
  bool started = false, standing = false;
};

}  // namespace

struct CentroidalMpc::Impl {
  Robot robot;
  CentroidalSettings settings;
  CentroidalArrays<float> arrays;
  PlanView<float> plan;
  CentroidalKernels kernels;
  ThreadPool pool;
  size_t stride;
  AlignedFloats scratch;
  std::vector<StateMeter> meters;  // per thread
  std::vector<World> worlds;
  bool profiling = false;
  std::vector<CentroidalProfile> profiles;  // per thread

  Impl(const Robot& r, const CentroidalSettings& s, int nworld, int threads)
      : robot(r),
        settings(s),
        arrays(make_arrays<float>(r, s)),
        plan(make_plan_view(r, s, arrays)),
        kernels(detect_isa() == Isa::kAvx512 ? avx512::centroidal_kernels() : avx2::centroidal_kernels()),
        pool(threads),
        stride((kernels.scratch_size(arrays.view) + kAlign - 1) / kAlign * kAlign),
        scratch(stride * pool.size()),
        worlds(nworld),
        profiles(pool.size()) {
    for (int t = 0; t < pool.size(); ++t) {
      kernels.init_scratch(arrays.view, scratch.data + t * stride);
      meters.push_back(make_state_meter(arrays.locked));
    }
    for (World& world : worlds) {
      world.nodes.resize(arrays.view.N + 1);
      world.x.assign(arrays.view.nx, 0);
      world.hold = settings.start_hold;
    }
  }

  // Measures the state; false where it is not finite.
  bool measure(World& world, StateMeter& meter, const double* q, const double* v) const {
    double x[kMaxState];
    measure_state(meter, q, v, world.started ? world.x[kEuler] : 0, x);
    bool finite = true;
    for (int i = 0; i < arrays.view.nx; ++i) finite &= std::isfinite(x[i]), world.x[i] = static_cast<float>(x[i]);
    return finite;
  }
  CentroidalTask task(World& world, const PlanView<float>& gait, const float* command) const {
    return {&arrays.view, &gait, {world.x.data(), command, static_cast<float>(world.phase)}, world.started, world.nodes.data(), 1, nullptr};
  }
  PlanView<float> gait_of(const World& world) const {
    PlanView<float> gait = plan;
    gait.hold = static_cast<float>(world.hold);
    if (world.standing) gait.stance_fraction = 1;
    return gait;
  }
};

CentroidalMpc::CentroidalMpc(const Robot& robot, const CentroidalSettings& settings, int nworld, int threads) {
  check(nworld >= 1, "centroidal MPC: nworld = ", nworld, ", expected at least 1");
  impl_ = std::make_unique<Impl>(robot, settings, nworld, threads);
  output.info.resize(nworld), output.cost.assign(nworld, 0), output.phase.assign(nworld, 0);
}
CentroidalMpc::~CentroidalMpc() = default;
CentroidalMpc::CentroidalMpc(CentroidalMpc&&) noexcept = default;

void CentroidalMpc::reset(int world, double phase) {
  check(world >= 0 && world < nworld(), "centroidal MPC reset: world ", world, ", expected 0 to ", nworld() - 1);
  World& w = impl_->worlds[world];
  w.started = false, w.phase = phase - std::floor(phase), w.hold = impl_->settings.start_hold;
}

void CentroidalMpc::stand(int world, bool standing) {
  World& w = impl_->worlds.at(world);
  if (w.standing && !standing) w.hold = impl_->settings.start_hold;
  w.standing = standing;
}

void CentroidalMpc::step(std::span<const double> q, std::span<const double> v, std::span<const double> command,
                         std::span<const unsigned char> active) {
  Impl& s = *impl_;
  const size_t n = s.worlds.size(), nq = s.robot.model.nq, nv = s.robot.model.nv;
  check_size(q.size(), n * nq, "q", "nworld x nq");
  check_size(v.size(), n * nv, "v", "nworld x nv");
  check_size(command.size(), n * 4, "command", "nworld x 4");
  if (!active.empty()) check_size(active.size(), n, "active", "nworld");
  std::fill(s.profiles.begin(), s.profiles.end(), CentroidalProfile{});
  s.pool.run(static_cast<int>(n), [&](int w, int thread) {
    if (!active.empty() && !active[w]) return;
    World& world = s.worlds[w];
    output.phase[w] = world.phase;
    float order[4];
    for (int i = 0; i < 4; ++i) order[i] = static_cast<float>(command[4 * w + i]);
    const bool good = s.measure(world, s.meters[thread], &q[w * nq], &v[w * nv]);
    const PlanView<float> gait = s.gait_of(world);
    CentroidalTask task = s.task(world, gait, order);
    if (s.profiling) task.profile = &s.profiles[thread];
    task.iterations = world.started ? 1 : s.settings.start_iterations;
    CentroidalAnswer answer{{.status = Status::kNotFinite}, 0};
    if (good) answer = s.kernels.step_world(task, s.scratch.data + thread * s.stride);
    output.info[w] = answer.info, output.cost[w] = answer.cost;
    world.started = usable(answer.info.status);
    const double running = std::max(0.0, s.settings.control_dt - world.hold);
    world.hold = std::max(0.0, world.hold - s.settings.control_dt);
    world.phase += running / s.settings.gait.period;
    world.phase -= std::floor(world.phase);
  });
}

CentroidalPlan CentroidalMpc::plan(int world) const { return impl_->worlds.at(world).nodes; }
std::span<const float> CentroidalMpc::measured(int world) const { return impl_->worlds.at(world).x; }

void CentroidalMpc::set_theta(std::span<const double> theta) { tandem::set_theta(theta, impl_->arrays); }

std::vector<float> CentroidalMpc::form(int world, std::span<const double> q, std::span<const double> v, std::span<const double> command) const {
  const Impl& s = *impl_;
  check_size(q.size(), s.robot.model.nq, "q", "nq");
  check_size(v.size(), s.robot.model.nv, "v", "nv");
  check_size(command.size(), 4, "command", "4");
  World copy = s.worlds.at(world);
  StateMeter meter = make_state_meter(s.arrays.locked);
  s.measure(copy, meter, q.data(), v.data());
  const std::vector<float> order(command.begin(), command.end());
  const PlanView<float> gait = s.gait_of(copy);
  AlignedFloats scratch(s.stride);
  s.kernels.init_scratch(s.arrays.view, scratch.data);
  std::vector<float> qp(qp_size(dims()));
  s.kernels.form_world(s.task(copy, gait, order.data()), scratch.data, qp.data());
  return qp;
}

QpDims CentroidalMpc::dims() const { return centroidal_dims(impl_->arrays.view.N, impl_->arrays.view.nx, kAlign); }
const CentroidalSettings& CentroidalMpc::settings() const { return impl_->settings; }
const Robot& CentroidalMpc::robot() const { return impl_->robot; }
int CentroidalMpc::nworld() const { return static_cast<int>(impl_->worlds.size()); }
int CentroidalMpc::joints() const { return impl_->arrays.view.nj; }
const std::vector<int>& CentroidalMpc::joint_of_robot() const { return impl_->arrays.locked.joint; }
void CentroidalMpc::profile(bool on) { impl_->profiling = on; }

CentroidalProfile CentroidalMpc::last_profile() const {
  CentroidalProfile sum;
  for (double CentroidalProfile::* field : {&CentroidalProfile::prepare, &CentroidalProfile::linearise, &CentroidalProfile::form,
                                            &CentroidalProfile::solve, &CentroidalProfile::finish}) {
    for (const CentroidalProfile& p : impl_->profiles) sum.*field += p.*field;
    sum.*field /= nworld();
  }
  return sum;
}

}  // namespace tandem
