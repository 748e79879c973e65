#include "sim/terrain.hpp"

#include <algorithm>
#include <cmath>

#include "base/check.hpp"
#include "base/rng.hpp"
#include "sim/metrics.hpp"

namespace tandem {
namespace {

constexpr double kMaxAngle = 0.8;   // [rad]
constexpr double kStandRoom = 0.2;  // between a standing robot and the ground, of base_height
constexpr int kMaxSide = 4001;      // heights along one side: 64 MB
constexpr int kTreadCells = 4;      // cells in a tread of steps
constexpr int kPointsPerCell = 2;   // heights per cell of steps, so that their edges are steep

// The heights within the edge.
void fill_slope(const TerrainSettings& s, Terrain& terrain) {
  const int side = terrain.columns, middle = side / 2;
  for (int r = 1; r < side - 1; ++r) {
    for (int c = 1; c < side - 1; ++c) terrain.height[size_t(r) * side + c] = float(std::tan(s.angle) * terrain.cell * (c - middle));
  }
}

void fill_random(const TerrainSettings& s, Terrain& terrain) {
  const bool steps = s.kind == TerrainKind::kSteps;
  const int side = terrain.columns, block = steps ? kTreadCells * kPointsPerCell : 1, blocks = (side + block - 1) / block;
  Rng rng{s.seed, 0, 0};
  std::vector<float> level(size_t(blocks) * blocks);
  for (float& height : level) height = float(s.amplitude * (steps ? std::floor(rng.uniform(-1, 2)) : rng.uniform(-1, 1)));
  for (int r = 1; r < side - 1; ++r) {
    for (int c = 1; c < side - 1; ++c) terrain.height[size_t(r) * side + c] = level[size_t(r / block) * blocks + c / block];
  }
}

}  // namespace

Terrain make_terrain(const TerrainSettings& s) {
  check(s.amplitude >= 0 && s.amplitude < 10, "terrain: amplitude = ", s.amplitude, " m, expected 0 to 10");
  check(s.cell > 0 && std::isfinite(s.cell), "terrain: cell = ", s.cell, " m, expected more than 0");
  check(s.extent >= 10 * s.cell && std::isfinite(s.extent), "terrain: extent = ", s.extent, " m, expected at least 10 cells of ", s.cell, " m");
  check(std::abs(s.angle) <= kMaxAngle, "terrain: angle = ", s.angle, " rad, expected -", kMaxAngle, " to ", kMaxAngle);
  if (s.kind == TerrainKind::kFlat || (s.kind == TerrainKind::kSlope ? s.angle : s.amplitude) == 0) return {};

  const bool steps = s.kind == TerrainKind::kSteps;
  const double spacing = steps ? s.cell / kPointsPerCell : s.cell;
  const double half = std::ceil(s.extent / spacing / 2 - 1e-9);  // intervals from the origin to an edge
  check(2 * half + 1 <= kMaxSide, "terrain: extent = ", s.extent, " m at a cell of ", s.cell, " m makes ", 2 * half + 1,
        " heights along a side, at most ", kMaxSide, "; take a larger cell or a smaller extent");
  const int side = 2 * int(half) + 1;
  Terrain terrain{side, side, spacing, std::vector<float>(size_t(side) * side, 0.0f)};
  s.kind == TerrainKind::kSlope ? fill_slope(s, terrain) : fill_random(s, terrain);
  return terrain;
}

TerrainView view_of(const Terrain& terrain) {
  return {terrain.rows, terrain.columns, terrain.cell, terrain.height.empty() ? nullptr : terrain.height.data()};
}

double terrain_height(const Terrain& terrain, double x, double y) { return terrain_height(view_of(terrain), x, y); }

void check_stand(const Robot& robot) {
  const Model& model = robot.model;
  if (!model.floating || model.contacts.empty()) return;
  const ModelArrays<double> arrays = make_arrays<double>(model);
  std::vector<double> memory(kinematics_size<double>(model.nbody));
  const Kinematics<double> kin = kinematics_of(arrays.view, robot.stand.data(), memory.data());
  double lowest = INFINITY;
  for (int c = 0; c < arrays.view.ncon; ++c) lowest = std::min(lowest, contact_position<double>(arrays.view, kin, c).z - model.contacts[c].radius);
  const double room = kStandRoom * robot.base_height, upright = cos_tilt(robot.stand.data());
  check(std::abs(lowest) <= room, robot.toml_path, ": where it stands its lowest contact point is at height ", lowest, " m, expected within ", room,
        " m of the ground; mend the points of its [[foot]], their radius, base_height or the key frame \"stand\"");
  check(upright > std::cos(robot.limits.max_tilt), robot.toml_path, ": it stands tilted by ", std::acos(std::max(upright, -1.0)),
        " rad, expected less than max_tilt = ", robot.limits.max_tilt, "; mend the key frame \"stand\"");
}

TerrainPlacer::TerrainPlacer(const Model& model) : arrays_(make_arrays<double>(model)) {
  check(model.floating && !model.contacts.empty(), "\"", model.name, "\" needs a floating base and contact points to be placed on uneven ground");
  for (const ContactPoint& contact : model.contacts) radius_.push_back(contact.radius);
  memory_.resize(kinematics_size<double>(model.nbody));
}

void TerrainPlacer::place(const Terrain& terrain, double* q) { place_on_ground(arrays_.view, radius_.data(), view_of(terrain), q, memory_.data()); }

void place_on_terrain(const Model& model, const Terrain& terrain, double* q) { TerrainPlacer(model).place(terrain, q); }

}  // namespace tandem
