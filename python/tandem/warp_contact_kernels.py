"""Forces between feet and floor from MuJoCo Warp's contacts: kernels of tandem.warp_simulator, whose sums have the same bits whatever the contacts' order."""

import warp as wp

from .warp_kernels import HUGE

wp.set_module_options({"enable_backward": False})
PER_UNIT = 2.0**20  # forces are added as whole numbers: of 1e-6 N, up to 8e12 N
UNIT = 1.0 / PER_UNIT


@wp.struct
class Contacts:
    """Of all worlds, in no order; those of mujoco_warp.Data."""

    geom: wp.array[wp.vec2i]
    world: wp.array[int]
    frame: wp.array[wp.mat33]
    dist: wp.array[float]
    pos: wp.array[wp.vec3]
    force: wp.array[wp.spatial_vector]  # on the second geom, world frame


@wp.struct
class Motion:
    """Where bodies are, and how they move, at the start of a physics step  (nworld, nbody)."""

    xpos: wp.array2d[wp.vec3]
    xmat: wp.array2d[wp.mat33]
    cvel: wp.array2d[wp.spatial_vector]  # angular, linear at subtree_com of the root
    subtree_com: wp.array2d[wp.vec3]


@wp.struct
class Feet:
    """What belongs to which foot."""

    foot: wp.array[int]  # of a geom, -1: none
    link: wp.array[int]  # of a geom: the body that it moves with; 0: it belongs to the floor
    root: wp.array[int]  # of a geom: the body at the root of that one's tree
    point_body: wp.array[int]  # of a contact point
    point_position: wp.array[wp.vec3]  # in the axes of that body


@wp.struct
class Sums:
    """What add_contacts() adds to in one physics step. Whole numbers: MuJoCo Warp's contacts come in another order every time on a GPU, and sums of whole
    numbers do not depend on it."""

    point_force: wp.array3d[wp.int64]  # [UNIT N]
    foot_force: wp.array3d[wp.int64]
    load: wp.array2d[wp.int64]  # normal force of a foot [UNIT N],
    slide: wp.array2d[wp.int64]  # and normal force times sliding speed [UNIT W]
    floor_contact: wp.array[int]
    self_collision: wp.array[int]


@wp.func
def whole(x: float):
    return wp.int64(wp.clamp(x, -HUGE, HUGE) * PER_UNIT)


@wp.func
def real(x: wp.int64):
    return float(x) * UNIT


@wp.func
def nearest_point(feet: Feet, motion: Motion, w: int, body: int, position: wp.vec3):
    nearest, best = wp.int32(0), float(HUGE)
    for i in range(feet.point_body.shape[0]):
        if feet.point_body[i] == body:
            distance = wp.length_sq(motion.xpos[w, body] + motion.xmat[w, body] * feet.point_position[i] - position)
            if distance < best:
                nearest = i
                best = distance
    return nearest


@wp.kernel
def add_contacts(nacon: wp.array[int], contacts: Contacts, motion: Motion, feet: Feet, sums: Sums):
    c = wp.tid()
    if c >= nacon[0]:
        return
    w = contacts.world[c]
    a, b = contacts.geom[c][0], contacts.geom[c][1]
    if feet.link[a] > 0 and feet.link[b] > 0:
        if contacts.dist[c] < 0.0:
            sums.self_collision[w] = 1
        return
    f = wp.spatial_top(contacts.force[c])  # on b from a
    n = wp.vec3(contacts.frame[c][0, 0], contacts.frame[c][0, 1], contacts.frame[c][0, 2])
    normal = wp.dot(f, n)
    if not (normal > 0.0 and wp.length(f) < HUGE):
        return
    g = int(b)
    sign = wp.float32(1.0)
    if feet.link[a] > 0:
        g = a
        sign = -1.0
    foot = feet.foot[g]
    if foot < 0:
        sums.floor_contact[w] = 1
        return
    body = feet.link[g]
    point = nearest_point(feet, motion, w, body, contacts.pos[c])
    for i in range(3):
        wp.atomic_add(sums.foot_force, w, foot, i, whole(sign * f[i]))
        wp.atomic_add(sums.point_force, w, point, i, whole(sign * f[i]))
    # velocity of the touching material, without its part along the normal
    twist = motion.cvel[w, body]
    v = wp.spatial_bottom(twist) + wp.cross(wp.spatial_top(twist), contacts.pos[c] - motion.subtree_com[w, feet.root[g]])
    wp.atomic_add(sums.load, w, foot, whole(normal))
    wp.atomic_add(sums.slide, w, foot, whole(normal * wp.length(v - wp.dot(v, n) * n)))


@wp.func
def move(sums: wp.array3d[wp.int64], w: int, i: int):
    f = wp.vec3(real(sums[w, i, 0]), real(sums[w, i, 1]), real(sums[w, i, 2]))
    for k in range(3):
        sums[w, i, k] = wp.int64(0)
    return f


@wp.kernel
def add_forces(
    mean: float,
    physics_dt: float,
    sums: Sums,
    point_force: wp.array2d[wp.vec3],
    foot_force: wp.array2d[wp.vec3],
    foot_slip: wp.array2d[float],
):
    # what one physics step found, to the means of the control step
    w = wp.tid()
    for i in range(point_force.shape[1]):
        point_force[w, i] = point_force[w, i] + mean * move(sums.point_force, w, i)
    for f in range(foot_force.shape[1]):
        foot_force[w, f] = foot_force[w, f] + mean * move(sums.foot_force, w, f)
        if sums.load[w, f] > wp.int64(0):
            foot_slip[w, f] = foot_slip[w, f] + physics_dt * real(sums.slide[w, f]) / real(sums.load[w, f])
        sums.load[w, f] = wp.int64(0)
        sums.slide[w, f] = wp.int64(0)
