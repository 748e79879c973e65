#include "live.hpp"

#include <algorithm>
#include <cmath>

#include "base/check.hpp"
#include "base/stopwatch.hpp"

namespace tandem::python {
namespace {

constexpr size_t kFrames = 600;  // of the time line
const std::vector<unsigned char> kActive = {1};

std::string name_of(const std::string& assignment) {
  const size_t sign = assignment.find('=');
  check(sign != std::string::npos, assignment, ": expected name=value");
  return assignment.substr(0, sign);
}

// Whether a loop can go on under other settings, or must be built anew.
bool same_world(const TaskSettings& a, const TaskSettings& b) {
  return a.mpc.control_dt == b.mpc.control_dt && a.physics_dt == b.physics_dt && a.randomise.delay[1] == b.randomise.delay[1] &&
         a.terrain == b.terrain;
}

double norm(std::span<const double> values) {
  double sum = 0;
  for (const double x : values) sum += x * x;
  return std::sqrt(sum);
}

}  // namespace

LiveLoop::LiveLoop(const std::string& robot)
    : pristine_(load_settings(robot)),
      choice_(std::make_shared<const Choice>(pristine_, std::map<std::string, std::string>{}, pristine_)),
      loop_(std::make_unique<ClosedLoop>(pristine_, 1, 1)),
      table_(pristine_.robot.model),
      clock_(pristine_.task.mpc.control_dt),
      maths_(std::make_unique<BodyMaths>(pristine_.robot.model)) {
  const size_t njnt = pristine_.robot.model.njnt;
  tau_mpc_.assign(njnt, 0), tau_residual_.assign(njnt, 0);
  planned_force_.assign(3 * pristine_.robot.model.contacts.size(), 0);
  start();
  thread_ = std::thread([this] { run(); });
}

LiveLoop::~LiveLoop() {
  {
    std::lock_guard lock(mutex_);
    clock_.stop();
  }
  thread_.join();
  finish_recording();
}

// --- settings ---------------------------------------------------------------------------------------------------------------------------------------

void LiveLoop::choose(const std::string& controller, const std::string& policy_file) {
  std::lock_guard change(change_mutex_);
  Choice next{pristine_, choice()->overrides, {}};
  controller == kCentroidal ? choose_centroidal(policy_file, next.base) : choose_controller(controller, policy_file, next.base);
  check(next.base.task.mpc.nodes == pristine_.task.mpc.nodes, policy_file, ": trained with mpc.nodes = ", next.base.task.mpc.nodes,
        "; the live view keeps the robot's ", pristine_.task.mpc.nodes);
  apply(std::move(next));
}

void LiveLoop::set(const std::vector<std::string>& assignments) {
  std::lock_guard change(change_mutex_);
  Choice next = *choice();
  for (const std::string& assignment : assignments) {
    const std::string name = name_of(assignment);
    check(name != "mpc.control_dt" && name != "mpc.nodes", name, ": the live view keeps it as the robot has it");
    next.overrides[name] = assignment.substr(name.size() + 1);
  }
  apply(std::move(next));
}

std::shared_ptr<const LiveLoop::Choice> LiveLoop::choice() const {
  std::lock_guard lock(mutex_);
  return choice_;
}

// Works `settings` out of the rest, and goes on under them.
void LiveLoop::apply(Choice next) {
  next.settings = next.base;
  for (const auto& [name, value] : next.overrides) apply_override(next.settings, name + "=" + value);
  auto made = std::make_shared<const Choice>(std::move(next));
  if (same_world(settings().task, made->settings.task)) {
    std::lock_guard lock(mutex_);
    return go_on(std::move(made));
  }
  auto loop = std::make_unique<ClosedLoop>(made->settings, 1, 1);
  std::lock_guard lock(mutex_);
  std::string ended = recording_.empty() ? "" : "the recording ended, since the robot starts anew; it is in " + recording_;
  message_.clear();
  finish_recording();
  if (!message_.empty()) ended = message_;
  loop_ = std::move(loop);
  choice_ = std::move(made);
  ++ground_number_, ++changes_;
  start();
  message_ = ended;
}

// Has `centroidal_` be what the settings say; it starts afresh from the state that is.
void LiveLoop::match_centroidal() {
  const TaskSettings& task = choice_->settings.task;
  if (choice_->settings.pilot.label != kCentroidal)
    centroidal_.reset();
  else if (!centroidal_ || !centroidal_->has_gait(task.mpc.gait))
    centroidal_ = std::make_unique<LiveCentroidal>(choice_->settings.robot, task.mpc.gait, task.mpc.control_dt);
  if (centroidal_) centroidal_->mpc.reset(0, loop_->control.phase[0]);
}

bool LiveLoop::offers_centroidal() const {
  try {
    RunSettings settings = pristine_;
    choose_centroidal("", settings);
    return true;
  } catch (const Error&) {
    return false;
  }
}

// The same state under other settings.
void LiveLoop::go_on(std::shared_ptr<const Choice> next) {
  const RunSettings& settings = next->settings;
  loop_->control.change(settings.robot, settings.task);
  loop_->actor = Actor(settings.pilot, loop_->control);
  loop_->control.command[0] = settings.robot.base_height;
  if (const double* friction = settings.task.randomise.friction; friction[0] != choice_->settings.task.randomise.friction[0])
    loop_->sim().set_parameters(0, {.friction = friction[0]});
  choice_ = std::move(next);
  ++changes_;
  match_centroidal();
}

RunSettings LiveLoop::settings() const { return choice()->settings; }

Terrain LiveLoop::terrain() const {
  std::lock_guard lock(mutex_);
  return loop_->control.terrain();
}

int LiveLoop::ground_number() const {
  std::lock_guard lock(mutex_);
  return ground_number_;
}

// --- what somebody does -----------------------------------------------------------------------------------------------------------------------------

void LiveLoop::command(double forward, double left, double yaw_rate) {
  check(std::isfinite(forward) && std::isfinite(left) && std::isfinite(yaw_rate), "command = ", forward, ", ", left, ", ", yaw_rate,
        ", expected finite numbers");
  std::lock_guard lock(mutex_);
  command_ = {forward, left, yaw_rate};
}

void LiveLoop::pause(bool paused) {
  std::lock_guard lock(mutex_);
  clock_.pause(paused);
}

void LiveLoop::speed(double speed) {
  check(speed > 0 && speed <= 10, "speed = ", speed, ", expected more than 0, at most 10; 1 is real time");
  std::lock_guard lock(mutex_);
  clock_.speed(speed);
}

void LiveLoop::single_step() {
  std::lock_guard lock(mutex_);
  clock_.single_step();
}

void LiveLoop::reset() {
  std::lock_guard lock(mutex_);
  start();
}

void LiveLoop::push(int body, const std::array<double, 3>& force, int steps) {
  check(body >= 0 && body < pristine_.robot.model.nbody, "push: body ", body, ", expected 0 to ", pristine_.robot.model.nbody - 1);
  check(std::isfinite(norm(force)), "push: the force is not finite");
  check(steps >= 0, "push: ", steps, " control steps, expected 0 or more");
  std::lock_guard lock(mutex_);
  if (!push_.running || body != push_.body) push_ = {.body = body};
  push_.force = force, push_.running = steps > 0, push_steps_ = steps;
  loop_->sim().set_push({0, body, {force[0], force[1], force[2]}, steps});
}

void LiveLoop::scrub(int frame) {
  std::lock_guard change(change_mutex_);
  std::lock_guard lock(mutex_);
  clock_.pause(true);
  frame_ = std::clamp(frame, 1 - static_cast<int>(frames_.size()), 0);
  const Frame& kept = frames_[frames_.size() - 1 + frame_];
  if (kept.choice != choice_) go_on(kept.choice);
  loop_->control.load(kept.loop);
  steps_ = std::lround(kept.time / loop_->control.control_dt());
  fall_ = detect_fall(robot().model, loop_->sim().output, choice_->settings.robot.limits, 0, loop_->control.ground[0]);
  command_ = kept.command, push_ = kept.push, push_steps_ = kept.push_steps;
  match_centroidal();
}

// --- recording --------------------------------------------------------------------------------------------------------------------------------------

void LiveLoop::record(const std::string& folder, const std::string& title) {
  std::lock_guard lock(mutex_);
  finish_recording();
  recorder_ = std::make_unique<MotionRecorder>(folder, *loop_, title);
  recording_ = folder, recorded_ = 0;
  message_.clear();
}

void LiveLoop::stop_recording() {
  std::lock_guard lock(mutex_);
  finish_recording();
}

void LiveLoop::finish_recording() {
  if (recorder_ && recorded_ > 0) try {
      recorder_->finish(*loop_);
    } catch (const std::exception& error) {  // of a folder that is gone, too
      message_ = error.what();
    }
  recorder_.reset();
  recording_.clear();
}

void LiveLoop::record_row() {
  if (!recorder_) return;
  try {
    recorded_ += loop_->control.control_dt();
    recorder_->append(*loop_, recorded_);
  } catch (const Error& error) {
    message_ = error.what();
    recorder_.reset(), recording_.clear();
  }
}

// --- the thread -------------------------------------------------------------------------------------------------------------------------------------

void LiveLoop::run() {
  std::unique_lock lock(mutex_);
  while (clock_.wait(lock)) step();
}

// To the start, with nothing behind it.
void LiveLoop::start() {
  const Scenario scenario = standing_start(choice_->settings.robot, choice_->settings.task, 1, 1, 0);
  start_episode(loop_->control, 0, scenario.world[0], {});
  steps_ = 0, fall_ = FallCause::kNone;
  push_ = {}, push_steps_ = 0;
  frames_.clear(), frame_ = 0;
  message_.clear();
  match_centroidal();
  keep_frame();
}

void LiveLoop::keep_frame() {
  // what was walked after the frame that is shown has not happened
  frames_.resize(frames_.size() + static_cast<size_t>(std::min(frame_, 0)));
  frame_ = 0;
  frames_.push_back({static_cast<double>(steps_) * loop_->control.control_dt(), choice_, loop_->control.save(), command_, push_, push_steps_});
  if (frames_.size() > kFrames) frames_.pop_front();
}

// One control step, as run() of closed_loop.hpp does it.
void LiveLoop::step() {
  ControlLoop& control = loop_->control;
  std::copy(command_.begin(), command_.end(), &control.command[1]);
  control.prepare();
  if (recorder_) recorder_->keep_ground(*loop_);
  Stopwatch watch;
  centroidal_ ? centroidal_->step(control) : loop_->actor.act(control, 0, static_cast<int>(steps_), kActive);
  const double acting = watch.lap();
  if (centroidal_) {
    const TrackerOutput& points = centroidal_->tracker.output;
    control.follow(points.tau_ff, points.q_des, points.v_des);
  } else {
    control.advance(loop_->actor.action);
  }
  loop_->step_seconds = control.times.mpc + control.times.observe + acting + control.times.blend;
  ++steps_;
  fall_ = detect_fall(robot().model, loop_->sim().output, choice_->settings.robot.limits, 0, control.ground[0]);
  note_torques();
  add_row();
  note_push();
  record_row();
  if (steps_ % kFrameSteps == 0) keep_frame();
}

// What the set points of this step asked for, and what the MPC's alone would have.
void LiveLoop::note_torques() {
  ControlLoop& control = loop_->control;
  split_torques(control, 0, tau_mpc_.data(), tau_residual_.data());
  if (centroidal_) std::swap(tau_mpc_, tau_residual_);  // all that was asked for is that controller's
  std::fill(planned_force_.begin(), planned_force_.end(), 0.0);
  if (control.mpc()) std::copy_n(control.mpc()->horizon(0).force.begin(), planned_force_.size(), planned_force_.begin());
}

void LiveLoop::add_row() {
  const Model& model = robot().model;
  const SimOutput& out = loop_->sim().output;
  const HeadingVelocity velocity = heading_velocity(out.q.data(), out.v.data());
  const Mpc* mpc = loop_->control.mpc();
  std::vector<double> row = {static_cast<double>(steps_) * loop_->control.control_dt(),
                             command_[0],
                             command_[1],
                             command_[2],
                             velocity.forward,
                             velocity.left,
                             velocity.yaw_rate,
                             out.q[2] - loop_->control.ground[0],
                             mpc           ? mpc->output.value[0]
                             : centroidal_ ? centroidal_->mpc.output.cost[0]
                                           : 0,
                             1e6 * loop_->step_seconds,
                             push_.running ? norm(push_.force) : 0,
                             norm(tau_mpc_),
                             norm(tau_residual_)};
  for (size_t f = 0; f < model.foot_name.size(); ++f) row.push_back(out.foot_force[3 * f + 2]);
  std::vector<double> planned(model.foot_name.size());
  for (size_t c = 0; c < model.contacts.size(); ++c) planned[model.contacts[c].foot] += planned_force_[3 * c + 2];
  for (const std::vector<double>* block : std::initializer_list<const std::vector<double>*>{&planned, &out.tau, &tau_mpc_, &tau_residual_})
    row.insert(row.end(), block->begin(), block->end());
  table_.add(row);
}

void LiveLoop::note_push() {
  if (!push_.running) return;
  for (int i = 0; i < 3; ++i) push_.impulse[i] += push_.force[i] * loop_->control.control_dt();
  push_.peak = std::max(push_.peak, norm(push_.force));
  if (--push_steps_ <= 0) push_.running = false, push_.force = {};
}

// --- what is seen -----------------------------------------------------------------------------------------------------------------------------------

LiveState LiveLoop::state() const {
  std::lock_guard lock(mutex_);
  const SimOutput& out = loop_->sim().output;
  LiveState s;
  s.time = static_cast<double>(steps_) * loop_->control.control_dt();
  s.q = out.q, s.v = out.v;
  s.command = {loop_->control.command[0], command_[0], command_[1], command_[2]};
  s.point_force = out.point_force, s.foot_force = out.foot_force;
  s.tau = out.tau, s.tau_mpc = tau_mpc_, s.tau_residual = tau_residual_;
  s.phase = loop_->control.phase[0], s.ground = loop_->control.ground[0];
  s.fall = fall_, s.push = push_;
  s.paused = clock_.paused(), s.speed = clock_.speed(), s.real_time_factor = clock_.factor(), s.late = clock_.late();
  s.frames = static_cast<int>(frames_.size()), s.frame = frame_, s.oldest = frames_.front().time;
  s.changes = changes_;
  s.recording = recording_, s.message = message_;
  return s;
}

LivePlan LiveLoop::plan() const {
  const Model& model = robot().model;
  const size_t nq = model.nq, ncon = model.contacts.size();
  Horizon horizon;
  std::vector<double> q;
  double ground = 0;
  {
    std::lock_guard lock(mutex_);
    q = loop_->sim().output.q;
    ground = loop_->control.ground[0];
    if (loop_->control.mpc()) horizon = loop_->control.mpc()->horizon(0);
  }
  LivePlan plan{{}, {}, std::move(horizon.force), std::move(horizon.stance), std::vector<double>(3 * ncon)};
  const size_t nodes = horizon.q.size() / nq;
  plan.base.resize(3 * nodes), plan.point.resize(3 * nodes * ncon);
  std::lock_guard lock(maths_mutex_);
  maths_->contact_points(q.data(), plan.point_now);
  for (size_t k = 0; k < nodes; ++k) {
    std::copy_n(&horizon.q[k * nq], 3, &plan.base[3 * k]);
    maths_->contact_points(&horizon.q[k * nq], std::span(plan.point).subspan(3 * k * ncon, 3 * ncon));
  }
  // the plan counts heights from the ground under the feet
  for (std::vector<double>* points : {&plan.base, &plan.point})
    for (size_t i = 2; i < points->size(); i += 3) (*points)[i] += ground;
  return plan;
}

std::pair<long, std::vector<double>> LiveLoop::rows(long row) const {
  std::lock_guard lock(mutex_);
  return table_.since(row);
}

}  // namespace tandem::python
