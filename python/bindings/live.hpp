// One robot that walks in real time on a thread of its own while somebody watches and meddles: what the live view shows. docs/view.md.
//
//   LiveLoop live("mit_humanoid");       // stands at rest, paused
//   live.choose("residual", file);       // the same state goes on under another controller; so with set()
//   live.pause(false);                   // walks; every call may come at any time from any thread
//   LiveState now = live.state();
//
// The thread touches neither Python nor a socket: whoever watches, however slowly, does not hold it up. A call waits for at most one control step.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "cli/closed_loop.hpp"
#include "cli/motion_recorder.hpp"
#include "live_centroidal.hpp"
#include "live_clock.hpp"
#include "live_table.hpp"

namespace tandem::python {

constexpr int kFrameSteps = 5;  // control steps between two frames of the time line

// A push: the one that runs, or the last one.
struct LivePush {
  int body = 0;                     // index in Model
  std::array<double, 3> force{};    // now, world frame [N]
  std::array<double, 3> impulse{};  // so far [N s]
  double peak = 0;                  // largest force so far [N]
  bool running = false;
};

struct LiveState {
  double time = 0;                    // since the reset [s]
  std::vector<double> q, v;           // (nq), (nv)
  std::array<double, 4> command{};    // base height, forward, left, yaw rate
  std::vector<double> point_force;    // floor on contact points, world frame [N]  (ncon, 3)
  std::vector<double> foot_force;     // (nfoot, 3)
  std::vector<double> tau, tau_mpc;   // joint torques as applied, and those of the MPC alone [N m]  (njnt)
  std::vector<double> tau_residual;   // those of the policy [N m]  (njnt)
  double phase = 0, ground = 0;       // gait time in periods; height of the ground under the feet [m]
  FallCause fall = FallCause::kNone;  // kNone: it stands
  LivePush push;
  bool paused = true;
  double speed = 1;             // asked for, 1: real time
  double real_time_factor = 0;  // of the last two seconds; NaN while there are none
  double late = 0;              // wall time that was given up because the machine was too busy [s]
  int frames = 0, frame = 0;    // time line: how many, and how many back from the newest is shown, 0 or negative
  double oldest = 0;            // time of the first of them [s]
  int changes = 0;              // of settings so far: choose(), set(), and scrub() to before one
  std::string recording;        // folder that is written; empty: none
  std::string message;          // the last thing that went wrong on the thread; empty: nothing
};

// What the controller plans, for drawing; empty vectors without an MPC.
struct LivePlan {
  std::vector<double> base;       // (nodes, 3) [m]
  std::vector<double> point;      // contact points (nodes, ncon, 3) [m]
  std::vector<double> force;      // (nodes - 1, ncon, 3) [N]
  std::vector<double> stance;     // (nodes, nfoot)
  std::vector<double> point_now;  // of the robot as it stands (ncon, 3) [m]
};

class LiveLoop {
 public:
  explicit LiveLoop(const std::string& robot);
  ~LiveLoop();  // ends the thread and a recording
  LiveLoop(const LiveLoop&) = delete;

  const Robot& robot() const { return pristine_.robot; }
  const std::vector<std::string>& columns() const { return table_.columns; }

  // Controller and policy, as choose_controller takes them, or "centroidal". Throws Error as that does, and where the robot is none for the centroidal MPC.
  void choose(const std::string& controller, const std::string& policy_file);
  // Settings by name, "gait.period=0.6"; they stay through choose(). Ground and time steps put the robot back to its start. Throws Error, and changes
  // nothing, for a wrong name or value.
  void set(const std::vector<std::string>& assignments);
  // Whether choose("centroidal") takes this robot.
  bool offers_centroidal() const;
  RunSettings settings() const;
  Terrain terrain() const;
  // How often the robot was put on other ground.
  int ground_number() const;

  void command(double forward, double left, double yaw_rate);
  void pause(bool paused);
  void speed(double speed);  // 1: real time
  void single_step();        // one control step while paused
  void reset();              // to standing at rest
  // A force on a body from now on for so many control steps, at its centre of mass; another one replaces it, and goes on as the same push if the force of
  // the first has not ended yet.   force  world frame [N]
  void push(int body, const std::array<double, 3>& force, int steps);

  // Pauses and goes back along the time line to a frame, 0 the newest, -1 the one before; what walked then walks on from there, with the controller, the
  // settings, the command and the push of that moment.
  void scrub(int frame);
  void record(const std::string& folder, const std::string& title);
  void stop_recording();

  LiveState state() const;
  LivePlan plan() const;
  // Rows of the table from number `row` on, as LiveTable::since().
  std::pair<long, std::vector<double>> rows(long row) const;

 private:
  // What choose() and set() ask for together.
  struct Choice {
    RunSettings base;                              // of the controller, before `overrides`
    std::map<std::string, std::string> overrides;  // value by name
    RunSettings settings;                          // both
  };
  struct Frame {
    double time;
    std::shared_ptr<const Choice> choice;
    std::vector<std::byte> loop;
    std::array<double, 3> command;
    LivePush push;
    int push_steps;
  };

  void run();
  void step();
  std::shared_ptr<const Choice> choice() const;
  void apply(Choice next);
  void match_centroidal();
  void go_on(std::shared_ptr<const Choice> next);
  void start();
  void keep_frame();
  void note_push();
  void note_torques();
  void add_row();
  void record_row();
  void finish_recording();

  const RunSettings pristine_;  // as load_settings gives them
  std::mutex change_mutex_;     // one change of `choice_` after the other
  mutable std::mutex mutex_;    // of what follows, up to `clock_`
  std::shared_ptr<const Choice> choice_;
  std::unique_ptr<ClosedLoop> loop_;
  std::unique_ptr<LiveCentroidal> centroidal_;  // while it is chosen
  int ground_number_ = 0, changes_ = 0;
  std::array<double, 3> command_{};  // forward, left, yaw rate
  long steps_ = 0;                   // since the reset
  int push_steps_ = 0;               // that it still lasts
  LivePush push_;
  FallCause fall_ = FallCause::kNone;
  std::vector<double> tau_mpc_, tau_residual_, planned_force_;
  std::deque<Frame> frames_;
  int frame_ = 0;
  std::unique_ptr<MotionRecorder> recorder_;
  std::string recording_, message_;
  double recorded_ = 0;  // [s]
  LiveTable table_;
  LiveClock clock_;
  std::unique_ptr<BodyMaths> maths_;
  mutable std::mutex maths_mutex_;
  std::thread thread_;
};

}  // namespace tandem::python
