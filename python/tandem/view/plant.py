"""The simulation side of Studio: shows where the live robot is, and hands over pause, speed, reset, time line and mouse pushes."""

import time

import mujoco
import numpy as np
from mujoco.studio import messages, plugin, sim
from mujoco.studio.sim_history import SimHistorySnapshot

SHOW_EVERY = 1 / 60  # s
PUSH_STEPS = 30  # control steps that a mouse push outlives the last word of the browser
CRITICAL = messages.Priority.CRITICAL


class Plant(plugin.SimPlugin):
    """Stands where Studio's own stepping and history stand: their messages go to the live loop instead."""

    def __init__(self, live, scene, ask=lambda call, *arguments: call(*arguments)):
        """ask: what calls the live loop, and bears what it refuses."""
        self.live, self.scene, self.ask = live, scene, ask
        self.shown_ground = live.ground_number
        self.sent_control = self.sent_history = None
        self.pushed = None  # body that the mouse pulls at

    # --- what is shown -----------------------------------------------------------------------------------------------------------------------

    @messages.handler
    def on_step(self, event: messages.StepEvent) -> None:
        state = self.live.state()
        self.scene.pose(event.data, state.q, state.v)
        event.data.time = state.time
        self._tell_control(state)
        self._tell_history(state)
        time.sleep(SHOW_EVERY)

    @messages.handler
    def on_pre_step(self, _: messages.PreStepEvent) -> None:
        if self.shown_ground != self.live.ground_number:
            self.shown_ground = self.live.ground_number
            self.scene.load()
            self.handle.set_model(self.scene.model)

    @messages.handler(priority=CRITICAL)
    def on_post_model(self, _: messages.PostModelEvent) -> None:
        self.sent_control = self.sent_history = None  # Studio starts with its own

    def _tell_control(self, state):
        factor = round(100 * state.real_time_factor) if np.isfinite(state.real_time_factor) else -1
        told = (state.paused, state.speed, factor)
        if told != self.sent_control:
            self.sent_control = told
            pause = sim.PauseState.NORMAL_PAUSED if state.paused else sim.PauseState.UNPAUSED
            self.handle.send_to_viewer(messages.StepControlSnapshot(pause_state=pause, speed=100 * state.speed, speed_measured=factor))

    def _tell_history(self, state):
        newest = state.oldest + (state.frames - 1) * self.scene.frame_dt
        told = SimHistorySnapshot(size=state.frames, index=state.frame, head_time=newest, tail_time=state.oldest)
        if told != self.sent_history:
            self.sent_history = told
            self.handle.send_to_viewer(told)

    # --- what is asked for -------------------------------------------------------------------------------------------------------------------

    @messages.handler(priority=CRITICAL)
    def on_control(self, event: messages.StepControlSnapshot) -> bool:
        paused = event.pause_state != sim.PauseState.UNPAUSED
        state = self.live.state()
        if paused != state.paused:
            self.ask(self.live.pause, paused)
        if event.speed != 100 * state.speed:
            self.ask(self.live.speed, event.speed / 100)
        return True

    @messages.handler(priority=CRITICAL)
    def on_pause(self, event: messages.RequestPauseEvent) -> bool:
        self.ask(self.live.pause, event.pause_state != sim.PauseState.UNPAUSED)
        return True

    @messages.handler(priority=CRITICAL)
    def on_single_step(self, _: messages.SingleStepEvent) -> bool:
        self.ask(self.live.single_step)
        return True

    @messages.handler(priority=CRITICAL)
    def on_reset(self, _: messages.ResetEvent) -> bool:
        self.ask(self.live.reset)
        return True

    @messages.handler(priority=CRITICAL)
    def on_scrub(self, event: SimHistorySnapshot) -> bool:
        if event.index != self.live.state().frame:
            self.ask(self.live.scrub, event.index)
        return True

    @messages.handler(priority=CRITICAL)
    def on_perturb(self, event: messages.PerturbSnapshot) -> bool:
        forces = np.reshape(event.state, (-1, 6))[:, :3]
        body = int(np.argmax(np.linalg.norm(forces, axis=1)))
        if np.any(forces[body]):
            self.pushed = self.scene.robot_body(body)
            self.ask(self.live.push, self.pushed, forces[body].tolist(), PUSH_STEPS)
        elif self.pushed is not None:
            self.ask(self.live.push, self.pushed, [0.0, 0.0, 0.0], 0)
            self.pushed = None
        return True

    # --- what only the plant itself may change -----------------------------------------------------------------------------------------------

    @messages.handler(priority=CRITICAL)
    def on_load_model(self, _: messages.LoadModelEvent) -> bool:
        return True

    @messages.handler(priority=CRITICAL)
    def on_state(self, _: messages.StateEvent) -> bool:
        return True

    @messages.handler(priority=CRITICAL)
    def on_keyframe(self, _: messages.KeyframeEvent) -> bool:
        return True

    @messages.handler(priority=CRITICAL)
    def on_threads(self, _: messages.ThreadPoolEvent) -> bool:
        return True

    @messages.handler(priority=CRITICAL)
    def on_option(self, _: messages.MjOptionSnapshot) -> bool:
        self.handle.send_to_viewer(messages.MjOptionSnapshot(opt=self.handle.model.opt))
        return True


class Scene:
    """The robot on its ground as MuJoCo draws it, and where the live robot's numbers go in it."""

    def __init__(self, live):
        self.live = live
        self.robot = live.robot
        self.frame_dt = live.frame_dt
        self.load()

    def load(self):
        """Reads the model anew, on the ground that the robot walks on now."""
        from ..film import load_model

        self.model = load_model(mujoco, {"xml": str(self.robot.model_path), "terrain": self.live.terrain})
        self.model.opt.timestep = self.frame_dt  # what Studio's time line takes for the time between two of its frames
        joints = [self.model.joint(name) for name in self.robot.joint_names]
        self.q_index = [int(joint.qposadr[0]) for joint in joints]
        self.v_index = [int(joint.dofadr[0]) for joint in joints]
        names = list(self.robot.body_names)
        self.bodies = [names.index(name) if name in names else None for name in (self.model.body(i).name for i in range(self.model.nbody))]

    def pose(self, data, q, v):
        data.qpos[:7], data.qpos[self.q_index] = q[:7], q[7:]
        data.qvel[:6], data.qvel[self.v_index] = v[:6], v[6:]

    def robot_body(self, body):
        """The robot's body that carries MuJoCo's `body`: links without a joint belong to the one they are fixed to."""
        while body > 0 and self.bodies[body] is None:
            body = int(self.model.body_parentid[body])
        return self.bodies[body] or 0
