"""Survival of the MPC on inclines and uneven ground: PYTHONPATH=python:build/python .venv/bin/python results/slopes.py, from a clean checkout; 20 minutes.

Each angle in plain MuJoCo with the floor's plane tilted, and by `eval` on the height field that terrain.kind=slope makes; there also with a controller that
is told its height above the ground, but not that it slopes, and so on rough ground and steps. 16 random starts and commands, 10 s, uphill towards x; the
gait keeps its rate (mpc.step_rate = 1). Writes results/slopes.json.
"""

import json
import subprocess
from pathlib import Path

import mujoco
import numpy as np
import tandem

ROOT = Path(__file__).resolve().parents[1]
OUT = Path("out/slopes")
COMMANDS = {  # of robot.toml: forward, left [m/s], turning [rad/s]
    "mit_humanoid": ((-0.8, 1.2), (-0.3, 0.3), (-1, 1)),
    "unitree_go2": ((-0.3, 1), (-0.2, 0.2), (-0.5, 0.5)),
    "unitree_g1": ((-0.3, 1), (-0.2, 0.2), (-0.5, 0.5)),
}
ANGLES = [0.0, 0.1, 0.2, 0.3]  # [rad]
NEARLY_LEVEL = 1e-4  # of the height field: with 0 it would be a plane [rad]
UNEVEN = {"rough": [0.01, 0.02, 0.03], "steps": [0.02, 0.04]}  # amplitudes [m]
STARTS, SECONDS = 16, 10.0


def on_height_field(robot, kind, **settings):
    """Shares that stand, by the program: where the controller is told how the ground slopes, and where it takes it as level."""
    found = {}
    for told, slope_time in (("told", 0.5), ("taken_as_level", 0)):
        report = OUT / "-".join([robot, kind, *map(str, settings.values()), told, "eval.json"])
        if not (ROOT / report).exists():
            terrain = " ".join(f"--set terrain.{name}={value}" for name, value in {"kind": kind, **settings}.items())
            command = (
                f"./tandem eval --robot {robot} --controller mpc --worlds {STARTS} --seconds {SECONDS:g} {terrain} --set env.slope_time={slope_time}"
                " --set mpc.step_rate=1"
            )
            subprocess.run([*command.split(), "--json", report], cwd=ROOT, check=True)
        found[told] = json.loads((ROOT / report).read_text())["results"]["survival"]
    return found


def tilted(robot, angle):
    """MuJoCo's model of the robot on a plane that rises towards x; its motors deliver the torque they are given."""
    spec = mujoco.MjSpec.from_file(robot.model_path)
    floor = next(geom for geom in spec.geoms if geom.type == mujoco.mjtGeom.mjGEOM_PLANE)
    floor.quat = [np.cos(angle / 2), 0, -np.sin(angle / 2), 0]
    model = spec.compile()
    model.actuator_biasprm[:] = 0
    return model


def start(robot, model, data, feet, slope, rng):
    """A random start with the lowest foot 2 mm above the ground, as of `eval`."""
    data.qpos[:] = robot.stand
    data.qpos[:2] = rng.uniform(-5, 5, 2)
    quaternion = np.zeros(4)
    mujoco.mju_euler2Quat(quaternion, rng.uniform(-1, 1, 3) * np.pi / 20, "XYZ")
    data.qpos[3:7] = quaternion
    data.qvel[:3] = rng.uniform(-0.25, 0.25, 3)
    data.qvel[3:6] = rng.uniform(-0.25, 0.25, 3)
    mujoco.mj_kinematics(model, data)
    data.qpos[2] -= min(data.geom_xpos[foot][2] - model.geom_size[foot][0] - slope * data.geom_xpos[foot][0] for foot in feet) - 0.002


def stands(robot, q):
    """Base not below half its height above the ground, and not tilted by more than 0.8 rad."""
    return q[2] > 0.5 * robot.base_height and 1 - 2 * (q[4] ** 2 + q[5] ** 2) > np.cos(0.8)


def survived(name, angle, seed):
    """Seconds until the fall, on the tilted plane."""
    rng, robot, slope = np.random.default_rng(seed), tandem.Robot(name), np.tan(angle)
    model = tilted(robot, angle)
    data = mujoco.MjData(model)
    feet = [geom for geom in range(model.ngeom) if model.geom_priority[geom] == 1]
    command = np.array([robot.base_height] + [rng.uniform(*limits) for limits in COMMANDS[name]])
    start(robot, model, data, feet, slope, rng)
    controller = tandem.Controller(robot, settings={"mpc.step_rate": 1.0})
    every = round(controller.control_dt / model.opt.timestep)
    for step in range(round(SECONDS / model.opt.timestep)):
        q = data.qpos.copy()
        if step % every == 0:
            q[2] -= slope * q[0]
            if step > 0 and not stands(robot, q):
                return round(data.time, 2)
            controller.step(q, data.qvel, command, ground=np.array([slope, 0, 0]))
        data.ctrl[:] = controller.torque(q, data.qvel)
        mujoco.mj_step(model, data)
    return SECONDS


def main():
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    table = {"commit": commit}
    (ROOT / OUT).mkdir(parents=True, exist_ok=True)
    for name in COMMANDS:
        table[name] = {}
        for angle in ANGLES:
            times = [survived(name, angle, seed) for seed in range(STARTS)]
            share = float(np.mean([seconds >= SECONDS for seconds in times]))
            field = on_height_field(name, "slope", angle=angle or NEARLY_LEVEL)
            table[name][str(angle)] = {"plane": share, "height_field": field, "survived_on_plane": times}
        for kind, amplitudes in UNEVEN.items():
            table[name][kind] = {str(amplitude): on_height_field(name, kind, amplitude=amplitude) for amplitude in amplitudes}
    (ROOT / "results/slopes.json").write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
