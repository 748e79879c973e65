"""What is drawn into the scene: the plan of the MPC, forces on the feet, friction cones, and what the policy adds at each joint."""

import mujoco
import numpy as np
from mujoco.studio import messages, plugin
from mujoco.studio.dear_imgui import dear_imgui as imgui

from ..film import FORCE_SCALE, MEASURED, PATH, PLANNED

FOOTHOLD = (0.85, 0.25, 0.35, 0.8)
CONE = (0.45, 0.75, 0.45, 0.35)
ADDED, TAKEN = (0.85, 0.2, 0.55, 0.9), (0.25, 0.4, 0.9, 0.9)  # torque of the policy about the joint's axis, and against it
CONE_EDGES = 8
NAMES = ["base path", "foot paths", "footholds", "measured forces", "planned forces", "friction cones", "torque of the policy"]


class Overlay(plugin.ViewerPlugin):
    def __init__(self, live, panel):
        self.live, self.panel = live, panel
        robot = live.robot
        self.size = 1.6 * robot.base_height
        self.arrow = FORCE_SCALE * self.size / (9.81 * robot.mass)  # length of the arrow of 1 N
        self.torque = 1.5 * self.size / max(float(x) for x in robot.tau_max if np.isfinite(x))  # length of the bar of 1 N m
        self.point_foot = list(robot.contact_feet)
        self.joint_names = list(robot.joint_names)
        self.shown = dict.fromkeys(NAMES, True) | {"friction cones": False}

    @messages.handler
    def on_build_gui(self, _: messages.BuildGuiEvent) -> None:
        shown, _ = imgui.Begin("Robot")
        if shown:
            imgui.SetNextItemOpen(False, imgui.Cond.FirstUseEver)
            if imgui.CollapsingHeader("Drawn in the scene"):
                for name in NAMES:
                    _, self.shown[name] = imgui.Checkbox(name, self.shown[name])
        imgui.End()

    @messages.handler
    def on_update(self, _: messages.UpdateEvent) -> None:
        geoms = self.viewer.extra_geoms
        geoms.clear()
        if self.viewer.model.nbody < 2:
            return
        state, plan = self.live.state(), self.live.plan()
        if len(plan.base):
            self._draw_plan(geoms, plan)
        self._draw_forces(geoms, state, plan)
        if self.shown["torque of the policy"]:
            self._draw_torques(geoms, state)

    # --- parts -------------------------------------------------------------------------------------------------------------------------------

    def _draw_plan(self, geoms, plan):
        width = 0.006 * self.size
        if self.shown["base path"]:
            for a, b in zip(plan.base[:-1], plan.base[1:]):
                connect(geoms, mujoco.mjtGeom.mjGEOM_CAPSULE, width, a, b, PATH)
        for foot in sorted(set(self.point_foot)):
            path = plan.point[:, [f == foot for f in self.point_foot]].mean(axis=1)
            if self.shown["foot paths"]:
                for a, b in zip(path[:-1], path[1:]):
                    if np.linalg.norm(b - a) > 1e-3:
                        connect(geoms, mujoco.mjtGeom.mjGEOM_CAPSULE, 0.7 * width, a, b, PLANNED)
            if self.shown["footholds"]:
                stance = plan.stance[:, foot] > 0.5
                for k in np.flatnonzero(stance[1:] & ~stance[:-1]) + 1:
                    ball(geoms, 3 * width, path[k], FOOTHOLD)

    def _draw_forces(self, geoms, state, plan):
        width = 0.012 * self.size
        for c, (point, force) in enumerate(zip(plan.point_now, state.point_force)):
            if self.shown["measured forces"] and np.linalg.norm(force) > 1:
                connect(geoms, mujoco.mjtGeom.mjGEOM_ARROW, width, point, point + self.arrow * force, MEASURED)
            if len(plan.force) and np.linalg.norm(plan.force[0, c]) > 1:
                if self.shown["planned forces"]:
                    connect(geoms, mujoco.mjtGeom.mjGEOM_ARROW, 0.7 * width, point, point + self.arrow * plan.force[0, c], PLANNED)
                if self.shown["friction cones"]:
                    self._draw_cone(geoms, point)

    def _draw_cone(self, geoms, point):
        """Edges of the cone in which the plan keeps its forces."""
        height = 0.12 * self.size
        radius = height * self.panel.settings["mpc.friction"]
        angles = np.linspace(0, 2 * np.pi, CONE_EDGES, endpoint=False)
        rim = point + np.stack([radius * np.cos(angles), radius * np.sin(angles), np.full(CONE_EDGES, height)], axis=1)
        for i in range(CONE_EDGES):
            connect(geoms, mujoco.mjtGeom.mjGEOM_CAPSULE, 0.002 * self.size, point, rim[i], CONE)
            connect(geoms, mujoco.mjtGeom.mjGEOM_CAPSULE, 0.002 * self.size, rim[i - 1], rim[i], CONE)

    def _draw_torques(self, geoms, state):
        """A bar along each joint's axis, as long as the torque that the policy adds."""
        model, data = self.viewer.model, self.viewer.data
        for name, torque in zip(self.joint_names, state.tau_residual):
            length = self.torque * float(torque)
            if abs(length) < 0.002 * self.size:
                continue
            joint = model.joint(name).id
            start = data.xanchor[joint]
            color = ADDED if length > 0 else TAKEN
            connect(geoms, mujoco.mjtGeom.mjGEOM_CYLINDER, 0.02 * self.size, start, start + length * data.xaxis[joint], color)


def connect(geoms, kind, width, start, end, color):
    geom = mujoco.MjvGeom()
    mujoco.mjv_initGeom(geom, int(kind), np.zeros(3), np.zeros(3), np.eye(3).ravel(), np.array(color, dtype=np.float32))
    mujoco.mjv_connector(geom, int(kind), width, np.asarray(start, dtype=float), np.asarray(end, dtype=float))
    geoms.append(geom)


def ball(geoms, radius, center, color):
    geom = mujoco.MjvGeom()
    size = np.full(3, radius)
    mujoco.mjv_initGeom(
        geom, int(mujoco.mjtGeom.mjGEOM_SPHERE), size, np.asarray(center, float), np.eye(3).ravel(), np.array(color, dtype=np.float32)
    )
    geoms.append(geom)
