// From a robot description (MJCF or URDF, read by MuJoCo) to a Model. docs/robots.md.
#pragma once

#include <string>

#include "model/model.hpp"

namespace tandem {

// Reads the MJCF or URDF file `path`.
//   floating  URDF only: true gives the root link a floating base, false fixes it to the world. An MJCF file says it itself with <freejoint/>.
// Fixed links are merged into their parents. Of several joints on one body, all but the last move massless bodies of their own, "<body>/<joint>".
// The order of joints is MuJoCo's, so q and v are its qpos and qvel. tau_max is the joint's actuatorfrcrange (URDF: effort) or its actuator's
// forcerange, whichever is smaller, or infinite. v_max is URDF's velocity; MJCF has no such field, so it is infinite. Contacts and feet are empty.
// Of a URDF only links and joints are read: shapes and meshes need not exist.
// Throws Error, naming the file and the element, if the file cannot be read or says something Model cannot hold: ball joints, several free bodies,
// equality constraints, tendons, joint stiffness, a moving link without mass and inertia, numbers that are not finite.
Model load_model(const std::string& path, bool floating = true);

}  // namespace tandem
