// The Simulator on MuJoCo's batch API. One mjb_apply call per control step runs advance() for every world on the batch's threads; a world is
// its state row, so one mjData per thread serves them all and stays in cache.
#include <mujoco/mjbatch.h>
#include <mujoco/mujoco.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/check.hpp"
#include "model/names.hpp"
#include "sim/mujoco_map.hpp"
#include "sim/simulator.hpp"

namespace tandem {
namespace {

constexpr double kHuge = 1e10;  // MuJoCo's own bound on positions, velocities and accelerations

bool all_finite(const double* x, int n) {
  bool good = true;
  for (int i = 0; i < n; ++i) good &= std::abs(x[i]) < kHuge;
  return good;
}

// Physics warnings become SimFault bits, so they are not printed while a world is being advanced.
thread_local bool advancing = false;
mjfLogHandler previous_handler = nullptr;

void log_handler(const mjLogMessage* message) {
  if (!(advancing && message->level == mjLOG_WARNING)) previous_handler(message);
}

void install_log_handler() {
  static const bool installed = (previous_handler = mju_setLogHandler(log_handler), true);
  (void)installed;
}

struct PushState {
  int body = 0;  // MuJoCo's index
  int steps = 0;
  double force[3] = {0, 0, 0};
};

class MujocoSimulator final : public Simulator {
 public:
  MujocoSimulator(const std::string& xml, const Model& model, int nworld, const SimSettings& settings);
  ~MujocoSimulator() override { mjb_deleteBatch(batch_); }
  const Model& model() const override { return model_; }
  int nworld() const override { return nworld_; }
  const SimSettings& settings() const override { return settings_; }
  void set_state(std::span<const int> worlds, std::span<const double> q, std::span<const double> v) override;
  void kick(int world, std::span<const double> dv) override;
  void set_push(const Push& push) override;
  void set_parameters(int world, const WorldParameters& parameters) override;
  void step() override;

 private:
  void size_arrays();
  void default_row(const mjModel* m);
  void write_gains(int world);
  void write_masses(int world, const WorldParameters& parameters);
  void advance(const mjModel* m, mjData* d, int world);
  bool inputs_finite(int world) const;
  void physics_step(const mjModel* m, mjData* d, int world);
  void add_floor_contact(const mjModel* m, const mjData* d, int contact, int world);
  int nearest_point(const mjData* d, int body, const double* position) const;
  void read_state(const mjData* d, int world);
  void write_state(mjData* d, int world) const;
  double* row(int component, int world) const { return mjb_stateComponent(batch_, component, nullptr) + size_t(world) * nstate_; }
  double* field(const char* name, int world, int size) const { return static_cast<double*>(mjb_expand(batch_, name, nullptr, nullptr)) + size_t(world) * size; }
  void check_world(int world) const;

  Model model_;
  int nworld_;
  SimSettings settings_;
  int nsubstep_;
  int nbase_;  // degrees of freedom of the base
  MujocoMap map_;
  mjBatch* batch_ = nullptr;
  int nstate_ = 0;
  double* gain_ = nullptr;         // actuator_gainprm  (nworld, nactuator, mjNGAIN)
  double* bias_ = nullptr;         // actuator_biasprm  (nworld, nactuator, mjNBIAS)
  double* force_range_ = nullptr;  // (nworld, nactuator, 2)
  std::vector<double> default_row_;  // the state row of a world at rest  (nstate)
  std::vector<double> strength_;     // (nworld, njnt)
  std::vector<PushState> push_;      // (nworld)
  std::vector<int> running_;         // worlds without a stopping fault
  std::vector<double> load_, slide_;  // of one physics step: normal force, and normal force times sliding speed  (nworld, nfoot)
};

MujocoSimulator::MujocoSimulator(const std::string& xml, const Model& model, int nworld, const SimSettings& settings)
    : model_(model), nworld_(nworld), settings_(settings), nbase_(model.floating ? 6 : 0) {
  check(nworld >= 1, "simulator: nworld = ", nworld, ", expected at least 1");
  check(settings.threads >= 0, "simulator: threads = ", settings.threads, ", expected 0 (one per processor) or more");
  check(settings.physics_dt > 0 && settings.control_dt > 0, "simulator: control_dt and physics_dt must be positive");
  nsubstep_ = int(std::lround(settings.control_dt / settings.physics_dt));
  check(nsubstep_ >= 1 && std::abs(nsubstep_ * settings.physics_dt - settings.control_dt) < 1e-9 * settings.control_dt, "simulator: control_dt = ",
        settings.control_dt, " s is not a whole multiple of physics_dt = ", settings.physics_dt, " s");
  install_log_handler();
  std::unique_ptr<mjModel, void (*)(mjModel*)> m(load_mujoco(xml), mj_deleteModel);
  m->opt.timestep = settings.physics_dt;
  m->opt.disableflags |= mjDSBL_AUTORESET;  // a bad state is reported, not replaced
  map_ = make_mujoco_map(m.get(), model, settings.foot_geoms);
  for (int actuator : map_.actuator) m->actuator_gainprm[mjNGAIN * actuator] = 1;
  default_row(m.get());
  mjBatchConfig config;
  mjb_defaultConfig(&config);
  config.nthread = settings.threads;
  config.persistent = 0;
  char message[1000] = "";
  batch_ = mjb_makeBatch(m.get(), nworld, &config, message, sizeof(message));
  check(batch_ != nullptr, "simulator: ", message);
  nstate_ = mjb_nstate(batch_);
  gain_ = field("actuator_gainprm", 0, 0);
  bias_ = field("actuator_biasprm", 0, 0);
  force_range_ = field("actuator_forcerange", 0, 0);
  size_arrays();
}

void MujocoSimulator::size_arrays() {
  const size_t n = nworld_, njnt = model_.njnt;
  for (auto* array : {&input.tau_ff, &input.q_des, &input.v_des, &input.kp, &input.kd, &output.tau}) array->assign(n * njnt, 0);
  output.time.assign(n, 0);
  output.q.assign(n * model_.nq, 0);
  output.v.assign(n * model_.nv, 0);
  output.power.assign(n, 0);
  output.point_force.assign(n * model_.contacts.size() * 3, 0);
  output.foot_force.assign(n * model_.foot_name.size() * 3, 0);
  output.foot_slip.assign(n * model_.foot_name.size(), 0);
  for (auto* flags : {&output.floor_contact, &output.self_collision, &output.fault}) flags->assign(n, 0);
  strength_.assign(n * njnt, 1);
  load_.assign(n * model_.foot_name.size(), 0);
  slide_.assign(n * model_.foot_name.size(), 0);
  push_.resize(n);
  running_.reserve(n);
  // worlds start where the MJCF has the robot
  for (int w = 0; w < nworld_; ++w) {
    std::copy_n(row(mjSTATE_QPOS, w), nbase_ ? 7 : 0, &output.q[size_t(w) * model_.nq]);
    for (size_t j = 0; j < njnt; ++j) output.q[size_t(w) * model_.nq + (nbase_ ? 7 : 0) + j] = row(mjSTATE_QPOS, w)[map_.qpos[j]];
  }
}

void MujocoSimulator::default_row(const mjModel* m) {
  std::unique_ptr<mjData, void (*)(mjData*)> d(mj_makeData(m), mj_deleteData);
  check(d != nullptr, "simulator: out of memory for MuJoCo's data");
  default_row_.resize(mj_stateSize(m, mjSTATE_INTEGRATION));
  mj_getState(m, d.get(), default_row_.data(), mjSTATE_INTEGRATION);
}

void MujocoSimulator::check_world(int world) const {
  check(world >= 0 && world < nworld_, "simulator: world ", world, ", expected 0 .. ", nworld_ - 1);
}

void MujocoSimulator::set_state(std::span<const int> worlds, std::span<const double> q, std::span<const double> v) {
  const size_t n = worlds.size(), nq = model_.nq, nv = model_.nv;
  check(q.size() == n * nq, "set_state: q has ", q.size(), " values, expected ", n, " worlds x nq = ", nq);
  check(v.size() == n * nv, "set_state: v has ", v.size(), " values, expected ", n, " worlds x nv = ", nv);
  check(all_finite(q.data(), int(q.size())) && all_finite(v.data(), int(v.size())), "set_state: q or v holds a value that is not finite");
  for (size_t i = 0; i < n; ++i) {
    check_world(worlds[i]);
    check(i == 0 || worlds[i] > worlds[i - 1], "set_state: worlds must ascend; ", worlds[i], " follows ", worlds[i > 0 ? i - 1 : 0]);
    const double* quat = &q[i * nq + 3];
    check(!model_.floating || quat[0] * quat[0] + quat[1] * quat[1] + quat[2] * quat[2] + quat[3] * quat[3] > 1e-12,
          "set_state: the base quaternion of world ", worlds[i], " is zero; expected w x y z of unit length");
  }
  for (size_t i = 0; i < n; ++i) {
    const size_t w = worlds[i];
    std::copy_n(&q[i * nq], nq, &output.q[w * nq]);
    std::copy_n(&v[i * nv], nv, &output.v[w * nv]);
    if (model_.floating) mju_normalize4(&output.q[w * nq + 3]);
    std::copy(default_row_.begin(), default_row_.end(), mjb_state(batch_) + w * nstate_);
    double *qpos = row(mjSTATE_QPOS, int(w)), *qvel = row(mjSTATE_QVEL, int(w));
    std::copy_n(&output.q[w * nq], nbase_ ? 7 : 0, qpos);
    std::copy_n(&output.v[w * nv], nbase_, qvel);
    for (int j = 0; j < model_.njnt; ++j) {
      qpos[map_.qpos[j]] = output.q[w * nq + nq - model_.njnt + j];
      qvel[map_.dof[j]] = output.v[w * nv + nbase_ + j];
    }
    output.time[w] = output.power[w] = 0;
    std::fill_n(output.tau.begin() + w * model_.njnt, model_.njnt, 0);
    std::fill_n(output.point_force.begin() + w * 3 * model_.contacts.size(), 3 * model_.contacts.size(), 0);
    std::fill_n(output.foot_force.begin() + w * 3 * model_.foot_name.size(), 3 * model_.foot_name.size(), 0);
    std::fill_n(output.foot_slip.begin() + w * model_.foot_name.size(), model_.foot_name.size(), 0);
    output.floor_contact[w] = output.self_collision[w] = output.fault[w] = 0;
    push_[w] = {};
  }
}

void MujocoSimulator::kick(int world, std::span<const double> dv) {
  check_world(world);
  check(model_.floating, "kick: \"", model_.name, "\" has a fixed base");
  check(dv.size() == 6 && all_finite(dv.data(), int(dv.size())), "kick: expected 6 finite values (linear in world, angular in the base frame)");
  for (int i = 0; i < 6; ++i) row(mjSTATE_QVEL, world)[i] = output.v[size_t(world) * model_.nv + i] += dv[i];
}

void MujocoSimulator::set_push(const Push& push) {
  check_world(push.world);
  check(push.body >= 0 && push.body < model_.nbody, "set_push: body ", push.body, ", expected 0 .. ", model_.nbody - 1, "; body(name) finds it");
  check(push.steps >= 0, "set_push: steps = ", push.steps, ", expected 0 or more");
  PushState& state = push_[push.world];
  state.body = map_.body[push.body];
  state.steps = push.steps;
  std::copy_n(push.force, 3, state.force);
}

void MujocoSimulator::set_parameters(int world, const WorldParameters& p) {
  check_world(world);
  auto check_size = [&](const char* name, const std::vector<double>& values, int size) {
    check(values.empty() || int(values.size()) == size, "set_parameters: ", name, " has ", values.size(), " values, expected none or ", size);
    for (double value : values) check(value > 0 && value < kHuge, "set_parameters: ", name, " holds ", value, ", expected a positive number");
  };
  check_size("mass_scale", p.mass_scale, model_.nbody);
  check_size("armature_scale", p.armature_scale, model_.njnt);
  check_size("strength", p.strength, model_.njnt);
  const bool finite = all_finite(&p.friction, 1) && all_finite(&p.added_mass, 1) && all_finite(p.com_offset, 3) && all_finite(p.gravity, 3);
  check(finite, "set_parameters: a value for world ", world, " is not finite");
  const mjModel* m = mjb_model(batch_);
  double* friction = field("geom_friction", world, 3 * int(m->ngeom));
  for (int g = 0; g < m->ngeom; ++g) friction[3 * g] = p.friction >= 0 ? p.friction : m->geom_friction[3 * g];
  std::copy_n(p.gravity, 3, field("opt.gravity", world, 3));
  for (int j = 0; j < model_.njnt; ++j) {
    const int a = map_.actuator[j];
    const double strength = strength_[size_t(world) * model_.njnt + j] = p.strength.empty() ? 1 : p.strength[j];
    gain_[(size_t(world) * m->nactuator + a) * mjNGAIN] = strength;
    for (int side = 0; side < 2; ++side) {
      force_range_[(size_t(world) * m->nactuator + a) * 2 + side] = strength * m->actuator_forcerange[2 * a + side];
    }
  }
  write_masses(world, p);
}

void MujocoSimulator::write_masses(int world, const WorldParameters& p) {
  const mjModel* m = mjb_model(batch_);
  double* mass = field("body_mass", world, int(m->nbody));
  double* inertia = field("body_inertia", world, 3 * int(m->nbody));
  double* com = field("body_ipos", world, 3 * int(m->nbody));
  double* armature = field("dof_armature", world, int(m->nv));
  const int base = map_.body[0];
  for (int b = 1; b < m->nbody; ++b) {
    const double scale = p.mass_scale.empty() || map_.model_body[b] < 0 ? 1 : p.mass_scale[map_.model_body[b]];
    mass[b] = scale * m->body_mass[b] + (b == base ? p.added_mass : 0);
    check(mass[b] > 0 || m->body_mass[b] == 0, "set_parameters: added_mass = ", p.added_mass, " kg leaves the base without mass");
    const double ratio = m->body_mass[b] > 0 ? mass[b] / m->body_mass[b] : 1;
    for (int i = 0; i < 3; ++i) inertia[3 * b + i] = ratio * m->body_inertia[3 * b + i];
    for (int i = 0; i < 3; ++i) com[3 * b + i] = m->body_ipos[3 * b + i] + (b == base ? p.com_offset[i] : 0);
  }
  for (int j = 0; j < model_.njnt; ++j) armature[map_.dof[j]] = (p.armature_scale.empty() ? 1 : p.armature_scale[j]) * m->dof_armature[map_.dof[j]];
  const int failed = mjb_setConst(batch_, &world, 1);  // what MuJoCo derives from the masses
  check(failed == 0, "set_parameters: MuJoCo refuses the masses of world ", world, ": ", mjb_error(batch_, world));
}

// MuJoCo's affine actuator: force = gain ctrl + bias[0] + bias[1] q + bias[2] v, clipped to forcerange
void MujocoSimulator::write_gains(int world) {
  const size_t nactuator = mjb_model(batch_)->nactuator;
  for (int j = 0; j < model_.njnt; ++j) {
    const size_t i = size_t(world) * model_.njnt + j;
    double* bias = bias_ + (size_t(world) * nactuator + map_.actuator[j]) * mjNBIAS;
    bias[0] = 0;
    bias[1] = -strength_[i] * input.kp[i];
    bias[2] = -strength_[i] * input.kd[i];
  }
}

void MujocoSimulator::step() {
  running_.clear();
  for (int w = 0; w < nworld_; ++w) {
    if (output.fault[w] & (kFaultSetPoint | kFaultState)) continue;
    write_gains(w);
    running_.push_back(w);
  }
  if (running_.empty()) return;
  const auto run = [](const mjModel* m, mjData* d, int world, void* self) {
    advancing = true;
    static_cast<MujocoSimulator*>(self)->advance(m, d, world);
    advancing = false;
  };
  if (mjb_apply(batch_, running_.data(), int(running_.size()), run, this, 1) == 0) return;
  // MuJoCo gave up on a world, for example for want of memory: it keeps its previous state
  const int* status = mjb_status(batch_);
  for (int w : running_) output.fault[w] |= status[w] ? kFaultState : kFaultNone;
}

bool MujocoSimulator::inputs_finite(int world) const {
  bool good = all_finite(push_[world].force, 3);
  for (const auto* array : {&input.tau_ff, &input.q_des, &input.v_des, &input.kp, &input.kd}) {
    good &= all_finite(array->data() + size_t(world) * model_.njnt, model_.njnt);
  }
  return good;
}

// One control step of one world, on one of the batch's threads. MuJoCo may leave it by longjmp: no destructors across its calls.
void MujocoSimulator::advance(const mjModel* m, mjData* d, int world) {
  const size_t ncon = model_.contacts.size(), nfoot = model_.foot_name.size(), njnt = model_.njnt;
  if (!inputs_finite(world)) {
    output.fault[world] |= kFaultSetPoint;
    return;
  }
  output.power[world] = 0;
  output.floor_contact[world] = output.self_collision[world] = 0;
  std::fill_n(&output.tau[world * njnt], njnt, 0);
  std::fill_n(output.point_force.data() + world * ncon * 3, ncon * 3, 0);
  std::fill_n(output.foot_force.data() + world * nfoot * 3, nfoot * 3, 0);
  std::fill_n(output.foot_slip.data() + world * nfoot, nfoot, 0);

  for (size_t j = 0; j < njnt; ++j) {
    const size_t i = world * njnt + j;
    d->ctrl[map_.ctrl[j]] = input.tau_ff[i] + input.kp[i] * input.q_des[i] + input.kd[i] * input.v_des[i];
  }
  PushState& push = push_[world];
  if (push.steps > 0) std::copy_n(push.force, 3, d->xfrc_applied + 6 * push.body);
  const int overflows = d->warning[mjWARN_CONTACTFULL].number + d->warning[mjWARN_CNSTRFULL].number;

  bool good = true;
  for (int k = 0; k < nsubstep_ && good; ++k) {
    physics_step(m, d, world);
    good = all_finite(d->qpos, int(m->nq)) && all_finite(d->qvel, int(m->nv)) && all_finite(d->qacc, int(m->nv));
  }

  if (d->warning[mjWARN_CONTACTFULL].number + d->warning[mjWARN_CNSTRFULL].number > overflows) output.fault[world] |= kFaultCapacity;
  if (push.steps > 0) {
    std::fill_n(d->xfrc_applied + 6 * push.body, 3, 0);
    --push.steps;
  }
  if (good) {
    read_state(d, world);
    output.time[world] += settings_.control_dt;
  } else {
    output.fault[world] |= kFaultState;
    write_state(d, world);
    mju_zero(d->qacc_warmstart, int(m->nv));
  }
}

// One mj_step, then the means over the control step. MuJoCo's forces and contacts are then those at the start of the physics step.
void MujocoSimulator::physics_step(const mjModel* m, mjData* d, int world) {
  mj_step(m, d);
  const double mean = 1.0 / nsubstep_;
  for (int j = 0; j < model_.njnt; ++j) {
    const double tau = d->qfrc_actuator[map_.dof[j]];
    output.tau[size_t(world) * model_.njnt + j] += mean * tau;
    output.power[world] += mean * std::max(0.0, tau * d->actuator_velocity[map_.output[j]]);
  }
  const size_t nfoot = model_.foot_name.size(), first = world * nfoot;
  std::fill_n(load_.begin() + first, nfoot, 0);
  std::fill_n(slide_.begin() + first, nfoot, 0);
  for (int c = 0; c < d->ncon; ++c) {
    const mjContact& contact = d->contact[c];
    if (contact.efc_address < 0) continue;
    const int body0 = map_.geom_body[contact.geom[0]], body1 = map_.geom_body[contact.geom[1]];
    if (body0 >= 0 && body1 >= 0) {
      output.self_collision[world] |= contact.dist < 0;
    } else if (body0 >= 0 || body1 >= 0) {
      add_floor_contact(m, d, c, world);
    }
  }
  for (size_t i = first; i < first + nfoot; ++i) output.foot_slip[i] += load_[i] > 0 ? settings_.physics_dt * slide_[i] / load_[i] : 0;
}

void MujocoSimulator::add_floor_contact(const mjModel* m, const mjData* d, int c, int world) {
  const mjContact& contact = d->contact[c];
  double local[6], force[3];
  mj_contactForce(m, d, c, local);  // normal first, on geom 1 from geom 0
  if (!(local[0] > 0)) return;
  const int side = map_.geom_body[contact.geom[1]] >= 0 ? 1 : 0;
  const double mean = 1.0 / nsubstep_;
  for (int i = 0; i < 3; ++i) {
    force[i] = (side ? mean : -mean) * (contact.frame[i] * local[0] + contact.frame[3 + i] * local[1] + contact.frame[6 + i] * local[2]);
  }
  const int geom = contact.geom[side], foot = map_.geom_foot[geom];
  if (foot < 0) {
    output.floor_contact[world] = 1;
    return;
  }
  const int point = nearest_point(d, map_.geom_body[geom], contact.pos);
  double* foot_force = &output.foot_force[(size_t(world) * model_.foot_name.size() + foot) * 3];
  double* point_force = &output.point_force[(size_t(world) * model_.contacts.size() + point) * 3];
  for (int i = 0; i < 3; ++i) foot_force[i] += force[i];
  for (int i = 0; i < 3; ++i) point_force[i] += force[i];

  // velocity of the touching material: v = v_com + w x (p - com), without its part along the normal
  const int body = m->geom_bodyid[geom];
  const double *w = d->cvel + 6 * body, *com = d->subtree_com + 3 * m->body_rootid[body], *n = contact.frame;
  double arm[3], velocity[3];
  for (int i = 0; i < 3; ++i) arm[i] = contact.pos[i] - com[i];
  mju_cross(velocity, w, arm);
  for (int i = 0; i < 3; ++i) velocity[i] += w[3 + i];
  const double along = mju_dot3(velocity, n);
  for (int i = 0; i < 3; ++i) velocity[i] -= along * n[i];
  slide_[size_t(world) * model_.foot_name.size() + foot] += local[0] * mju_norm3(velocity);
  load_[size_t(world) * model_.foot_name.size() + foot] += local[0];
}

int MujocoSimulator::nearest_point(const mjData* d, int body, const double* position) const {
  int nearest = 0;
  double best = mjMAXVAL;
  for (int i = 0; i < int(model_.contacts.size()); ++i) {
    if (model_.contacts[i].body != body) continue;
    double p[3];
    mju_mulMatVec3(p, d->xmat + 9 * map_.body[body], model_.contacts[i].p_BC);
    mju_addTo3(p, d->xpos + 3 * map_.body[body]);
    const double distance = mju_dist3(p, position);
    nearest = distance < best ? i : nearest;
    best = std::min(best, distance);
  }
  return nearest;
}

void MujocoSimulator::read_state(const mjData* d, int world) {
  double *q = &output.q[size_t(world) * model_.nq], *v = &output.v[size_t(world) * model_.nv];
  std::copy_n(d->qpos, nbase_ ? 7 : 0, q);
  std::copy_n(d->qvel, nbase_, v);
  for (int j = 0; j < model_.njnt; ++j) {
    q[model_.nq - model_.njnt + j] = d->qpos[map_.qpos[j]];
    v[nbase_ + j] = d->qvel[map_.dof[j]];
  }
}

void MujocoSimulator::write_state(mjData* d, int world) const {
  const double *q = &output.q[size_t(world) * model_.nq], *v = &output.v[size_t(world) * model_.nv];
  std::copy_n(q, nbase_ ? 7 : 0, d->qpos);
  std::copy_n(v, nbase_, d->qvel);
  for (int j = 0; j < model_.njnt; ++j) {
    d->qpos[map_.qpos[j]] = q[model_.nq - model_.njnt + j];
    d->qvel[map_.dof[j]] = v[nbase_ + j];
  }
}

}  // namespace

int Simulator::body(const std::string& name) const {
  const auto& names = model().body_name;
  const auto found = std::find(names.begin(), names.end(), name);
  check(found != names.end(), model().name, " has no body \"", name, "\"; nearest: ", nearest(name, names));
  return int(found - names.begin());
}

std::unique_ptr<Simulator> make_mujoco_simulator(const std::string& xml, const Model& model, int nworld, const SimSettings& settings) {
  return std::make_unique<MujocoSimulator>(xml, model, nworld, settings);
}

std::unique_ptr<Simulator> make_simulator(const Robot& robot, int nworld, const SimSettings& settings) {
  SimSettings own = settings;
  if (own.foot_geoms.empty()) own.foot_geoms = robot.foot_geoms;
  auto sim = make_mujoco_simulator(robot.model_path, robot.model, nworld, own);
  for (size_t i = 0; i < sim->input.kp.size(); ++i) {
    sim->input.kp[i] = robot.kp[i % robot.kp.size()];
    sim->input.kd[i] = robot.kd[i % robot.kd.size()];
  }
  return sim;
}

}  // namespace tandem
