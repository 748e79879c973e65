// A trained policy in one self-describing file, and its inference without any library: what runs on a robot. docs/training.md, "The policy file".
//
// The file is in the safetensors layout (8 bytes of header length, a JSON header, raw little-endian float32): tensors actor.0.weight (out, in),
// actor.0.bias (out), ...; normaliser.mean, normaliser.std (nobs). Its __metadata__ holds format, robot, controller, observation layout, action joints,
// blending with gains, control_dt, the MPC's settings and where it came from, all as strings.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "policy/blend.hpp"
#include "policy/observation.hpp"

namespace tandem {

enum class Controller : int { kMpc, kResidual, kRl };
constexpr const char* kControllerNames[] = {"mpc", "residual", "rl"};
const char* name(Controller controller);

// One layer: y = W x + b, with ELU after all but the last.
struct Layer {
  int rows, columns;
  std::vector<float> weight;  // (rows, columns)
  std::vector<float> bias;    // (rows)
};

struct Policy {
  Controller controller = Controller::kResidual;
  std::string robot;  // name of its folder
  ObservationLayout layout;
  std::vector<std::string> action_joint;  // names  (naction)
  Blending blending;
  double control_dt = 0.01;      // [s]
  std::vector<float> mean, std;  // observation is (obs - mean) / std, clipped to +-clip  (nobs)
  float clip = 10;
  std::vector<Layer> layers;
  std::string mpc_settings;  // of the MPC below it in training, JSON by name: deploy/trained_settings.hpp; empty: the file does not say
  std::map<std::string, std::string> provenance;  // commit, run, iteration, robot steps ...
};

// Writes `path` atomically: the old file stays until the new one is complete on disk. Throws Error naming path and cause (folder missing, read-only, disk
// full).
void save_policy(const Policy& policy, const std::string& path);

// Throws Error naming file, value, expectation and cure: not such a file, truncated, of a newer format, tensors missing or of a wrong shape, not finite.
Policy load_policy(const std::string& path);

// Throws Error unless the policy fits the robot: name, action joints and their numbers, observation groups and their sizes in this order.
void check_policy(const Policy& policy, const Robot& robot, const std::string& path);

// Mean action for one observation, as Torch computes it to 1e-5. Allocates nothing.
//   obs (nobs), action (naction) written, scratch 2 x widest layer floats
// Cost: 9 us for 3 x 256, 150,000 multiply-adds.
void act(const Policy& policy, const float* obs, float* action, float* scratch);
int scratch_size(const Policy& policy);

}  // namespace tandem
