"""A robot from a URDF or an MJCF: the two files load, stand on their feet, keep mass and limits; mistakes are one line."""

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


MJCF = """<mujoco>
  <default><motor ctrlrange="-0.5 0.5"/><geom condim="1"/></default>
  <worldbody><body name="trunk" pos="0 0 1"><freejoint/><geom type="box" size="0.1 0.1 0.05" mass="3"/>
    {legs}
  </body></worldbody>
  <actuator>{motors}</actuator>
  <keyframe><key name="home" qpos="0 0 1 1 0 0 0 0.5 -1 0.5 -1"/></keyframe>
</mujoco>"""
MJCF_LEG = """<body name="{n}_thigh" pos="0 {y} 0"><joint name="{n}_hip" axis="0 1 0" stiffness="2"/>
  <geom type="capsule" fromto="0 0 0 0 0 -0.2" size="0.02" mass="0.5"/>
  <body name="{n}_shin" pos="0 0 -0.2"><joint name="{n}_knee" axis="0 1 0"/><geom type="capsule" fromto="0 0 0 0 0 -0.2" size="0.02" mass="0.2"/>
    <geom name="{n}_ball" pos="0 0 -0.2" size="0.03" mass="0.05"/></body></body>"""


@pytest.fixture
def from_mjcf(tmp_path):
    """The robot made of an MJCF that says little outright: limits by gears, masses by shapes, the pose by a keyframe; a spring; slippery feet."""
    path = tmp_path / "walker.xml"
    legs = MJCF_LEG.format(n="left", y=0.1) + MJCF_LEG.format(n="right", y=-0.1)
    motors = "".join(f'<motor joint="{side}_{joint}" gear="{gear}"/>' for side in ("left", "right") for joint, gear in (("hip", 40), ("knee", 60)))
    path.write_text(MJCF.format(legs=legs, motors=motors))
    feet = [word for side in ("left", "right") for word in ("--foot", f"{side}_shin:0,0,-0.2")]
    assert new_robot.main([str(path), "--out", str(tmp_path / "walker"), *feet, "--radius", "0.03"]) == 0
    return tandem.Robot(str(tmp_path / "walker" / "robot.toml"))


def test_an_mjcf_gives_masses_of_shapes_limits_of_motors_and_the_pose_of_its_keyframe(from_mjcf):
    robot = from_mjcf
    assert robot.mass == pytest.approx(4.5)
    np.testing.assert_allclose(sorted(robot.tau_max), [20, 20, 30, 30])
    np.testing.assert_allclose(robot.stand[7:], [0.5, -1, 0.5, -1])
    assert robot.base_height == pytest.approx(0.4 * np.cos(0.5) + 0.03, abs=1e-4)


def test_only_the_soles_of_a_standing_robot_touch_the_floor_and_they_grip(from_mjcf):
    model = mujoco.MjModel.from_xml_path(from_mjcf.model_path)
    data = mujoco.MjData(model)
    data.qpos[:] = from_mjcf.stand
    data.qpos[2] -= 0.005
    mujoco.mj_forward(model, data)
    names = {model.geom(geom).name for contact in data.contact for geom in contact.geom}
    assert names == {"floor", "left_shin_sole", "right_shin_sole"}
    assert all(contact.dim == 3 and contact.friction[0] == 1 for contact in data.contact)


def test_slides_and_hinges_of_the_root_become_a_floating_base_and_long_feet_stand_on_their_ends(tmp_path):
    path, out = tmp_path / "planar.xml", tmp_path / "walker"
    legs = MJCF_LEG.format(n="left", y=0.1) + MJCF_LEG.format(n="right", y=-0.1)
    base = "".join(f'<joint type="{kind}" axis="{axis}"/>' for kind in ("slide", "hinge") for axis in ("1 0 0", "0 1 0", "0 0 1"))
    path.write_text(MJCF.format(legs=legs, motors="").replace("<freejoint/>", base).partition("<keyframe>")[0] + "</mujoco>")
    feet = [word for side in ("left", "right") for word in ("--foot", f"{side}_shin:0.1,0,-0.2:-0.05,0,-0.2")]
    assert new_robot.main([str(path), "--out", str(out), *feet, "--radius", "0.03", "--effort", "20"]) == 0
    robot = tandem.Robot(str(out / "robot.toml"))
    assert (robot.nq, robot.nv, robot.njnt) == (7 + 4, 6 + 4, 4)
    assert robot.base_height == pytest.approx(0.43, abs=1e-4)
    model = mujoco.MjModel.from_xml_path(robot.model_path)
    data = mujoco.MjData(model)
    data.qpos[:] = robot.stand
    data.qpos[2] -= 0.005
    mujoco.mj_forward(model, data)
    touching = sorted(round(float(contact.pos[0]), 3) for contact in data.contact)
    np.testing.assert_allclose(touching, [-0.05, -0.05, 0.1, 0.1], atol=1e-3)


def test_links_with_several_joints_are_refused_by_name(tmp_path, capsys):
    path = tmp_path / "walker.xml"
    path.write_text('<mujoco><worldbody><body name="hip"><joint/><joint axis="1 0 0"/><geom size="0.1"/></body></worldbody></mujoco>')
    assert new_robot.main([str(path), "--out", str(tmp_path / "out"), "--foot", "hip"]) == 1
    assert '"hip" has 2 joints' in capsys.readouterr().err


@pytest.mark.parametrize(
    "change, message",
    [
        (["--foot", "nose"], "nose"),
        (["--foot", "left_foot:0,0"], "BODY:x,y,z"),
        (["--foot", "left_foot:0,0,0:0.1,0,0:0.2,0,0"], "toe, heel"),
        (["--foot", "left_foot", "--pose", "*_elbow=1"], "elbow"),
        (["--foot", "left_foot", "--pose", "*_hip=bent"], "bent"),
    ],
)
def test_mistakes_are_answered_in_one_line(urdf, tmp_path, change, message, capsys):
    assert new_robot.main([str(urdf), "--out", str(tmp_path / "out"), *change]) == 1
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1 and not (tmp_path / "out").exists()
