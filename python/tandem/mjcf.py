"""A robot's MJCF as MuJoCo compiles it, on flat or uneven ground: what every simulator of the package starts from."""

from dataclasses import dataclass

import mujoco
import numpy as np

from .trajectory import Error

BORDER, DEPTH = 100, 1  # of the level floor around the height field, and of the ground below its lowest point [m]; as src/sim has them


@dataclass
class Terrain:
    """Heights on a grid centred on the origin, and level ground around it: src/sim/terrain.hpp."""

    rows: int
    columns: int
    cell: float  # distance of two heights [m]
    height: np.ndarray  # [m]  (rows, columns)


def compile_mjcf(path, terrain=None):
    """The MuJoCo model of an MJCF, its plane replaced by the terrain if there is one. Error, in one line, if it cannot be made."""
    try:
        if terrain is None:
            return mujoco.MjModel.from_xml_path(str(path))
        spec = mujoco.MjSpec.from_file(str(path))
        put_terrain(spec, terrain, path)
        return spec.compile()
    except ValueError as error:
        raise Error(f"{path}: {str(error).splitlines()[0]}") from None


def put_terrain(spec, terrain, path):
    """The height field in place of the floor, and four boxes of the same material around it."""
    planes = [geom for geom in spec.worldbody.geoms if geom.type == mujoco.mjtGeom.mjGEOM_PLANE]
    if len(planes) != 1:
        raise Error(f"{path}: has {len(planes)} planes; uneven ground takes the place of exactly one")
    floor, low = planes[0], float(terrain.height.min())
    x, y = 0.5 * (terrain.columns - 1) * terrain.cell, 0.5 * (terrain.rows - 1) * terrain.cell
    size = [x, y, max(float(terrain.height.max()) - low, 1e-3), DEPTH]
    spec.add_hfield(name="terrain", size=size, nrow=terrain.rows, ncol=terrain.columns, userdata=terrain.height.ravel())
    floor.type, floor.hfieldname, floor.pos = mujoco.mjtGeom.mjGEOM_HFIELD, "terrain", [0, 0, low]
    for (x_min, x_max), (y_min, y_max) in (
        ((-x - BORDER, -x), (-y - BORDER, y + BORDER)),
        ((x, x + BORDER), (-y - BORDER, y + BORDER)),
        ((-x, x), (-y - BORDER, -y)),
        ((-x, x), (y, y + BORDER)),
    ):
        slab = spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX)
        slab.pos, slab.size = [(x_min + x_max) / 2, (y_min + y_max) / 2, -DEPTH / 2], [(x_max - x_min) / 2, (y_max - y_min) / 2, DEPTH / 2]
        for name in ("contype", "conaffinity", "condim", "priority", "solmix", "margin", "gap", "friction", "solref", "solimp", "material"):
            setattr(slab, name, getattr(floor, name))
