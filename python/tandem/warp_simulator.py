"""Robots in MuJoCo Warp: the physics of tandem.Simulator for thousands of worlds on one GPU, or on the processor. docs/gpu.md, section 6.

    sim = WarpSimulator(tandem.Robot("mit_humanoid"), nworld=4096)
    sim.set_state(q, v)                         # all worlds, or those of a mask
    sim.q_des.assign(...)                       # set points are Warp arrays on the device; wp.to_torch(sim.q_des) shares them
    sim.step()                                  # one control step: one captured graph
    sim.q, sim.v, sim.foot_force, ...

Arguments are NumPy's, or arrays of Torch or Warp that lie on the device: those are not copied, nothing of them crosses to the host, and the host waits for
nothing. Where the numbers of such an array cannot be, the world's fault says so in place of an Error. Masks are int32, uint8 or bool by world.

Joint torques are clip(strength (tau_ff + kp (q_des - q) + kd (v_des - v))) at the physics rate. Forces and torques are means over the control step. Numbers
are float32, worlds first, joints and feet in the order of the robot.
"""

from contextlib import nullcontext

import mujoco
import numpy as np

from .feet import foot_of_geoms
from .mjcf import compile_mjcf, motors_of
from .trajectory import Error

REQUIREMENTS = "tools/requirements-warp.txt"
try:
    import mujoco_warp as mjw
    import warp as wp

    from . import warp_contact_kernels as contacts
    from . import warp_kernels as kernels
    from . import warp_save
    from .warp_arguments import Arguments, struct_of
    from .warp_order import Order, reason_against
    from .warp_parameters import Parameters
except ModuleNotFoundError as missing:
    raise ImportError(
        f"tandem.warp_simulator needs the Python package {missing.name}: python -m pip install --no-deps -r {REQUIREMENTS}", name=missing.name
    ) from None

CONTACTS_PER_WORLD = 48
# what may differ between worlds: fields of the model, and what follows from them
BATCHED = ["geom_friction", "body_mass", "body_inertia", "body_ipos", "dof_armature", "actuator_gainprm", "actuator_biasprm", "actuator_forcerange"]
MEMORY_FACTOR = 1.5  # what a world takes while it steps, over its data; measured on flat ground: 1.2
CONVEX_SCRATCH = 6000  # of a contact with a height field, in MuJoCo Warp's collision of convex shapes [bytes]
DERIVED = ["body_subtreemass", "body_invweight0", "dof_invweight0"]


def free_memory():
    """Of the processor [bytes]."""
    with open("/proc/meminfo") as file:
        kib = {line.split(":")[0]: int(line.split()[1]) for line in file}
    return 1024 * kib["MemAvailable"]


class WarpSimulator:
    """Copies of one robot in MuJoCo Warp; q and v in the conventions of tandem.Robot.

    robot: tandem.Robot of an MJCF. nworld: copies. control_dt, physics_dt: time of step(), and of one integration step [s].
    device: of Warp, "cuda:0" or "cpu"; None: Warp's choice. contacts_per_world: room for that many on average; beyond it `fault` has bit 4.
    terrain: tandem.mjcf.Terrain in place of the floor; None: the MJCF as it is.
    deterministic: the same bits from run to run on a GPU too (docs/gpu.md, section 6). None: where the robot allows it; True: an Error where it does not.
    stream: attribute, of Warp, that all work goes into on a GPU. None: Torch's current one where Torch uses the GPU, else Warp's current one.
    """

    stream = None

    def __init__(
        self,
        robot,
        nworld,
        *,
        control_dt=0.01,
        physics_dt=0.001,
        device=None,
        contacts_per_world=CONTACTS_PER_WORLD,
        terrain=None,
        deterministic=None,
    ):
        self.substeps = round(control_dt / physics_dt)
        if nworld < 1:
            raise Error(f"nworld = {nworld}, expected at least 1")
        if self.substeps < 1 or abs(self.substeps * physics_dt - control_dt) > 1e-9:
            raise Error(f"control_dt = {control_dt} s is no whole multiple of physics_dt = {physics_dt} s")
        if not str(robot.model_path).endswith(".xml"):
            raise Error(f"{robot.model_path}: expected an MJCF (.xml) with one actuator per joint")
        wp.init()
        try:
            self.device = wp.get_device(device)
        except (ValueError, RuntimeError):
            names = ", ".join(d.alias for d in wp.get_devices())
            raise Error(f'device = "{device}" is not one of Warp\'s devices here ({names}); use device="cpu"') from None
        self.robot, self.nworld, self.control_dt, self.physics_dt = robot, nworld, control_dt, physics_dt
        self.host = host = compile_mjcf(robot.model_path, terrain)
        host.opt.timestep = physics_dt
        against = reason_against(host)
        if deterministic and against:
            raise Error(f"deterministic = True: {robot.model_path}: {against}; take deterministic=False")
        self.deterministic = not against if deterministic is None else deterministic
        if self.deterministic:
            host.opt.jacobian = mujoco.mjtJacobian.mjJAC_DENSE
        rows = 3 * contacts_per_world + 2 * robot.njnt + int(host.nv)
        with wp.ScopedDevice(self.device):
            try:
                self.check_memory(contacts_per_world, rows)
                self.model = mjw.put_model(host, batch_sizes={name: nworld for name in BATCHED + DERIVED})
                self.model.opt.gravity = self.batched(host.opt.gravity, wp.vec3)
                self.model.opt.warn_overflow = 0
                self.data = mjw.make_data(host, nworld=nworld, naconmax=nworld * contacts_per_world, njmax=rows)
                self.order = Order(self.data) if self.deterministic else None
                self.map_model()
                self.make_arrays()
            except (NotImplementedError, ValueError) as error:
                raise Error(f"{robot.model_path}: MuJoCo Warp refuses it: {str(error).splitlines()[0]}; use --simulator mujoco") from None
            except (RuntimeError, MemoryError) as error:
                if isinstance(error, RuntimeError) and "alloc" not in str(error) and "memory" not in str(error):
                    raise
                raise Error(f"nworld = {nworld}: no memory on {self.device} ({str(error).splitlines()[0]}); take fewer worlds") from None
        self.graph = None
        self.set_state(np.tile(robot.stand, (nworld, 1)), np.zeros((nworld, robot.nv)))

    def check_memory(self, contacts_per_world, rows):
        """Error where the worlds would not fit: asked before anything is taken, since a processor gives out memory that it does not have."""
        one = mjw.make_data(self.host, nworld=1, naconmax=contacts_per_world, njmax=rows)
        parts = [one, one.contact, one.efc] + [one.contact] * self.deterministic  # sorted contacts
        data = sum(array.capacity for part in parts for array in vars(part).values() if isinstance(array, wp.array))
        each = MEMORY_FACTOR * data + (CONVEX_SCRATCH * contacts_per_world if self.host.nhfield else 0)
        free = self.device.free_memory if self.device.is_cuda else free_memory()
        if self.nworld * each > free:
            raise Error(
                f"nworld = {self.nworld}: each world takes {each / 1024:.0f} KiB on {self.device}, free are {free / 2**30:.1f} GiB, "
                f"enough for {int(free / each)} worlds; take fewer"
            )

    def map_model(self):
        """Where joints, bodies and feet of the robot are in the MJCF."""
        host, robot = self.host, self.robot
        joints = [host.joint(name) for name in robot.joint_names]
        actuator_of = {joint: actuator for actuator, joint, _ in motors_of(host)}
        missing = [j.name for j in joints if j.id not in actuator_of]
        if missing:
            raise Error(f'{robot.model_path}: joint "{missing[0]}" has no actuator')
        law = [int(kind) for kind in (mujoco.mjtGain.mjGAIN_FIXED, mujoco.mjtBias.mjBIAS_AFFINE, mujoco.mjtDyn.mjDYN_NONE)]
        for actuator, joint, gear in motors_of(host):
            if [int(kinds[actuator]) for kinds in (host.actuator_gaintype, host.actuator_biastype, host.actuator_dyntype)] != law or gear != 1:
                name = host.joint(joint).name
                raise Error(f'{robot.model_path}: the actuator of joint "{name}" must be gaintype="fixed" biastype="affine" dyntype="none" gear="1"')
        base = 7 if robot.floating else 0
        self.actuators = np.array([actuator_of[j.id] for j in joints])
        self.dofs = np.array([int(j.dofadr[0]) for j in joints])
        qposadr = np.concatenate([np.arange(base), [int(j.qposadr[0]) for j in joints]])
        dofadr = np.concatenate([np.arange(max(base - 1, 0)), self.dofs])
        self.bodies = [host.body(name).id for name in robot.body_names]
        foot_of_body = {host.body(robot.body_names[body]).id: foot for body, foot in zip(robot.contact_bodies, robot.contact_feet, strict=True)}
        foot = np.full(host.ngeom, -1)
        for geom, number in foot_of_geoms(host, foot_of_body, robot.foot_geoms, robot.foot_names).items():
            foot[geom] = number
        links = np.arange(host.nbody)
        for body in range(1, host.nbody):  # bodies without joints belong to their parent, and parents come first
            if body not in self.bodies:
                links[body] = links[host.body_parentid[body]]
        link = np.where(host.body_weldid[host.geom_bodyid] != 0, links[host.geom_bodyid], 0)

        def integers(values):
            return wp.array(np.asarray(values, dtype=np.int32), dtype=int)

        self._actuator, self._dof, self._qposadr, self._dofadr = (integers(x) for x in (self.actuators, self.dofs, qposadr, dofadr))
        self._bodies, self._links = integers(self.bodies), links
        self._feet = feet = contacts.Feet()
        feet.foot, feet.link, feet.root = integers(foot), integers(link), integers(host.body_rootid[link])
        feet.point_body = integers([self.bodies[body] for body in robot.contact_bodies])
        feet.point_position = wp.array(np.asarray(robot.contact_positions, dtype=np.float32).reshape(-1, 3), dtype=wp.vec3)

    def make_arrays(self):
        """Inputs, outputs and what is kept between steps."""
        n, robot = self.nworld, self.robot
        self.inputs = wp.zeros((5, n, robot.njnt), dtype=float)
        self.tau_ff, self.q_des, self.v_des, self.kp, self.kd = (self.inputs[i] for i in range(5))
        self.kp.assign(np.tile(robot.kp, (n, 1)))
        self.kd.assign(np.tile(robot.kd, (n, 1)))
        self.q, self.v = wp.zeros((n, robot.nq), dtype=float), wp.zeros((n, robot.nv), dtype=float)
        self.tau, self.power, self.time = wp.zeros((n, robot.njnt), dtype=float), wp.zeros(n, dtype=float), wp.zeros(n, dtype=float)
        self.point_force, self.foot_force = wp.zeros((n, len(robot.contact_bodies)), dtype=wp.vec3), wp.zeros((n, robot.nfoot), dtype=wp.vec3)
        self.foot_slip = wp.zeros((n, robot.nfoot), dtype=float)
        self.floor_contact, self.self_collision, self.fault = (wp.zeros(n, dtype=int) for _ in range(3))
        self.strength = wp.full((n, robot.njnt), 1.0, dtype=float)
        self.push_force, self.push_steps, self.push_body = wp.zeros(n, dtype=wp.vec3), wp.zeros(n, dtype=int), wp.zeros(n, dtype=int)
        self.qpos_before, self.qvel_before, self.speed = (wp.clone(x) for x in (self.data.qpos, self.data.qvel, self.data.qvel))
        ncon = self.data.naconmax
        self.contact_ids = wp.array(np.arange(ncon, dtype=np.int32), dtype=int)
        self.contact_force = wp.zeros(ncon, dtype=wp.spatial_vector)
        self.arguments = Arguments(self.device, n)
        where = {"bodies": self.bodies, "dofs": self.dofs, "actuators": self.actuators, "links": self._links}
        self.parameters = Parameters(robot, self.host, self.model, **where, strength=self.strength, fault=self.fault)
        self.bundle()

    def bundle(self):
        """The arrays that add_contacts() reads and writes."""
        d, contact = self.data, self.data.contact
        n, robot = self.nworld, self.robot
        sizes = {
            "point_force": (n, len(robot.contact_bodies), 3),
            "foot_force": (n, robot.nfoot, 3),
            "load": (n, robot.nfoot),
            "slide": (n, robot.nfoot),
        }
        sums = {name: wp.zeros(shape, dtype=wp.int64) for name, shape in sizes.items()}
        self._contacts = struct_of(contacts.Contacts, contact, world=contact.worldid, force=self.contact_force)
        self._motion, self._sums = struct_of(contacts.Motion, d), struct_of(contacts.Sums, self, **sums)

    def batched(self, value, dtype):
        """The same value for every world."""
        array = wp.array(np.tile(np.asarray(value, dtype=np.float32), (self.nworld, 1)), dtype=dtype)
        array._is_batched = True
        return array

    def set_state(self, q, v, mask=None):
        """Places the worlds whose mask is not 0 (None: all) at q (nworld, nq), v (nworld, nv); their pushes, faults and times are forgotten.

        A world whose rows on the device are not finite, or whose quaternion is zero, stays where it is with the fault FAULT_STATE.
        """
        n, robot, d, given = self.nworld, self.robot, self.data, self.arguments
        with given.queue(self.stream):
            q, v = given.array(q, "q", (n, robot.nq)), given.array(v, "v", (n, robot.nv))
            wp.launch(
                kernels.place,
                dim=n,
                inputs=[given.mask(mask), q, v, self._qposadr, self._dofadr, int(robot.floating)],
                outputs=[d.qpos, d.qvel, d.qacc_warmstart, self.push_steps, self.q, self.v, self.time, self.fault],
            )

    def kick(self, dv, mask=None):
        """Adds dv (nworld, 6), linear in world and angular in base, to the base velocities of the worlds whose mask is not 0 (None: all)."""
        if not self.robot.floating:
            raise Error(f"kick: {self.robot.model_path} has a fixed base")
        given = self.arguments
        with given.queue(self.stream):
            inputs = [given.mask(mask), given.array(dv, "dv", (self.nworld, 6)), self._dofadr]
            wp.launch(kernels.kick, dim=self.nworld, inputs=inputs, outputs=[self.data.qvel, self.v, self.fault])

    def set_push(self, body, force, steps, mask=None):
        """A force [N], world frame, at the centre of mass of a body: force (nworld, 3), for the next steps (nworld) control steps; 0 ends a push.

        body: number in the robot's body_names, one for all or (nworld). mask: worlds whose push this is, not 0 (None: all); the others keep theirs.
        """
        n, given, number, numbers = self.nworld, self.arguments, 0, None
        if not given.on_device(body):
            body = np.asarray(body, dtype=int)
            if body.min() < 0 or body.max() >= len(self.bodies):
                raise Error(f"body = {body}, expected 0 to {len(self.bodies) - 1}")
        with given.queue(self.stream):
            if np.ndim(body) == 0:
                number = int(body)
            else:
                numbers = given.array(body, "body", (n,), int)
            inputs = [
                given.mask(mask),
                number,
                numbers,
                self._bodies,
                given.array(force, "force", (n,), wp.vec3),
                given.array(steps, "steps", (n,), int),
            ]
            outputs = [self.push_body, self.push_force, self.push_steps, self.fault]
            wp.launch(kernels.push, dim=n, inputs=inputs, outputs=outputs)

    def set_parameters(self, *, mask=None, **values):
        """What differs between worlds, in place of what was set before: as tandem.Simulator.set_parameters, with an axis of worlds first.

        mask: worlds that take them, not 0 (None: all); the others keep theirs to the last bit.
        friction (nworld), negative: the model's; added_mass (nworld) [kg]; com_offset (nworld, 3) [m]; mass_scale (nworld, nbody); armature_scale,
        strength (nworld, njnt); gravity (nworld, 3) [m/s^2]. Those that are not named, or None: the model's.
        A world whose values on the device are not finite, not positive where scales are, or leave its base without mass keeps what it had, and stands still
        with the fault FAULT_PARAMETERS until it is given better ones.
        """
        with self.arguments.queue(self.stream):
            self.parameters.set(self.arguments, mask, values)

    def save(self):
        """Everything that the next steps depend on, as bytes. A simulator that loads it goes on bit for bit, if it is deterministic. Waits for the device."""
        with self.arguments.queue(self.stream):
            return warp_save.save(self)

    def load(self, saved):
        """Goes on where save() was called. Error, and nothing changed, where the bytes are of another robot, ground, number of worlds or time step."""
        with self.arguments.queue(self.stream):
            warp_save.load(self, saved)

    def step(self):
        """Advances every world without a fault by control_dt: one launch of a graph, which on a GPU returns at once. In a capture of Warp's: its part."""
        with self.arguments.queue(self.stream):
            if self.device.is_capturing:
                if self.device.is_cuda and not self.device.captures:
                    raise Error(
                        "a step cannot be part of a graph that Torch captures, since MuJoCo Warp's solver loops on the device; take warp.ScopedCapture"
                    )
                self.control_step()
            elif self.graph is None:
                self.graph = self.arguments.done_and_captured(self.control_step)
            else:
                wp.capture_launch(self.graph)

    def control_step(self):
        n, m, d = self.nworld, self.model, self.data
        wp.copy(self.qpos_before, d.qpos)
        wp.copy(self.qvel_before, d.qvel)
        for array in (self.point_force, self.foot_force, self.foot_slip):
            array.zero_()
        wp.launch(
            kernels.begin_step,
            dim=n,
            inputs=[self.inputs, self.push_force, self.push_steps, self.push_body],
            outputs=[d.xfrc_applied, d.overflow, self.power, self.floor_contact, self.self_collision, self.fault],
        )
        wp.launch(
            kernels.write_set_points,
            dim=(n, self.robot.njnt),
            inputs=[self.inputs, self.strength, self._actuator, self.fault],
            outputs=[d.ctrl, m.actuator_gainprm, m.actuator_biasprm, self.tau],
        )
        for _ in range(self.substeps):
            self.physics_step()
        wp.launch(
            kernels.finish_step,
            dim=n,
            inputs=[self.control_dt, self.qpos_before, self.qvel_before, self._qposadr, self._dofadr, self.push_body, d.overflow],
            outputs=[d.qpos, d.qvel, d.qacc_warmstart, d.xfrc_applied, self.push_steps, self.q, self.v, self.time, self.fault],
        )
        wp.launch(kernels.clear_faulty, dim=n, inputs=[self.fault], outputs=[self.tau, self.power, self.point_force, self.foot_force, self.foot_slip])

    def physics_step(self):
        n, m, d, mean = self.nworld, self.model, self.data, 1.0 / self.substeps
        wp.copy(self.speed, d.qvel)
        with self.order.in_order() if self.order else nullcontext():
            mjw.step(m, d)
        mjw.contact_force(m, d, self.contact_ids, True, self.contact_force)
        wp.launch(kernels.add_torques, dim=n, inputs=[mean, self._dof, d.qfrc_actuator, self.speed], outputs=[self.tau, self.power])
        wp.launch(contacts.add_contacts, dim=self.contact_ids.size, inputs=[d.nacon, self._contacts, self._motion, self._feet], outputs=[self._sums])
        forces = [self.point_force, self.foot_force, self.foot_slip]
        wp.launch(contacts.add_forces, dim=n, inputs=[mean, self.physics_dt, self._sums], outputs=forces)
