"""What new_robot takes from a URDF or MJCF: the model that MuJoCo compiles of it, limits, pose; and what it refuses.  docs/tutorial.md"""

import contextlib
import dataclasses
import math
import re
import warnings
from xml.dom import expatbuilder
from xml.parsers.expat import ExpatError

import mujoco
import numpy as np

from .mjcf import motors_of
from .trajectory import Error

FREE, BALL, SLIDE, HINGE = range(4)  # mujoco.mjtJoint


@dataclasses.dataclass
class Source:
    path: str  # for messages
    model: mujoco.MjModel  # of the whole file: links with all that moves and weighs, shapes without meshes
    links: list[str]  # name of every body of the model, the world's first
    velocity_limit: dict[str, float]  # of a URDF's joints that have one [rad/s, m/s]
    mended: list[str]  # links whose inertia was none of a real body

    def carrier(self, body):
        """The body that a joint moves, or the root, and that carries `body`."""
        while not self.model.body_jntnum[body] and self.model.body_parentid[body]:
            body = self.model.body_parentid[body]
        return int(body)

    def joint_name(self, joint):
        return self.model.joint(joint).name or f"{self.links[self.model.jnt_bodyid[joint]]}_joint"


def one_line(error):
    """MuJoCo's message in one line, as src/model/load_mujoco.cpp has it: the lines after the first say where."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    message = "; ".join(lines).replace(":; ", ": ").rstrip(": ") or "MuJoCo gives no reason"
    return message + "; give the link an <inertial> with positive mass and inertia" * ("mjMINVAL" in message)


@contextlib.contextmanager
def quiet():
    """Keeps MuJoCo from writing warnings: what matters is checked afterwards."""
    previous = mujoco.get_mju_user_warning()
    mujoco.set_mju_user_warning(lambda message: None)
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        mujoco.set_mju_user_warning(previous)


def rounded(moments):
    """Principal moments of a real body, none larger than the others' sum, and the share of a sphere in them: it is mixed in as little as needed, which
    keeps the moments' sum. A file's six digits are allowed for. Zero, if that is what they are on average."""
    mean = np.mean(moments)
    if mean < 1e-12:
        return np.zeros(3), 1.0
    excess = max(2 * np.max(moments) - np.sum(moments), -2e-5 * mean)
    share = (excess + 2e-5 * mean) / (excess + mean)
    return (1 - share) * np.array(moments) + share * mean, share


def mend_inertia(body):
    """Whether the inertia that the file states was none of a real body; mended then."""
    if not np.isfinite(body.fullinertia).all():
        before = np.array(body.inertia)
        body.inertia, share = rounded(before)
        return share > 1e-3 and before.any()
    xx, yy, zz, xy, xz, yz = body.fullinertia
    moments, share = rounded(np.linalg.eigvalsh([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]))
    if moments.any():
        mean = (xx + yy + zz) / 3
        body.fullinertia = [(1 - share) * value + share * (mean if axis < 3 else 0) for axis, value in enumerate(body.fullinertia)]
    else:
        body.fullinertia, body.inertia = [math.nan] * 6, moments
    return share > 1e-3


def drop_unused(spec, urdf):
    """Removes what plays no part here and whose files need not be at hand: textures, skins, meshes that give no mass, and what refers to shapes."""
    for material in spec.materials:
        material.textures = [""] * len(material.textures)
    of_shapes = spec.compiler.inertiafromgeom == mujoco.mjtInertiaFromGeom.mjINERTIAFROMGEOM_TRUE
    for geom in list(spec.geoms):
        weighs = of_shapes or not (urdf or geom.parent.explicitinertial)
        if geom.type == mujoco.mjtGeom.mjGEOM_HFIELD or (geom.meshname and not weighs):
            spec.delete(geom)
    used = {geom.meshname for geom in spec.geoms}
    meshes = [mesh for mesh in spec.meshes if mesh.name not in used]
    for unused in [*spec.textures, *spec.skins, *spec.hfields, *spec.pairs, *spec.sensors, *meshes]:
        spec.delete(unused)


def velocity_limits(text, path):
    """Of a URDF's joints by name, which MuJoCo drops; 0 says that there is none."""
    try:
        robot = expatbuilder.parseString(text, namespaces=False).documentElement
    except ExpatError as error:
        raise Error(f"{path}: {error}") from None
    limits = {}
    for joint in robot.childNodes:
        if joint.nodeName != "joint":
            continue
        name = joint.getAttribute("name")
        if name in limits:
            raise Error(f'{path}: two joints are called "{name}"; give each a name of its own')
        values = [limit.getAttribute("velocity").strip() for limit in joint.getElementsByTagName("limit")]
        value = next(iter(values), "") or "0"
        try:
            limits[name] = float(value)
        except ValueError:
            limits[name] = math.nan
        if not limits[name] >= 0:
            raise Error(f'{path}: joint "{name}" has the velocity limit "{value}"; expected a number, 0 for none')
    return {name: limit for name, limit in limits.items() if 0 < limit <= 1e6}


def read(path):
    """The Source of a URDF or MJCF; Error if MuJoCo cannot read it."""
    if path.suffix.lower() not in (".urdf", ".xml"):
        raise Error(f"{path}: expected a .urdf or .xml" + "; run xacro on it first" * (path.suffix == ".xacro"))
    text = path.read_bytes()
    try:
        text.decode()
    except UnicodeDecodeError as error:
        raise Error(f"{path}: byte {error.start} is no UTF-8; save the file as UTF-8") from None
    first = re.search(rb"<\s*([A-Za-z]\w*)", re.sub(rb"<!--.*?-->", b"", text, flags=re.DOTALL))
    urdf = first is not None and first[1] == b"robot"
    try:
        with quiet():
            spec = mujoco.MjSpec.from_file(str(path))
            refuse_constraints(spec, path)
            drop_unused(spec, urdf)
            mended = [body.name for body in spec.bodies[1:] if body.explicitinertial and mend_inertia(body)]
            spec.compiler.fusestatic = spec.compiler.discardvisual = False
            if urdf:  # what has no <inertial> has no mass
                spec.compiler.inertiafromgeom = mujoco.mjtInertiaFromGeom.mjINERTIAFROMGEOM_FALSE
            model = spec.compile()
    except ValueError as error:
        raise Error(f"{path}: {one_line(error)}") from None
    if model.nbody == 1:
        raise Error(f"{path}: has no link; expected a URDF or MJCF of a robot")
    links = [model.body(body).name or f"unnamed_{body}" for body in range(model.nbody)]
    return Source(str(path), model, links, velocity_limits(text, path) if urdf else {}, mended)


def refuse_constraints(spec, path):
    for equality in spec.equalities:
        ends = " and ".join(f'"{name}"' for name in (equality.name1, equality.name2) if name) or f'"{equality.name}"'
        raise Error(
            f"{path}: has an equality of {ends}, which is not modelled; remove it (in a URDF the <mimic>), or make one of the joints a fixed one"
        )


def root_of(source, feet):
    """The link that hangs on the world and carries all feet (bodies by number)."""
    roots = [int(source.model.body_rootid[foot]) for foot in feet]
    for foot, root in zip(feet, roots):
        if root != roots[0]:
            one, other = source.links[roots[0]], source.links[root]
            raise Error(f'{source.path}: foot "{source.links[foot]}" hangs on "{other}", the first foot on "{one}"; a robot has one root link')
    return roots[0]


def refuse_joints(source, root):
    """Error for what moves otherwise than by one hinge or slide per link. The root moves freely, whether by nothing, a free joint, or three slides and
    three hinges."""
    model, path = source.model, source.path
    for body in np.flatnonzero(model.body_rootid == root):
        joints = range(model.body_jntadr[body], model.body_jntadr[body] + model.body_jntnum[body])
        kinds = [int(model.jnt_type[joint]) for joint in joints]
        if body == root and sorted(kinds) in ([], [FREE], [SLIDE] * 3 + [HINGE] * 3):
            continue
        names = ", ".join(f'"{source.joint_name(joint)}"' for joint in joints)
        if BALL in kinds:
            raise Error(f"{path}: joint {names} is a ball joint; expected hinge or slide: use three hinges, each with a link of its own")
        if len(kinds) > 1:
            raise Error(f'{path}: link "{source.links[body]}" has {len(kinds)} joints; give each joint a link of its own')
        if body == root and kinds:
            raise Error(f'{path}: the root link "{source.links[body]}" hangs on the world by joint {names}; remove it, the base floats')


def moving_joints(source, root):
    """Numbers of the joints of the robot with this root, without those of the root itself."""
    bodies = source.model.jnt_bodyid
    return [joint for joint in range(source.model.njnt) if source.model.body_rootid[bodies[joint]] == root and bodies[joint] != root]


def two_sided(limited, bounds):
    """What a symmetric limit may be under these bounds."""
    return float(min(-bounds[0], bounds[1])) if limited else math.inf


def torque_limit(source, joint):
    """What the file's motors together can do at a joint and the joint takes [N m]; infinity where that is not said."""
    model, motors = source.model, []
    for i, gear in motors_at(model, joint):
        limit = two_sided(model.actuator_forcelimited[i], model.actuator_forcerange[i])
        motor = model.actuator_biastype[i] == mujoco.mjtBias.mjBIAS_NONE and model.actuator_gaintype[i] == mujoco.mjtGain.mjGAIN_FIXED
        gain = abs(model.actuator_gainprm[i, 0])
        if motor and gain > 0:  # its force is its gain times what it is told
            limit = min(limit, gain * two_sided(model.actuator_ctrllimited[i], model.actuator_ctrlrange[i]))
        motors.append(gear * limit)
    taken = two_sided(model.jnt_actfrclimited[joint], model.jnt_actfrcrange[joint])
    return min(sum(motors) if motors else math.inf, taken)


def motors_at(model, joint):
    """(actuator, gear) of those that act on a joint."""
    return [(actuator, gear) for actuator, at, gear in motors_of(model) if at == joint]


def reflected(source, joint):
    """(armature, damping) of a joint with what its motors add."""
    model, dof = source.model, source.model.jnt_dofadr[joint]
    armature, damping = float(model.dof_armature[dof]), float(model.dof_damping[dof])
    bent = np.any(model.dof_dampingpoly[dof])
    for i, gear in motors_at(model, joint):
        armature, damping = armature + gear**2 * float(model.actuator_armature[i]), damping + gear**2 * float(model.actuator_damping[i])
        bent = bent or np.any(model.actuator_dampingpoly[i])
    if bent:
        raise Error(f'{source.path}: joint "{source.joint_name(joint)}" has damping that is not linear; give one number')
    return armature, damping


def left_out(source, root, joints):
    """Lines that say what of the file is not in the folder."""
    model = source.model
    springs = [source.joint_name(joint) for joint in joints if model.jnt_stiffness[joint] or np.any(model.jnt_stiffnesspoly[joint])]
    tendons = [model.tendon(i).name or f"tendon {i}" for i in range(model.ntendon)]
    others = [source.links[body] for body in range(1, model.nbody) if model.body_parentid[body] == 0 and body != root]
    lines = [f"springs are not modelled and were left out: {', '.join(springs)}"] if springs else []
    lines += [f"tendons are not modelled and were left out: {', '.join(tendons)}"] if tendons else []
    lines += [f"no part of the robot, left out: {', '.join(others)}"] if others else []
    lines += [f"inertias that no body has were made the nearest that one can: {', '.join(source.mended)}"] if source.mended else []
    return lines
