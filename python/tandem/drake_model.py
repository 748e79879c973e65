"""A robot's MJCF as a plant of Drake: bodies, joints, motors and collision shapes of the model that MuJoCo compiled. docs/second-simulator.md.

What is the same: tree, masses and inertias, reflected inertias, joint damping and limits, torque limits, shapes, who collides with whom, friction of each
pair with the floor. What is Drake's own: the contact model (point contact, SAP) and its stiffness, the time stepping.
"""

from dataclasses import dataclass

import mujoco
import numpy as np
from pydrake.common import MemoryFile
from pydrake.common.eigen_geometry import Quaternion
from pydrake.geometry import (
    AddContactMaterial,
    Box,
    Capsule,
    CollisionFilterDeclaration,
    Convex,
    Cylinder,
    Ellipsoid,
    GeometrySet,
    HalfSpace,
    InMemoryMesh,
    ProximityProperties,
    Sphere,
)
from pydrake.math import RigidTransform, RotationMatrix
from pydrake.multibody.plant import AddMultibodyPlant, CoulombFriction, MultibodyPlantConfig
from pydrake.multibody.tree import FixedOffsetFrame, PdControllerGains, PrismaticJoint, RevoluteJoint, RotationalInertia, SpatialInertia
from pydrake.systems.framework import DiagramBuilder

from .mjcf import motors_of
from .trajectory import Error

JOINT = mujoco.mjtJoint
GEOM = mujoco.mjtGeom
WITHOUT_SHAPE = {int(GEOM.mjGEOM_HFIELD), int(GEOM.mjGEOM_SDF)}  # in Drake


@dataclass
class Plant:
    """The diagram of one robot on its floor, and where things of the MJCF are in it."""

    diagram: object
    plant: object
    scene_graph: object
    joints: dict  # joint name -> Drake joint
    actuators: dict  # joint name -> Drake actuator
    bodies: list  # MuJoCo body number -> Drake body
    geoms: dict  # Drake geometry id -> MuJoCo geom number


def make_plant(model, physics_dt, friction=None):
    """The robot of a compiled MJCF in Drake, time stepping with `physics_dt` [s]. friction: of every contact; None: as the MJCF says. Raises Error for
    what Drake has no counterpart for."""
    check_supported(model)
    builder = DiagramBuilder()
    config = MultibodyPlantConfig(time_step=physics_dt, contact_model="point", discrete_contact_approximation="sap")
    plant, scene_graph = AddMultibodyPlant(config, builder)
    plant.mutable_gravity_field().set_gravity_vector(model.opt.gravity)
    bodies = add_bodies(model, plant)
    joints = add_joints(model, plant, bodies)
    actuators = add_actuators(model, plant, joints)
    geoms = add_geoms(model, plant, bodies, friction)
    plant.Finalize()
    filter_collisions(model, scene_graph, geoms)
    return Plant(builder.Build(), plant, scene_graph, joints, actuators, bodies, {id_: geom for geom, id_ in geoms.items()})


def name_of(model, kind, number):
    return mujoco.mj_id2name(model, kind, number) or f"{number}"


def check_supported(model):
    def refuse(what):
        raise Error(f"the simulator drake has no {what}; use --simulator mujoco")

    for joint in range(model.njnt):
        if model.jnt_type[joint] == JOINT.mjJNT_BALL:
            refuse(f'ball joints ("{name_of(model, mujoco.mjtObj.mjOBJ_JOINT, joint)}")')
    free = [joint for joint in range(model.njnt) if model.jnt_type[joint] == JOINT.mjJNT_FREE]
    if np.any(np.bincount(model.jnt_bodyid, minlength=1) > 1):
        refuse("bodies with several joints")
    if any(model.body_parentid[model.jnt_bodyid[joint]] != 0 for joint in free):
        refuse("free joints inside the tree")
    turning = [model.jnt_qposadr[joint] for joint in range(model.njnt) if joint not in free]
    if np.any(model.qpos0[turning] != 0) or np.any(model.jnt_stiffness != 0):
        refuse("joints with ref or stiffness")
    if model.neq or model.ntendon:
        refuse("equality constraints and tendons")
    for geom in range(model.ngeom):
        if model.geom_type[geom] in WITHOUT_SHAPE and collides(model, geom):
            refuse("height fields: flat ground only")


def collides(model, geom):
    return model.geom_contype[geom] or model.geom_conaffinity[geom]


def pose(position, quaternion):
    quaternion = np.asarray(quaternion) / np.linalg.norm(quaternion)
    return RigidTransform(Quaternion(quaternion), position)


def add_bodies(model, plant):
    bodies = [plant.world_body()]
    for body in range(1, model.nbody):
        inertia = SpatialInertia.Zero()  # of a frame that is welded on
        if model.body_mass[body] > 0:
            principal = RotationMatrix(Quaternion(model.body_iquat[body] / np.linalg.norm(model.body_iquat[body])))
            central = RotationalInertia(*model.body_inertia[body]).ReExpress(principal)
            inertia = SpatialInertia.MakeFromCentralInertia(model.body_mass[body], model.body_ipos[body], central)
        bodies.append(plant.AddRigidBody(name_of(model, mujoco.mjtObj.mjOBJ_BODY, body), inertia))
    return bodies


def add_joints(model, plant, bodies):
    """Joints by name; a body without one is welded to its parent, one with a free joint floats."""
    joints = {}
    for body in range(1, model.nbody):
        parent = bodies[model.body_parentid[body]]
        X_PB = pose(model.body_pos[body], model.body_quat[body])
        joint = model.body_jntadr[body]
        if joint < 0:
            plant.WeldFrames(parent.body_frame(), bodies[body].body_frame(), X_PB)
            continue
        if model.jnt_type[joint] == JOINT.mjJNT_FREE:
            continue
        name = name_of(model, mujoco.mjtObj.mjOBJ_JOINT, joint)
        X_BJ = RigidTransform(model.jnt_pos[joint])
        on_parent = plant.AddFrame(FixedOffsetFrame(f"{name}_parent", parent.body_frame(), X_PB @ X_BJ))
        on_child = plant.AddFrame(FixedOffsetFrame(f"{name}_child", bodies[body].body_frame(), X_BJ))
        kind = RevoluteJoint if model.jnt_type[joint] == JOINT.mjJNT_HINGE else PrismaticJoint
        low, high = model.jnt_range[joint] if model.jnt_limited[joint] else (-np.inf, np.inf)
        damping = model.dof_damping[model.jnt_dofadr[joint]]
        joints[name] = plant.AddJoint(kind(name, on_parent, on_child, model.jnt_axis[joint], low, high, np.ravel(damping)[0]))
    return joints


def add_actuators(model, plant, joints):
    """A motor with a PD controller on every joint, in the order of `joints`. Its gains are set later; Drake needs them to be there from the start."""
    limits = {joint: gear * model.actuator_forcerange[a, 1] for a, joint, gear in motors_of(model) if model.actuator_forcelimited[a]}
    actuators = {}
    for name, joint in joints.items():
        dof = model.joint(name).dofadr[0]
        actuator = plant.AddJointActuator(name, joint, limits.get(model.joint(name).id, np.inf))
        actuator.set_default_gear_ratio(1)
        actuator.set_default_rotor_inertia(model.dof_armature[dof])
        actuator.set_controller_gains(PdControllerGains(p=1, d=1))
        actuators[name] = actuator
    return actuators


def add_geoms(model, plant, bodies, friction):
    """Collision shapes by MuJoCo's geom number. friction: of every contact; None: as the MJCF says."""
    geoms = [geom for geom in range(model.ngeom) if collides(model, geom)]
    wanted = {geom: friction_on_floor(model, geom) if friction is None else friction for geom in geoms}
    ground = max(wanted.values(), default=0) or 1.0
    ids = {}
    for geom in geoms:
        # Drake takes 2 a b / (a + b) of two surfaces; this is the a for which a geom has on the floor what it has in MuJoCo
        own = ground if is_floor(model, geom) else wanted[geom] * ground / (2 * ground - wanted[geom])
        properties = ProximityProperties()
        AddContactMaterial(properties=properties, friction=CoulombFriction(own, own))
        body = bodies[model.geom_bodyid[geom]]
        X_BG = pose(model.geom_pos[geom], model.geom_quat[geom])
        ids[geom] = plant.RegisterCollisionGeometry(body, X_BG, shape_of(model, geom), f"geom_{geom}", properties)
    return ids


def is_floor(model, geom):
    return model.body_weldid[model.geom_bodyid[geom]] == 0


def friction_on_floor(model, geom):
    """What MuJoCo takes for a geom on the floor, the same on all of it: that of the one with priority, else the larger of the two."""
    floors = [other for other in range(model.ngeom) if is_floor(model, other) and collides(model, other) and may_touch(model, geom, other)]
    found = {pair_friction(model, geom, other) for other in floors}
    if len(found) > 1:
        name = name_of(model, mujoco.mjtObj.mjOBJ_GEOM, geom)
        raise Error(f'the simulator drake has no floors of different friction (geom "{name}"); use --simulator mujoco')
    return found.pop() if found else float(model.geom_friction[geom, 0])


def pair_friction(model, geom, other):
    ranks = [(model.geom_priority[g], model.geom_friction[g, 0]) for g in (geom, other)]
    return float(max(ranks)[1])


def shape_of(model, geom):
    size, kind = model.geom_size[geom], model.geom_type[geom]
    if kind == GEOM.mjGEOM_PLANE:
        return HalfSpace()
    if kind == GEOM.mjGEOM_SPHERE:
        return Sphere(size[0])
    if kind == GEOM.mjGEOM_CAPSULE:
        return Capsule(size[0], 2 * size[1])
    if kind == GEOM.mjGEOM_CYLINDER:
        return Cylinder(size[0], 2 * size[1])
    if kind == GEOM.mjGEOM_ELLIPSOID:
        return Ellipsoid(*size)
    if kind == GEOM.mjGEOM_BOX:
        return Box(*(2 * size))
    mesh = model.geom_dataid[geom]
    points = model.mesh_vert[model.mesh_vertadr[mesh] :][: model.mesh_vertnum[mesh]]
    faces = model.mesh_face[model.mesh_faceadr[mesh] :][: model.mesh_facenum[mesh]] + 1
    lines = [f"v {x:.9g} {y:.9g} {z:.9g}" for x, y, z in points] + [f"f {a} {b} {c}" for a, b, c in faces]
    return Convex(InMemoryMesh(MemoryFile("\n".join(lines) + "\n", ".obj", f"mesh_{mesh}")))


def may_touch(model, geom, other):
    """MuJoCo's rule: bits of contype and conaffinity; not within a body, nor between a link and the one that carries it."""
    if not (model.geom_contype[geom] & model.geom_conaffinity[other] or model.geom_contype[other] & model.geom_conaffinity[geom]):
        return False
    links = [model.body_weldid[model.geom_bodyid[g]] for g in (geom, other)]
    if links[0] == links[1]:
        return False
    parents = [model.body_weldid[model.body_parentid[link]] for link in links]
    if 0 not in links and (links[0] == parents[1] or links[1] == parents[0]):
        return False
    pair = sorted(model.geom_bodyid[g] for g in (geom, other))
    return (pair[0] << 16) + pair[1] not in model.exclude_signature


def filter_collisions(model, scene_graph, ids):
    manager = scene_graph.collision_filter_manager()
    geoms = sorted(ids)
    for i, geom in enumerate(geoms):
        for other in geoms[i + 1 :]:
            if not may_touch(model, geom, other):
                manager.Apply(CollisionFilterDeclaration().ExcludeBetween(GeometrySet(ids[geom]), GeometrySet(ids[other])))
