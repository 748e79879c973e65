"""What the tests of tandem.warp_simulator share. Without Warp they are skipped, and the reason says how to install it.

They run on Warp's CPU device; TANDEM_TEST_DEVICE=cuda:0 runs them on a GPU.
"""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import tandem

REASON = "Warp is not installed: python -m pip install --no-deps -r tools/requirements-warp.txt (400 MB)"
wp = pytest.importorskip("warp", reason=REASON)
pytest.importorskip("mujoco_warp", reason=REASON)

from tandem.warp_simulator import WarpSimulator  # noqa: E402

wp.config.log_level = wp.LOG_WARNING
NWORLD = 4  # of every simulator here
DEVICE = os.environ.get("TANDEM_TEST_DEVICE", "cpu")


def make(robot, control_dt=0.01, physics_dt=0.0025, **more):
    """Worlds whose set points are the stand."""
    sim = WarpSimulator(robot, NWORLD, control_dt=control_dt, physics_dt=physics_dt, device=DEVICE, **more)
    sim.q_des.assign(np.tile(robot.stand[-robot.njnt :], (NWORLD, 1)))
    return sim


def pair(robot, control_dt, physics_dt):
    """The same worlds in Warp and in MuJoCo."""
    return make(robot, control_dt, physics_dt), tandem.Simulator(robot, NWORLD, control_dt=control_dt, physics_dt=physics_dt)


def rewritten(name, tmp_path, old, new):
    """A robot of robots/ with a text of its MJCF replaced."""
    folder = shutil.copytree(Path(tandem.Robot(name).model_path).parents[1], tmp_path / "robots")
    path = folder / name / f"{name}.xml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return tandem.Robot(name, str(folder))


def command(warp, reference, tau_ff, q_des, v_des):
    for name, value in (("tau_ff", tau_ff), ("q_des", q_des), ("v_des", v_des)):
        getattr(warp, name).assign(np.asarray(value))
        getattr(reference, name)[:] = np.asarray(value, dtype=np.float32)


def random_states(robot, rng, height):
    q = np.tile(robot.stand, (NWORLD, 1))
    q[:, 2] += height
    q[:, 3:7] += rng.normal(0, 0.05, (NWORLD, 4))
    q[:, 3:7] /= np.linalg.norm(q[:, 3:7], axis=1, keepdims=True)
    q[:, 7:] += rng.uniform(-0.1, 0.1, (NWORLD, robot.njnt))
    return q.astype(np.float32).astype(float), rng.normal(0, 0.5, (NWORLD, robot.nv)).astype(np.float32).astype(float)


def random_parameters(robot, rng):
    return {
        "friction": rng.uniform(0.3, 1, NWORLD),
        "added_mass": rng.uniform(-1, 3, NWORLD),
        "com_offset": rng.uniform(-0.03, 0.03, (NWORLD, 3)),
        "mass_scale": rng.uniform(0.8, 1.2, (NWORLD, robot.nbody)),
        "armature_scale": rng.uniform(0.5, 1.5, (NWORLD, robot.njnt)),
        "strength": rng.uniform(0.7, 1, (NWORLD, robot.njnt)),
        "gravity": rng.normal([0, 0, -9.81], 0.3, (NWORLD, 3)),
    }
