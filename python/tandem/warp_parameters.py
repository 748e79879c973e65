"""What differs between the worlds of a WarpSimulator: friction, masses, reflected inertias, strength, gravity. Written on the device, by mask."""

import mujoco
import numpy as np
import warp as wp

from . import warp_parameter_kernels as kernels
from .trajectory import Error

# name -> (entries of one world by a size of the robot, Warp's type)
FIELDS = {
    "friction": (None, float),
    "added_mass": (None, float),
    "com_offset": (None, wp.vec3),
    "mass_scale": ("nbody", float),
    "armature_scale": ("njnt", float),
    "strength": ("njnt", float),
    "gravity": (None, wp.vec3),
}
MASSES = {"added_mass", "com_offset", "mass_scale", "armature_scale"}  # from which more follows
POSITIVE = {"mass_scale", "armature_scale", "strength"}


def integers(values):
    return wp.array(np.asarray(values, dtype=np.int32), dtype=int)


def reals(values, dtype=float):
    return wp.array(np.asarray(values, dtype=np.float32), dtype=dtype)


class Parameters:
    """Takes values for the worlds of a mask, and works out what follows from them.

    robot, host, model: tandem.Robot, and the same as MuJoCo and MuJoCo Warp have it. bodies, dofs, actuators: of the robot's bodies and joints in the MJCF.
    links (nbody of the MJCF): the body that each one moves with. strength (nworld, njnt), fault (nworld): arrays of the simulator.
    """

    def __init__(self, robot, host, model, *, bodies, dofs, actuators, links, strength, fault):
        self.robot, self.host, self.nworld = robot, host, len(strength)
        self.base = np.flatnonzero(links == bodies[0])  # its parts: bodies of the MJCF
        self.masses_differ = False
        number = {body: i for i, body in enumerate(bodies)}
        self.own = own = kernels.Own()
        own.friction, own.mass, own.inertia = reals(host.geom_friction, wp.vec3), reals(host.body_mass), reals(host.body_inertia, wp.vec3)
        own.ipos, own.armature, own.range = reals(host.body_ipos, wp.vec3), reals(host.dof_armature), reals(host.actuator_forcerange, wp.vec2)
        own.gravity, own.base_mass = wp.vec3(*host.opt.gravity), float(host.body_mass[self.base].sum())
        own.from_base, own.axes_from_base = self.axes_of_base()
        own.parent, own.link = integers(host.body_parentid), integers([number.get(int(link), -1) for link in links])
        own.dof, own.actuator = integers(dofs), integers(actuators)
        self.taken = taken = kernels.Taken()
        taken.friction, taken.mass, taken.inertia, taken.ipos = model.geom_friction, model.body_mass, model.body_inertia, model.body_ipos
        taken.armature, taken.range, taken.gravity = model.dof_armature, model.actuator_forcerange, model.opt.gravity
        taken.subtree, taken.strength = model.body_subtreemass, strength
        taken.offset, taken.changed = wp.zeros(self.nworld, dtype=wp.vec3), wp.zeros(self.nworld, dtype=int)
        self.fault, self.body_weight, self.dof_weight = fault, model.body_invweight0, model.dof_invweight0
        self.rest = self.at_rest()
        self.matrix = wp.zeros((self.nworld, host.nv, host.nv), dtype=float)

    def axes_of_base(self):
        """Of the base's parts: what turns the base's axes into those of the part, and into those of its inertia."""
        data, n = mujoco.MjData(self.host), self.host.nbody
        mujoco.mj_kinematics(self.host, data)
        base = data.xmat[self.base[0]].reshape(3, 3)
        return [reals(axes.reshape(n, 3, 3).transpose(0, 2, 1) @ base, wp.mat33) for axes in (data.xmat, data.ximat)]

    def at_rest(self):
        """Jacobians at qpos0, what the inertia matrix has beside bodies and armature, and which dofs share one inverse weight."""
        host, data = self.host, mujoco.MjData(self.host)
        mujoco.mj_forward(host, data)
        shift, turn = np.zeros((host.nbody, 3, host.nv)), np.zeros((host.nbody, 3, host.nv))
        inertia, jacp, jacr = np.zeros((host.nv, host.nv)), np.zeros((3, host.nv)), np.zeros((3, host.nv))
        mujoco.mj_fullM(host, data, inertia)
        inertia -= np.diag(host.dof_armature)
        for b in range(host.nbody):
            mujoco.mj_jacBodyCom(host, data, jacp, jacr, b)
            axes = data.ximat[b].reshape(3, 3)
            shift[b], turn[b] = axes.T @ jacp, axes.T @ jacr
            inertia -= host.body_mass[b] * shift[b].T @ shift[b] + turn[b].T @ np.diag(host.body_inertia[b]) @ turn[b]
        first, count = np.arange(host.nv), np.ones(host.nv)
        for joint in range(host.njnt):
            begin, kind = int(host.jnt_dofadr[joint]), int(host.jnt_type[joint])
            for start in {0: [begin, begin + 3], 1: [begin]}.get(kind, []):  # free: translation, rotation; ball
                first[start : start + 3], count[start : start + 3] = start, 3
        rest = kernels.Rest()
        rest.shift, rest.turn = reals(shift.transpose(0, 2, 1), wp.vec3), reals(turn.transpose(0, 2, 1), wp.vec3)
        rest.inertia, rest.fixed = reals(inertia), integers(host.body_weldid == 0)
        rest.first, rest.count = integers(first), integers(count)
        return rest

    def set(self, arguments, mask, values):
        """Takes the values (name -> array or None) for the worlds of the mask; None: the model's."""
        unknown = set(values) - set(FIELDS)
        if unknown:
            raise Error(f'set_parameters: there is no "{min(unknown)}", but {", ".join(FIELDS)}')
        values = {name: value for name, value in values.items() if value is not None}
        given = kernels.Given()
        for name, value in values.items():
            size, dtype = FIELDS[name]
            shape = (self.nworld,) if size is None else (self.nworld, getattr(self.robot, size))
            setattr(given, name, arguments.array(value, name, shape, dtype))
        self.check(arguments, values)
        wp.launch(kernels.take_parameters, dim=self.nworld, inputs=[arguments.mask(mask), given, self.own], outputs=[self.taken, self.fault])
        self.masses_differ = self.masses_differ or bool(MASSES & set(values))
        if self.masses_differ:
            self.follow()

    def follow(self):
        """What the contact solver knows of the inertia of the worlds that took new values."""
        n, nv, changed = self.nworld, self.host.nv, self.taken.changed
        bodies = [self.own, self.taken, self.rest]
        wp.launch(kernels.inertia_matrix, dim=(n, nv, nv), inputs=bodies, outputs=[self.matrix])
        wp.launch(kernels.factorise, dim=n, inputs=[changed], outputs=[self.matrix])
        wp.launch(kernels.invert, dim=(n, nv), inputs=[changed], outputs=[self.matrix])
        wp.launch(kernels.body_weights, dim=(n, self.host.nbody), inputs=[*bodies, self.matrix], outputs=[self.body_weight])
        wp.launch(kernels.dof_weights, dim=(n, nv), inputs=[changed, self.rest, self.matrix], outputs=[self.dof_weight])

    def arrays(self):
        """What the kernels write: name -> array by world."""
        found = {name: getattr(self.taken, name) for name in kernels.Taken.vars if name not in ("offset", "changed", "strength")}
        return found | {"body_weight": self.body_weight, "dof_weight": self.dof_weight}

    def check(self, arguments, values):
        """Errors of the values that lie on the host; those on the device are the kernel's to look at."""
        here = {name: np.asarray(value, dtype=float) for name, value in values.items() if not arguments.on_device(value)}
        for name in POSITIVE & set(here):
            if not (here[name] > 0).all():
                raise Error(f"set_parameters: {name} holds {here[name].min()}, expected positive numbers")
        if "added_mass" in here and ("mass_scale" in here or "mass_scale" not in values):
            base = self.host.body_mass[self.base].sum() * (here["mass_scale"][:, 0] if "mass_scale" in here else 1)
            if ((base + here["added_mass"] <= 0) & (here["added_mass"] != 0)).any():
                raise Error(f"set_parameters: added_mass = {here['added_mass'].min()} kg leaves the base without mass; it has {np.min(base):.4g} kg")
