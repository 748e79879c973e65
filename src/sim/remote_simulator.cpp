#include "sim/remote_simulator.hpp"

#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/check.hpp"
#include "base/processors.hpp"

namespace tandem {
namespace {

constexpr int kPatience = 30000;  // after which the user is told that the simulator is still starting [ms]

bool all_finite(std::span<const double> values) {
  return std::all_of(values.begin(), values.end(), [](double x) { return std::isfinite(x); });
}

// The other program and the socket to it; ends it when destroyed.
class Connection {
 public:
  explicit Connection(const std::vector<std::string>& argv) : name_(argv.back()) {
    int ends[2];
    check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "simulator: cannot make a socket: ", std::strerror(errno));
    socket_ = ends[0];
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDIN_FILENO);
    std::vector<char*> pointers;
    for (const std::string& text : argv) pointers.push_back(const_cast<char*>(text.c_str()));
    pointers.push_back(nullptr);
    const int error = ::posix_spawnp(&child_, pointers[0], &actions, nullptr, pointers.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    if (error != 0) ::close(socket_);
    check(error == 0, "simulator: cannot start ", argv[0], ": ", std::strerror(error));
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() {
    ::close(socket_);
    while (child_ > 0 && ::waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {}
  }

  void send(const void* data, size_t size) {
    for (const char* next = static_cast<const char*>(data); size > 0;) {
      const ssize_t n = ::send(socket_, next, size, MSG_NOSIGNAL);
      if (n < 0 && errno != EINTR) ended();
      if (n > 0) next += n, size -= static_cast<size_t>(n);
    }
  }
  void send(const std::vector<double>& numbers) { send(numbers.data(), numbers.size() * sizeof(double)); }

  void receive(void* data, size_t size) {
    for (char* next = static_cast<char*>(data); size > 0;) {
      const ssize_t n = ::recv(socket_, next, size, 0);
      if (n == 0 || (n < 0 && errno != EINTR)) ended();
      if (n > 0) next += n, size -= static_cast<size_t>(n);
    }
  }
  // Whether something arrives within that time [ms].
  bool has_answer(int within) {
    pollfd socket{socket_, POLLIN, 0};
    return ::poll(&socket, 1, within) != 0;
  }
  std::string receive_line() {
    std::string line;
    for (char c = 0; c != '\n';) {
      receive(&c, 1);
      line += c;
    }
    return line;
  }

 private:
  [[noreturn]] void ended() {
    int status = 0;
    pid_t done = 0;
    for (int i = 0; i < 100 && done == 0; ++i) {  // it lets go of the socket before it is gone
      done = ::waitpid(child_, &status, WNOHANG);
      if (done == 0) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    if (done == child_) child_ = 0;
    if (done > 0 && WIFSIGNALED(status)) throw Error(cat(name_, " was ended by signal ", WTERMSIG(status), ", ", strsignal(WTERMSIG(status))));
    throw Error(cat(name_, " has ended before its time; its message is above"));
  }

  std::string name_;
  int socket_ = -1;
  pid_t child_ = 0;
};

nlohmann::json describe(const Robot& robot, const SimSettings& settings, int nworld) {
  const Model& model = robot.model;
  nlohmann::json contacts = nlohmann::json::array();
  for (const ContactPoint& point : model.contacts)
    contacts.push_back({{"body", model.body_name[point.body]}, {"position", point.p_BC}, {"foot", point.foot}});
  nlohmann::json told = {{"xml", robot.model_path},
                         {"worlds", nworld},
                         {"control_dt", settings.control_dt},
                         {"physics_dt", settings.physics_dt},
                         {"joints", model.joint_name},
                         {"bodies", model.body_name},
                         {"feet", model.foot_name},
                         {"contacts", contacts},
                         {"foot_geoms", settings.foot_geoms.empty() ? robot.foot_geoms : settings.foot_geoms}};
  const Terrain& terrain = settings.terrain;
  if (!terrain.height.empty()) told["terrain"] = {{"rows", terrain.rows}, {"columns", terrain.columns}, {"cell", terrain.cell}};
  return told;
}

// Once per run: which physics it is, and on which device.
void say_name(const std::string& name) {
  static const bool said = std::fprintf(stderr, "tandem: simulator: %s\n", name.c_str()) > 0;
  (void)said;
}

// The worlds first .. first + nworld - 1 and the program that has them.
struct Share {
  int first, nworld;
  std::unique_ptr<Connection> program;
  std::vector<double> message;
};

bool same_as_model(const Model& model, const WorldParameters& p) {
  const auto all = [](const std::vector<double>& scale) { return std::all_of(scale.begin(), scale.end(), [](double x) { return x == 1; }); };
  const bool gravity = p.gravity.empty() || std::equal(p.gravity.begin(), p.gravity.end(), model.gravity, model.gravity + 3);
  const bool com = p.com_offset[0] == 0 && p.com_offset[1] == 0 && p.com_offset[2] == 0;
  return p.added_mass == 0 && com && gravity && all(p.mass_scale) && all(p.armature_scale) && all(p.strength);
}

class RemoteSimulator : public Simulator {
 public:
  RemoteSimulator(const Robot& robot, int nworld, const SimSettings& settings);
  const Model& model() const override { return model_; }
  int nworld() const override { return nworld_; }
  const SimSettings& settings() const override { return settings_; }
  void set_state(std::span<const int> worlds, std::span<const double> q, std::span<const double> v) override;
  void kick(int world, std::span<const double> dv) override;
  void set_push(const Push& push) override;
  void set_parameters(int world, const WorldParameters& parameters) override;
  void step() override;
  std::vector<std::byte> save() const override { throw Error("this simulator cannot be saved; use --simulator mujoco"); }
  void load(std::span<const std::byte>) override { throw Error("this simulator cannot be loaded; use --simulator mujoco"); }

 private:
  // The share with this world, after checking that there is one.
  Share& share_of(int world) {
    check(world >= 0 && world < nworld_, "simulator: world ", world, ", expected 0 .. ", nworld_ - 1);
    return *std::find_if(shares_.begin(), shares_.end(), [&](const Share& s) { return world < s.first + s.nworld; });
  }
  // body(array, numbers per world) for every field of `output` but faults, which are bytes, in the order of the protocol.
  template <class Body>
  void each_output(const Body& body) {
    const size_t njnt = model_.njnt, ncon = model_.contacts.size(), nfoot = model_.foot_name.size();
    body(output.time, 1), body(output.q, model_.nq), body(output.v, model_.nv), body(output.tau, njnt), body(output.power, 1);
    body(output.point_force, 3 * ncon), body(output.foot_force, 3 * nfoot), body(output.foot_slip, nfoot);
    body(output.floor_contact, 1), body(output.self_collision, 1), body(output.fault, 1);
  }

  Model model_;
  SimSettings settings_;
  int nworld_;
  std::vector<Share> shares_;
  std::vector<double> friction_;  // (nworld)
  std::vector<double> answer_;
  std::vector<char> bad_;  // whether a world's answer holds what is not finite  (nworld)
};

RemoteSimulator::RemoteSimulator(const Robot& robot, int nworld, const SimSettings& settings)
    : model_(robot.model), settings_(settings), nworld_(nworld), friction_(std::max(nworld, 0), -1) {
  check(!settings.program.empty(), "simulator: no program is named");
  check(nworld >= 1, "simulator: nworld = ", nworld, ", expected at least 1");
  check(settings.changes.empty(), "this simulator cannot change links; use --simulator mujoco");
  const long substeps = std::lround(settings.control_dt / settings.physics_dt);
  check(substeps >= 1 && std::abs(substeps * settings.physics_dt - settings.control_dt) < 1e-9 * settings.control_dt,
        "simulator: control_dt = ", settings.control_dt, " s is not a whole multiple of physics_dt = ", settings.physics_dt, " s");
  const int wanted = settings.threads > 0 ? settings.threads : processors();
  const int count = std::clamp(wanted, 1, nworld);
  for (int i = 0; i < count; ++i) {
    const int first = nworld * i / count, next = nworld * (i + 1) / count;
    shares_.push_back({first, next - first, std::make_unique<Connection>(settings.program), {}});
    const std::string told = describe(robot, settings, next - first).dump() + "\n";
    shares_.back().program->send(told.data(), told.size());
    shares_.back().program->send(settings.terrain.height.data(), settings.terrain.height.size() * sizeof(float));
  }
  if (!shares_.front().program->has_answer(kPatience))
    std::fprintf(stderr, "tandem: waiting for the simulator to start; MuJoCo Warp takes minutes for a robot or a ground that is new to it\n");
  for (Share& share : shares_) {
    const nlohmann::json said = nlohmann::json::parse(share.program->receive_line(), nullptr, false);
    const auto text = [&said](const char* key) { return said.is_object() && said.contains(key) && said[key].is_string(); };
    check(text("simulator"), text("error") ? said["error"].get<std::string>() : "the simulator answered something unexpected: " + said.dump());
    say_name(said["simulator"]);
  }
  const size_t n = nworld, set_points = n * model_.njnt;
  for (auto* array : {&input.tau_ff, &input.q_des, &input.v_des, &input.kp, &input.kd}) array->assign(set_points, 0);
  for (size_t i = 0; i < set_points; ++i) input.kp[i] = robot.kp[i % robot.kp.size()], input.kd[i] = robot.kd[i % robot.kd.size()];
  each_output([&](auto& array, size_t each) { array.assign(n * each, 0); });
}

void RemoteSimulator::set_state(std::span<const int> worlds, std::span<const double> q, std::span<const double> v) {
  const size_t n = worlds.size(), nq = model_.nq, nv = model_.nv;
  check(q.size() == n * nq && v.size() == n * nv, "set_state: ", q.size(), " and ", v.size(), " values, expected ", n, " worlds x nq = ", nq,
        " and nv = ", nv);
  check(all_finite(q) && all_finite(v), "set_state: q or v holds a value that is not finite");
  for (size_t i = 0; i < n; ++i) {
    const int w = worlds[i];
    Share& share = share_of(w);
    check(i == 0 || w > worlds[i - 1], "set_state: worlds must ascend; ", w, " follows ", worlds[i > 0 ? i - 1 : 0]);
    std::vector<double> start(q.begin() + i * nq, q.begin() + (i + 1) * nq);
    if (model_.floating) {
      const double norm = std::hypot(std::hypot(start[3], start[4]), std::hypot(start[5], start[6]));
      check(norm > 1e-6, "set_state: the base quaternion of world ", w, " is zero");
      for (int k = 3; k < 7; ++k) start[k] /= norm;
    }
    share.message = {'r', static_cast<double>(w - share.first), friction_[w]};
    share.message.insert(share.message.end(), start.begin(), start.end());
    share.message.insert(share.message.end(), v.begin() + i * nv, v.begin() + (i + 1) * nv);
    share.program->send(share.message);
    each_output([&](auto& array, size_t each) { std::fill_n(array.begin() + w * each, each, 0); });
    std::copy(start.begin(), start.end(), output.q.begin() + w * nq);
    std::copy_n(v.begin() + i * nv, nv, output.v.begin() + w * nv);
  }
}

void RemoteSimulator::kick(int world, std::span<const double> dv) {
  Share& share = share_of(world);
  check(model_.floating, "kick: \"", model_.name, "\" has a fixed base");
  check(dv.size() == 6 && all_finite(dv), "kick: expected 6 finite values (linear in world, angular in the base frame)");
  share.message = {'k', static_cast<double>(world - share.first)};
  share.message.insert(share.message.end(), dv.begin(), dv.end());
  share.program->send(share.message);
  for (int i = 0; i < 6; ++i) output.v[static_cast<size_t>(world) * model_.nv + i] += dv[i];
}

void RemoteSimulator::set_push(const Push& push) {
  Share& share = share_of(push.world);
  check(push.body >= 0 && push.body < model_.nbody, "set_push: body ", push.body, ", expected 0 .. ", model_.nbody - 1, "; body(name) finds it");
  check(push.steps >= 0, "set_push: steps = ", push.steps, ", expected 0 or more");
  const double body = push.body, steps = push.steps;
  share.message = {'p', static_cast<double>(push.world - share.first), body, push.force[0], push.force[1], push.force[2], steps};
  share.program->send(share.message);
}

void RemoteSimulator::set_parameters(int world, const WorldParameters& parameters) {
  share_of(world);
  check(same_as_model(model_, parameters),
        "this simulator knows no other masses, armatures, motors or gravity than the model's; use --simulator mujoco");
  friction_[world] = parameters.friction;
}

void RemoteSimulator::step() {
  for (Share& share : shares_) {
    const size_t njnt = model_.njnt, first = share.first * njnt, count = share.nworld * njnt;
    share.message = {'s'};
    for (const auto* array : {&input.tau_ff, &input.q_des, &input.v_des, &input.kp, &input.kd})
      share.message.insert(share.message.end(), array->begin() + first, array->begin() + first + count);
    share.program->send(share.message);
  }
  bad_.assign(nworld_, false);
  size_t each_world = 0;
  each_output([&](auto&, size_t each) { each_world += each; });
  for (Share& share : shares_) {
    answer_.resize(each_world * share.nworld);
    share.program->receive(answer_.data(), answer_.size() * sizeof(double));
    const double* next = answer_.data();
    each_output([&](auto& array, size_t each) {
      for (size_t i = 0; i < each * share.nworld; ++i, ++next) {
        auto& value = array[share.first * each + i];
        if (std::isfinite(*next))
          value = static_cast<std::remove_reference_t<decltype(value)>>(*next);
        else
          bad_[share.first + i / each] = true;  // and the last value stays
      }
    });
  }
  for (int w = 0; w < nworld_; ++w)
    if (bad_[w]) output.fault[w] |= kFaultState;
}

}  // namespace

std::unique_ptr<Simulator> make_remote_simulator(const Robot& robot, int nworld, const SimSettings& settings) {
  return std::make_unique<RemoteSimulator>(robot, nworld, settings);
}

}  // namespace tandem
