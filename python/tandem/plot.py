"""Plots a trajectory over time: velocity against command, base, floor forces, joint torques with their limits, time of the controller's step."""

import warnings

import numpy as np

from .terrain import height_at
from .trajectory import Error

WHITE = "#ffffff"
# for bars that must be told apart without colour
HATCHES = ["", "//", "..", "xx", "\\\\", "--"]
COLORS = ["#1f6f8b", "#c8553d", "#588b3a", "#8a5a9e", "#b8860b", "#4a4a4a"]


def legend(axes, columns):
    """Above the panel, where it hides nothing."""
    axes.legend(loc="lower right", bbox_to_anchor=(1, 0.97), ncol=columns, borderaxespad=0)


def heading_velocity(trajectory):
    """Forward and left velocity of the base in its heading frame, and yaw rate  (n, 3)."""
    w, x, y, z = trajectory.q[:, 3:7].T
    yaw = np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))
    vx, vy = trajectory.v[:, 0], trajectory.v[:, 1]
    # the angular velocity is in the base frame: its world z is row 3 of the rotation matrix times it
    turn = np.stack([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)], axis=1)
    rate = np.sum(turn * trajectory.v[:, 3:6], axis=1)
    return np.stack([np.cos(yaw) * vx + np.sin(yaw) * vy, np.cos(yaw) * vy - np.sin(yaw) * vx, rate], axis=1)


def tilt(trajectory):
    """Angle between the base's z axis and the vertical [rad]  (n,)."""
    _, x, y, _ = trajectory.q[:, 3:7].T
    return np.arccos(np.clip(1 - 2 * (x * x + y * y), -1, 1))


def plot_velocity(axes, trajectory):
    velocity = heading_velocity(trajectory)
    for i, name in enumerate(["forward [m/s]", "left [m/s]", "turning [rad/s]"]):
        axes.plot(trajectory.time, velocity[:, i], color=COLORS[i], lw=1, label=name)
        axes.plot(trajectory.time, trajectory.command[:, i], color=COLORS[i], lw=1, ls="--")
    axes.set_ylabel("velocity\n(dashed: command)")
    legend(axes, 3)


def plot_base(axes, trajectory):
    terrain = trajectory.meta["terrain"]
    height = trajectory.q[:, 2] - (height_at(terrain, trajectory.q[:, :2]) if terrain else 0)
    axes.plot(trajectory.time, height, color=COLORS[0], lw=1, label="height above ground [m]" if terrain else "height [m]")
    if trajectory.meta["base_height"] > 0:
        axes.axhline(trajectory.meta["base_height"], color=COLORS[0], lw=1, ls="--")
    axes.plot(trajectory.time, tilt(trajectory), color=COLORS[1], lw=1, label="tilt [rad]")
    axes.set_ylabel("base")
    axes.set_ylim(bottom=0)
    legend(axes, 2)


def plot_forces(axes, trajectory):
    foot_of = np.array([point["foot"] for point in trajectory.meta["points"]], dtype=int)
    planned = np.any(trajectory.planned_force)
    for foot, name in enumerate(trajectory.meta["feet"]):
        color = COLORS[foot % len(COLORS)]
        axes.plot(trajectory.time, trajectory.foot_force[:, foot, 2], color=color, lw=1, label=name)
        if planned:
            axes.plot(trajectory.time, trajectory.planned_force[:, foot_of == foot, 2].sum(axis=1), color=color, lw=1, ls="--")
    axes.set_ylabel("vertical force [N]" + ("\n(dashed: planned)" if planned else ""))
    # impacts reach several times what matters
    axes.set_ylim(0, 1.3 * max(1.0, float(np.percentile(trajectory.foot_force[:, :, 2], 99.5))))
    legend(axes, len(trajectory.meta["feet"]))


def plot_torques(axes, trajectory, joints=5):
    """The joints that come closest to their limits, as a fraction of it."""
    limit = np.array([np.inf if value is None else value for value in trajectory.meta["tau_max"]], dtype=float)
    scale = np.where(np.isfinite(limit), limit, np.maximum(1e-9, np.abs(trajectory.tau).max(axis=0)))
    load = trajectory.tau / scale
    for i, joint in enumerate(np.argsort(-np.abs(load).max(axis=0), kind="stable")[:joints]):
        name = trajectory.meta["joints"][joint]
        label = f"{name} ({limit[joint]:g})" if np.isfinite(limit[joint]) else name
        axes.plot(trajectory.time, load[:, joint], color=COLORS[i], lw=0.8, label=label)
    for edge in (-1, 1):
        axes.axhline(edge, color="#a00000", lw=0.8, ls=":")
    axes.set_ylim(-1.1, 1.1)
    axes.set_ylabel("torque / limit\n(most loaded joints,\nlimit in N m)")
    legend(axes, joints)


def plot_solve(axes, trajectory):
    shown = trajectory.solve_us[trajectory.solve_us > 0]
    axes.plot(trajectory.time, trajectory.solve_us, color=COLORS[0], lw=0.8)
    if shown.size:
        median, p99 = np.percentile(shown, [50, 99])
        axes.set_title(f"median {median:.0f} us, p99 {p99:.0f} us", loc="right", fontsize=8)
        axes.set_ylim(0, 1.5 * p99)
    axes.set_ylabel("controller's\nstep [us]")


def write_plot(trajectory, folder):
    """Writes plot.png and returns its path."""
    try:
        import matplotlib
    except ImportError:
        raise Error("matplotlib is missing; run ./tandem, which installs it into .venv") from None
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    matplotlib.rcParams.update({"font.size": 8, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.alpha": 0.3})
    matplotlib.rcParams.update({"legend.fontsize": 7, "legend.frameon": False})
    warnings.filterwarnings("ignore", message="Glyph")  # names in a script that the font lacks
    panels = [plot_velocity, plot_base, plot_forces, plot_torques, plot_solve]
    if not trajectory.meta["floating"]:
        panels = [plot_torques, plot_solve]
    figure, axes = plt.subplots(len(panels), 1, figsize=(9, 2.0 * len(panels)), sharex=True, layout="constrained")
    for panel, ax in zip(panels, axes):
        panel(ax, trajectory)
    axes[0].set_title(trajectory.meta["title"], loc="left", fontsize=10)
    axes[-1].set_xlabel("time [s]")
    target = folder / "plot.png"
    # no date in the file: the same trajectory gives the same bytes
    figure.savefig(target, dpi=130, facecolor=WHITE, metadata={"Software": None})
    plt.close(figure)
    return target
