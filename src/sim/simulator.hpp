// Simulator: many copies ("worlds") of one robot, advanced one control step at a time. docs/simulator.md.
//
//   auto sim = make_simulator(load_robot("mit_humanoid"), nworld, settings);
//   sim->set_state(worlds, q, v);                  // where each world starts
//   sim->input.tau_ff[...] = ...; sim->input.q_des[...] = ...;
//   sim->step();                                   // control_dt / physics_dt physics steps with the set points held
//   sim->output.q, sim->output.v, sim->output.point_force, ...
//
// The joints are torque sources with a PD law evaluated at the physics rate: tau = clip(tau_ff + kp (q_des - q) + kd (v_des - v), +-tau_max).
// Arrays are double, world-major, in the joint, contact-point and foot order of `Model`; q and v follow its conventions (model/model.hpp).
// The floor is every geom that does not move: plane, height field, boxes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "model/robot.hpp"
#include "sim/terrain.hpp"

namespace tandem {

// A change of some links of every world before anything runs: what the robot is, where its controller believes the model.
struct BodyChange {
  std::string body;                  // pattern of their names (model/names.hpp)
  double mass_scale = 1;             // of masses and inertias
  double inertia_scale = 1;          // of inertias, on top of that
  double com_offset[3] = {0, 0, 0};  // shift of the centre of mass, body frame [m]
};

struct SimSettings {
  double control_dt = 0.01;   // time that one step() advances [s]; a whole multiple of physics_dt
  double physics_dt = 0.001;  // integration step [s]; 0.0025 is 2.5 times cheaper and walks too; beyond it contacts soften and stiff gains ring
  int threads = 1;            // threads that share the worlds, the caller's included; 0: one per processor. The results do not depend on it
  std::vector<std::string> foot_geoms = {};  // geoms that may touch the floor; empty: those whose name begins with their foot's
  Terrain terrain = {};                      // in place of the plane of the MJCF; empty: the MJCF as it is
  std::vector<BodyChange> changes = {};      // of links, one after the other
  std::vector<std::string> program = {};     // command of another simulator for make_simulator(robot), remote_simulator.hpp; empty: MuJoCo
};

// What the caller writes before step(). All start at zero.
struct SimInput {
  std::vector<double> tau_ff;  // feed-forward torque [N m]  (nworld, njnt)
  std::vector<double> q_des;   // joint position set point [rad or m]  (nworld, njnt)
  std::vector<double> v_des;   // joint velocity set point [rad/s or m/s]  (nworld, njnt)
  std::vector<double> kp;      // [N m/rad]  (nworld, njnt)
  std::vector<double> kd;      // [N m s/rad]  (nworld, njnt)
};

// Why a world stands still until its next set_state(). Each value is one bit of SimOutput::fault.
enum SimFault : std::uint8_t {
  kFaultNone = 0,
  kFaultSetPoint = 1,    // a set point, gain or push was not finite
  kFaultState = 2,       // the physics produced a value that is not finite or beyond 1e10
  kFaultCapacity = 4,    // contacts or constraints overflowed; raise <size memory="..."/> in the MJCF. Does not stop the world
  kFaultParameters = 8,  // parameters that cannot be, where they come from a device (tandem.warp_simulator)
  kFaultStopped = kFaultSetPoint | kFaultState | kFaultParameters,
};

// What step() and set_state() write. "Mean" is over the physics steps of the last control step.
struct SimOutput {
  std::vector<double> time;   // since set_state() [s]  (nworld)
  std::vector<double> q;      // configuration  (nworld, nq)
  std::vector<double> v;      // velocity  (nworld, nv)
  std::vector<double> tau;    // joint torques after clipping, mean [N m]  (nworld, njnt)
  std::vector<double> power;  // positive mechanical power, sum over joints of max(tau v, 0), mean [W]  (nworld)
  std::vector<double>
      point_force;  // floor on contact point, world frame, mean [N]: each contact counts for the nearest point of its foot  (nworld, ncon, 3)
  std::vector<double> foot_force;            // floor on foot, world frame, mean [N]  (nworld, nfoot, 3)
  std::vector<double> foot_slip;             // distance the loaded contacts slid, weighted by normal force [m]  (nworld, nfoot)
  std::vector<std::uint8_t> floor_contact;   // 1 if a link other than a foot touched the floor during the step  (nworld)
  std::vector<std::uint8_t> self_collision;  // 1 if two links of the robot touched  (nworld)
  std::vector<std::uint8_t> fault;           // SimFault bits; q and v keep the last good values  (nworld)
};

// Differences of one world from the model. The defaults change nothing; an empty vector is the model's value everywhere.
struct WorldParameters {
  double friction = -1;                     // sliding friction of every contact; negative: the model's
  double added_mass = 0;                    // of the base and what is welded to it, which grow in proportion, their inertias too [kg]
  double com_offset[3] = {0, 0, 0};         // shift of the centre of mass of these, base frame [m]
  std::vector<double> mass_scale = {};      // masses and inertias  (nbody)
  std::vector<double> armature_scale = {};  // reflected inertias  (njnt)
  std::vector<double> strength = {};        // torque delivered over torque asked for; scales the limits too  (njnt)
  std::vector<double> gravity = {};         // [m/s^2], world frame  (3)
};

// A force on one body for the coming control steps.
struct Push {
  int world;
  int body;         // index in Model; sim->body("name")
  double force[3];  // at the body's centre of mass, world frame [N]
  int steps;        // control steps it lasts; 0 ends a push
};

class Simulator {
 public:
  SimInput input;
  SimOutput output;

  virtual ~Simulator() = default;
  virtual const Model& model() const = 0;
  virtual int nworld() const = 0;
  virtual const SimSettings& settings() const = 0;

  // Places worlds[i] at q[i], v[i], forgets its push and contacts, clears its fault, and sets its time to 0. Forces in `output` become zero.
  //   worlds (n) ascending;  q (n, nq), quaternions are normalised;  v (n, nv)
  // Throws Error on wrong sizes, unknown or unsorted worlds, values that are not finite, a zero quaternion.
  virtual void set_state(std::span<const int> worlds, std::span<const double> q, std::span<const double> v) = 0;

  // Adds dv to the base velocity of one world, at once: the "velocity kick" of many training set-ups. dv (6): linear world, angular base frame.
  virtual void kick(int world, std::span<const double> dv) = 0;

  // Starts (or replaces, or ends) the push on one world. A world carries one push at a time.
  virtual void set_push(const Push& push) = 0;

  // Gives one world its own parameters, replacing those set before. Takes effect with the next step, in a program of its own (Drake, Warp) with the next
  // set_state(). Allocates nothing.
  // Meant for resets: under 1 us where masses, centre of mass and armature stay as they were, else 20 (Go2) to 60 us (G1).
  virtual void set_parameters(int world, const WorldParameters& parameters) = 0;

  // Advances every world without a stopping fault by control_dt. Allocates nothing, never throws. Same bits for every number of threads.
  // Cost: 17 (MIT Humanoid), 19 (Go2), 35 us (G1) per physics step on the ground and one core; docs/simulator.md.
  virtual void step() = 0;

  // Everything that the next steps depend on: states with the contact solver's warm starts, pushes, parameters, input and output. A simulator that
  // loads it goes on bit for bit, whatever its number of threads. load() throws Error, and changes nothing, unless the bytes are of a simulator of the
  // same robot, ground, time steps and number of worlds.
  virtual std::vector<std::byte> save() const = 0;
  virtual void load(std::span<const std::byte> bytes) = 0;

  // Index in Model of the body called `name`; throws Error with the nearest names.
  int body(const std::string& name) const;
};

// MuJoCo's batch API behind the interface. `xml` is the MJCF that `model` was loaded from: every joint of `model` needs one actuator
//   <general joint="..." gaintype="fixed" gainprm="1" biastype="affine" biasprm="0 0 0" forcerange="-t t"/>
// (gains in it are replaced by input.kp and input.kd). Throws Error if the file does not load or a joint, actuator, body or geom is missing.
std::unique_ptr<Simulator> make_mujoco_simulator(const std::string& xml, const Model& model, int nworld, const SimSettings& settings = {});

// The same for a robot of robots/: its MJCF, its model, its foot geoms (unless `settings` names some), and input.kp and input.kd set to its gains.
// Where `settings` names a program: make_remote_simulator().
std::unique_ptr<Simulator> make_simulator(const Robot& robot, int nworld, const SimSettings& settings = {});

}  // namespace tandem
