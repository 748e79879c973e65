// Heights of the ground, and robots put onto it, on the processor or a device. docs/simulator.md, "Uneven ground".
#pragma once

#include "dynamics/kinematics_kernel.hpp"

namespace tandem {

constexpr double kTerrainClearance = 0.002;  // between the feet and the ground that a robot is put on [m]
constexpr double kFootSpread = 0.02;         // below it a slope is not felt [m]

// A Terrain as plain numbers.
struct TerrainView {
  int rows, columns;
  double cell;          // [m]
  const float* height;  // nullptr: flat  (rows, columns)
};

inline namespace TANDEM_ISA {

inline constexpr int kSoleSamples = 8;  // places looked at between two contact points of a foot

// Height of the ground at a place, on the triangles that the physics uses; 0 beyond the edge and on flat ground.
TANDEM_FN double terrain_height(const TerrainView& terrain, double x, double y) {
  if (!terrain.height) return 0;
  const double column = x / terrain.cell + 0.5 * (terrain.columns - 1), row = y / terrain.cell + 0.5 * (terrain.rows - 1);
  if (!(column >= 0 && column <= terrain.columns - 1 && row >= 0 && row <= terrain.rows - 1)) return 0;
  const int whole_column = int(column), whole_row = int(row);
  const int c = whole_column < terrain.columns - 2 ? whole_column : terrain.columns - 2,
            r = whole_row < terrain.rows - 2 ? whole_row : terrain.rows - 2;
  const float* low = terrain.height + static_cast<long long>(r) * terrain.columns + c;
  const float* high = low + terrain.columns;
  // each cell is cut along its diagonal from (r, c) to (r + 1, c + 1)
  const double u = column - c, w = row - r;
  return u > w ? low[0] + u * (double(low[1]) - low[0]) + w * (double(high[1]) - low[1])
               : low[0] + w * (double(high[0]) - low[0]) + u * (double(high[1]) - high[0]);
}

// Where the bodies of a robot are in the world.   q (nq) of a floating base; memory (kinematics_size())
template <class S>
TANDEM_FN Kinematics<S> kinematics_of(const ModelView<S>& model, const S* q, S* memory) {
  const Kinematics<S> kin = kinematics_at(memory, model.nbody);
  forward_kinematics(SerialTeam{}, model, Pose<S>{quat_to_rotation(q + 3), load3<S>(q)}, q + 7, kin);
  return kin;
}

// The ground under a robot, from its heights under the contact points of all feet.
struct GroundPlane {
  double height;     // mean [m]
  double slope[2];   // of the plane of least squares: its rise along the world's x and y
  double centre[2];  // mean of the points, from the base [m]
};

// All exactly 0 on flat ground. A spread of the feet of kFootSpread along a direction halves the rise that they feel along it; it is there for feet that are
// side by side or close together, whose heights say nothing of a slope.
template <class S>
TANDEM_FN GroundPlane ground_under(const ModelView<S>& model, const TerrainView& terrain, const S* q, S* memory) {
  GroundPlane g{0, {0, 0}, {0, 0}};
  if (!terrain.height) return g;
  const Kinematics<S> kin = kinematics_of(model, q, memory);
  const double n = model.ncon;
  double x = 0, y = 0, xx = 0, xy = 0, yy = 0, xh = 0, yh = 0;  // sums over the points, x and y from the base
  for (int c = 0; c < model.ncon; ++c) {
    const Vec3<S> p = contact_position<S>(model, kin, c);
    const double px = p.x - q[0], py = p.y - q[1], h = terrain_height(terrain, p.x, p.y);
    x += px, y += py, g.height += h, xx += px * px, xy += px * py, yy += py * py, xh += px * h, yh += py * h;
  }
  x /= n, y /= n, g.height /= n;
  const double ridge = n * kFootSpread * kFootSpread, a = xx - n * x * x + ridge, b = xy - n * x * y, c = yy - n * y * y + ridge;
  const double u = xh - n * x * g.height, w = yh - n * y * g.height, det = a * c - b * b;
  g.slope[0] = (c * u - b * w) / det, g.slope[1] = (a * w - b * u) / det;
  g.centre[0] = x, g.centre[1] = y;
  return g;
}

// Moves a plane of the ground by `share` of the way to what is felt: its rise along the world's x and y, and its height under the base, counted from
// felt.height [m].   plane (3) updated; share 1: at once, whatever it was, NaN too
template <class S>
TANDEM_FN void follow_ground(const GroundPlane& felt, double share, S* plane) {
  for (int i = 0; i < 2; ++i) plane[i] = share < 1 ? plane[i] + S(share) * (S(felt.slope[i]) - plane[i]) : S(felt.slope[i]);
  plane[2] = -plane[0] * S(felt.centre[0]) - plane[1] * S(felt.centre[1]);
}

// Moves the base up or down until the feet, soles between the contact points included, clear the ground under them by kTerrainClearance.
//   radius  of the contact points  (ncon);  q (nq): q[2] is written, and stays as it is on flat ground
template <class S>
TANDEM_FN void place_on_ground(const ModelView<S>& model, const S* radius, const TerrainView& terrain, S* q, S* memory) {
  if (!terrain.height) return;
  const Kinematics<S> kin = kinematics_of(model, q, memory);
  S clearance(1e30f);
  for (int a = 0; a < model.ncon; ++a) {
    for (int b = a; b < model.ncon; ++b) {
      if (model.contact_foot[a] != model.contact_foot[b]) continue;
      const Vec3<S> from = contact_position<S>(model, kin, a), to = contact_position<S>(model, kin, b);
      for (int i = 0; i <= kSoleSamples; ++i) {
        const S t = S(i) / S(kSoleSamples);
        const Vec3<S> p = from + t * (to - from);
        clearance = min(clearance, S(p.z - radius[a] - terrain_height(terrain, p.x, p.y)));
      }
    }
  }
  q[2] += S(kTerrainClearance) - clearance;
}

}  // namespace TANDEM_ISA
}  // namespace tandem
