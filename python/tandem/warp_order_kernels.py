"""Contacts and rows of constraints of MuJoCo Warp in an order that does not depend on which thread came first: kernels of tandem.warp_order.

Equation numbers are those of docs/gpu.md, section 6.
"""

import functools
from typing import Any

import warp as wp
from mujoco_warp._src import types

wp.set_module_options({"enable_backward": False})
CONSTRAINT = int(types.ContactType.CONSTRAINT)
CONE = int(types.ConstraintState.CONE)
TINY = float(types.MJ_MINVAL)
SCALAR_COLUMNS = 4  # threads of sort_rows() for what is one number per row


@wp.struct
class ContactArrays:
    """Those of mujoco_warp.Data.contact that a robot's contacts have  (naconmax)."""

    dist: wp.array[float]
    pos: wp.array[wp.vec3]
    frame: wp.array[wp.mat33]
    includemargin: wp.array[float]
    friction: wp.array[types.vec5]
    solref: wp.array[wp.vec2]
    solreffriction: wp.array[wp.vec2]
    solimp: wp.array[types.vec5]
    dim: wp.array[int]
    geom: wp.array[wp.vec2i]
    worldid: wp.array[int]
    type: wp.array[int]
    geomcollisionid: wp.array[int]
    adhesion: wp.array[float]
    efc_address: wp.array2d[int]


@wp.func
def move(a: ContactArrays, i: int, b: ContactArrays, k: int):
    b.dist[k] = a.dist[i]
    b.pos[k] = a.pos[i]
    b.frame[k] = a.frame[i]
    b.includemargin[k] = a.includemargin[i]
    b.friction[k] = a.friction[i]
    b.solref[k] = a.solref[i]
    b.solreffriction[k] = a.solreffriction[i]
    b.solimp[k] = a.solimp[i]
    b.dim[k] = a.dim[i]
    b.geom[k] = a.geom[i]
    b.worldid[k] = a.worldid[i]
    b.type[k] = a.type[i]
    b.geomcollisionid[k] = a.geomcollisionid[i]
    b.adhesion[k] = a.adhesion[i]
    for row in range(a.efc_address.shape[1]):
        b.efc_address[k, row] = -1


@wp.func
def before(a: ContactArrays, i: int, k: int):
    """Whether contact i comes before contact k of the same world  (2). Floats by their bits: an order for what is not a number, too."""
    for side in range(2):
        if a.geom[i][side] != a.geom[k][side]:
            return a.geom[i][side] < a.geom[k][side]
    if a.geomcollisionid[i] != a.geomcollisionid[k]:
        return a.geomcollisionid[i] < a.geomcollisionid[k]
    for axis in range(3):
        x, y = wp.cast(a.pos[i][axis], wp.int32), wp.cast(a.pos[k][axis], wp.int32)
        if x != y:
            return x < y
    return i < k  # the same contact twice


@wp.kernel
def count_contacts(nacon: wp.array[int], world: wp.array[int], count: wp.array[int]):
    c = wp.tid()
    if c < nacon[0]:
        wp.atomic_add(count, world[c], 1)


@wp.kernel
def count_groups(size: int, count: wp.array[int], group: wp.array[int]):
    g = wp.tid()
    total = wp.int32(0)
    for w in range(g * size, wp.min((g + 1) * size, count.shape[0])):
        total += count[w]
    group[g] = total


@wp.kernel
def begin_worlds(size: int, count: wp.array[int], group: wp.array[int], first: wp.array[int], free: wp.array[int]):
    # first[w]: how many contacts the worlds before w have
    g = wp.tid()
    begin = wp.int32(0)
    for h in range(g):
        begin += group[h]
    for w in range(g * size, wp.min((g + 1) * size, count.shape[0])):
        first[w] = begin
        free[w] = begin
        begin += count[w]


@wp.kernel
def collect(nacon: wp.array[int], world: wp.array[int], free: wp.array[int], contacts: wp.array[int]):
    # the contacts of a world next to each other, in no order yet
    c = wp.tid()
    if c < nacon[0]:
        place = wp.atomic_add(free, world[c], 1)
        contacts[place] = c


@wp.kernel
def sort_contacts(
    nacon: wp.array[int], first: wp.array[int], count: wp.array[int], contacts: wp.array[int], found: ContactArrays, ordered: ContactArrays
):
    place = wp.tid()
    if place >= nacon[0]:
        return
    c = contacts[place]
    begin = first[found.worldid[c]]
    rank = wp.int32(0)
    for other in range(begin, begin + count[found.worldid[c]]):
        if before(found, contacts[other], c):
            rank += 1
    move(found, c, ordered, begin + rank)


@wp.func
def first_of_world(world: wp.array[int], n: int, w: int):
    """The first of n contacts whose world is not before w."""
    low, high = wp.int32(0), wp.int32(n)
    while low < high:
        middle = (low + high) / 2
        if world[middle] < w:
            low = middle + 1
        else:
            high = middle
    return low


@functools.cache
def contact_rows(elliptic, adhesive):
    """In the place of MuJoCo Warp's constraint._efc_contact_init: rows of a world's contacts, one contact after the other."""

    @wp.kernel(module="unique", enable_backward=False)
    def rows_of_contacts(
        body_weldid: wp.array[int],
        body_dofnum: wp.array[int],
        body_dofadr: wp.array[int],
        dof_parentid: wp.array[int],
        geom_bodyid: wp.array[int],
        njmax: int,
        njmax_nnz: int,
        nacon: wp.array[int],
        dist: wp.array[float],
        dim: wp.array[int],
        includemargin: wp.array[float],
        adhesion: wp.array[float],
        world: wp.array[int],
        geom: wp.array[wp.vec2i],
        kind: wp.array[int],
        nefc: wp.array[int],
        address: wp.array2d[int],
        efc_id: wp.array2d[int],
        jtdaj_adr: wp.array2d[int],
        jtdaj_nrow: wp.array2d[int],
        jtdaj_nblock: wp.array[int],
        J_rownnz: wp.array2d[int],
        J_rowadr: wp.array2d[int],
        Jqvel: wp.array2d[float],
        nnz: wp.array[int],
    ):
        w = wp.tid()
        if w >= nefc.shape[0]:
            return
        n = wp.min(nacon[0], world.shape[0])
        row = nefc[w]
        for c in range(first_of_world(world, n, w), n):
            if world[c] != w:
                break
            touches = dist[c] < includemargin[c]
            if wp.static(adhesive):
                touches = touches or adhesion[c] != 0.0
            if touches and (kind[c] & CONSTRAINT) != 0:
                rows = dim[c]
                if wp.static(not elliptic):
                    rows = wp.where(dim[c] == 1, 1, 2 * (dim[c] - 1))
                first = row
                for i in range(rows):
                    if row < njmax:
                        address[c, i] = row
                        efc_id[w, row] = c
                    elif first < njmax:
                        # the solver takes all addresses of a contact whose first row there is; a world too full has a fault of its own
                        address[c, i] = njmax - 1
                    row += 1
        nefc[w] = row

    return rows_of_contacts


@wp.kernel
def gradient(
    smooth: wp.array2d[float],
    constraint: wp.array2d[float],
    Ma: wp.array2d[float],
    changed: wp.array[int],
    done: wp.array[bool],
    grad: wp.array2d[float],
    grad_dot: wp.array[float],
):
    # In the place of MuJoCo Warp's solver._update_gradient_grad: the sum of squares is one thread's
    w, dof = wp.tid()
    if done[w]:
        return
    grad[w, dof] = Ma[w, dof] - smooth[w, dof] - constraint[w, dof]
    if dof == 0:
        total = wp.float32(0.0)
        for i in range(smooth.shape[1]):
            g = Ma[w, i] - smooth[w, i] - constraint[w, i]
            total += g * g
        grad_dot[w] = total


@wp.kernel
def add_cones(
    impratio_invsqrt: wp.array[float],
    dof_row: wp.array[int],
    dof_col: wp.array[int],
    dist: wp.array[float],
    includemargin: wp.array[float],
    friction: wp.array[types.vec5],
    dim: wp.array[int],
    address: wp.array2d[int],
    world: wp.array[int],
    J: wp.array3d[float],
    D: wp.array2d[float],
    state: wp.array2d[int],
    naconmax: int,
    nacon: wp.array[int],
    Jaref: wp.array2d[float],
    done: wp.array[bool],
    contacts_per_block: int,
    blocks: int,
    h: wp.array3d[float],
):
    # In the place of MuJoCo Warp's solver._update_gradient_JTCJ_dense: a number of a world's Hessian is one thread's, contact after contact  (3)
    block, element = wp.tid()
    a, b = dof_row[element], dof_col[element]
    n = wp.min(nacon[0], naconmax)
    for w in range(block, done.shape[0], blocks):
        if done[w]:
            continue
        total = wp.float32(0.0)
        for c in range(first_of_world(world, n, w), n):
            if world[c] != w:
                break
            row = address[c, 0]
            if dim[c] == 1 or dist[c] >= includemargin[c] or row < 0:
                continue
            if state[w, row] != CONE:
                continue
            mu = friction[c][0] * impratio_invsqrt[w % impratio_invsqrt.shape[0]]
            scale = mu * mu * (1.0 + mu * mu)
            if scale == 0.0 or D[w, row] == 0.0:
                continue
            n_a, n_b = mu * J[w, row, a], mu * J[w, row, b]
            uu, u_a, u_b, a_b = wp.float32(0.0), wp.float32(0.0), wp.float32(0.0), wp.float32(0.0)
            for i in range(1, dim[c]):
                tangent = address[c, i]
                if tangent >= 0:
                    s = friction[c][i - 1]
                    u = s * Jaref[w, tangent]
                    t_a, t_b = s * J[w, tangent, a], s * J[w, tangent, b]
                    uu += u * u
                    u_a += u * t_a
                    u_b += u * t_b
                    a_b += t_a * t_b
            length = wp.max(wp.sqrt(uu), TINY)
            r = mu * mu * Jaref[w, row] / length
            u_a, u_b = u_a / length, u_b / length
            total += D[w, row] / scale * (n_a * n_b - mu * (n_a * u_b + n_b * u_a) + r * u_a * u_b + (mu * mu - r) * a_b)
        h[w, a, b] = h[w, a, b] + total


@wp.kernel
def rank_rows(
    ne: wp.array[int],
    nf: wp.array[int],
    nl: wp.array[int],
    njmax: int,
    kind: wp.array2d[int],
    number: wp.array2d[int],
    source: wp.array2d[int],
):
    # which row belongs at which place: of those before the contacts', by kind and number of what they hold  (4)
    w, i = wp.tid()
    n = wp.min(ne[w] + nf[w] + nl[w], njmax)
    if i >= n:
        return
    rank = wp.int32(0)
    for k in range(n):
        first = kind[w, k] < kind[w, i]
        if kind[w, k] == kind[w, i]:
            first = number[w, k] < number[w, i] or (number[w, k] == number[w, i] and k < i)
        if first:
            rank += 1
    source[w, rank] = i


@wp.func
def now_at(source: wp.array[int], i: int):
    """Where source[i] lies after places 0 to i - 1 were swapped with where theirs lay."""
    k = source[i]
    while k < i:
        k = source[k]
    return k


@wp.func
def permute(values: wp.array[Any], source: wp.array[int], n: int):
    """values[i] = values[source[i]], in place."""
    for i in range(n):
        k = now_at(source, i)
        kept = values[i]
        values[i] = values[k]
        values[k] = kept


@wp.func
def permute_column(values: wp.array2d[float], column: int, source: wp.array[int], n: int):
    for i in range(n):
        k = now_at(source, i)
        kept = values[i, column]
        values[i, column] = values[k, column]
        values[k, column] = kept


@wp.struct
class RowArrays:
    """What constraint.make_constraint has written of a row  (nworld, njmax); J (nworld, njmax, nv)."""

    J: wp.array3d[float]
    pos: wp.array2d[float]
    margin: wp.array2d[float]
    D: wp.array2d[float]
    vel: wp.array2d[float]
    aref: wp.array2d[float]
    frictionloss: wp.array2d[float]
    type: wp.array2d[int]
    id: wp.array2d[int]


@wp.kernel
def sort_rows(ne: wp.array[int], nf: wp.array[int], nl: wp.array[int], njmax: int, source: wp.array2d[int], rows: RowArrays):
    w, k = wp.tid()
    n = wp.min(ne[w] + nf[w] + nl[w], njmax)
    nv = rows.J.shape[2]
    if k < nv:
        permute_column(rows.J[w], k, source[w], n)
    elif k == nv:
        permute(rows.pos[w], source[w], n)
        permute(rows.margin[w], source[w], n)
    elif k == nv + 1:
        permute(rows.D[w], source[w], n)
        permute(rows.vel[w], source[w], n)
    elif k == nv + 2:
        permute(rows.aref[w], source[w], n)
        permute(rows.frictionloss[w], source[w], n)
    else:
        permute(rows.type[w], source[w], n)
        permute(rows.id[w], source[w], n)
