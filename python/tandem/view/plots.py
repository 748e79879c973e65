"""Plots of the last seconds, and the contact schedule over the horizon."""

import numpy as np
from mujoco.studio import messages, plugin
from mujoco.studio.dear_imgui import dear_imgui as imgui
from mujoco.studio.implot import implot

SECONDS = 8.0  # that are shown
POINTS = 270  # of a line, at most
BUDGET_MS = 10.0  # time between two control steps of the robot
LEFT, RIGHT, HEIGHT = 220, 274, 215  # where the window stands [pixels]
RATIO_FLOOR = 1.0  # N m: below this torque of the MPC the ratio means nothing


class Plots(plugin.ViewerPlugin):
    def __init__(self, live, panel):
        self.live, self.panel = live, panel
        robot = live.robot
        self.feet, self.joints = list(robot.foot_names), list(robot.joint_names)
        self.columns = {name: i for i, name in enumerate(live.columns)}
        self.table = np.zeros((0, len(self.columns)))
        self.seen = 0  # number of the next row
        self.joint = 0
        self.page = None  # its size

    # --- numbers -----------------------------------------------------------------------------------------------------------------------------

    @messages.handler
    def on_update(self, _: messages.UpdateEvent) -> None:
        first, rows = self.live.rows(self.seen)
        self.seen = first + len(rows)
        if len(rows):
            joined = np.concatenate([self.table, rows]) if len(self.table) else np.array(rows)
            # after a reset, or back on the time line, what is later than now has not happened
            joined = joined[np.flatnonzero(np.diff(joined[:, 0], append=np.inf) <= 0)[-1] + 1 :] if np.any(np.diff(joined[:, 0]) <= 0) else joined
            self.table = joined[joined[:, 0] > joined[-1, 0] - SECONDS]

    def column(self, name):
        """The numbers of a column, thinned to what a plot can show."""
        return self.thin[:, self.columns[name]]

    # --- widgets -----------------------------------------------------------------------------------------------------------------------------

    @messages.handler
    def on_build_gui(self, _: messages.BuildGuiEvent) -> None:
        size = imgui.GetIO().DisplaySize
        if (size.x, size.y) != self.page:  # the browser says how large its page is after some frames
            self.page = (size.x, size.y)
            imgui.SetNextWindowPos(imgui.Vec2(LEFT, size.y - HEIGHT - 36))
            imgui.SetNextWindowSize(imgui.Vec2(max(300, size.x - LEFT - RIGHT), HEIGHT))
        imgui.SetNextWindowBgAlpha(0.85)
        shown, _ = imgui.Begin("Plots")
        if shown and len(self.table) > 1:
            self.thin = self.table[:: 1 + len(self.table) // POINTS]
            self.build_gui()
        imgui.End()

    def build_gui(self):
        tabs = [
            ("velocity", self.build_velocity_gui),
            ("forces", self.build_forces_gui),
            ("torques", self.build_torques_gui),
            ("residual ratio", self.build_ratio_gui),
            ("V_MPC", self.build_value_gui),
            ("step time", self.build_time_gui),
            ("schedule", self.build_schedule_gui),
        ]
        if not imgui.BeginTabBar("plots"):
            return
        for name, build in tabs:
            shown = imgui.BeginTabItem(name)
            if shown[0] if isinstance(shown, tuple) else shown:
                build()
                imgui.EndTabItem()
        imgui.EndTabBar()

    def plot(self, unit, lines, low=None, high=None):
        """lines: (label, numbers) over the time that is shown."""
        times = self.thin[:, 0].tolist()
        if not implot.BeginPlot(f"##{unit}", imgui.Vec2(-1, -1), int(implot.Flags.NoTitle) | int(implot.Flags.NoMenus)):
            return
        fit = 0 if low is not None else int(implot.AxisFlags.AutoFit)
        implot.SetupAxes("time [s]", unit, 0, fit)
        implot.SetupAxisLimits(int(implot.Axis.X1), times[-1] - SECONDS, times[-1], int(implot.Cond.Always))
        if low is not None:
            implot.SetupAxisLimits(int(implot.Axis.Y1), low, high, int(implot.Cond.Always))
        implot.SetupLegend(int(implot.Location.East), int(implot.LegendFlags.Outside))
        for label, numbers in lines:
            implot.PlotLine(label, times, np.asarray(numbers).tolist())
        implot.EndPlot()

    def build_velocity_gui(self):
        lines = []
        for name in ("forward", "left", "yaw"):
            lines += [(f"{name} commanded", self.column(f"command/{name}")), (name, self.column(f"velocity/{name}"))]
        self.plot("m/s, rad/s", lines)

    def build_forces_gui(self):
        lines = []
        for foot in self.feet:
            lines += [(f"{foot} planned", self.column(f"planned_force/{foot}")), (foot, self.column(f"force/{foot}"))]
        weight = 9.81 * self.panel.robot.mass
        self.plot("vertical force [N]", lines, 0.0, 2.5 * weight)

    def build_torques_gui(self):
        imgui.SetNextItemWidth(200)
        _, self.joint = imgui.Combo("joint", self.joint, self.joints)
        name = self.joints[self.joint]
        lines = [
            ("of the MPC", self.column(f"tau_mpc/{name}")),
            ("of the policy", self.column(f"tau_residual/{name}")),
            ("applied", self.column(f"tau/{name}")),
        ]
        self.plot("torque [N m]", lines)

    def build_ratio_gui(self):
        ratio = self.column("tau_residual") / np.maximum(self.column("tau_mpc"), RATIO_FLOOR)
        self.plot("|tau policy| / |tau MPC|", [("ratio", ratio)], 0.0, max(1.0, 1.1 * float(ratio.max())))

    def build_value_gui(self):
        self.plot("V_MPC", [("cost of the plan", self.column("value"))])

    def build_time_gui(self):
        step = 1e-3 * self.column("step_us")
        shown = np.sort(self.table[:, self.columns["step_us"]])
        imgui.TextUnformatted(f"median {shown[len(shown) // 2]:.0f} us, 99 % {shown[int(0.99 * (len(shown) - 1))]:.0f} us, budget {BUDGET_MS:.0f} ms")
        self.plot("controller's step [ms]", [("step", step), ("budget", np.full(len(step), BUDGET_MS))], 0.0, 1.2 * BUDGET_MS)

    def build_schedule_gui(self):
        """A bar per foot over the horizon: filled where it stands."""
        stance = np.asarray(self.live.plan().stance)
        if not stance.size:
            imgui.TextUnformatted("no MPC plans here")
            return
        draw, start, room = imgui.GetWindowDrawList(), imgui.GetCursorScreenPos(), imgui.GetContentRegionAvail()
        label, height = 110.0, min(34.0, (room.y - 24) / len(self.feet))
        width = (room.x - label) / len(stance)
        filled, empty = imgui.GetColorU32(int(imgui.Col.SliderGrab)), imgui.GetColorU32(int(imgui.Col.FrameBg))
        text = imgui.GetColorU32(int(imgui.Col.Text))
        for i, foot in enumerate(self.feet):
            y = start.y + i * height
            draw.AddText(imgui.Vec2(start.x, y + 6), text, foot)
            for k in range(len(stance)):
                x = start.x + label + k * width
                draw.AddRectFilled(imgui.Vec2(x + 1, y + 2), imgui.Vec2(x + width - 1, y + height - 2), filled if stance[k, i] > 0.5 else empty)
        dt = self.panel.settings["mpc.dt"]
        length = sum(dt) if len(dt) > 1 else dt[0] * (len(stance) - 1)
        draw.AddText(
            imgui.Vec2(start.x + label, start.y + len(self.feet) * height + 4), text, f"now ... {length:.2f} s ahead; filled: the foot stands"
        )
