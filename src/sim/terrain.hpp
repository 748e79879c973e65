// Ground: flat, rough, steps or a slope, as one height field that all worlds share; worlds stand at different places. docs/simulator.md, "Uneven ground".
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "model/model_view.hpp"
#include "model/robot.hpp"
#include "sim/terrain_kernel.hpp"

namespace tandem {

enum class TerrainKind : int { kFlat, kRough, kSteps, kSlope };

struct TerrainSettings {
  TerrainKind kind = TerrainKind::kFlat;
  double amplitude = 0.03;  // rough: heights are uniform in +-amplitude; steps: height of a step; 0: flat [m]
  double cell = 0.1;        // rough: distance of two heights; steps: a tread is four cells long, its edge half a cell wide [m]
  double extent = 40;       // length of the square's side [m]
  double angle = 0.1;       // slope: by which the ground rises towards x; negative: falls [rad]
  std::uint64_t seed = 0;   // of the random heights
  bool operator==(const TerrainSettings&) const = default;
};

// Heights on a grid, (rows along y, columns along x), centred on the origin. Empty for a flat ground.
struct Terrain {
  int rows = 0, columns = 0;
  double cell = 0;            // distance of two heights [m]
  std::vector<float> height;  // [m]  (rows, columns)
};

// Rough: independent heights, joined by triangles. Steps: square treads at heights of -1, 0 or 1 times the amplitude. Slope: tan(angle) x, an incline that
// goes through the origin and ends as a cliff one cell from the edge. The heights along the edge are 0, and so is the level floor around it,
// kTerrainBorder wide. Throws Error, naming the field, for sizes that make no sense or need too much memory.
Terrain make_terrain(const TerrainSettings& settings);
constexpr double kTerrainBorder = 100;  // [m]

// The terrain as plain numbers, which point into it.
TerrainView view_of(const Terrain& terrain);

// Height of the ground at a place, on the triangles that the physics uses; 0 beyond the edge and on flat ground.
double terrain_height(const Terrain& terrain, double x, double y);

// Throws Error unless a floating robot with contact points stands: its lowest contact point within a fifth of base_height of the ground at height 0, its base
// tilted by less than limits.max_tilt.
void check_stand(const Robot& robot);

// Puts robots on uneven ground; allocates only when it is made.
class TerrainPlacer {
 public:
  // Throws Error unless the model has a floating base and contact points.
  explicit TerrainPlacer(const Model& model);

  // Moves the base up or down until the feet, soles between the contact points included, clear the ground under them by kTerrainClearance.
  //   q  where x, y, attitude and joints put the robot; q[2] is written, and stays as it is on flat ground  (nq)
  void place(const Terrain& terrain, double* q);

 private:
  ModelArrays<double> arrays_;
  std::vector<double> radius_, memory_;  // of the contact points, of the kinematics
};

// The same for a single robot.
void place_on_terrain(const Model& model, const Terrain& terrain, double* q);

}  // namespace tandem
