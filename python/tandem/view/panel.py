"""The panel of the live view: command, gait, controller, ground, pushes, recording; and the keys that steer."""

import math
import time

import mujoco
from mujoco.studio import messages, plugin, ux
from mujoco.studio.dear_imgui import dear_imgui as imgui

from .. import native
from . import gaits

STAND_UP_AFTER = 2.0  # s that a fallen robot lies before it is put on its feet
PUSH_STEPS = 10  # control steps of a push by a button
GROUNDS = ["flat", "rough", "steps", "slope"]
# key: change of (forward, left, turn)
KEYS = {
    imgui.Key.UpArrow: (0.1, 0.0, 0.0),
    imgui.Key.DownArrow: (-0.1, 0.0, 0.0),
    imgui.Key.LeftArrow: (0.0, 0.0, 0.1),
    imgui.Key.RightArrow: (0.0, 0.0, -0.1),
    imgui.Key.PageUp: (0.0, 0.1, 0.0),
    imgui.Key.PageDown: (0.0, -0.1, 0.0),
}


def slider(label, value, low, high, form="%.2f"):
    """(whether it moved, value): a slider as wide as the panel allows, with its label on the right."""
    imgui.SetNextItemWidth(-110)
    return imgui.SliderFloat(label, value, low, high, form)


def slider_int(label, value, low, high):
    imgui.SetNextItemWidth(-110)
    return imgui.SliderInt(label, value, low, high)


def combo(label, chosen, names):
    imgui.SetNextItemWidth(-110)
    return imgui.Combo(label, chosen, names)


def section(label, opened=True):
    imgui.SetNextItemOpen(opened, imgui.Cond.FirstUseEver)
    return imgui.CollapsingHeader(label)


def track(viewer, app, robot):
    """Has the camera follow the robot."""
    camera = viewer.camera
    camera.type, camera.trackbodyid, camera.fixedcamid = int(mujoco.mjtCamera.mjCAMERA_TRACKING), min(1, viewer.model.nbody - 1), -1
    camera.distance, camera.azimuth, camera.elevation = 5.5 * robot.base_height, 130, -12
    app.ux_state.camera_index = ux.TRACKING_CAMERA_IDX


class Panel(plugin.ViewerPlugin):
    """Everything that a person changes while the robot walks. Speaks to the live loop directly; it may be called from any thread."""

    def __init__(self, live, app, controllers, recorder):
        self.live, self.app, self.recorder = live, app, recorder
        self.controllers = controllers  # (what it is called, file of the policy or "")
        self.robot = live.robot
        self.gaits = gaits.presets(live.settings, len(self.robot.foot_names))
        self.settings, self.seen = live.settings, live.state().changes
        self.message = ""
        self.impulse, self.body = 15.0, self._torso()
        self.stand_up, self.fell_at = True, None
        self.ground, self.amplitude = GROUNDS.index(self.settings["terrain.kind"]), self.settings["terrain.amplitude"]
        self.angle = self.settings["terrain.angle"]
        self.dock = 0

    def _torso(self):
        names = self.robot.body_names
        return next((i for i, name in enumerate(names) if "torso" in name), 0)

    def ask(self, call, *arguments):
        """Calls the live loop; what it or the system refuses is shown in the panel, since an exception would end the view."""
        try:
            call(*arguments)
            self.message = ""
        except (native.Error, OSError) as error:
            self.message = str(error)

    def set(self, **values):
        """Settings by name, with __ for the dot."""

        def text(value):
            return (
                ",".join(f"{x:.9g}" for x in value)
                if isinstance(value, (list, tuple))
                else f"{value:.9g}"
                if isinstance(value, float)
                else str(value)
            )

        self.ask(self.live.set, [f"{name.replace('__', '.')}={text(value)}" for name, value in values.items()])

    # --- every frame -------------------------------------------------------------------------------------------------------------------------

    @messages.handler(priority=0)  # after Studio has placed its own camera
    def on_post_model(self, _: messages.PostModelEvent) -> None:
        track(self.viewer, self.app, self.robot)

    @messages.handler
    def on_update(self, _: messages.UpdateEvent) -> None:
        state = self.live.state()
        if state.changes != self.seen:
            self.seen, self.settings = state.changes, self.live.settings
        if self.recorder.ended(state):
            self.ask(self.recorder.finish)
        self._stand_up(state)
        if not imgui.GetIO().WantCaptureKeyboard:
            self._keys(state)

    def _stand_up(self, state):
        if state.fall == "none" or not self.stand_up:
            self.fell_at = None
        elif self.fell_at is None:
            self.fell_at = time.monotonic()
        elif time.monotonic() - self.fell_at > STAND_UP_AFTER and not state.paused:
            self.fell_at = None
            self.ask(self.live.reset)

    def _keys(self, state):
        if imgui.IsKeyChordPressed(imgui.Key.Home):
            self.ask(self.live.command, 0.0, 0.0, 0.0)
        if state.paused:
            return  # Studio moves along the time line with the arrows
        for key, change in KEYS.items():
            if imgui.IsKeyChordPressed(key):
                self.ask(self.live.command, *(round(a + b, 3) for a, b in zip(state.command[1:], change)))

    @messages.handler
    def on_build_gui(self, _: messages.BuildGuiEvent) -> None:
        self._place()
        shown, _ = imgui.Begin("Robot")
        if shown:
            self.build_gui(self.live.state())
        imgui.End()

    def _place(self):
        """Where Studio has its inspector, at the first sight of it."""
        if self.dock:
            return
        imgui.Begin("Inspector")
        self.dock = imgui.GetWindowDockID()
        imgui.End()
        if self.dock:
            imgui.SetNextWindowDockID(self.dock)
            self.app.config.show_inspector = False

    def build_gui(self, state):
        self.build_status_gui(state)
        if section("Command"):
            self.build_command_gui(state)
        if section("Controller"):
            self.build_controller_gui()
        if section("Gait"):
            self.build_gait_gui()
        if section("Push"):
            self.build_push_gui(state)
        if section("Ground", opened=False):
            self.build_ground_gui()
        if section("Recording", opened=False):
            self.recorder.build_gui(self)

    # --- sections ----------------------------------------------------------------------------------------------------------------------------

    def build_status_gui(self, state):
        factor = "-" if math.isnan(state.real_time_factor) else f"{state.real_time_factor:.3f}"
        imgui.TextUnformatted(f"{self.robot.name}, {self.live.controller}")
        imgui.TextUnformatted(f"{state.time:.1f} s   real-time factor {factor}")
        imgui.TextUnformatted("stands" if state.fall == "none" else f"fell: {state.fall}")
        _, self.stand_up = imgui.Checkbox("stand up after a fall", self.stand_up)
        for message in (self.message, state.message):
            if message:
                imgui.TextWrapped(message)

    def build_command_gui(self, state):
        command = list(state.command[1:])
        ranges = [("forward [m/s]", -1.5, 2.5), ("left [m/s]", -0.6, 0.6), ("turn [rad/s]", -2.5, 2.5)]
        for i, (name, low, high) in enumerate(ranges):
            moved, command[i] = slider(name, command[i], low, high)
            if moved:
                self.ask(self.live.command, *command)
        if imgui.Button("stop"):
            self.ask(self.live.command, 0.0, 0.0, 0.0)
        imgui.SetItemTooltip("keys: up and down, left and right (turning),\nPage Up and Page Down (sideways), Home (stop)")

    def build_controller_gui(self):
        chosen = self.chosen()
        picked, chosen = combo("controller", chosen, [name for name, _ in self.controllers])
        name, file = self.controllers[chosen]
        if picked:
            self.ask(self.live.choose, "" if file else name, file)
        if file:
            moved, value = slider("lambda", self.settings["env.lambda"], 0.0, 0.5, "%.3f")
            if moved:
                self.set(env__lambda=value)
        moved, value = slider_int("iterations", self.settings["solver.iterations"], 1, 50)
        if moved:
            self.set(solver__iterations=value)
        imgui.SetItemTooltip("of the QP solver (N_QP)")

    def chosen(self):
        """Number of the controller that the live loop is under."""
        name, file = self.live.controller, self.live.policy
        return next((i for i, entry in enumerate(self.controllers) if entry[1] == file and (file or entry[0] == name)), 0)

    def build_gait_gui(self):
        current = gaits.name_of(self.settings, self.gaits)
        names = [*self.gaits, "own"]
        picked, chosen = combo("preset", names.index(current), names if current == "own" else names[:-1])
        if picked and names[chosen] in self.gaits:
            self.set(**self.gaits[names[chosen]])
        moved, value = slider("period [s]", self.settings["gait.period"], 0.2, 1.2)
        if moved:
            self.set(gait__period=value)
        moved, value = slider("stance", self.settings["gait.stance_fraction"], 0.3, 1.0)
        if moved:
            self.set(gait__stance_fraction=value)
        imgui.SetItemTooltip("phase at which a foot switches from\nstance to swing; 1: it stays on the ground")
        moved, value = slider("swing [m]", self.settings["gait.swing_height"], 0.01, 0.3, "%.3f")
        if moved:
            self.set(gait__swing_height=value)
        imgui.SetItemTooltip("height of the feet at mid swing")
        offsets = list(self.settings["gait.offset"])
        for i, foot in enumerate(self.robot.foot_names):
            moved, offsets[i] = slider(f"{foot}##offset", offsets[i], 0.0, 0.99)
            imgui.SetItemTooltip("offset of the foot's phase")
            if moved:
                self.set(gait__offset=offsets)

    def build_push_gui(self, state):
        _, self.impulse = slider("impulse [N s]", self.impulse, 1.0, 60.0, "%.0f")
        picked, chosen = combo("body", self.body, list(self.robot.body_names))
        if picked:
            self.body = chosen
        for i, (name, angle) in enumerate([("front", math.pi), ("back", 0.0), ("left", -math.pi / 2), ("right", math.pi / 2)]):
            if i:
                imgui.SameLine()
            if imgui.Button(f"from {name}" if i == 0 else name):
                self.push(state, angle)
        push = state.push
        if push.peak > 0:
            impulse = math.sqrt(sum(x * x for x in push.impulse))
            imgui.TextUnformatted(f"{'now' if push.running else 'last'}: {push.peak:.0f} N, {impulse:.1f} N s")
            imgui.TextUnformatted(f"on {self.robot.body_names[push.body]}")
        imgui.TextDisabled("or: double-click a link, Ctrl + right drag")

    def push(self, state, angle):
        """An impulse over 0.1 s in a direction relative to where the robot looks."""
        w, x, y, z = state.q[3:7]
        yaw = math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z)) + angle
        force = self.impulse / (PUSH_STEPS * self.settings["mpc.control_dt"])
        self.ask(self.live.push, self.body, [force * math.cos(yaw), force * math.sin(yaw), 0.0], PUSH_STEPS)

    def build_ground_gui(self):
        _, self.ground = combo("ground", self.ground, GROUNDS)
        if GROUNDS[self.ground] == "slope":
            _, self.angle = slider("angle [rad]", self.angle, -0.35, 0.35, "%.3f")
        else:
            _, self.amplitude = slider("heights [m]", self.amplitude, 0.0, 0.15, "%.3f")
        if imgui.Button("put the robot on it"):
            self.set(terrain__kind=GROUNDS[self.ground], terrain__amplitude=self.amplitude, terrain__angle=self.angle)
        friction = self.settings["randomise.friction"][0]
        own, changed = friction < 0, False
        changed, own = imgui.Checkbox("friction of the model", own)
        if not own:
            moved, friction = slider("friction", 1.0 if friction < 0 else friction, 0.05, 1.5)
            changed = changed or moved
        if changed:
            self.set(randomise__friction=[-1.0, -1.0] if own else [friction, friction])
