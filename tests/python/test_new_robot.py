"""A robot from a URDF: the two files load, stand on their feet, keep mass and limits; mistakes are one line."""

import mujoco
import numpy as np
import pytest
import tandem
from tandem import new_robot

LEG = """
  <link name="{n}_thigh"><inertial><mass value="0.5"/><origin xyz="0 0 -0.1"/>
    <inertia ixx="0.002" iyy="0.002" izz="0.0005" ixy="0" ixz="0" iyz="0"/></inertial></link>
  <link name="{n}_shin"><inertial><mass value="0.2"/><origin xyz="0 0 -0.1"/>
    <inertia ixx="0.001" iyy="0.001" izz="0.0002" ixy="0" ixz="0" iyz="0"/></inertial></link>
  <link name="{n}_foot"><inertial><mass value="0.05"/><inertia ixx="1e-5" iyy="1e-5" izz="1e-5" ixy="0" ixz="0" iyz="0"/></inertial></link>
  <joint name="{n}_hip" type="revolute"><parent link="trunk"/><child link="{n}_thigh"/><origin xyz="0 {y} 0"/><axis xyz="0 1 0"/>
    <limit lower="-2" upper="2" effort="20" velocity="10"/></joint>
  <joint name="{n}_knee" type="revolute"><parent link="{n}_thigh"/><child link="{n}_shin"/><origin xyz="0 0 -0.2"/><axis xyz="0 1 0"/>
    <limit lower="-2.5" upper="2.5" effort="30" velocity="10"/></joint>
  <joint name="{n}_end" type="fixed"><parent link="{n}_shin"/><child link="{n}_foot"/><origin xyz="0 0 -0.2"/></joint>
"""
TRUNK = '<link name="trunk"><inertial><mass value="3"/><inertia ixx="0.02" iyy="0.02" izz="0.02" ixy="0" ixz="0" iyz="0"/></inertial></link>'


@pytest.fixture
def urdf(tmp_path):
    path = tmp_path / "walker.urdf"
    path.write_text(f'<robot name="walker">{TRUNK}{LEG.format(n="left", y=0.1)}{LEG.format(n="right", y=-0.1)}</robot>')
    return path


def test_a_urdf_becomes_a_robot_that_stands_on_its_feet(urdf, tmp_path):
    out = tmp_path / "walker"
    arguments = [
        str(urdf),
        "--out",
        str(out),
        "--foot",
        "left_foot",
        "--foot",
        "right_foot",
        "--pose",
        "*_hip=0.5",
        "--pose",
        "*_knee=-1",
        "--radius",
        "0.03",
    ]
    assert new_robot.main(arguments) == 0
    robot = tandem.Robot(str(out / "robot.toml"))
    assert (robot.njnt, robot.foot_names) == (4, ["left_foot", "right_foot"])
    assert robot.mass == pytest.approx(4.5)
    np.testing.assert_allclose(sorted(robot.tau_max), [20, 20, 30, 30])
    # thigh and shin of 0.2 m leaning by 0.5 rad each, and the sole below
    assert robot.base_height == pytest.approx(0.4 * np.cos(0.5) + 0.03, abs=1e-4)
    model = mujoco.MjModel.from_xml_path(robot.model_path)
    data = mujoco.MjData(model)
    data.qpos[:] = robot.stand
    mujoco.mj_forward(model, data)
    assert data.geom("left_foot_sole").xpos[2] == pytest.approx(0.03, abs=2e-3)


@pytest.mark.parametrize(
    "change, message",
    [
        (["--foot", "nose"], "nose"),
        (["--foot", "left_foot", "--pose", "*_elbow=1"], "elbow"),
        (["--foot", "left_foot", "--pose", "*_hip=bent"], "bent"),
    ],
)
def test_mistakes_are_answered_in_one_line(urdf, tmp_path, change, message, capsys):
    assert new_robot.main([str(urdf), "--out", str(tmp_path / "out"), *change]) == 1
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1 and not (tmp_path / "out").exists()
