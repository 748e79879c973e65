#include "cli/fit_subject.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "base/check.hpp"
#include "cli/options.hpp"
#include "cli/progress.hpp"
#include "env/episode.hpp"
#include "tune/centroidal.hpp"
#include "tune/centroidal_recorder.hpp"
#include "tune/kinodynamic.hpp"

namespace tandem {
namespace {

bool same(const Plant& a, const Plant& b) {
  return a.torso_mass == b.torso_mass && std::equal(a.com_offset, a.com_offset + 3, b.com_offset) && a.inertia == b.inertia &&
         a.friction == b.friction && a.delay == b.delay && a.gains == b.gains && a.push == b.push;
}

// The loop of one thread, made anew when another plant is asked for.
struct CentroidalSlot {
  Plant plant;
  std::unique_ptr<CentroidalLoop> loop;
};

// The same for the whole-body MPC, whose weights are fixed when it is made.
struct KinodynamicSlot {
  Plant plant;
  std::vector<double> theta;
  std::unique_ptr<ControlLoop> loop;
};

TrialRun run_centroidal(CentroidalLoop& loop, const std::vector<double>& theta, const Trial& trial) {
  loop.mpc().set_theta(theta);
  CentroidalRecorder recorder(loop.mpc(), 0, theta);
  recorder.begin();
  TrialRun run;
  run.result = loop.run(trial, {.planned = [&](const CentroidalMpc& mpc, std::span<const double> command) { recorder.planned(mpc, command); },
                                .measured = [&](const Simulator& sim) { recorder.measured(sim); },
                                .stepped = [&](double, double) { run.velocity.push_back({loop.sim().output.v[0], loop.sim().output.v[1]}); }});
  run.recording = recorder.finish(run.result.cause != FallCause::kNone);
  return run;
}

void check_kinodynamic_plant(const RunSettings& run, const Plant& plant) {
  check(plant.inertia == 1, "plant ", plant.name, ": the whole-body MPC's plants cannot differ in inertia alone; leave it 1");
  const bool moved = std::any_of(plant.com_offset, plant.com_offset + 3, [](double x) { return x != 0; });
  check(!moved || torso_of(run.robot.model) == 0, "plant ", plant.name,
        ": the whole-body MPC's plants can move the centre of mass of the base alone, which is not the torso of this robot");
  const double steps = plant.delay / run.task.mpc.control_dt;
  check(std::abs(steps - std::round(steps)) < 1e-6, "plant ", plant.name, ": delay = ", plant.delay,
        " s, the whole-body MPC's set points are late by whole steps of ", run.task.mpc.control_dt, " s");
}

WorldStart start_of(const Robot& robot, const Plant& plant, const Trial& trial, std::vector<double>& gains) {
  WorldStart start{trial.q, trial.v, trial.phase};
  start.parameters.friction = plant.friction;
  start.parameters.mass_scale.assign(robot.model.nbody, 1);
  start.parameters.mass_scale[torso_of(robot.model)] = plant.torso_mass;
  std::copy_n(plant.com_offset, 3, start.parameters.com_offset);
  gains.assign(robot.model.njnt, plant.gains);
  start.kp_scale = start.kd_scale = gains;
  start.delay = plant.delay;
  return start;
}

TrialRun run_kinodynamic(ControlLoop& loop, const std::vector<double>& theta, const Plant& plant, const Trial& trial) {
  const Robot& robot = loop.robot();
  std::vector<double> gains;
  loop.reset(0, start_of(robot, plant, trial, gains));
  KinodynamicRecorder recorder(*loop.mpc(), 0, theta);
  recorder.begin();
  TrialRun run;
  Simulator& sim = loop.simulator();
  const double dt = loop.control_dt();
  const int steps = static_cast<int>(std::lround(trial.seconds / dt));
  for (int step = 0; step < steps && run.result.cause == FallCause::kNone; ++step) {
    throw_if_interrupted();
    const std::array<double, 4> command = command_at(trial, robot.base_height, step * dt);
    std::copy(command.begin(), command.end(), loop.command.begin());
    for (const TimedPush& push : trial.pushes) {
      if (std::lround(push.start / dt) == step) sim.set_push(in_steps(push, dt, plant.push));
    }
    loop.prepare();
    recorder.planned(*loop.mpc(), loop.measured_q, loop.measured_v, command);
    loop.advance({});
    recorder.measured(sim);
    run.velocity.push_back({sim.output.v[0], sim.output.v[1]});
    run.result.survived = (step + 1) * dt;
    run.result.cause = detect_fall(robot.model, sim.output, robot.limits, 0, loop.ground[0]);
  }
  run.recording = recorder.finish(run.result.cause != FallCause::kNone);
  return run;
}

double mean(const std::vector<float>& values) {
  double sum = 0;
  for (float value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

}  // namespace

FitSubject centroidal_subject(const Robot& robot, const CentroidalLoopSettings& settings, int threads) {
  FitSubject subject{
      robot, matched_centroidal(robot, settings.mpc), {robot.name, "centroidal", {}}, push_body(robot.model, settings.mpc.torso), [](const Plant&) {},
      {}};
  subject.owner.groups = subject.mpc.groups;
  auto slots = std::make_shared<std::vector<CentroidalSlot>>(threads);
  subject.run = [robot, settings, slots](int thread, const Plant& plant, const std::vector<double>& theta, const Trial& trial) {
    CentroidalSlot& slot = slots->at(thread);
    if (!slot.loop || !same(slot.plant, plant)) slot = {plant, std::make_unique<CentroidalLoop>(robot, settings, plant)};
    return run_centroidal(*slot.loop, theta, trial);
  };
  return subject;
}

FitSubject kinodynamic_subject(const RunSettings& run, int threads) {
  const Robot& robot = run.robot;
  FitSubject subject{robot,
                     matched_kinodynamic(robot.model, run.task.mpc),
                     {robot.name, "kinodynamic", {}},
                     push_body(robot.model, ""),
                     [run](const Plant& plant) { check_kinodynamic_plant(run, plant); },
                     {}};
  subject.owner.groups = subject.mpc.groups;
  auto slots = std::make_shared<std::vector<KinodynamicSlot>>(threads);
  subject.run = [run, slots](int thread, const Plant& plant, const std::vector<double>& theta, const Trial& trial) {
    KinodynamicSlot& slot = slots->at(thread);
    if (!slot.loop || !same(slot.plant, plant) || slot.theta != theta) {
      TaskSettings task = run.task;
      task.mpc = with_theta(run.robot.model, task.mpc, theta);
      task.randomise.delay[1] = std::max(task.randomise.delay[1], plant.delay);
      slot = {plant, theta, std::make_unique<ControlLoop>(run.robot, task, 1, 1)};
    }
    return run_kinodynamic(*slot.loop, theta, plant, trial);
  };
  return subject;
}

TrialMeasures measure(const FitSubject& subject, const Judge& judge, TrialRun& run) {
  Recording& recording = run.recording;
  TrialMeasures m;
  m.survived = run.result.survived, m.fell = run.result.cause != FallCause::kNone;
  compute_stage_cost(subject.mpc, judge.cost, recording, 1);
  const size_t n = recording.cost.size();
  for (double cost : recording.cost) m.cost += cost / static_cast<double>(n);
  const std::vector<double> returns = discounted_returns(recording, discount_time(subject.mpc, judge.returns), judge.returns.fall_cost);
  const std::vector<int> usable = usable_samples(subject.mpc, recording, {}, judge.returns, 1);
  for (int k : usable) m.discounted += returns[k] / static_cast<double>(usable.size());
  if (usable.empty()) m.discounted = std::numeric_limits<double>::quiet_NaN();
  m.velocity_error = std::sqrt(mean(column(recording, "velocity_error").data));
  m.turn_error = std::sqrt(mean(column(recording, "turn_error").data));
  m.power = mean(column(recording, "power").data);
  m.torque = mean(column(recording, "torque").data);
  return m;
}

}  // namespace tandem
