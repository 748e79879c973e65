"""The same bits from run to run: physics steps of MuJoCo Warp whose sums have one order. docs/gpu.md, section 6.

MuJoCo Warp gives contacts and rows of constraints their places by atomic counters, and adds up in that order. in_order() has it step with contacts and rows
sorted, and with its two sums by atomic additions that have several summands here taken by one thread each.
"""

import copy
import math
from contextlib import contextmanager

import mujoco
import warp as wp
from mujoco_warp._src import collision_driver, constraint, solver, types

from . import warp_order_kernels as kernels
from .trajectory import Error
from .warp_arguments import struct_of

NV_MAX = 50  # with more, MuJoCo Warp adds up a row of J in three parts or more, in no order
INTEGRATORS = (mujoco.mjtIntegrator.mjINT_EULER, mujoco.mjtIntegrator.mjINT_RK4, mujoco.mjtIntegrator.mjINT_IMPLICITFAST)
PLACES = [
    (collision_driver, "collision"),
    (constraint, "make_constraint"),
    (constraint, "_efc_contact_init"),
    (solver, "_use_incremental"),
    (solver, "_update_gradient_grad"),
    (solver, "_update_gradient_JTCJ_dense"),
]


def reason_against(host):
    """Why the worlds of a MuJoCo model cannot be stepped in order, or None."""
    if host.nv > NV_MAX:
        return f"it has {host.nv} velocities, expected at most {NV_MAX}"
    if host.ntendon or host.nflex or host.body_gravcomp.any():
        return "it has tendons, flexible bodies or gravity compensation"
    if len(set(host.actuator_trnid[:, 0])) < host.nu:
        return "it has several actuators on a joint"
    if host.opt.integrator not in INTEGRATORS or host.opt.density or host.opt.viscosity:
        return "its integrator is neither Euler nor implicitfast nor RK4, or it moves in a fluid"
    if host.opt.solver != mujoco.mjtSolver.mjSOL_NEWTON or host.opt.enableflags & mujoco.mjtEnableBit.mjENBL_SLEEP:
        return "it does not use Newton's solver, or lets bodies sleep"
    return None


class Order:
    """What sorting needs between kernels, for the data of one model. The model must be dense (host.opt.jacobian)."""

    def __init__(self, data):
        n, ncon = data.nworld, data.naconmax
        self.found, self.ordered = data.contact, copy.copy(data.contact)
        for name in kernels.ContactArrays.vars:
            setattr(self.ordered, name, wp.zeros_like(getattr(self.found, name)))
        self.group_size = math.isqrt(n - 1) + 1
        self.group = wp.zeros(-(-n // self.group_size), dtype=int)
        self.count, self.first, self.free = (wp.zeros(n, dtype=int) for _ in range(3))
        self.contacts = wp.zeros(ncon, dtype=int)
        self.source = wp.zeros((n, data.njmax), dtype=int)
        self.from_contacts, self.to_contacts = (struct_of(kernels.ContactArrays, contact) for contact in (self.found, self.ordered))
        self.rows = struct_of(kernels.RowArrays, data.efc)
        data.contact = self.ordered

    def sort_contacts(self, data):
        """Those of found into ordered  (2)"""
        ncon, world = data.naconmax, self.found.worldid
        self.count.zero_()
        wp.launch(kernels.count_contacts, dim=ncon, inputs=[data.nacon, world], outputs=[self.count])
        wp.launch(kernels.count_groups, dim=self.group.size, inputs=[self.group_size, self.count], outputs=[self.group])
        wp.launch(kernels.begin_worlds, dim=self.group.size, inputs=[self.group_size, self.count, self.group], outputs=[self.first, self.free])
        wp.launch(kernels.collect, dim=ncon, inputs=[data.nacon, world], outputs=[self.free, self.contacts])
        inputs = [data.nacon, self.first, self.count, self.contacts, self.from_contacts]
        wp.launch(kernels.sort_contacts, dim=ncon, inputs=inputs, outputs=[self.to_contacts])

    def sort_rows(self, data):
        """Those of friction in joints and of limits; contacts have theirs in order from contact_rows()  (4)"""
        n, counts = data.nworld, [data.ne, data.nf, data.nl, data.njmax]
        wp.launch(kernels.rank_rows, dim=(n, data.njmax), inputs=[*counts, data.efc.type, data.efc.id], outputs=[self.source])
        wp.launch(kernels.sort_rows, dim=(n, self.rows.J.shape[2] + kernels.SCALAR_COLUMNS), inputs=[*counts, self.source], outputs=[self.rows])

    @contextmanager
    def in_order(self):
        """Inside, mujoco_warp.step() works in order; data.contact is sorted afterwards."""
        try:
            theirs = {name: getattr(module, name) for module, name in PLACES}
        except AttributeError as missing:
            raise Error(
                f"this version of MuJoCo Warp cannot be stepped in order ({missing}); install the one of tools/requirements-warp.txt"
            ) from None

        def collision(model, data, *arguments, **named):
            data.contact = self.found
            theirs["collision"](model, data, *arguments, **named)
            self.sort_contacts(data)
            data.contact = self.ordered

        def make_constraint(model, data):
            theirs["make_constraint"](model, data)
            self.sort_rows(data)

        ours = [
            collision,
            make_constraint,
            lambda cone, sparse, newton, adhesive: kernels.contact_rows(cone == types.ConeType.ELLIPTIC, bool(adhesive)),
            lambda model: False,  # which rows changed is a list in no order
            lambda stable_fast, deterministic=False: kernels.gradient,
            lambda contacts_per_block, deterministic=False: kernels.add_cones,
        ]
        for (module, name), function in zip(PLACES, ours, strict=True):
            setattr(module, name, function)
        try:
            yield
        finally:
            for module, name in PLACES:
                setattr(module, name, theirs[name])
