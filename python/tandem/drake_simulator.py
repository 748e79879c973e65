"""Drake as the physics of a program that is at the other end of a socket:  python -m tandem.drake_simulator

tandem.simulator_socket has the conversation, docs/second-simulator.md the rest.
"""

import logging
import sys

import numpy as np

from .feet import foot_of_geoms
from .mjcf import compile_mjcf
from .simulator_socket import output_shapes, run
from .trajectory import Error

FAULT_SET_POINT, FAULT_STATE = 1, 2
LOADED = 1e-6  # normal force above which a contact counts [N]
DRY_FRICTION_SPEED = 0.05  # joint speed at which dry friction is three quarters of its full size [rad/s]


class World:
    """One robot in Drake, advanced a control step at a time."""

    def __init__(self, layout, model):
        self.layout, self.model = layout, model
        self.substeps = round(layout.control_dt / layout.physics_dt)
        foot_of_body = {model.body(contact["body"]).id: contact["foot"] for contact in layout.contacts}
        self.foot_of_geom = foot_of_geoms(model, foot_of_body, layout.foot_geoms, layout.feet)
        self.points = [(model.body(c["body"]).id, np.array(c["position"]), c["foot"]) for c in layout.contacts]
        self.floating = model.njnt > 0 and model.jnt_type[0] == 0
        dofs = [model.joint(name).dofadr[0] for name in layout.joints]
        self.dry_friction = model.dof_frictionloss[dofs]
        self.friction = None
        self.push_steps = 0
        self.build()

    def build(self):
        """The plant; again where friction changes."""
        from pydrake.systems.analysis import Simulator

        from .drake_model import make_plant

        made = self.made = make_plant(self.model, self.layout.physics_dt, self.friction)
        self.simulator = Simulator(made.diagram)
        plant = self.plant = made.plant
        self.context = plant.GetMyMutableContextFromRoot(self.simulator.get_mutable_context())
        instance = plant.GetModelInstanceByName("DefaultModelInstance")
        joints = [made.joints[name] for name in self.layout.joints]
        self.actuators = [made.actuators[name] for name in self.layout.joints]
        self.inputs = np.array([actuator.input_start() for actuator in self.actuators])
        self.q_at = np.array([joint.position_start() for joint in joints])
        self.v_at = np.array([joint.velocity_start() for joint in joints])
        self.gains = None
        self.feed_forward, self.desired = plant.get_actuation_input_port(), plant.get_desired_state_input_port(instance)
        self.applied = plant.get_applied_generalized_force_input_port()
        self.geom_of = made.geoms
        self.link = [int(self.model.body_weldid[body]) for body in self.model.geom_bodyid]  # of a geom: the body it moves with; 0 is the world

    def reset(self, friction, q, v):
        friction = None if friction < 0 else friction
        if friction != self.friction:
            self.friction = friction
            self.build()
        self.end_push()
        self.time, self.fault = 0.0, 0
        self.write_state(q, v)

    def write_state(self, q, v):
        nq, nv = self.plant.num_positions(), self.plant.num_velocities()
        positions, velocities = np.empty(nq), np.empty(nv)
        if self.floating:
            quaternion = q[3:7] / np.linalg.norm(q[3:7])
            positions[:4], positions[4:7] = quaternion, q[:3]
            velocities[:3], velocities[3:6] = rotation(quaternion) @ v[3:6], v[:3]
        positions[self.q_at] = q[len(q) - len(self.q_at) :]
        velocities[self.v_at] = v[len(v) - len(self.v_at) :]
        context = self.simulator.get_mutable_context()
        context.SetTime(0)
        self.plant.SetPositions(self.context, positions)
        self.plant.SetVelocities(self.context, velocities)
        self.simulator.Initialize()
        self.ticks = 0

    def read_state(self):
        """q, v in the conventions of the programs."""
        positions, velocities = self.plant.GetPositions(self.context), self.plant.GetVelocities(self.context)
        q, v = positions[self.q_at], velocities[self.v_at]
        if self.floating:
            q = np.concatenate([positions[4:7], positions[:4], q])
            v = np.concatenate([velocities[3:6], rotation(positions[:4]).T @ velocities[:3], v])
        return q, v

    def kick(self, dv):
        q, v = self.read_state()
        v[:6] += dv
        if np.isfinite(v).all():
            self.write_state(q, v)
        else:
            self.fault = self.fault or FAULT_STATE

    def push(self, body, force, steps):
        from pydrake.multibody.math import SpatialForce
        from pydrake.multibody.plant import ExternallyAppliedSpatialForce

        number = self.model.body(self.layout.bodies[body]).id
        applied = ExternallyAppliedSpatialForce()
        applied.body_index = self.made.bodies[number].index()
        applied.p_BoBq_B = self.model.body_ipos[number]
        applied.F_Bq_W = SpatialForce(tau=np.zeros(3), f=force)
        self.set_spatial([applied] if steps > 0 else [])
        self.push_steps = steps

    def end_push(self):
        self.push_steps = 0
        self.set_spatial([])

    def set_spatial(self, forces):
        from pydrake.common.value import Value
        from pydrake.multibody.plant import ExternallyAppliedSpatialForce

        self.plant.get_applied_spatial_force_input_port().FixValue(self.context, Value[list[ExternallyAppliedSpatialForce]](forces))

    def set_points(self, tau_ff, q_des, v_des, kp, kd):
        from pydrake.multibody.tree import PdControllerGains

        gains = list(zip(kp.tolist(), kd.tolist()))
        if gains != self.gains:
            for actuator, (p, d) in zip(self.actuators, gains):
                actuator.set_controller_gains(PdControllerGains(p=p, d=d))
            self.gains = gains
        nu = len(self.inputs)
        feed_forward, desired = np.empty(nu), np.empty(2 * nu)
        feed_forward[self.inputs] = tau_ff
        desired[self.inputs], desired[nu + self.inputs] = q_des, v_des
        self.feed_forward.FixValue(self.context, feed_forward)
        self.desired.FixValue(self.context, desired)

    def step(self, set_points, out):
        """One control step; writes this world's rows of `out`. A world with a fault stands still. Drake has no gains below 0."""
        kp, kd = set_points[3:]
        if self.fault == 0 and not (np.isfinite(set_points).all() and (kp >= 0).all() and (kd >= 0).all()):
            self.fault = FAULT_SET_POINT
        if self.fault:
            out["fault"][:] = self.fault
            return
        for name in ("tau", "power", "point_force", "foot_force", "foot_slip", "floor_contact", "self_collision"):
            out[name][:] = 0
        try:
            self.set_points(*set_points)
            for _ in range(self.substeps):
                self.physics_step(out)
        except (RuntimeError, SystemExit) as error:  # Drake gave up, for example on a state that is not finite; SystemExit is how it asserts
            print(f"tandem.drake_simulator: {str(error).splitlines()[0]}", file=sys.stderr)
            self.fault = FAULT_STATE
        q, v = self.read_state()
        if not (np.isfinite(q).all() and np.isfinite(v).all()):
            self.fault = FAULT_STATE
        out["fault"][:] = self.fault
        if self.fault:
            return
        if self.push_steps > 0:
            self.push_steps -= 1
            if self.push_steps == 0:
                self.end_push()
        self.time += self.layout.control_dt
        out["time"][:], out["q"][:], out["v"][:] = self.time, q, v

    def physics_step(self, out):
        if self.dry_friction.any():
            force = np.zeros(self.plant.num_velocities())
            force[self.v_at] = -self.dry_friction * np.tanh(self.plant.GetVelocities(self.context)[self.v_at] / DRY_FRICTION_SPEED)
            self.applied.FixValue(self.context, force)
        self.ticks += 1
        self.simulator.AdvanceTo(self.ticks * self.layout.physics_dt)
        mean = 1 / self.substeps
        tau = self.plant.get_net_actuation_output_port().Eval(self.context)[self.inputs]
        speed = self.plant.GetVelocities(self.context)[self.v_at]
        out["tau"][:] += mean * tau
        out["power"][:] += mean * np.maximum(tau * speed, 0).sum()
        self.add_contacts(out, mean)

    def add_contacts(self, out, mean):
        results = self.plant.get_contact_results_output_port().Eval(self.context)
        load, slide = np.zeros(len(self.layout.feet)), np.zeros(len(self.layout.feet))
        for i in range(results.num_point_pair_contacts()):
            contact = results.point_pair_contact_info(i)
            pair = contact.point_pair()
            a, b = self.geom_of[pair.id_A], self.geom_of[pair.id_B]
            if self.link[a] and self.link[b]:
                out["self_collision"][:] = 1
                continue
            geom, force = (b, contact.contact_force()) if self.link[b] else (a, -contact.contact_force())
            normal = abs(force @ pair.nhat_BA_W)
            if normal < LOADED:
                continue
            foot = self.foot_of_geom.get(geom)
            if foot is None:
                out["floor_contact"][:] = 1
                continue
            out["foot_force"][foot] += mean * force
            out["point_force"][self.nearest_point(geom, contact.contact_point())] += mean * force
            load[foot] += normal
            slide[foot] += normal * contact.slip_speed()
        loaded = load > 0
        out["foot_slip"][loaded] += self.layout.physics_dt * slide[loaded] / load[loaded]

    def nearest_point(self, geom, position):
        body = self.link[geom]
        X_WB = self.plant.EvalBodyPoseInWorld(self.context, self.made.bodies[body])
        distances = [np.linalg.norm(X_WB @ p - position) if owner == body else np.inf for owner, p, _ in self.points]
        return int(np.argmin(distances))


def rotation(quaternion):
    """Matrix of a unit quaternion (w, x, y, z)."""
    w, x, y, z = quaternion
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


class Batch:
    """Some worlds, and the commands of the programs."""

    def __init__(self, layout, nworld):
        model = compile_mjcf(layout.xml)
        self.nworld, self.nq, self.nv, self.njnt = nworld, model.nq, model.nv, len(layout.joints)
        self.worlds = [World(layout, model) for _ in range(nworld)]
        shapes = output_shapes(layout, self.nq, self.nv)
        self.out = {name: np.zeros((nworld, *shape)) for name, shape in shapes.items()}

    def step(self, set_points):
        """set_points (5, nworld, njnt): tau_ff, q_des, v_des, kp, kd. The answer, one row of numbers."""
        for w, world in enumerate(self.worlds):
            world.step(set_points[:, w], {name: rows[w] for name, rows in self.out.items()})
        return np.concatenate([rows.ravel() for rows in self.out.values()])

    def reset(self, w, friction, q, v):
        world = self.worlds[w]
        world.reset(friction, q, v)
        for rows in self.out.values():
            rows[w] = 0
        self.out["q"][w], self.out["v"][w] = world.read_state()

    def kick(self, w, dv):
        self.worlds[w].kick(dv)

    def push(self, w, body, force, steps):
        self.worlds[w].push(body, force, steps)


def make_batch(layout, nworld):
    """The worlds, and what to call them."""
    if layout.terrain is not None:
        raise Error("the simulator drake has flat ground only; use --simulator mujoco or --set terrain.kind=flat")
    import pydrake

    logging.getLogger("drake").setLevel(logging.ERROR)
    return Batch(layout, nworld), f"drake {getattr(pydrake, '__version__', '')}".strip()


CURE = "./tandem play --simulator drake installs it, or python -m pip install --no-deps drake==1.51.1 pydot PyYAML"

if __name__ == "__main__":
    sys.exit(run(make_batch, "drake", CURE))
