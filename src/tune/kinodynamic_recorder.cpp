#include "base/check.hpp"
#include "tune/kinodynamic.hpp"
#include "tune/measured_terms.hpp"

namespace tandem {

struct KinodynamicRecorder::Impl {
  int world, nq, nv, nforce, nfoot;
  Recording recording = {};
  TermMeter terms = {};
  std::vector<double> command = {}, force = {};  // of the open sample; force: sum over its steps
  std::vector<float> q = {}, v = {}, stance = {};
  bool open = false;

  void close() {
    if (!open || terms.steps() == 0) return;
    size_t next = 0;
    const auto put = [&](const auto& numbers, double scale) {
      std::vector<float>& data = recording.columns[next++].data;
      for (double number : numbers) data.push_back(static_cast<float>(scale * number));
    };
    put(q, 1), put(v, 1), put(force, 1.0 / terms.steps()), put(stance, 1), put(command, 1);
    terms.finish(&recording.columns[next]);
    recording.time.push_back(static_cast<double>(recording.time.size()) * recording.sample_dt);
    recording.trajectory.push_back(0);
    open = false;
  }
};

KinodynamicRecorder::KinodynamicRecorder(const Mpc& mpc, int world, std::span<const double> theta) {
  check(world >= 0 && world < mpc.nworld(), "recorder: world ", world, ", expected 0 to ", mpc.nworld() - 1);
  const Model& model = mpc.model();
  const int nforce = 3 * static_cast<int>(model.contacts.size()), nfoot = static_cast<int>(model.foot_name.size());
  impl_ = std::make_unique<Impl>(Impl{.world = world, .nq = model.nq, .nv = model.nv, .nforce = nforce, .nfoot = nfoot});
  Recording& r = impl_->recording;
  r.robot = model.name, r.controller = "kinodynamic", r.sample_dt = mpc.settings().control_dt;
  r.theta.assign(theta.begin(), theta.end());
  r.columns = {{"q", "m, 1, rad", model.nq, {}},
               {"v", "m/s, rad/s", model.nv, {}},
               {"force", "N", nforce, {}},
               {"stance", "1", nfoot, {}},
               {"command", "m, m/s, m/s, rad/s", 4, {}}};
  for (Column& c : term_columns()) r.columns.push_back(std::move(c));
}
KinodynamicRecorder::~KinodynamicRecorder() = default;
KinodynamicRecorder::KinodynamicRecorder(KinodynamicRecorder&&) noexcept = default;

void KinodynamicRecorder::begin() {
  impl_->open = false;
  impl_->recording.time.clear(), impl_->recording.trajectory.clear();
  for (Column& c : impl_->recording.columns) c.data.clear();
}

void KinodynamicRecorder::planned(const Mpc& mpc, std::span<const double> q, std::span<const double> v, std::span<const double> command) {
  Impl& s = *impl_;
  check(static_cast<int>(q.size()) == s.nq && static_cast<int>(v.size()) == s.nv && command.size() == 4, "recorder: q, v, command have ", q.size(),
        ", ", v.size(), ", ", command.size(), " values, expected ", s.nq, ", ", s.nv, ", 4");
  s.close();
  const std::vector<double> stance = mpc.horizon(s.world).stance;
  s.stance.assign(stance.begin(), stance.begin() + s.nfoot);
  s.q.assign(q.begin(), q.end()), s.v.assign(v.begin(), v.end()), s.command.assign(command.begin(), command.end());
  s.force.assign(s.nforce, 0);
  s.terms.begin();
  s.open = true;
}

void KinodynamicRecorder::measured(const Simulator& sim) {
  Impl& s = *impl_;
  if (!s.open) return;
  const double* force = &sim.output.point_force[static_cast<size_t>(s.world) * s.nforce];
  for (int i = 0; i < s.nforce; ++i) s.force[i] += force[i];
  s.terms.add(sim, s.world, s.command);
}

Recording KinodynamicRecorder::finish(bool fell) {
  impl_->close();
  Recording done = impl_->recording;
  if (!done.time.empty()) done.fell = {static_cast<unsigned char>(fell)};
  begin();
  return done;
}

}  // namespace tandem
