// The locomotion task of many worlds in plain arrays: what happens in a control step around physics and MPC, world by world, on the processor or a device.
// The same rules with the same random numbers as Task. docs/training.md, "One control step" and "On a device".
//
//   command_world   action of the policy and set points of the MPC -> delay line -> set points of the simulator
//   finish_world    state after the physics -> reward, end of the episode, next episode, kick, push
//   measure_world   true state -> measured state
//   observe_world   measured state, plan -> observation
#pragma once

#include "env/episode_kernel.hpp"
#include "env/measure_kernel.hpp"
#include "env/reward_kernel.hpp"
#include "env/termination_kernel.hpp"
#include "policy/blend_kernel.hpp"
#include "policy/observation_kernel.hpp"

namespace tandem {

// The simulator's arrays, worlds first, as those of SimInput and SimOutput.
struct SimRows {
  const float *q, *v, *tau, *power, *foot_slip;       // (nworld, nq), (nworld, nv), (nworld, njnt), (nworld), (nworld, nfoot)
  const int *floor_contact, *self_collision, *fault;  // (nworld)
  float* set_points;                                  // written  (kSetPointRows, nworld, njnt)
};

// The controller's outputs; all nullptr where no MPC runs.
struct PlanRows {
  const float *tau_ff, *q_des, *v_des;  // (nworld, njnt), rows `stride` numbers apart
  int stride;
  const float *value, *phase;  // (nworld)
};

// What the worlds keep and write. Each (nworld, ...).
struct TaskArrays {
  // from step to step
  std::uint32_t* episode;  // number of the episode
  int *start, *step;       // control steps that it began with behind it; since the reset
  int *age, *measured;     // set points and measurements since the reset
  int* broken;             // 1: the last observation was not finite
  int* not_finite;         // episodes that ended because a number was not
  float* line;             // set points of the last nslot control steps  (nslot, kSetPointRows, njnt)
  float* action;           // a_t, a_{t-1}, a_{t-2}  (3, naction)
  float *ground, *plane;   // mean height of the ground under the feet [m]; its plane, as the MPC takes it  (1), (3)
  float* memory;           // of the kinematics  (kinematics_size())
  // the running episode, as drawn; q and v are those of its start
  float *q, *v, *phase, *command;                                       // (nq), (nv), gait time [periods], (4)
  float *friction, *added_mass, *com_offset;                            // (1), (1), (3)
  float *mass_scale, *armature_scale, *strength, *kp_scale, *kd_scale;  // (nbody), (njnt) each
  float *delay, *noise_scale;                                           // [s]
  // for the simulator and the controller
  float *measured_q, *measured_v;  // (nq), (nv)
  int *restart, *kicked, *pushed;  // 1: place this world at q, v with the parameters above; add `kick` to its velocity; start its push
  unsigned char* replan;           // as restart: forget the plan
  float *kick, *push_force;        // (6), (3) [N]
  int *push_body, *push_steps;     // number of the body in Model, control steps
  // for the learner, as VectorEnv
  float *observation, *reward, *terms, *power;  // (nobs), (1), (kRewardTerms), (1)
  unsigned char *done, *time_out;
  int* termination;
};

// All of a task on one device.
struct TaskFleet {
  int nworld, nslot;
  std::uint64_t seed;
  double progress, period;  // of the training; of the gait [s]
  bool first;               // the episodes that start_world() begins are the first ones
  EpisodeView<float> episode;
  BlendingView<float> blending;
  ObservationView<float> layout;
  TerrainView terrain;
  const float* radius;  // of the contact points  (ncon)
  const float* action;  // of the policy  (nworld, naction)
  SimRows sim;
  PlanRows plan;
  TaskArrays arrays;
};

inline namespace TANDEM_ISA {

TANDEM_FN EpisodeKey key_of(const TaskFleet& f, int w) { return {f.seed, static_cast<std::uint32_t>(w), f.arrays.episode[w]}; }

TANDEM_FN float* memory_of(const TaskFleet& f, std::size_t w) { return f.arrays.memory + w * kinematics_size<float>(f.episode.model.nbody); }

// Gait time within [0, 1).
TANDEM_FN float wrapped(float phase) { return phase - std::floor(phase); }

// Where the draws of one world go.
TANDEM_FN EpisodeRow<float> row_of(const TaskFleet& f, std::size_t w) {
  const ModelView<float>& m = f.episode.model;
  const TaskArrays& a = f.arrays;
  EpisodeRow<float> row;
  row.q = a.q + w * m.nq, row.v = a.v + w * m.nv, row.phase = a.phase + w, row.command = a.command + 4 * w;
  row.friction = a.friction + w, row.added_mass = a.added_mass + w, row.com_offset = a.com_offset + 3 * w;
  row.mass_scale = a.mass_scale + w * m.nbody, row.armature_scale = a.armature_scale + w * m.njnt, row.strength = a.strength + w * m.njnt;
  row.kp_scale = a.kp_scale + w * m.njnt, row.kd_scale = a.kd_scale + w * m.njnt;
  row.delay = a.delay + w, row.noise_scale = a.noise_scale + w;
  return row;
}

// The ground under the feet of a robot at q.   first: at the start of an episode
TANDEM_FN void feel_ground(const TaskFleet& f, std::size_t w, const float* q, bool first) {
  const GroundPlane felt = ground_under(f.episode.model, f.terrain, q, memory_of(f, w));
  f.arrays.ground[w] = float(felt.height);
  follow_ground(felt, slope_share(f.episode.numbers, f.episode.control_dt, first), f.arrays.plane + 3 * w);
}

// Begins the episode with this number.
TANDEM_FN void begin_episode(const TaskFleet& f, int w, std::uint32_t episode) {
  const TaskArrays& a = f.arrays;
  const std::size_t i = w, naction = f.blending.naction;
  a.episode[w] = episode;
  const EpisodeKey key = key_of(f, w);
  const EpisodeRow<float> row = row_of(f, i);
  float* memory = memory_of(f, i);
  draw_episode(f.episode, key, f.progress, row, memory);
  place_on_ground(f.episode.model, f.radius, f.terrain, row.q, memory);
  feel_ground(f, i, row.q, true);
  a.start[w] = draw_stagger(f.episode, key);
  a.step[w] = a.age[w] = a.measured[w] = a.broken[w] = 0;
  a.phase[w] = wrapped(a.phase[w]);
  for (std::size_t k = 0; k < 3 * naction; ++k) a.action[3 * naction * i + k] = 0;
  a.restart[w] = 1, a.replan[w] = 1;
}

// The kick and the push that are due.
TANDEM_FN void disturb_world(const TaskFleet& f, int w) {
  const TaskArrays& a = f.arrays;
  const std::size_t i = w;
  const EpisodeKey key = key_of(f, w);
  a.kicked[w] = draw_kick(f.episode, key, a.step[w], a.kick + 6 * i);
  const PushDraw<float> push = draw_push(f.episode, key, a.step[w]);
  a.pushed[w] = push.steps > 0;
  if (push.steps == 0) return;
  for (int r = 0; r < 3; ++r) a.push_force[3 * i + r] = push.force[r];
  a.push_body[w] = f.episode.torso;
  a.push_steps[w] = push.steps;
}

// Starts an episode: the first one, or the next.
TANDEM_FN void start_world(const TaskFleet& f, int w) {
  const TaskArrays& a = f.arrays;
  begin_episode(f, w, f.first ? 0 : a.episode[w] + 1);
  if (f.first) a.not_finite[w] = 0;
  disturb_world(f, w);
  a.reward[w] = a.power[w] = 0;
  for (int t = 0; t < kRewardTerms; ++t) a.terms[static_cast<std::size_t>(w) * kRewardTerms + t] = 0;
  a.done[w] = a.time_out[w] = 0;
  a.termination[w] = kRunning;
}

// Keeps the action and writes the set points of one world, `delay` control steps late.
TANDEM_FN void command_world(const TaskFleet& f, int w) {
  const TaskArrays& a = f.arrays;
  const std::size_t i = w, njnt = f.blending.njnt, naction = f.blending.naction;
  const Controller controller = f.episode.numbers.controller;
  float* action = a.action + 3 * naction * i;
  for (std::size_t k = 2 * naction; k-- > 0;) action[naction + k] = action[k];
  for (std::size_t k = 0; k < naction; ++k) action[k] = controller == Controller::kMpc ? 0.0f : f.action[naction * i + k];

  const auto slot = [&](int age) { return a.line + (i * f.nslot + age % f.nslot) * kSetPointRows * njnt; };
  float* newest = slot(a.age[w]);
  const SetPointsOf<float> points{newest, newest + njnt, newest + 2 * njnt, newest + 3 * njnt, newest + 4 * njnt};
  for (std::size_t j = 0; f.plan.tau_ff && j < njnt; ++j) {
    const std::size_t at = i * f.plan.stride + j;
    points.tau_ff[j] = f.plan.tau_ff[at], points.q_des[j] = f.plan.q_des[at], points.v_des[j] = f.plan.v_des[at];
  }
  if (controller == Controller::kMpc) {
    for (std::size_t j = 0; j < njnt; ++j) points.kp[j] = f.blending.kp[j], points.kd[j] = f.blending.kd[j];
  } else {
    blend(f.blending, action, points);
  }

  const int late = a.age[w] - control_steps(a.delay[w], f.episode.control_dt);
  const float* applied = slot(late > 0 ? late : 0);
  for (std::size_t r = 0; r < kSetPointRows; ++r)
    for (std::size_t j = 0; j < njnt; ++j) {
      const float scale = r == 3 ? a.kp_scale[i * njnt + j] : r == 4 ? a.kd_scale[i * njnt + j] : float(1);
      f.sim.set_points[(r * f.nworld + i) * njnt + j] = static_cast<float>(scale * applied[r * njnt + j]);
    }
  ++a.age[w];
}

// Reward and end of one world after the simulator has advanced. A world whose numbers mean nothing gets the term of the termination alone.
TANDEM_FN void evaluate_world(const TaskFleet& f, int w) {
  const TaskArrays& a = f.arrays;
  const ModelView<float>& m = f.episode.model;
  const std::size_t i = w, naction = f.blending.naction;
  const float *q = f.sim.q + i * m.nq, *v = f.sim.v + i * m.nv, *command = a.command + 4 * i;
  const double control_dt = f.episode.control_dt;
  float slip(0);
  for (int foot = 0; foot < m.nfoot; ++foot) slip += f.sim.foot_slip[i * m.nfoot + foot] / float(control_dt);
  const float height = q[2] - a.ground[w];
  ++a.step[w];
  int end = detect_failure(f.episode.numbers, FailureInput<float>{q, v, command, height, f.sim.fault[w], f.sim.floor_contact[w] != 0});
  if (a.broken[w]) end = kEndNotFinite;
  float* terms = a.terms + i * kRewardTerms;
  const float* action = a.action + 3 * naction * i;
  const RewardInputOf<float> input{q,
                                   v,
                                   height,
                                   command,
                                   f.sim.tau + i * m.njnt,
                                   action,
                                   action + naction,
                                   action + 2 * naction,
                                   static_cast<int>(naction),
                                   slip,
                                   float(f.sim.power[w]),
                                   f.sim.self_collision[w] != 0,
                                   end != kRunning};
  compute_reward(f.episode.numbers.reward, m.njnt, f.blending.nominal, input, control_dt, terms);
  float sum = 0;
  for (int t = 0; t < kRewardTerms; ++t) sum += terms[t];
  if (!(sum - sum == 0)) end = kEndNotFinite;  // action_rate is not where the action is not
  if (end == kEndNotFinite) {
    for (int t = 0; t < kRewardTerms; ++t) terms[t] = 0;
    sum = terms[kTermTermination] = static_cast<float>(control_dt * f.episode.numbers.reward.termination);
    ++a.not_finite[w];
  }
  if (end == kRunning && a.start[w] + a.step[w] >= f.episode.steps) end = kEndTimeOut;
  a.reward[w] = sum;
  a.power[w] = end == kEndNotFinite ? 0.0f : f.sim.power[w];
  a.termination[w] = end;
  a.done[w] = end != kRunning;
  a.time_out[w] = end == kEndTimeOut;
}

// Everything between the physics of one control step and the measurement of the next.
TANDEM_FN void finish_world(const TaskFleet& f, int w) {
  const TaskArrays& a = f.arrays;
  a.phase[w] = wrapped(a.phase[w] + float(f.episode.control_dt / f.period));
  feel_ground(f, w, f.sim.q + static_cast<std::size_t>(w) * f.episode.model.nq, false);
  evaluate_world(f, w);
  a.restart[w] = 0, a.replan[w] = 0;
  if (a.done[w]) begin_episode(f, w, a.episode[w] + 1);
  disturb_world(f, w);
}

// The state as the robot measures it: noise, height above the ground.
TANDEM_FN void measure_world(const TaskFleet& f, int w) {
  const TaskArrays& a = f.arrays;
  const ModelView<float>& m = f.episode.model;
  const std::size_t i = w;
  float *q = a.measured_q + i * m.nq, *v = a.measured_v + i * m.nv;
  for (int k = 0; k < m.nq; ++k) q[k] = f.sim.q[i * m.nq + k];
  for (int k = 0; k < m.nv; ++k) v[k] = f.sim.v[i * m.nv + k];
  q[2] -= a.ground[w];
  const std::uint32_t first = static_cast<std::uint32_t>(a.measured[w]++) * noise_draws(m.njnt);
  add_noise(f.episode.numbers.noise, a.noise_scale[w], episode_rng(key_of(f, w), kStreamNoise, first), m.njnt, q, v);
}

// The observation of one world. Numbers that are not finite become zeros, and the world ends with the next step.
TANDEM_FN void observe_world(const TaskFleet& f, int w) {
  const TaskArrays& a = f.arrays;
  const ModelView<float>& m = f.episode.model;
  const std::size_t i = w, nobs = f.layout.size;
  if (f.plan.phase) a.phase[w] = f.plan.phase[w];
  float* obs = a.observation + i * nobs;
  const float value = f.plan.value ? float(f.plan.value[w]) : float(0);
  observe(f.layout, MeasurementOf<float>{a.measured_q + i * m.nq, a.measured_v + i * m.nv, a.command + 4 * i, a.phase[w], value, a.plane[3 * i + 2]},
          obs);
  for (std::size_t k = 0; k < nobs; ++k) {
    if (obs[k] - obs[k] == 0) continue;
    obs[k] = 0;
    a.broken[w] = 1;
  }
}

}  // namespace TANDEM_ISA
}  // namespace tandem
