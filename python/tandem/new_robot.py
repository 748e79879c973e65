"""A folder for a robot that this project has not seen, from its URDF or MJCF:  docs/tutorial.md

python -m tandem.new_robot FILE --out FOLDER --foot BODY[:x,y,z[:x,y,z ...]] ... [--pose PATTERN=VALUE ...] [--radius R] [--effort T] [--armature I] [--force]

Writes FOLDER/<name>.xml, which the simulator runs (floor, floating base, one motor per joint, round feet), and FOLDER/robot.toml with first guesses of
gains, gait and weights from mass and leg length. Of the file it takes links, joints and plain shapes, as MuJoCo compiles them, and nothing else: meshes are
left out, and sticks drawn in their place; what is left of the shapes may touch the floor and nothing else. Nothing is written that does not load.
"""

import dataclasses
import fnmatch
import json
import math
import os
import sys
import tempfile
from pathlib import Path

import mujoco
import numpy as np

from . import new_robot_source as files
from .program import Parser, run_program
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
PLAIN_SHAPES = [int(getattr(mujoco.mjtGeom, f"mjGEOM_{kind}")) for kind in ("SPHERE", "CAPSULE", "ELLIPSOID", "CYLINDER", "BOX")]
UNSAID_COLOUR = [0.5, 0.5, 0.5, 1]  # MuJoCo's of shapes that state none
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
    parser = Parser(prog="tandem.new_robot", description="A folder for ./tandem --robot from a URDF or MJCF.")
    parser.add_argument("file", type=Path, help="URDF or MJCF of the robot")
    parser.add_argument("--out", type=Path, required=True, help="folder to write; its name becomes the robot's")
    parser.add_argument(
        "--foot",
        action="append",
        required=True,
        metavar="BODY[:x,y,z[:x,y,z ...]]",
        help="link that carries a foot, and where on it [m]: one point (without one the link's origin), toe and heel, or toe left, toe right, heel left, "
        "heel right; per foot",
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
    parser.add_argument("--force", action="store_true", help="write over a robot that is in the folder")
    return parser.parse_args(argv)


def check_options(options):
    for name, value in (("radius", options.radius), ("effort", options.effort)):
        if value is not None and not 0 < value < math.inf:
            raise Error(f"--{name} {value:g}: expected a number above 0")
    if not 0 <= options.armature < math.inf:
        raise Error(f"--armature {options.armature:g}: expected 0 or more")
    options.name = Path(os.path.abspath(options.out)).name  # of the robot, also where FOLDER is "."
    if not options.name:
        raise Error(f"--out {options.out}: expected a folder whose name is to be the robot's")
    written = [options.out / f"{options.name}.xml", options.out / "robot.toml"]
    if options.file.resolve() == written[0].resolve():
        raise Error(f"--out {options.out}: would write over {options.file}; give another folder")
    for there in written:
        if there.exists() and not options.force:
            raise Error(f"{there} is there already; give another folder, or --force to write over it")


def numbers(texts):
    """Finite numbers, or ValueError."""
    values = [float(text) for text in texts]
    if not np.isfinite(values).all():
        raise ValueError
    return values


def parse_foot(text, links):
    """The Foot of a --foot; Error with what is possible."""
    name = max((link for link in links if text == link or text.startswith(f"{link}:")), key=len, default=text.partition(":")[0])
    places = text[len(name) :].split(":")[1:]
    try:
        positions = [numbers(place.split(",")) for place in places] or [[0.0, 0.0, 0.0]]
    except ValueError:
        positions = []
    if len(positions) not in POINTS or any(len(position) != 3 for position in positions):
        raise Error(
            f"--foot {text}: expected BODY, or BODY:x,y,z with one, two (toe, heel) or four points (toe left, toe right, heel left, heel right)"
        )
    if name not in links:
        raise Error(f"--foot {text}: expected BODY or BODY:x,y,z with a link of the file: {', '.join(links)}")
    return Foot(name, dict(zip(POINTS[len(positions)], positions)))


def parse_feet(source, texts):
    """(feet, number of the root link that carries them); Error if two are on one moving link."""
    feet, carriers = [parse_foot(text, source.links[1:]) for text in texts], {}
    for foot in feet:
        carrier = source.carrier(source.links.index(foot.name))
        other = carriers.setdefault(carrier, foot)
        if other is not foot:
            raise Error(f'--foot {foot.name}: is on the link "{source.links[carrier]}", as "{other.name}" is; give one foot with two or four points')
    return feet, files.root_of(source, [source.links.index(foot.name) for foot in feet])


def nominal_pose(source, joints, assignments):
    """Joint positions by name: zero, or the first keyframe's, and then what the options assign."""
    model, names = source.model, [source.joint_name(joint) for joint in joints]
    key = model.key_qpos[0] if model.nkey else np.zeros(model.nq)
    pose = {name: float(key[model.jnt_qposadr[joint]]) for name, joint in zip(names, joints)}
    for assignment in assignments:
        pattern, _, value = assignment.rpartition("=")
        matched = [name for name in names if name == pattern or fnmatch.fnmatchcase(name, pattern)]
        try:
            pose |= dict.fromkeys(matched, *numbers([value]))
        except ValueError:
            matched = []
        if not matched:
            raise Error(f"--pose {assignment}: expected PATTERN=VALUE with a pattern of the joints {', '.join(names)}")
    for name, joint in zip(names, joints):
        low, high = model.jnt_range[joint]
        if model.jnt_limited[joint] and not low - 1e-6 <= pose[name] <= high + 1e-6:
            raise Error(
                f'{source.path}: joint "{name}" at {pose[name]:g} is outside its limits {low:g} .. {high:g}; give its position with --pose [rad, m]'
            )
    return pose


def add_links(spec, source, root):
    """The links from the root on, the root upright at the origin; returns the new bodies by number of the old."""
    model, made = source.model, {0: spec.worldbody}
    for body in np.flatnonzero(model.body_rootid == root):
        link = made[body] = made[0 if body == root else model.body_parentid[body]].add_body(name=source.links[body])
        if body == root:
            link.add_freejoint()
        else:
            link.pos, link.quat = model.body_pos[body], model.body_quat[body]
        link.explicitinertial, link.mass, link.inertia = True, model.body_mass[body], files.rounded(model.body_inertia[body])[0]
        link.ipos, link.iquat = model.body_ipos[body], model.body_iquat[body]
    return made


def add_joint(spec, link, source, joint, options):
    """A hinge or slide with its motor."""
    model, name, dof = source.model, source.joint_name(joint), source.model.jnt_dofadr[joint]
    limit = options.effort or files.torque_limit(source, joint)
    if not 0 < limit < math.inf:
        raise Error(f'{source.path}: joint "{name}" has no torque limit that holds both ways; give one with --effort')
    new = link.add_joint(name=name, type=model.jnt_type[joint], axis=model.jnt_axis[joint], pos=model.jnt_pos[joint])
    new.limited, new.range, new.ref = int(model.jnt_limited[joint]), model.jnt_range[joint], model.qpos0[model.jnt_qposadr[joint]]
    armature, damping = files.reflected(source, joint)
    new.armature, new.damping[0], new.frictionloss = armature or options.armature, damping, model.dof_frictionloss[dof]
    motor = spec.add_actuator(name=name, trntype=mujoco.mjtTrn.mjTRN_JOINT, target=name, forcerange=[-limit, limit])
    motor.forcelimited, motor.biastype = 1, mujoco.mjtBias.mjBIAS_AFFINE


def add_shapes(spec, made, source):
    """The file's plain shapes: with the floor they collide or, if only drawn, with nothing."""
    model = source.model
    for i in range(model.ngeom):
        if model.geom_bodyid[i] not in made or model.geom_bodyid[i] == 0 or model.geom_type[i] not in PLAIN_SHAPES:
            continue
        shape = made[model.geom_bodyid[i]].add_geom(type=model.geom_type[i], size=model.geom_size[i], pos=model.geom_pos[i], quat=model.geom_quat[i])
        plain = model.geom_matid[i] < 0 or not np.allclose(model.geom_rgba[i], UNSAID_COLOUR)
        shape.rgba, shape.group = model.geom_rgba[i] if plain else model.mat_rgba[model.geom_matid[i]], int(model.geom_group[i])
        shape.contype, shape.conaffinity = 0, int(bool(model.geom_contype[i] or model.geom_conaffinity[i]))


def add_sticks(links, feet, radius):
    """Something to look at, where no shape is: a stick to every link that hangs on another and to every sole, as thick as a foot."""
    ends = {foot.name: list(foot.points.values()) for foot in feet}
    for link in links:
        if link.geoms:
            continue
        for end in [child.pos for child in link.bodies] + ends.get(link.name, []):
            if np.linalg.norm(end) > radius:
                stick = link.add_geom(type=mujoco.mjtGeom.mjGEOM_CAPSULE, size=[0.8 * radius, 0, 0], fromto=[0, 0, 0, *end], group=2)
                stick.contype = stick.conaffinity = 0
                stick.rgba = [0.25, 0.35, 0.5, 1] if link is links[0] else [0.85, 0.85, 0.86, 1]


def add_soles(spec, feet, radius):
    for foot in feet:
        for point, position in foot.points.items():
            sole = spec.body(foot.name).add_geom(name=foot.sole(point), type=mujoco.mjtGeom.mjGEOM_SPHERE, size=[radius, 0, 0], pos=position)
            sole.priority, sole.contype, sole.rgba = 1, 0, [0.2, 0.2, 0.22, 1]


def build(source, root, joints, feet, options):
    """The MjSpec of the folder: physics settings as of the robots of this project, the robot upright at the origin, a floor."""
    spec = mujoco.MjSpec()
    spec.modelname, spec.compiler.degree = options.name, False
    spec.option.timestep, spec.option.integrator = 0.001, mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    spec.option.cone, spec.option.impratio = mujoco.mjtCone.mjCONE_ELLIPTIC, 10
    spec.option.iterations, spec.option.ls_iterations = 20, 50
    spec.option.gravity = source.model.opt.gravity
    spec.worldbody.add_light(pos=[0, 0, 4], dir=[0, 0, -1])
    made = add_links(spec, source, root)
    for joint in joints:
        add_joint(spec, made[source.model.jnt_bodyid[joint]], source, joint, options)
    add_shapes(spec, made, source)
    add_sticks(list(made.values())[1:], feet, options.radius)
    add_soles(spec, feet, options.radius)
    spec.worldbody.add_geom(**FLOOR)
    return spec


def stand(spec, model, pose, feet, options):
    """Height of the base in its pose with its soles on the floor; puts the base there, and has shapes that nearly reach the ground then touch nothing: the
    soles stand in for them."""
    data = mujoco.MjData(model)
    for joint, value in pose.items():
        data.joint(joint).qpos[0] = value
    mujoco.mj_kinematics(model, data)
    soles = [foot.sole(point) for foot in feet for point in foot.points]
    height = options.radius - min(float(data.geom(sole).xpos[2]) for sole in soles)
    if height < 0.05:
        raise Error(f"{options.file}: the base is {height:.3f} m above the feet; give a standing pose with --pose")
    data.qpos[2] = height
    mujoco.mj_kinematics(model, data)
    floor = model.geom("floor").id
    for geom in spec.geoms:
        if not geom.conaffinity or geom.name in soles:
            continue
        distance = mujoco.mj_geomDistance(model, data, geom.id, floor, 10.0, None)
        if distance < options.radius:
            geom.conaffinity = 0
        if distance < -3 * options.radius:
            print(f'a shape of "{geom.parent.name}" reaches {-distance:.3f} m below the soles: are the feet where --foot says? (BODY:x,y,z)')
    spec.worldbody.bodies[0].pos = [0, 0, height]
    return height


def gait_offset(foot, feet):
    """One foot after the other, but diagonal legs of four together, and of six and more every other one: a tripod."""
    if feet == 4:
        return QUADRUPED_GAIT[foot]
    return foot / feet if feet < 6 else 0.5 * (foot % 2)


def describe(source, model, pose, feet, height, options):
    """robot.toml: pose and velocity limits as given, everything else guessed from mass and height."""
    mass, quoted = float(model.body_mass.sum()), json.dumps
    period = 0.36 * np.sqrt(height / 0.28) if len(feet) > 2 else 0.5 * np.sqrt(height / 0.61)
    lines = [f"model = {quoted(options.name + '.xml')}", "", "[nominal]", f"base_height = {height:.4f}", "[nominal.joints]"]
    lines += [f"{quoted(joint)} = {value:g}" for joint, value in pose.items()]
    lines += ["", "[joints.kp]", f'"*" = {1.3 * mass:.3g}', "[joints.kd]", f'"*" = {0.035 * mass:.3g}']
    limits = {joint: source.velocity_limit[joint] for joint in pose if joint in source.velocity_limit}
    lines += ["[joints.velocity_limit]"] * bool(limits) + [f"{quoted(joint)} = {limit:g}" for joint, limit in limits.items()]
    for i, foot in enumerate(feet):
        offset = gait_offset(i, len(feet))
        carrier = moving_link(model, foot.name, [0.0, 0.0, 0.0])[0]
        soles = ", ".join(quoted(foot.sole(point)) for point in foot.points)
        lines += ["", "[[foot]]", f"name = {quoted(foot.name)}", f"body = {quoted(carrier)}", f"gait_offset = {offset:g}", f"geoms = [{soles}]"]
        lines += ["points = ["]
        for point, position in foot.points.items():
            x, y, z = moving_link(model, foot.name, position)[1]
            lines += [f"  {{ name = {quoted(f'{foot.name}_{point}')}, position = [{x:.6g}, {y:.6g}, {z:.6g}], radius = {options.radius:g} }},"]
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


def try_out(texts, mass, options):
    """Error if the programs do not load a folder of these files, or find another mass in it."""
    try:
        from . import native
    except ImportError as error:
        print(f"not tried out: {error}")
        return
    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder) / options.name
        write_files(trial, texts)
        try:
            robot = native.Robot(str(trial / "robot.toml"))
            native.Simulator(robot, 1)
            native.Mpc(robot)
        except native.Error as error:
            raise Error(f"{options.file}: what was made of it does not load: {str(error).replace(f'{folder}/', '')}") from None
    if not np.isclose(robot.mass, mass, rtol=1e-4):
        raise Error(f"{options.file}: has a mass of {mass:.4f} kg, but what was made of it {robot.mass:.4f} kg")


def write_files(folder, texts):
    """Whole files or none: both are written beside what they replace first."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = {name: folder / f"{name}.part" for name in texts}
    try:
        for name, text in texts.items():
            parts[name].write_text(text, encoding="utf-8")
        for name, part in parts.items():
            part.replace(folder / name)
    except OSError as error:
        for part in parts.values():
            part.unlink(missing_ok=True)
        raise Error(f"{folder} cannot be written: {error.strerror}; free some space or give another folder") from None


def write(options):
    check_options(options)
    source = files.read(options.file)
    feet, root = parse_feet(source, options.foot)
    files.refuse_joints(source, root)
    joints = files.moving_joints(source, root)
    pose = nominal_pose(source, joints, options.pose)
    try:
        spec = build(source, root, joints, feet, options)
        with files.quiet():
            model = spec.compile()
    except ValueError as error:
        raise Error(f"{options.file}: {files.one_line(error)}") from None
    height = stand(spec, model, pose, feet, options)
    texts = {f"{options.name}.xml": spec.to_xml(), "robot.toml": describe(source, model, pose, feet, height, options)}
    mass = float(source.model.body_subtreemass[root])
    try_out(texts, mass, options)
    write_files(options.out, texts)
    for line in files.left_out(source, root, joints):
        print(line)
    print(f"{options.out}: {len(joints)} joints, {mass:.2f} kg, base {height:.3f} m above the ground")
    print(f"next: ./tandem play --robot {options.out / 'robot.toml'}")


def main(argv=None):
    options = parse(argv)
    return run_program("tandem.new_robot", lambda: write(options))


if __name__ == "__main__":
    sys.exit(main())
