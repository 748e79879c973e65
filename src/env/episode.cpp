#include "env/episode.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace tandem {
namespace {

constexpr double kPushDuration = 0.1;  // [s]

double draw_range(Rng& rng, const double (&range)[2]) { return rng.uniform(range[0], range[1]); }

// One number per entry; left empty where the range is 1 alone, so that the model's values hold.
void draw_scales(Rng& rng, const double (&range)[2], int n, std::vector<double>& scales) {
  if (range[0] == 1 && range[1] == 1) return scales.clear();
  scales.resize(n);
  for (double& scale : scales) scale = draw_range(rng, range);
}

}  // namespace

EpisodeSampler::EpisodeSampler(const Robot& robot, const TaskSettings& settings)
    : model_(robot.model),
      base_height_(robot.base_height),
      settings_(settings),
      states_(robot.model, robot.stand.data()),
      steps_(std::max(1, static_cast<int>(std::lround(settings.episode / settings.mpc.control_dt)))),
      torso_(torso_of(robot.model)) {
  episode_.q.resize(model_.nq), episode_.v.resize(model_.nv);
}

const Episode& EpisodeSampler::draw(const EpisodeKey& key, double progress) {
  states_.draw(episode_rng(key, kStreamInitialState), settings_.start_scale, episode_.q.data(), episode_.v.data());
  if (settings_.terrain.kind != TerrainKind::kFlat) {  // somewhere in the inner half of the terrain
    Rng rng = episode_rng(key, kStreamPlace);
    for (int i = 0; i < 2; ++i) episode_.q[i] = rng.uniform(-settings_.terrain.extent / 4, settings_.terrain.extent / 4);
  }
  episode_.phase = episode_rng(key, kStreamPhase).uniform();
  draw_command(key, progress);
  draw_parameters(key);
  return episode_;
}

void EpisodeSampler::draw_command(const EpisodeKey& key, double progress) {
  Rng rng = episode_rng(key, kStreamCommand);
  const double grown = settings_.command_full > 0 ? std::min(1.0, progress / settings_.command_full) : 1;
  const double share = settings_.command_start + (1 - settings_.command_start) * grown;
  double* c = episode_.command;
  c[0] = base_height_;
  c[1] = share * draw_range(rng, settings_.command.vx);
  c[2] = share * draw_range(rng, settings_.command.vy);
  c[3] = share * draw_range(rng, settings_.command.wz);
  if (std::hypot(c[1], c[2], c[3]) < settings_.command_deadband) std::fill_n(c + 1, 3, 0.0);
}

void EpisodeSampler::draw_parameters(const EpisodeKey& key) {
  Rng rng = episode_rng(key, kStreamParameters);
  const RandomiseSettings& r = settings_.randomise;
  WorldParameters& p = episode_.parameters;
  p.friction = draw_range(rng, r.friction);
  p.added_mass = draw_range(rng, r.added_mass);
  for (double& offset : p.com_offset) offset = draw_range(rng, r.com_offset);
  episode_.delay = draw_range(rng, r.delay);
  episode_.noise_scale = draw_range(rng, r.noise_scale);
  draw_scales(rng, r.mass_scale, model_.nbody, p.mass_scale);
  draw_scales(rng, r.armature_scale, model_.njnt, p.armature_scale);
  draw_scales(rng, r.strength, model_.njnt, p.strength);
  draw_scales(rng, r.gain_scale, model_.njnt, episode_.kp_scale);
  draw_scales(rng, r.gain_scale, model_.njnt, episode_.kd_scale);
}

int EpisodeSampler::stagger(const EpisodeKey& key) const {
  const bool first = settings_.staggered_start && key.episode == 0;
  return first ? static_cast<int>(episode_rng(key, kStreamStagger).uniform() * steps_) : 0;
}

bool EpisodeSampler::kick(const EpisodeKey& key, int step, double* dv) const {
  const int interval = static_cast<int>(std::lround(settings_.kick_interval / settings_.mpc.control_dt));
  if (interval < 1 || settings_.kick_velocity == 0 || step < 1 || step % interval != 0) return false;
  Rng rng = episode_rng(key, kStreamKick, static_cast<std::uint32_t>(3 * (step / interval)));
  for (int i = 0; i < 3; ++i) dv[i] = rng.uniform(-settings_.kick_velocity, settings_.kick_velocity);
  std::fill_n(dv + 3, 3, 0.0);
  return true;
}

bool EpisodeSampler::push(const EpisodeKey& key, int step, Push& push) const {
  if (settings_.push_impulse[1] == 0) return false;
  Rng rng = episode_rng(key, kStreamPush);
  if (static_cast<int>(rng.uniform() * steps_) != step) return false;
  const double impulse = draw_range(rng, settings_.push_impulse), direction = rng.uniform(0, 2 * std::numbers::pi);
  const int duration = std::max(1, static_cast<int>(std::lround(kPushDuration / settings_.mpc.control_dt)));
  const double force = impulse / (duration * settings_.mpc.control_dt);
  push.body = torso_;
  push.force[0] = force * std::cos(direction), push.force[1] = force * std::sin(direction), push.force[2] = 0;
  push.steps = duration;
  return true;
}

void start_episode(ControlLoop& loop, int world, const Episode& episode, const EpisodeKey& key) {
  std::copy_n(episode.command, 4, &loop.command[4 * static_cast<size_t>(world)]);
  loop.reset(world, {.q = episode.q,
                     .v = episode.v,
                     .phase = episode.phase,
                     .parameters = episode.parameters,
                     .kp_scale = episode.kp_scale,
                     .kd_scale = episode.kd_scale,
                     .delay = episode.delay,
                     .noise_scale = episode.noise_scale,
                     .key = key});
}

void disturb(ControlLoop& loop, int world, const EpisodeSampler& sampler, const EpisodeKey& key, int step) {
  double dv[6];
  if (sampler.kick(key, step, dv)) loop.simulator().kick(world, dv);
  Push push;
  push.world = world;
  if (sampler.push(key, step, push)) loop.simulator().set_push(push);
}

int torso_of(const Model& model) {
  const auto found =
      std::find_if(model.body_name.begin(), model.body_name.end(), [](const std::string& name) { return name.find("torso") != std::string::npos; });
  return found == model.body_name.end() ? 0 : static_cast<int>(found - model.body_name.begin());
}

}  // namespace tandem
