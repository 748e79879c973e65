// What the loader reads from a description beyond the Model: where its bodies ended up, its collision shapes, actuators and keyframe. Internal to model/.
#pragma once

#include <string>
#include <vector>

#include "model/model.hpp"

namespace tandem {

// A body of the file: either a body of Model, or a fixed link merged into one.
struct SourceBody {
  std::string name;
  int body;               // index in Model; -1: stands in the world and is no part of a floating robot
  double p_BS[3];         // its frame in the frame of that body [m]
  double R_BS[9];         // row-major
  bool explicit_inertia;  // has an <inertial>; otherwise MuJoCo computed it from the shapes
  bool moves;             // has a joint
};

struct SourceGeom {
  std::string name;
  int source_body;  // index in Source::bodies
};

struct SourceActuator {
  std::string name;
  int joint;    // index in Model; -1 if it does not drive one joint directly
  double gain;  // newton metre per unit of ctrl, gear included
};

struct Source {
  Model model;
  bool urdf;
  std::vector<SourceBody> bodies;     // bodies[0] is the world
  std::vector<SourceGeom> colliding;  // shapes that can touch something
  std::vector<SourceActuator> actuators;
  std::vector<double> stand;  // q of the keyframe "stand"; empty if there is none  (nq)
};

// As load_model.
Source read_source(const std::string& path, bool floating);

}  // namespace tandem
