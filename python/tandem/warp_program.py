"""MuJoCo Warp as the physics of a program that is at the other end of a socket:  python -m tandem.warp_program

tandem.simulator_socket has the conversation, tandem.warp_simulator the worlds; docs/gpu.md, section 6.
"""

import sys
from importlib.metadata import version
from types import SimpleNamespace

import numpy as np

from .mjcf import compile_mjcf
from .simulator_socket import output_shapes, run


def robot_of(layout):
    """What WarpSimulator asks of a tandem.Robot, from what the program said of it. At rest the joints are where the MJCF has them."""
    model = compile_mjcf(layout.xml)
    joints = [model.joint(name) for name in layout.joints]
    floating = model.njnt > 0 and model.jnt_type[0] == 0
    base = model.qpos0[: 7 if floating else 0]
    return SimpleNamespace(
        model_path=layout.xml,
        floating=floating,
        joint_names=layout.joints,
        body_names=layout.bodies,
        foot_names=layout.feet,
        foot_geoms=layout.foot_geoms,
        contact_bodies=[layout.bodies.index(contact["body"]) for contact in layout.contacts],
        contact_positions=[contact["position"] for contact in layout.contacts],
        contact_feet=[contact["foot"] for contact in layout.contacts],
        nq=len(base) + len(joints),
        nv=(6 if floating else 0) + len(joints),
        njnt=len(joints),
        nbody=len(layout.bodies),
        nfoot=len(layout.feet),
        stand=np.concatenate([base, [model.qpos0[joint.qposadr[0]] for joint in joints]]),
        kp=np.zeros(len(joints)),
        kd=np.zeros(len(joints)),
    )


class Batch:
    """The worlds of a WarpSimulator, and the commands of the programs. Worlds that are to be placed wait for the next other command."""

    def __init__(self, layout, nworld, device=None):
        from .warp_simulator import WarpSimulator

        robot = robot_of(layout)
        self.nworld, self.nq, self.nv, self.njnt = nworld, robot.nq, robot.nv, robot.njnt
        self.control_dt = layout.control_dt
        self.sim = WarpSimulator(robot, nworld, control_dt=layout.control_dt, physics_dt=layout.physics_dt, device=device, terrain=layout.terrain)
        shapes = output_shapes(layout, self.nq, self.nv)
        self.out = {name: np.zeros((nworld, *shape)) for name, shape in shapes.items()}
        self.friction, self.new_friction = np.full(nworld, -1.0), np.full(nworld, -1.0)
        self.waiting = np.zeros(nworld, dtype=bool)
        self.q, self.v = np.tile(robot.stand, (nworld, 1)), np.zeros((nworld, robot.nv))
        self.sim.step()  # Warp compiles its kernels: before the program counts time
        self.sim.set_state(self.q, self.v)

    def only(self, world):
        """The mask of one world."""
        return np.arange(self.nworld) == world

    def reset(self, world, friction, q, v):
        self.waiting[world], self.new_friction[world] = True, friction
        self.q[world], self.v[world] = q, v

    def place(self):
        if not self.waiting.any():
            return
        if (self.friction != self.new_friction).any():
            self.friction[:] = self.new_friction
            self.sim.set_parameters(friction=self.friction)
        self.sim.set_state(self.q, self.v, self.waiting)
        self.out["time"][self.waiting] = 0
        self.waiting[:] = False

    def kick(self, world, dv):
        self.place()
        self.sim.kick(np.tile(dv, (self.nworld, 1)), self.only(world))

    def push(self, world, body, force, steps):
        self.place()
        self.sim.set_push(body, np.tile(force, (self.nworld, 1)), np.full(self.nworld, steps), self.only(world))

    def step(self, set_points):
        """The answer, one row of numbers."""
        self.place()
        sim, out = self.sim, self.out
        sim.inputs.assign(set_points.astype(np.float32))
        sim.step()
        for name, rows in out.items():
            if name != "time":
                rows[:] = getattr(sim, name).numpy().reshape(rows.shape)
        out["time"][(out["fault"] == 0) | (out["fault"] == 4)] += self.control_dt  # not the simulator's own, which is float32
        return np.concatenate([rows.ravel() for rows in out.values()])


def make_batch(layout, nworld):
    """The worlds, and what to call them."""
    import mujoco_warp  # noqa: F401  missing: said by its name
    import warp as wp

    wp.config.log_level = wp.LOG_WARNING
    batch = Batch(layout, nworld)
    where = f"{batch.sim.device.name} ({batch.sim.device.alias})" if batch.sim.device.is_cuda else "the processor: Warp finds no GPU"
    return batch, f"MuJoCo Warp {version('mujoco-warp')} on {where}"


CURE = "./tandem play --simulator warp installs it, or python -m pip install --no-deps -r tools/requirements-warp.txt"

if __name__ == "__main__":
    sys.exit(run(make_batch, "warp", CURE))
