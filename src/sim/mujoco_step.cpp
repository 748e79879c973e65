#include <algorithm>

#include "sim/mujoco_simulator.hpp"

namespace tandem {

// MuJoCo's affine actuator: force = gain ctrl + bias[0] + bias[1] q + bias[2] v, clipped to forcerange
void MujocoSimulator::write_gains(int world) {
  const size_t nactuator = mjb_model(batch_)->nactuator;
  const double* strength = parameters_at(world).strength;
  for (int j = 0; j < model_.njnt; ++j) {
    const size_t i = size_t(world) * model_.njnt + j;
    double* bias = bias_ + (size_t(world) * nactuator + map_.actuator[j]) * mjNBIAS;
    bias[0] = 0;
    bias[1] = -strength[j] * input.kp[i];
    bias[2] = -strength[j] * input.kd[i];
  }
}

void MujocoSimulator::step() {
  running_.clear();
  for (int w = 0; w < nworld_; ++w) {
    if (output.fault[w] & kFaultStopped) continue;
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
    output.fault[world] |= kFaultState;  // output.q and output.v keep the last good state
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

}  // namespace tandem
