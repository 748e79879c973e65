// Loading an MJCF for the simulator, with uneven ground in place of its floor; internal to sim/.
#pragma once

#include <mujoco/mujoco.h>

#include <string>

#include "sim/terrain.hpp"

namespace tandem {

// Loads `xml`; throws Error with MuJoCo's message. The caller frees it with mj_deleteModel.
//   terrain  unless it is flat, takes the place of the one plane that the MJCF must have: a height field with the plane's contact properties, and around it
//            a level floor of boxes
mjModel* load_mujoco(const std::string& xml, const Terrain& terrain = {});

}  // namespace tandem
