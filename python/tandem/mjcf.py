"""A robot's MJCF as MuJoCo compiles it, on flat or uneven ground: what every simulator of the package starts from."""

from dataclasses import dataclass

import mujoco
import numpy as np

from .trajectory import Error

BORDER, DEPTH = 100, 1  # of the level floor around the height field, and of the ground below its lowest point [m]; as src/sim has them
DIRECT = {int(mujoco.mjtTrn.mjTRN_JOINT), int(mujoco.mjtTrn.mjTRN_JOINTINPARENT)}  # an actuator's hold on a joint
TURNS_OR_SLIDES = {int(mujoco.mjtJoint.mjJNT_HINGE), int(mujoco.mjtJoint.mjJNT_SLIDE)}


@dataclass
class Terrain:
    """Heights on a grid centred on the origin, and level ground around it: src/sim/terrain.hpp."""

    rows: int
    columns: int
    cell: float  # distance of two heights [m]
    height: np.ndarray  # [m]  (rows, columns)


def compile_mjcf(path, terrain=None):
    """The MuJoCo model of an MJCF, its plane replaced by the terrain if there is one. Error, in one line, if it cannot be made.

    A joint's torque limit is its actuator's symmetric forcerange, whatever the file says it by, and what the actuator adds to a joint is the joint's.
    """
    try:
        if terrain is None:
            model = mujoco.MjModel.from_xml_path(str(path))
        else:
            spec = mujoco.MjSpec.from_file(str(path))
            put_terrain(spec, terrain, path)
            model = spec.compile()
    except ValueError as error:
        raise Error(f"{path}: {str(error).splitlines()[0]}") from None
    if model.npair:
        raise Error(
            f"{path}: has a <contact><pair>, which a world's friction would not reach; remove it and say by contype and conaffinity who may touch"
        )
    limit_actuators(model)
    fold_actuators(model)
    return model


def motors_of(model):
    """(actuator, joint, gear) of every actuator that acts on a hinge or slide itself; the gear is positive."""
    motors = []
    for actuator in range(model.nactuator):
        joint = int(model.actuator_trnid[actuator, 0])
        if model.actuator_trntype[actuator] in DIRECT and model.jnt_type[joint] in TURNS_OR_SLIDES:
            motors.append((actuator, joint, abs(float(model.actuator_gear[model.actuator_outadr[actuator], 0]))))
    return motors


def limit_actuators(model):
    """The least of a joint's limits, its own and those of its actuators, becomes the forcerange of these."""
    limit = np.where(model.jnt_actfrclimited, np.minimum(-model.jnt_actfrcrange[:, 0], model.jnt_actfrcrange[:, 1]), np.inf)
    motors = motors_of(model)
    for actuator, joint, gear in motors:
        if model.actuator_forcelimited[actuator]:
            low, high = model.actuator_forcerange[actuator]
            limit[joint] = min(limit[joint], gear * min(-low, high))
    for actuator, joint, gear in motors:
        model.jnt_actfrclimited[joint] = 0
        if np.isfinite(limit[joint]):
            model.actuator_forcelimited[actuator], model.actuator_forcerange[actuator] = 1, [-limit[joint] / gear, limit[joint] / gear]


def fold_actuators(model):
    """Reflected inertia and linear damping that actuators bring along become those of their joints."""
    for actuator, joint, gear in motors_of(model):
        dof = model.jnt_dofadr[joint]
        model.dof_armature[dof] += gear**2 * model.actuator_armature[actuator]
        model.dof_damping[dof] += gear**2 * model.actuator_damping[actuator]
        model.actuator_armature[actuator] = model.actuator_damping[actuator] = 0


def put_terrain(spec, terrain, path):
    """The height field in place of the floor, and four boxes of the same material around it."""
    planes = [geom for geom in spec.worldbody.geoms if geom.type == mujoco.mjtGeom.mjGEOM_PLANE]
    if len(planes) != 1:
        raise Error(f"{path}: has {len(planes)} planes; uneven ground takes the place of exactly one")
    floor, low = planes[0], float(terrain.height.min())
    x, y = 0.5 * (terrain.columns - 1) * terrain.cell, 0.5 * (terrain.rows - 1) * terrain.cell
    rise = float(terrain.height.max()) - low
    size = [x, y, rise if rise > 0 else 1e-3, DEPTH]
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
