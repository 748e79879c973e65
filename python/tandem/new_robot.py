"""A folder for a robot that this project has not seen, from its URDF or MJCF:  docs/tutorial.md

python -m tandem.new_robot FILE --out FOLDER --foot BODY[:x,y,z[:x,y,z ...]] ... [--pose PATTERN=VALUE ...] [--radius R] [--effort T] [--armature I]

Writes FOLDER/<name>.xml, which the simulator runs (floor, floating base, one motor per joint, round feet), and FOLDER/robot.toml with first guesses of
gains, gait and weights from mass and leg length. Meshes are left out, and sticks drawn in their place; what is left of the shapes may touch the floor and
nothing else.
"""

import argparse
import dataclasses
import fnmatch
import sys
from pathlib import Path

import mujoco
import numpy as np

from .program import run_program
from .trajectory import Error

FLOOR = {
    "name": "floor",
    "type": mujoco.mjtGeom.mjGEOM_PLANE,
    "size": [0, 0, 0.05],
    "contype": 1,
    "conaffinity": 0,
    "condim": 3,
    "rgba": [0.75, 0.77, 0.8, 1],
}
UNIT = np.eye(1, mujoco.mjNGAIN)[0]  # 1, 0, 0, ...
POINTS = {1: ["tip"], 2: ["toe", "heel"], 4: ["toe_left", "toe_right", "heel_left", "heel_right"]}  # names by how many a foot has
QUADRUPED_GAIT = {0: 0.0, 1: 0.5, 2: 0.5, 3: 0.0}  # diagonal legs together, in the order of --foot
WEIGHT_TOML = """
[mpc]
friction = 0.7
[mpc.weights.joint_position]
"*" = 1.0
[mpc.weights.joint_velocity]
"*" = 0.06
"""


@dataclasses.dataclass
class Foot:
    name: str  # of the link, too
    points: dict[str, list[float]]  # name -> centre of the sphere that touches the ground, in the link's frame [m]

    def sole(self, point):
        """Name of the sphere's shape."""
        return f"{self.name}_sole" if len(self.points) == 1 else f"{self.name}_{point}_sole"


def parse(argv):
    parser = argparse.ArgumentParser(prog="tandem.new_robot", description="A folder for ./tandem --robot from a URDF or MJCF.")
    parser.add_argument("file", type=Path, help="URDF or MJCF of the robot")
    parser.add_argument("--out", type=Path, required=True, help="folder to write; its name becomes the robot's")
    parser.add_argument(
        "--foot",
        action="append",
        required=True,
        metavar="BODY[:x,y,z[:x,y,z ...]]",
        help="link that carries a foot, and where on it: one point, toe and heel, or toe left, toe right, heel left, heel right; per foot",
    )
    parser.add_argument(
        "--pose",
        action="append",
        default=[],
        metavar="PATTERN=VALUE",
        help="joint positions of the nominal pose [rad], a later one wins; default: the first keyframe's, or zero",
    )
    parser.add_argument("--radius", type=float, default=0.02, help="of the round feet, or of the ends of long ones [m]; default 0.02")
    parser.add_argument("--effort", type=float, help="torque limit of every joint [N m]; default: the file's, of its joint or motor")
    parser.add_argument("--armature", type=float, default=0.01, help="reflected inertia of joints that have none [kg m^2]; default 0.01")
    return parser.parse_args(argv)


def torque_limits(spec):
    """Of joints by name, as the file's motors and servos say [N m]."""
    limits = {}
    for actuator in spec.actuators:
        if actuator.trntype != mujoco.mjtTrn.mjTRN_JOINT:
            continue
        limit = np.abs(actuator.forcerange).max()
        if limit == 0 and actuator.biastype == mujoco.mjtBias.mjBIAS_NONE:  # a motor: its force is its gain times what it is told
            limit = abs(actuator.gainprm[0]) * np.abs(actuator.ctrlrange).max()
        limits[actuator.target] = abs(actuator.gear[0]) * limit
    return limits


def fix_inertias(spec, path):
    """Writes the masses down that MuJoCo works out from shapes, since shapes come and go here."""
    bodies = [body for body in spec.bodies[1:] if not body.explicitinertial]
    if not bodies:
        return
    try:
        model = spec.copy().compile()
    except ValueError as error:
        raise Error(f"{path}: {str(error).splitlines()[0]}") from None
    for body in bodies:
        of_model = model.body(body.name) if body.name else None
        if of_model is not None and of_model.mass[0] > 0:
            body.explicitinertial, body.mass = 1, of_model.mass[0]
            body.ipos, body.iquat, body.inertia = of_model.ipos, of_model.iquat, of_model.inertia
    spec.compiler.inertiafromgeom = 0


def free_base(spec, root):
    """Three slides and three hinges between world and root link, as some files have them, become one floating base."""
    kinds = [joint.type for joint in root.joints]
    if len(kinds) == 6 and kinds.count(mujoco.mjtJoint.mjJNT_SLIDE) == kinds.count(mujoco.mjtJoint.mjJNT_HINGE) == 3:
        for joint in list(root.joints):
            spec.delete(joint)
        root.add_freejoint(name="base")


def read(path):
    """(spec, torque limits, configuration of the first keyframe or none): the file without what the simulator does not need; a URDF's root link gets a
    floating base."""
    try:
        spec = mujoco.MjSpec.from_file(str(path))
    except (ValueError, FileNotFoundError) as error:
        raise Error(f"{path}: {str(error).splitlines()[0]}") from None
    for body in spec.worldbody.bodies[:1]:
        free_base(spec, body)
    for body in spec.bodies:
        if len(body.joints) > 1:
            raise Error(f'{path}: link "{body.name}" has {len(body.joints)} joints; give each joint a link of its own')
    fix_inertias(spec, path)
    for geom in list(spec.geoms):
        if geom.type in (mujoco.mjtGeom.mjGEOM_MESH, mujoco.mjtGeom.mjGEOM_PLANE):
            spec.delete(geom)
    limits, key = torque_limits(spec), next((np.array(key.qpos) for key in spec.keys), None)
    for unused in [*spec.meshes, *spec.actuators, *spec.keys, *spec.sensors, *spec.tendons]:
        spec.delete(unused)
    if not spec.worldbody.bodies:
        raise Error(f"{path}: has no link; expected a URDF or MJCF of a robot")
    spec.compiler.fusestatic = False
    spec.compiler.discardvisual = False  # of URDF files MuJoCo drops the shapes that touch nothing
    spec.compiler.balanceinertia = True  # some published inertias are rounded to what no body has
    root = spec.worldbody.bodies[0]
    if not any(joint.type == mujoco.mjtJoint.mjJNT_FREE for joint in spec.joints):
        root.add_freejoint(name="base")
    return spec, limits, key


def parse_foot(text, links):
    """The Foot of a --foot; Error with what is possible."""
    name, *places = text.split(":")
    try:
        positions = [[float(value) for value in place.split(",")] for place in places] or [[0.0, 0.0, 0.0]]
    except ValueError:
        positions = []
    if len(positions) not in POINTS or any(len(position) != 3 for position in positions):
        raise Error(
            f"--foot {text}: expected BODY, or BODY:x,y,z with one, two (toe, heel) or four points (toe left, toe right, heel left, heel right)"
        )
    if name not in links:
        raise Error(f"--foot {text}: expected BODY or BODY:x,y,z with a link of the file: {', '.join(links)}")
    return Foot(name, dict(zip(POINTS[len(positions)], positions)))


def place_feet(spec, texts, radius):
    """Adds a sphere per point; returns the feet."""
    feet = [parse_foot(text, [body.name for body in spec.bodies[1:]]) for text in texts]
    for foot in feet:
        for point, position in foot.points.items():
            sole = spec.body(foot.name).add_geom(
                name=foot.sole(point), type=mujoco.mjtGeom.mjGEOM_SPHERE, size=[radius, 0, 0], pos=position, mass=0, rgba=[0.2, 0.2, 0.22, 1]
            )
            # all that the file's defaults may have set
            sole.priority, sole.condim, sole.margin, sole.gap, sole.friction = 1, 3, 0, 0, [1, 0.005, 0.0001]
            sole.contype = sole.conaffinity = 1
    return feet


def add_shapes(spec, feet, radius):
    """Something to look at, where nothing is left: a stick to every link that hangs on another and to every sole, as thick as a foot."""
    ends = {foot.name: list(foot.points.values()) for foot in feet}
    for body in spec.bodies[1:]:
        if any(not geom.name.endswith("_sole") for geom in body.geoms):
            continue
        for end in [child.pos for child in body.bodies] + ends.get(body.name, []):
            if np.linalg.norm(end) > radius:
                stick = body.add_geom(type=mujoco.mjtGeom.mjGEOM_CAPSULE, size=[0.8 * radius, 0, 0], fromto=[0, 0, 0, *end], group=2)
                stick.contype = stick.conaffinity = 0
                stick.rgba = [0.25, 0.35, 0.5, 1] if body.name == spec.worldbody.bodies[0].name else [0.85, 0.85, 0.86, 1]


def add_physics(spec, feet, limits, options):
    """Floor, time step and solver as of the robots of this project, one motor per joint."""
    spec.option.timestep, spec.option.integrator = 0.001, mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    spec.option.cone, spec.option.impratio = mujoco.mjtCone.mjCONE_ELLIPTIC, 10
    spec.option.iterations, spec.option.ls_iterations = 20, 50
    for geom in spec.geoms:
        geom.contype, geom.conaffinity = 0, int(bool(geom.contype or geom.conaffinity))  # with the floor or, if only drawn, with nothing
    add_shapes(spec, feet, options.radius)
    spec.worldbody.add_geom(**FLOOR)
    spec.worldbody.add_light(pos=[0, 0, 4], dir=[0, 0, -1])
    for joint in spec.joints:
        if joint.type == mujoco.mjtJoint.mjJNT_FREE:
            continue
        limit = options.effort or float(np.ravel(joint.actfrcrange)[1]) or limits.get(joint.name, 0.0)
        if limit <= 0:
            raise Error(f'{options.file}: joint "{joint.name}" has no torque limit; give one with --effort')
        joint.armature = joint.armature or options.armature
        joint.stiffness = 0 * joint.stiffness
        motor = spec.add_actuator(name=joint.name, trntype=mujoco.mjtTrn.mjTRN_JOINT, target=joint.name, forcerange=[-limit, limit])
        motor.forcelimited, motor.gaintype, motor.biastype = 1, mujoco.mjtGain.mjGAIN_FIXED, mujoco.mjtBias.mjBIAS_AFFINE
        motor.gainprm, motor.biasprm, motor.gear = UNIT, 0 * UNIT, UNIT[: len(motor.gear)]
        motor.ctrllimited, motor.ctrlrange = 0, [0, 0]  # as may be among the file's defaults


def nominal_pose(model, joints, key, assignments):
    """Joint positions by name: zero, or the keyframe's, and then what the options assign."""
    usable = key is not None and len(key) == model.nq
    pose = {joint: float(key[model.joint(joint).qposadr[0]]) if usable else 0.0 for joint in joints}
    for assignment in assignments:
        pattern, _, value = assignment.partition("=")
        matched = fnmatch.filter(joints, pattern)
        try:
            pose |= dict.fromkeys(matched, float(value))
        except ValueError:
            matched = []
        if not matched:
            raise Error(f"--pose {assignment}: expected PATTERN=VALUE with a pattern of the joints {', '.join(joints)}")
    return pose


def stand(model, pose, feet, options):
    """(data, height of the base): the robot in its pose with its soles on the floor."""
    data = mujoco.MjData(model)
    for joint, value in pose.items():
        data.joint(joint).qpos[0] = value
    mujoco.mj_kinematics(model, data)
    lowest = min(data.geom(foot.sole(point)).xpos[2] for foot in feet for point in foot.points) - options.radius
    height = float(data.qpos[2] - lowest)
    if height < 0.05:
        raise Error(f"{options.file}: the base is {height:.3f} m above the feet; give a standing pose with --pose")
    data.qpos[2] = height
    mujoco.mj_kinematics(model, data)
    return data, height


def spare_feet(spec, model, data, radius):
    """Has shapes of the file that nearly reach the ground where the robot stands touch nothing: the soles stand in for them."""
    floor = model.geom("floor").id
    for geom in spec.geoms:
        if geom.conaffinity and geom.id != floor and not geom.name.endswith("_sole"):
            if mujoco.mj_geomDistance(model, data, geom.id, floor, 10.0, None) < radius:
                geom.conaffinity = 0


def describe(model, pose, feet, height, options):
    """robot.toml: the pose as given, everything else guessed from mass and height."""
    mass = float(model.body_mass.sum())
    period = 0.36 * np.sqrt(height / 0.28) if len(feet) > 2 else 0.5 * np.sqrt(height / 0.61)
    lines = [f'model = "{options.out.name}.xml"', "", "[nominal]", f"base_height = {height:.4f}", "[nominal.joints]"]
    lines += [f'"{joint}" = {value:g}' for joint, value in pose.items()]
    lines += ["", "[joints.kp]", f'"*" = {1.3 * mass:.3g}', "[joints.kd]", f'"*" = {0.035 * mass:.3g}']
    for i, foot in enumerate(feet):
        offset = QUADRUPED_GAIT.get(i, 0.0) if len(feet) == 4 else i / len(feet)
        carrier = moving_link(model, foot.name, [0.0, 0.0, 0.0])[0]
        soles = ", ".join(f'"{foot.sole(point)}"' for point in foot.points)
        lines += ["", "[[foot]]", f'name = "{foot.name}"', f'body = "{carrier}"', f"gait_offset = {offset:g}", f"geoms = [{soles}]", "points = ["]
        for point, position in foot.points.items():
            x, y, z = moving_link(model, foot.name, position)[1]
            lines += [f'  {{ name = "{foot.name}_{point}", position = [{x:.6g}, {y:.6g}, {z:.6g}], radius = {options.radius:g} }},']
        lines += ["]"]
    lines += ["", "[gait]", f"period = {period:.2f}", f"swing_height = {0.2 * height:.3f}"]
    return "\n".join(lines) + "\n" + WEIGHT_TOML


def moving_link(model, name, position):
    """The link that a joint moves and that carries body `name`, and the point in its frame."""
    body, point = model.body(name).id, np.array(position)
    while model.body_jntnum[body] == 0 and body != 0:
        turned = np.zeros(3)
        mujoco.mju_rotVecQuat(turned, point, model.body_quat[body])
        point, body = turned + model.body_pos[body], model.body_parentid[body]
    return model.body(body).name, point


def write(options):
    spec, limits, key = read(options.file)
    spec.modelname = options.out.name
    feet = place_feet(spec, options.foot, options.radius)
    springs = [joint.name for joint in spec.joints if np.any(joint.stiffness)]
    add_physics(spec, feet, limits, options)
    try:
        model = spec.compile()
    except ValueError as error:
        raise Error(f"{options.file}: {str(error).splitlines()[0]}") from None
    joints = [joint.name for joint in spec.joints if joint.type != mujoco.mjtJoint.mjJNT_FREE]
    pose = nominal_pose(model, joints, key, options.pose)
    data, height = stand(model, pose, feet, options)
    spare_feet(spec, model, data, options.radius)
    text = describe(model, pose, feet, height, options)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / f"{options.out.name}.xml").write_text(spec.to_xml())
    (options.out / "robot.toml").write_text(text)
    if springs:
        print(f"springs are not modelled and were left out: {', '.join(springs)}")
    print(f"{options.out}: {len(joints)} joints, {model.body_mass.sum():.2f} kg, base {height:.3f} m above the ground")
    print(f"next: ./tandem play --robot {options.out / 'robot.toml'}")


def main(argv=None):
    options = parse(argv)
    return run_program("tandem.new_robot", lambda: write(options))


if __name__ == "__main__":
    sys.exit(main())
