#include "sim/mujoco_simulator.hpp"

#include <algorithm>
#include <ranges>

#include "base/check.hpp"
#include "model/names.hpp"
#include "sim/mujoco_load.hpp"
#include "sim/remote_simulator.hpp"

namespace tandem {
namespace {

mjfLogHandler previous_handler = nullptr;

void log_handler(const mjLogMessage* message) {
  if (!(advancing && message->level == mjLOG_WARNING)) previous_handler(message);
}

void install_log_handler() {
  static const bool installed = (previous_handler = mju_setLogHandler(log_handler), true);
  (void)installed;
}

}  // namespace

MujocoSimulator::MujocoSimulator(const std::string& xml, const Model& model, int nworld, const SimSettings& settings)
    : model_(model), nworld_(nworld), settings_(settings), nbase_(model.floating ? 6 : 0) {
  check(nworld >= 1, "simulator: nworld = ", nworld, ", expected at least 1");
  check(settings.threads >= 0, "simulator: threads = ", settings.threads, ", expected 0 (one per processor) or more");
  check(settings.physics_dt > 0 && settings.control_dt > 0, "simulator: control_dt and physics_dt must be positive");
  nsubstep_ = int(std::lround(settings.control_dt / settings.physics_dt));
  check(nsubstep_ >= 1 && std::abs(nsubstep_ * settings.physics_dt - settings.control_dt) < 1e-9 * settings.control_dt,
        "simulator: control_dt = ", settings.control_dt, " s is not a whole multiple of physics_dt = ", settings.physics_dt, " s");
  install_log_handler();
  std::unique_ptr<mjModel, void (*)(mjModel*)> m(load_mujoco(xml, settings.terrain), mj_deleteModel);
  m->opt.timestep = settings.physics_dt;
  m->opt.disableflags |= mjDSBL_AUTORESET;  // a bad state is reported, not replaced
  map_ = make_mujoco_map(m.get(), model, settings.foot_geoms);
  const auto is_floor = [&](int geom) { return map_.geom_body[geom] == -1 && (m->geom_contype[geom] || m->geom_conaffinity[geom]); };
  check(model.contacts.empty() || std::ranges::any_of(std::views::iota(0, int(m->ngeom)), is_floor), xml,
        ": has no floor; add <geom type=\"plane\" size=\"0 0 0.05\"/> to its <worldbody>");
  for (int actuator : map_.actuator) m->actuator_gainprm[mjNGAIN * actuator] = 1;
  change_bodies(m.get());
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
  default_parameters(m.get());
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
  check_stand(robot);
  if (!settings.program.empty()) return make_remote_simulator(robot, nworld, settings);
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
