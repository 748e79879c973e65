"""Simulators at the other end of a socket: what cannot be is answered in one line, uneven ground is that of the programs."""

import json
import os
import socket
import subprocess
import sys

import mujoco
import numpy as np
import pytest
import tandem
from tandem.mjcf import Terrain, compile_mjcf
from tandem.trajectory import Error

NOTHING = {"worlds": 1, "control_dt": 0.01, "physics_dt": 0.001, "joints": [], "bodies": [], "feet": [], "contacts": [], "foot_geoms": []}


def start(module, missing="none"):
    """(A simulator's process, our end of its socket), with one package not to be found."""
    ours, theirs = socket.socketpair()
    code = f"import runpy, sys; sys.modules['{missing}'] = None; runpy.run_module('{module}', run_name='__main__')"
    folder = os.path.dirname(os.path.dirname(tandem.__file__))
    environment = {**os.environ, "PYTHONPATH": folder + ":" + os.environ.get("PYTHONPATH", "")}
    process = subprocess.Popen([sys.executable, "-c", code], stdin=theirs, stderr=subprocess.PIPE, env=environment)
    theirs.close()
    return process, ours


def answer_of(module, told, heights=b"", missing="none"):
    """(What the program answers to a line of JSON, its exit code)."""
    process, ours = start(module, missing)
    ours.sendall(json.dumps(told).encode() + b"\n" + heights)
    with ours, process:
        return json.loads(ours.makefile("rb").readline()), process.wait(timeout=120)


@pytest.mark.parametrize("name, module, package", [("drake", "tandem.drake_simulator", "pydrake"), ("warp", "tandem.warp_program", "mujoco_warp")])
def test_a_package_that_is_missing_is_named_with_its_cure(robot, name, module, package):
    answer, code = answer_of(module, {**NOTHING, "xml": robot.model_path}, missing=package)
    assert answer["error"].startswith(f"the simulator {name} needs the Python package {package}: ./tandem play --simulator {name} installs it")
    assert code == 1


def test_a_file_that_is_no_mjcf_is_answered_in_one_line(tmp_path):
    pytest.importorskip("pydrake", reason="drake is not installed")
    path = tmp_path / "robot.xml"
    path.write_text("<mujoco><wrong/></mujoco>")
    answer, code = answer_of("tandem.drake_simulator", {**NOTHING, "xml": str(path)})
    assert str(path) in answer["error"] and "\n" not in answer["error"] and code == 1


def test_drake_refuses_uneven_ground_in_one_line(robot):
    told = {**NOTHING, "xml": robot.model_path, "terrain": {"rows": 2, "columns": 3, "cell": 0.1}}
    answer, code = answer_of("tandem.drake_simulator", told, np.zeros(6, dtype=np.float32).tobytes())
    assert "flat ground only; use --simulator mujoco" in answer["error"] and code == 1


@pytest.mark.parametrize("last", ["half a line", "half a number", "half a command", "an answer that nobody reads"])
def test_a_program_that_is_gone_ends_its_simulator_quietly(robot, last):
    pytest.importorskip("pydrake", reason="drake is not installed")
    process, ours = start("tandem.drake_simulator")
    line = json.dumps({**NOTHING, "xml": robot.model_path, "joints": robot.joint_names}).encode() + b"\n"
    reset = np.concatenate([[ord("r"), 0, -1], robot.stand, np.zeros(robot.nv)]).tobytes()
    step = np.concatenate([[ord("s")], np.zeros(5 * robot.njnt)]).tobytes()
    with ours, process:
        ours.sendall(line if last != "half a line" else line[:20])
        if last != "half a line":
            assert json.loads(ours.makefile("rb").readline())["simulator"].startswith("drake")
            ours.sendall({"half a number": step[:5], "half a command": reset[:-100]}.get(last, reset + step))
        ours.close()
        said = process.stderr.read()
        process.wait(timeout=120)
    assert said == b""


def ground_below(model, x, y):
    """Height of the first thing that a ray from above meets, the robot being far away."""
    data = mujoco.MjData(model)
    data.qpos[:2] = 500
    mujoco.mj_forward(model, data)
    return 10 - mujoco.mj_ray(model, data, np.array([x, y, 10.0]), np.array([0.0, 0.0, -1.0]), None, 1, -1, np.zeros(1, dtype=np.int32))


@pytest.mark.parametrize("amplitude", [0.1, 1e-4])
def test_the_ground_has_the_heights_of_the_terrain(robot, rng, amplitude):
    height = rng.uniform(-amplitude, amplitude, (7, 11)).astype(np.float32)
    height[[0, -1]] = height[:, [0, -1]] = 0
    model = compile_mjcf(robot.model_path, Terrain(7, 11, 0.2, height))
    for row, column in rng.integers([1, 1], [6, 10], (20, 2)):
        x, y = 0.2 * (column - 5), 0.2 * (row - 3)
        assert ground_below(model, x + 1e-6, y + 1e-6) == pytest.approx(height[row, column], abs=1e-4 * amplitude)
    for x, y in ((1.5, 0), (-1.5, 0), (0, 0.9), (0, -0.9), (50, 50)):
        assert ground_below(model, x, y) == pytest.approx(0, abs=1e-9)


def test_a_robot_without_a_floor_has_no_uneven_ground(tmp_path):
    path = tmp_path / "robot.xml"
    path.write_text("<mujoco><worldbody><body><joint/><geom size='0.1'/></body></worldbody></mujoco>")
    with pytest.raises(Error, match="has 0 planes") as caught:
        compile_mjcf(path, Terrain(2, 2, 1.0, np.zeros((2, 2), dtype=np.float32)))
    assert "\n" not in str(caught.value)


def written(tmp_path, inside, actuators="", more=""):
    """A file with one body that hangs on the world."""
    path = tmp_path / "robot.xml"
    path.write_text(
        f'<mujoco><option integrator="implicitfast"/><worldbody><geom name="floor" type="plane" size="1 1 1"/><body pos="0 0 2">{inside}'
        f'<geom name="ball" size="0.1" pos="0.3 0 0"/></body></worldbody><actuator>{actuators}</actuator>{more}</mujoco>'
    )
    return path


@pytest.mark.parametrize(
    "joint, actuator, limit",
    [
        ("", 'forcerange="-7 5" gear="3"', 15),
        ('actuatorfrcrange="-4 6"', 'gear="-2"', 4),
        ('actuatorfrcrange="-4 6"', 'forcerange="-7 5"', 4),
        ('actuatorfrcrange="-40 60"', 'forcerange="-7 5"', 5),
        ("", "", np.inf),
    ],
)
def test_the_limit_of_a_joint_is_its_actuators(joint, actuator, limit, tmp_path):
    model = compile_mjcf(written(tmp_path, f'<joint name="hinge" {joint}/>', f'<motor joint="hinge" {actuator}/>'))
    data = mujoco.MjData(model)
    for sign in (1, -1):
        data.ctrl[0] = 100 * sign
        mujoco.mj_forward(model, data)
        assert abs(data.qfrc_actuator[0]) == pytest.approx(min(limit, 100 * abs(model.actuator_gear[0, 0])))
    assert not model.jnt_actfrclimited.any()
    assert bool(model.actuator_forcelimited[0]) == np.isfinite(limit)


def test_what_an_actuator_adds_to_its_joint_moves_it_as_in_mujoco(tmp_path):
    joint, motor = '<joint name="hinge" axis="0 1 0" damping="0.1" armature="0.02"/>', '<motor joint="hinge" gear="3" armature="0.04" damping="0.5"/>'
    path = written(tmp_path, joint, motor)
    folded, plain = compile_mjcf(path), mujoco.MjModel.from_xml_path(str(path))
    assert folded.dof_armature[0] == pytest.approx(0.02 + 9 * 0.04) and folded.dof_damping[0] == pytest.approx(0.1 + 9 * 0.5)
    assert not folded.actuator_armature.any() and not folded.actuator_damping.any()
    ends = []
    for model in (folded, plain):
        data = mujoco.MjData(model)
        data.ctrl[0], data.qvel[0] = 0.5, 3
        for _ in range(200):
            mujoco.mj_step(model, data)
        ends.append([data.qpos[0], data.qvel[0]])
    assert abs(ends[1][0]) > 0.1
    np.testing.assert_allclose(ends[0], ends[1], rtol=1e-12)


def test_contact_pairs_are_refused_in_one_line(tmp_path):
    path = written(tmp_path, "<freejoint/>", more='<contact><pair geom1="floor" geom2="ball" friction="1 1 .005 .0001 .0001"/></contact>')
    with pytest.raises(Error, match="<contact><pair>.*remove it and say by contype and conaffinity") as caught:
        compile_mjcf(path)
    assert "\n" not in str(caught.value)
