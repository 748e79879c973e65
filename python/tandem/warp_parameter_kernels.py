"""The kernels of tandem.warp_parameters: from what is set per world to the arrays of the model that a physics step reads.

With M the inertia matrix at the model's own configuration qpos0, J_b the Jacobian of body b's centre of mass, in the axes of its inertia I_b, and o_b the shift
of that centre there, which bodies that are part of the base have,

    M = rest + diag(armature) + sum_b (m_b P_b' P_b + R_b' I_b R_b),    J_b = (P_b, R_b),    P_b <- P_b + R_b x o_b                            (1)

and what the contact solver scales its softness with is |L^-1 J_b'|^2 by thirds, and |L^-1 e_i|^2 for a joint's own freedoms, M = L L'.
"""

import warp as wp

from .warp_kernels import FAULT_PARAMETERS, HUGE, finite

wp.set_module_options({"enable_backward": False})
MINVAL = 1e-15  # MuJoCo's own


@wp.struct
class Given:
    """Arguments, (nworld) first; an array without entries: the model's value."""

    friction: wp.array[float]
    added_mass: wp.array[float]
    com_offset: wp.array[wp.vec3]
    mass_scale: wp.array2d[float]  # by body of the robot
    armature_scale: wp.array2d[float]  # by joint of the robot
    strength: wp.array2d[float]
    gravity: wp.array[wp.vec3]


@wp.struct
class Own:
    """The model's values, and where the robot's joints and bodies are in it."""

    friction: wp.array[wp.vec3]  # (ngeom)
    mass: wp.array[float]  # (nbody)
    inertia: wp.array[wp.vec3]
    ipos: wp.array[wp.vec3]
    armature: wp.array[float]  # (nv)
    range: wp.array[wp.vec2]  # of an actuator's force
    gravity: wp.vec3
    base_mass: float  # of all bodies that are part of the base, which is link 0
    from_base: wp.array[wp.mat33]  # of a part of the base: from the base's axes to its own,
    axes_from_base: wp.array[wp.mat33]  # and to those of its inertia
    parent: wp.array[int]  # of a body
    link: wp.array[int]  # of a body: the robot's body that it belongs to, -1: none
    dof: wp.array[int]  # of a joint of the robot
    actuator: wp.array[int]


@wp.struct
class Taken:
    """What is written: arrays of the model by world."""

    friction: wp.array2d[wp.vec3]
    mass: wp.array2d[float]
    inertia: wp.array2d[wp.vec3]
    ipos: wp.array2d[wp.vec3]
    armature: wp.array2d[float]
    range: wp.array2d[wp.vec2]
    gravity: wp.array[wp.vec3]
    strength: wp.array2d[float]
    subtree: wp.array2d[float]  # mass of a body and all that hangs on it
    offset: wp.array[wp.vec3]  # of the base's centre of mass, in the base's axes
    changed: wp.array[int]  # whether the world took its values


@wp.struct
class Rest:
    """The robot at qpos0: what does not depend on the world."""

    shift: wp.array2d[wp.vec3]  # P_b  (nbody, nv)
    turn: wp.array2d[wp.vec3]  # R_b
    inertia: wp.array2d[float]  # of equation (1): what comes from neither bodies nor joints  (nv, nv)
    fixed: wp.array[int]  # of a body: whether it cannot move
    first: wp.array[int]  # of a dof: where the dofs begin that share one value,
    count: wp.array[int]  # and how many they are


@wp.func
def or_one(values: wp.array2d[float], w: int, i: int):
    if values.shape[0] == 0:
        return 1.0
    return values[w, i]


@wp.func
def all_positive(values: wp.array2d[float], w: int):
    good = wp.bool(True)
    for i in range(values.shape[1]):
        good = good and values[w, i] > 0.0 and values[w, i] < HUGE
    return good


@wp.func
def finite3(v: wp.vec3):
    return finite(v[0]) and finite(v[1]) and finite(v[2])


@wp.func
def acceptable(given: Given, own: Own, w: int, added_mass: float, com_offset: wp.vec3):
    good = finite(added_mass) and finite3(com_offset)
    if given.friction.shape[0] > 0:
        good = good and finite(given.friction[w])
    if given.gravity.shape[0] > 0:
        good = good and finite3(given.gravity[w])
    good = good and all_positive(given.mass_scale, w) and all_positive(given.armature_scale, w) and all_positive(given.strength, w)
    return good and (added_mass == 0.0 or own.base_mass * or_one(given.mass_scale, w, 0) + added_mass > 0.0)


@wp.func
def take_masses(given: Given, own: Own, taken: Taken, w: int, added_mass: float, com_offset: wp.vec3):
    nbody = own.mass.shape[0]
    for b in range(nbody):
        scale, shift = wp.float32(1.0), wp.vec3(0.0, 0.0, 0.0)
        if own.link[b] >= 0:
            scale = or_one(given.mass_scale, w, own.link[b])
        if own.link[b] == 0:
            if own.base_mass > 0.0:
                scale += added_mass / own.base_mass
            shift = own.from_base[b] * com_offset
        taken.mass[w, b] = scale * own.mass[b]
        taken.subtree[w, b] = scale * own.mass[b]
        taken.inertia[w, b] = scale * own.inertia[b]
        taken.ipos[w, b] = own.ipos[b] + shift
    for i in range(nbody - 1):
        b = nbody - 1 - i
        taken.subtree[w, own.parent[b]] = taken.subtree[w, own.parent[b]] + taken.subtree[w, b]


@wp.kernel
def take_parameters(mask: wp.array[int], given: Given, own: Own, taken: Taken, fault: wp.array[int]):
    w = wp.tid()
    taken.changed[w] = 0
    if mask[w] == 0:
        return
    added_mass, com_offset = wp.float32(0.0), wp.vec3(0.0, 0.0, 0.0)
    if given.added_mass.shape[0] > 0:
        added_mass = given.added_mass[w]
    if given.com_offset.shape[0] > 0:
        com_offset = given.com_offset[w]
    if not acceptable(given, own, w, added_mass, com_offset):
        fault[w] = fault[w] | FAULT_PARAMETERS
        return
    fault[w] = fault[w] & ~FAULT_PARAMETERS
    taken.changed[w] = 1
    take_masses(given, own, taken, w, added_mass, com_offset)
    taken.offset[w] = com_offset
    for g in range(own.friction.shape[0]):
        slide = float(own.friction[g][0])
        if given.friction.shape[0] > 0:
            if given.friction[w] >= 0.0:
                slide = given.friction[w]
        taken.friction[w, g] = wp.vec3(slide, own.friction[g][1], own.friction[g][2])
    for i in range(own.armature.shape[0]):
        taken.armature[w, i] = own.armature[i]
    for j in range(own.dof.shape[0]):
        strength = or_one(given.strength, w, j)
        taken.strength[w, j] = strength
        taken.range[w, own.actuator[j]] = strength * own.range[own.actuator[j]]
        taken.armature[w, own.dof[j]] = or_one(given.armature_scale, w, j) * own.armature[own.dof[j]]
    taken.gravity[w] = own.gravity
    if given.gravity.shape[0] > 0:
        taken.gravity[w] = given.gravity[w]


@wp.func
def shift_of(rest: Rest, own: Own, taken: Taken, w: int, b: int, i: int):
    if own.link[b] == 0:
        return rest.shift[b, i] + wp.cross(rest.turn[b, i], own.axes_from_base[b] * taken.offset[w])
    return rest.shift[b, i]


@wp.kernel
def inertia_matrix(own: Own, taken: Taken, rest: Rest, matrix: wp.array3d[float]):
    # equation (1), lower triangle
    w, i, j = wp.tid()
    if taken.changed[w] == 0 or j > i:
        return
    sum = float(rest.inertia[i, j])
    if i == j:
        sum += taken.armature[w, i]
    for b in range(own.mass.shape[0]):
        sum += taken.mass[w, b] * wp.dot(shift_of(rest, own, taken, w, b, i), shift_of(rest, own, taken, w, b, j))
        sum += wp.dot(wp.cw_mul(taken.inertia[w, b], rest.turn[b, i]), rest.turn[b, j])
    matrix[w, i, j] = sum


@wp.kernel
def factorise(changed: wp.array[int], matrix: wp.array3d[float]):
    # Cholesky: L in place of the lower triangle
    w = wp.tid()
    if changed[w] == 0:
        return
    for j in range(matrix.shape[1]):
        pivot = float(matrix[w, j, j])
        for k in range(j):
            pivot -= matrix[w, j, k] * matrix[w, j, k]
        pivot = wp.sqrt(wp.max(pivot, MINVAL))
        matrix[w, j, j] = pivot
        for i in range(j + 1, matrix.shape[1]):
            sum = float(matrix[w, i, j])
            for k in range(j):
                sum -= matrix[w, i, k] * matrix[w, j, k]
            matrix[w, i, j] = sum / pivot


@wp.kernel
def invert(changed: wp.array[int], matrix: wp.array3d[float]):
    # column j of L^-1 beside the diagonal, as row j of the upper triangle
    w, j = wp.tid()
    if changed[w] == 0:
        return
    for i in range(j + 1, matrix.shape[1]):
        sum = matrix[w, i, j] / matrix[w, j, j]
        for k in range(j + 1, i):
            sum += matrix[w, i, k] * matrix[w, j, k]
        matrix[w, j, i] = -sum / matrix[w, i, i]


@wp.func
def inverse(matrix: wp.array3d[float], w: int, i: int, j: int):
    if i == j:
        return 1.0 / matrix[w, i, i]
    return matrix[w, j, i]


@wp.kernel
def body_weights(own: Own, taken: Taken, rest: Rest, matrix: wp.array3d[float], weight: wp.array2d[wp.vec2]):
    w, b = wp.tid()
    if taken.changed[w] == 0:
        return
    shift, turn = wp.float32(0.0), wp.float32(0.0)
    if rest.fixed[b] == 0:
        for i in range(matrix.shape[1]):
            y, z = wp.vec3(0.0, 0.0, 0.0), wp.vec3(0.0, 0.0, 0.0)
            for j in range(i + 1):
                entry = inverse(matrix, w, i, j)
                y += entry * shift_of(rest, own, taken, w, b, j)
                z += entry * rest.turn[b, j]
            shift += wp.dot(y, y) / 3.0
            turn += wp.dot(z, z) / 3.0
        if shift < MINVAL and turn > MINVAL:
            shift = turn
        elif turn < MINVAL and shift > MINVAL:
            turn = shift
    weight[w, b] = wp.vec2(shift, turn)


@wp.kernel
def dof_weights(changed: wp.array[int], rest: Rest, matrix: wp.array3d[float], weight: wp.array2d[float]):
    w, d = wp.tid()
    if changed[w] == 0:
        return
    sum = wp.float32(0.0)
    for j in range(rest.first[d], rest.first[d] + rest.count[d]):
        for i in range(j, matrix.shape[1]):
            sum += inverse(matrix, w, i, j) * inverse(matrix, w, i, j)
    weight[w, d] = sum / float(rest.count[d])
