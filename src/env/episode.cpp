#include "env/episode.hpp"

#include <algorithm>
#include <cmath>

#include "base/check.hpp"

namespace tandem {
namespace {

// Makes room for one number per entry; none where the range is 1 alone, so that the model's values hold.
double* room(const double (&range)[2], int n, std::vector<double>& scales) {
  scales.resize(is_one(range) ? 0 : n);
  return scales.empty() ? nullptr : scales.data();
}

// The model, if robots of it can start an episode.
const Model& checked(const Model& model, const TaskSettings& settings) {
  check(model.floating && !model.contacts.empty(), "the task needs a robot with a floating base and feet; \"", model.name, "\" has ",
        model.floating ? "no contact points" : "a fixed base");
  check(settings.start_scale >= 0 && std::isfinite(settings.start_scale), "env.start_scale = ", settings.start_scale, ", expected 0 or more");
  const RandomiseSettings& r = settings.randomise;
  const double base = r.mass_scale[0] * model.mass[0];
  check(base == 0 || base + r.added_mass[0] > 0, "randomise.added_mass = ", r.added_mass[0], " kg leaves the base without mass; it has ", base,
        " kg");
  return model;
}

}  // namespace

EpisodeSampler::EpisodeSampler(const Robot& robot, const TaskSettings& settings)
    : arrays_(make_arrays<double>(checked(robot.model, settings))), stand_(robot.stand), memory_(kinematics_size<double>(robot.model.nbody)) {
  view_ = {settings,
           arrays_.view,
           {stand_.data(), lowest_contact(arrays_.view, stand_.data(), memory_.data()), {}},
           robot.base_height,
           settings.mpc.control_dt,
           episode_steps(settings),
           torso_of(robot.model)};
  episode_.q.resize(robot.model.nq), episode_.v.resize(robot.model.nv);
}

const Episode& EpisodeSampler::draw(const EpisodeKey& key, double progress) {
  const RandomiseSettings& r = view_.numbers.randomise;
  const int nbody = view_.model.nbody, njnt = view_.model.njnt;
  Episode& e = episode_;
  WorldParameters& p = e.parameters;
  const EpisodeRow<double> row{.q = e.q.data(),
                               .v = e.v.data(),
                               .phase = &e.phase,
                               .command = e.command,
                               .friction = &p.friction,
                               .added_mass = &p.added_mass,
                               .com_offset = p.com_offset,
                               .mass_scale = room(r.mass_scale, nbody, p.mass_scale),
                               .armature_scale = room(r.armature_scale, njnt, p.armature_scale),
                               .strength = room(r.strength, njnt, p.strength),
                               .kp_scale = room(r.gain_scale, njnt, e.kp_scale),
                               .kd_scale = room(r.gain_scale, njnt, e.kd_scale),
                               .delay = &e.delay,
                               .noise_scale = &e.noise_scale};
  draw_episode(view_, key, progress, row, memory_.data());
  return episode_;
}

int EpisodeSampler::stagger(const EpisodeKey& key) const { return draw_stagger(view_, key); }

bool EpisodeSampler::kick(const EpisodeKey& key, int step, double* dv) const { return draw_kick(view_, key, step, dv); }

bool EpisodeSampler::push(const EpisodeKey& key, int step, Push& push) const {
  const PushDraw<double> drawn = draw_push(view_, key, step);
  if (drawn.steps == 0) return false;
  push.body = view_.torso;
  std::copy_n(drawn.force, 3, push.force);
  push.steps = drawn.steps;
  return true;
}

int episode_steps(const TaskSettings& settings) { return std::max(1, control_steps(settings.episode, settings.mpc.control_dt)); }

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
