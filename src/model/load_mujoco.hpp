// Compiling a description with MuJoCo, every failure an Error that names the file. The only header of model/ with MuJoCo types; internal to model/ and sim/.
#pragma once

#include <mujoco/mujoco.h>

#include <memory>
#include <string>
#include <vector>

namespace tandem {

struct MujocoFile {
  std::unique_ptr<mjModel, void (*)(mjModel*)> model{nullptr, mj_deleteModel};
  bool urdf = false;
  std::vector<char> explicit_inertia;  // per body: has an <inertial>  (nbody)
};

// Throws Error naming `path` and MuJoCo's reason. `floating` as in load_model.
MujocoFile compile_mujoco(const std::string& path, bool floating);

// What an actuator says about its joint becomes the joint's: armature and damping; and what the joint says about torques becomes the actuator's: the smaller
// of both limits, to both sides, as its forcerange. Motion stays the same where the limits were symmetric. Other simulators do likewise (tandem.mjcf).
void fold_actuators(mjModel* m);

// False also for names that no file can have.
bool is_file(const std::string& path);

// Whether a file's first element is <robot>. Throws Error if it cannot be read.
bool is_urdf(const std::string& path);

// The whole file as text; throws Error if it cannot be read.
std::string read_text(const std::string& path);

}  // namespace tandem
