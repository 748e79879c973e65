#include "sim/mujoco_load.hpp"

#include <algorithm>
#include <memory>

#include "base/check.hpp"
#include "model/load_mujoco.hpp"
#include "sim/terrain_contact.hpp"

namespace tandem {
namespace {

constexpr double kDepth = 1;  // of the ground below its lowest point [m]

using Spec = std::unique_ptr<mjSpec, void (*)(mjSpec*)>;

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

// The plane that is the floor.
mjsGeom* find_floor(mjSpec* spec, const std::string& xml) {
  mjsBody* world = mjs_findBody(spec, "world");
  mjsGeom* floor = nullptr;
  for (mjsElement* e = mjs_firstChild(world, mjOBJ_GEOM, 0); e; e = mjs_nextChild(world, e, 0)) {
    mjsGeom* geom = mjs_asGeom(e);
    if (geom->type != mjGEOM_PLANE) continue;
    check(floor == nullptr, xml, ": has two planes; uneven ground takes the place of exactly one");
    floor = geom;
  }
  check(floor != nullptr, xml, ": has no plane that uneven ground could take the place of; add <geom type=\"plane\" .../> to its world body");
  return floor;
}

// A box [x_min, x_max] x [y_min, y_max] with its top at height 0, made of the floor's material.
void add_slab(mjSpec* spec, const mjsGeom* floor, double x_min, double x_max, double y_min, double y_max) {
  mjsGeom* slab = mjs_addGeom(mjs_findBody(spec, "world"), nullptr);
  slab->type = mjGEOM_BOX;
  const double pos[3] = {(x_min + x_max) / 2, (y_min + y_max) / 2, -kDepth / 2}, size[3] = {(x_max - x_min) / 2, (y_max - y_min) / 2, kDepth / 2};
  std::copy_n(pos, 3, slab->pos);
  std::copy_n(size, 3, slab->size);
  slab->contype = floor->contype, slab->conaffinity = floor->conaffinity, slab->condim = floor->condim, slab->priority = floor->priority;
  slab->solmix = floor->solmix, slab->margin = floor->margin, slab->gap = floor->gap;
  std::copy_n(floor->friction, 3, slab->friction);
  std::copy_n(floor->solref, mjNREF, slab->solref);
  std::copy_n(floor->solimp, mjNIMP, slab->solimp);
  mjs_setString(slab->material, mjs_getString(floor->material));
}

void put_terrain(mjSpec* spec, const Terrain& terrain, const std::string& xml) {
  const auto [low, high] = std::minmax_element(terrain.height.begin(), terrain.height.end());
  const double x = 0.5 * (terrain.columns - 1) * terrain.cell, y = 0.5 * (terrain.rows - 1) * terrain.cell;
  mjsHField* field = mjs_addHField(spec);
  mjs_setName(field->element, "terrain");
  // MuJoCo stores heights scaled to [0, 1]: the lowest lies at the geom's origin, the highest `size[2]` above
  const double range = double(*high) - *low, size[4] = {x, y, range > 0 ? range : 1e-3, kDepth};
  std::copy_n(size, 4, field->size);
  field->nrow = terrain.rows;
  field->ncol = terrain.columns;
  mjs_setFloat(field->userdata, terrain.height.data(), int(terrain.height.size()));

  mjsGeom* floor = find_floor(spec, xml);
  floor->type = mjGEOM_HFIELD;
  mjs_setString(floor->hfieldname, "terrain");
  const double pos[3] = {0, 0, *low};
  std::copy_n(pos, 3, floor->pos);
  add_slab(spec, floor, -x - kTerrainBorder, -x, -y - kTerrainBorder, y + kTerrainBorder);
  add_slab(spec, floor, x, x + kTerrainBorder, -y - kTerrainBorder, y + kTerrainBorder);
  add_slab(spec, floor, -x, x, -y - kTerrainBorder, -y);
  add_slab(spec, floor, -x, x, y, y + kTerrainBorder);
}

}  // namespace

mjModel* load_mujoco(const std::string& xml, const Terrain& terrain) {
  check(!is_urdf(xml), xml, ": is a URDF, the simulator needs an MJCF; `python -m tandem.new_robot ", xml, "` makes one");
  char message[1000] = "";
  const Spec spec(mj_parseXML(xml.c_str(), nullptr, message, sizeof(message)), mj_deleteSpec);
  check(spec != nullptr, xml, ": ", one_line(message));
  if (!terrain.height.empty()) {
    use_terrain_contacts();
    put_terrain(spec.get(), terrain, xml);
  }
  mjModel* m = mj_compile(spec.get(), nullptr);
  check(m != nullptr, xml, ": ", one_line(mjs_getError(spec.get())));
  fold_actuators(m);
  return m;
}

}  // namespace tandem
