// Ground: flat, rough or in steps, as one height field that all worlds share; worlds stand at different places of it.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace tandem {

enum class TerrainKind : int { kFlat, kRough, kSteps };

struct TerrainSettings {
  TerrainKind kind = TerrainKind::kFlat;
  double amplitude = 0.03;   // rough: heights are uniform in +-amplitude; steps: height of a step [m]
  double cell = 0.1;         // distance of two heights; steps: 4 cells make a step's tread [m]
  double extent = 40;        // length of the square's side [m]
  std::uint64_t seed = 0;
};

// Heights on a grid, (rows along y, columns along x), centred on the origin. Empty for a flat ground.
struct Terrain {
  int rows = 0, columns = 0;
  double cell = 0;
  std::vector<float> height;  // [m]  (rows, columns)
};

Terrain make_terrain(const TerrainSettings& settings);

// Height of the ground at a place, interpolated over the triangles that the physics uses; 0 beyond the edge and on flat ground.
double terrain_height(const Terrain& terrain, double x, double y);

}  // namespace tandem
