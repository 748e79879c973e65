"""`tandem replay FOLDER`: a recorded motion in the view that it was recorded in, with its time line, overlays and plots."""

import sys
import threading
import time
from types import SimpleNamespace

import mujoco
import numpy as np
from mujoco.studio import messages, plugin
from mujoco.studio.dear_imgui import dear_imgui as imgui

from .. import film, trajectory
from ..plot import heading_velocity
from ..program import Parser
from . import launch
from .panel import track


class Playback:
    """A trajectory that answers as the live loop does, so that the same plugins show it. Its time runs by the clock of the machine."""

    ground_number = 0
    settings = {"mpc.friction": 0.7, "mpc.dt": [0.03]}

    def __init__(self, motion):
        self.motion, meta = motion, motion.meta
        model = film.load_model(mujoco, meta)
        self.frame_dt = float(meta["control_dt"])
        self.terrain = meta["terrain"]
        self.robot = SimpleNamespace(
            name=meta["title"],
            model_path=meta["xml"],
            joint_names=meta["joints"],
            body_names=[model.body(i).name for i in range(1, model.nbody)],
            foot_names=meta["feet"],
            contact_feet=[point["foot"] for point in meta["points"]],
            base_height=meta["base_height"] or 0.6,
            mass=float(model.body_mass.sum()),
            tau_max=[np.inf if limit is None else limit for limit in meta["tau_max"]],
        )
        self.joints, self.points = film.place(model, meta)
        self.model, self.data = model, mujoco.MjData(model)
        self.lock = threading.Lock()
        self.paused, self.rate = False, 1.0
        self.row, self.since = 0.0, time.monotonic()  # row of the motion at that moment
        self.columns, self.table = self._table()

    def _table(self):
        """Names and numbers that the plots show."""
        m = self.motion
        velocity = heading_velocity(m)
        foot = np.array(self.robot.contact_feet)
        zero = np.zeros_like(m.tau)
        blocks = {"time": m.time}
        blocks |= {f"command/{name}": m.command[:, i] for i, name in enumerate(("forward", "left", "yaw"))}
        blocks |= {f"velocity/{name}": velocity[:, i] for i, name in enumerate(("forward", "left", "yaw"))}
        blocks |= {"value": m.value, "step_us": m.solve_us}
        blocks |= {"tau_mpc": np.linalg.norm(m.tau_ff, axis=1), "tau_residual": np.zeros(m.rows)}
        for i, name in enumerate(self.robot.foot_names):
            blocks[f"force/{name}"] = m.foot_force[:, i, 2]
            blocks[f"planned_force/{name}"] = m.planned_force[:, foot == i, 2].sum(axis=1)
        for block, values in (("tau", m.tau), ("tau_mpc", m.tau_ff), ("tau_residual", zero)):
            blocks |= {f"{block}/{name}": values[:, i] for i, name in enumerate(self.robot.joint_names)}
        return list(blocks), np.column_stack(list(blocks.values()))

    # --- its clock ---------------------------------------------------------------------------------------------------------------------------

    def _now(self):
        """Row that is shown; the motion stops at its end."""
        last = self.motion.rows - 1
        if not self.paused:
            now = time.monotonic()
            self.row = min(last, self.row + (now - self.since) * self.rate / self.frame_dt)
            self.since = now
            self.paused = self.row >= last
        return int(self.row)

    def pause(self, paused=True):
        with self.lock:
            if not paused and self._now() >= self.motion.rows - 1:
                self.row = 0.0
            self.paused, self.since = paused, time.monotonic()

    def speed(self, speed):
        with self.lock:
            self._now()
            self.rate = speed

    def single_step(self):
        with self.lock:
            self.row = min(self.motion.rows - 1, self._now() + 1)

    def reset(self):
        with self.lock:
            self.row, self.since = 0.0, time.monotonic()

    def scrub(self, frame):
        with self.lock:
            self.paused = True
            self.row = float(np.clip(self.motion.rows - 1 + frame, 0, self.motion.rows - 1))

    def push(self, *_):
        """What is past cannot be pushed."""

    # --- what is seen ------------------------------------------------------------------------------------------------------------------------

    def state(self):
        m = self.motion
        with self.lock:
            row = self._now()
            paused, rate = self.paused, self.rate
        return SimpleNamespace(
            time=float(m.time[row]),
            q=m.q[row],
            v=m.v[row],
            row=row,
            tau_residual=np.zeros(m.tau.shape[1]),
            point_force=self._point_force(row),
            paused=paused,
            speed=rate,
            real_time_factor=float("nan"),
            frames=m.rows,
            frame=row - (m.rows - 1),
            oldest=float(m.time[0]),
        )

    def _point_force(self, row):
        """Recorded are forces on feet; each is drawn at the foot's first contact point."""
        out = np.zeros((len(self.points), 3))
        for i, force in enumerate(self.motion.foot_force[row]):
            out[self.robot.contact_feet.index(i)] = force
        return out

    def plan(self):
        m = self.motion
        row = self.state().row
        self.data.qpos[:7], self.data.qpos[self.joints] = m.q[row, :7], m.q[row, 7:]
        mujoco.mj_kinematics(self.model, self.data)
        now = np.array([self.data.xpos[body] + self.data.xmat[body].reshape(3, 3) @ position for body, position in self.points])
        point = m.predicted_point[row]
        # a foot of the plan stands where it does not move
        still = np.linalg.norm(np.diff(point, axis=0, append=point[-1:]), axis=2) < 1e-3 if len(point) else np.zeros((0, len(self.points)), bool)
        feet = np.array(self.robot.contact_feet)
        stance = np.stack([still[:, feet == i].all(axis=1) for i in range(len(self.robot.foot_names))], axis=1).astype(float)
        return SimpleNamespace(base=m.predicted_base[row], point=point, force=m.planned_force[row][None], stance=stance, point_now=now)

    def rows(self, first):
        last = self.state().row + 1
        if first > last:  # back on the time line: all that is shown anew
            first = 0
        return first, self.table[first:last]


class Info(plugin.ViewerPlugin):
    """The panel of a recorded motion."""

    def __init__(self, motion, app):
        self.motion, self.app = motion, app
        self.robot, self.settings = motion.robot, motion.settings

    @messages.handler(priority=0)  # after Studio has placed its own camera
    def on_post_model(self, _: messages.PostModelEvent) -> None:
        track(self.viewer, self.app, self.robot)

    @messages.handler
    def on_build_gui(self, _: messages.BuildGuiEvent) -> None:
        state = self.motion.state()
        imgui.Begin("Robot")
        imgui.TextUnformatted(f"{self.robot.name}, recorded")
        imgui.TextUnformatted(f"{state.time:.2f} s of {self.motion.motion.time[-1]:.2f} s")
        imgui.End()


def run(arguments):
    from mujoco.studio import app

    from .overlay import Overlay
    from .plant import Plant, Scene
    from .plots import Plots

    parser = Parser(prog="tandem replay", description="Plays a recorded motion in the browser. docs/view.md.")
    parser.add_argument("folder", help="that tandem view or tandem play wrote")
    launch.add_page_options(parser)
    options = parser.parse_args(arguments)
    page = launch.check_page(options)
    motion = Playback(trajectory.read(options.folder))
    studio = app.App(app.Config(show_inspector=False))
    info = Info(motion, studio)
    plugins = [studio, Plant(motion, Scene(motion)), info, Overlay(motion, info), Plots(motion, info)]
    launch.show(plugins, f"tandem: {motion.robot.name}", page)


def main(arguments):
    """Exit code of `tandem replay FOLDER`."""
    return launch.run_page("tandem replay", lambda: run(arguments))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
