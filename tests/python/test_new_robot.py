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
    names, data = touching(from_mjcf)
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
        (["--foot", "left_foot", "--foot", "left_foot"], "two or four points"),
        (["--foot", "left_foot:nan,0,0"], "BODY:x,y,z"),
        (["--foot", "left_foot", "--pose", "*_hip=nan"], "*_hip=nan"),
        (["--foot", "left_foot", "--pose", "*_hip=45"], "outside its limits -2 .. 2"),
        (["--foot", "left_foot", "--effort", "nan"], "--effort nan"),
        (["--foot", "left_foot", "--armature", "-1"], "--armature -1"),
    ],
)
def test_mistakes_are_answered_in_one_line(urdf, tmp_path, change, message, capsys):
    assert new_robot.main([str(urdf), "--out", str(tmp_path / "out"), *change]) == 1
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1 and not (tmp_path / "out").exists()


LEFT_AND_RIGHT = MJCF_LEG.format(n="left", y=0.1) + MJCF_LEG.format(n="right", y=-0.1)
SIDES = ("left", "right")


def motors(text):
    """One motor with these attributes per joint."""
    return "".join(f'<motor joint="{side}_{joint}" {text}/>' for side in SIDES for joint in ("hip", "knee"))


def mjcf(change=lambda text: text, motor='ctrlrange="-20 20"'):
    """The two-legged MJCF with one motor per joint, changed."""
    return change(MJCF.format(legs=LEFT_AND_RIGHT, motors=motors(motor)))


@pytest.fixture(name="build")
def fixture_build(tmp_path):
    """build(text, options): writes the file, runs new_robot on it for feet at the shins' ends; the robot, or None if it refuses."""

    def run(text, *options, feet=("left_shin:0,0,-0.2", "right_shin:0,0,-0.2")):
        path, out = tmp_path / ("walker.urdf" if text.startswith("<robot") else "walker.xml"), tmp_path / "made"
        path.write_text(text)
        arguments = [str(path), "--out", str(out), *(word for foot in feet for word in ("--foot", foot)), "--radius", "0.03", *options]
        if new_robot.main(arguments):
            assert not out.exists()
            return None
        return tandem.Robot(str(out))

    return run


def compiled(robot):
    return mujoco.MjModel.from_xml_path(robot.model_path)


def touching(robot):
    """(names of the shapes that touch something, MjData) of a robot that stands 5 mm in the floor."""
    model = compiled(robot)
    data = mujoco.MjData(model)
    data.qpos[:] = robot.stand
    data.qpos[2] -= 0.005
    mujoco.mj_forward(model, data)
    return {model.geom(geom).name for contact in data.contact for geom in contact.geom}, data


URDF_FEET = ("left_foot", "right_foot")
ODD_LINK = '<link name="odd">{inertial}{shape}</link><joint name="odd_end" type="fixed"><parent link="trunk"/><child link="odd"/></joint>'
INERTIAL = '<inertial><mass value="0.1"/><inertia ixx="{0}" iyy="{0}" izz="{0}" ixy="{1}" ixz="{1}" iyz="{1}"/></inertial>'
SHAPE = "<collision><geometry>{}</geometry></collision>"


def urdf_text(trunk=TRUNK, more=""):
    return f'<robot name="walker">{trunk}{LEG.format(n="left", y=0.1)}{LEG.format(n="right", y=-0.1)}{more}</robot>'


@pytest.mark.parametrize(
    "inertial, shape, mass",
    [
        ("", "", 4.5),
        ("", SHAPE.format('<box size="0.3 0.2 0.1"/>'), 4.5),
        ("", SHAPE.format('<mesh filename="package://nowhere/odd.stl"/>'), 4.5),
        (INERTIAL.format("0", "0"), "", 4.6),
        (INERTIAL.format("1e-3", "1e-3"), "", 4.6),
        (INERTIAL.format("1e-3", "2e-3"), "", 4.6),
    ],
)
def test_fixed_links_of_a_urdf_may_lack_mass_inertia_and_mesh_files(build, inertial, shape, mass):
    robot = build(urdf_text(more=ODD_LINK.format(inertial=inertial, shape=shape)), feet=URDF_FEET)
    assert robot.mass == pytest.approx(mass, rel=1e-4)


def test_a_root_without_mass_may_carry_the_trunk(build):
    base = '<link name="base"/><joint name="bf" type="fixed"><parent link="base"/><child link="trunk"/></joint>'
    assert build(urdf_text(trunk=base + TRUNK), feet=URDF_FEET).mass == pytest.approx(4.5)


def test_moving_links_without_inertia_are_refused_by_name(build, capsys):
    assert build(urdf_text().replace('ixx="0.002" iyy="0.002" izz="0.0005"', 'ixx="0" iyy="0" izz="0"'), feet=URDF_FEET) is None
    said = capsys.readouterr().err
    assert "left_thigh" in said and "positive mass and inertia" in said and said.count("\n") == 1


def test_a_urdf_keeps_its_velocity_limits_and_zero_is_none(build):
    robot = build(urdf_text().replace('effort="30" velocity="10"', 'effort="30" velocity="0"'), feet=URDF_FEET)
    np.testing.assert_allclose(robot.v_max, [10, np.inf, 10, np.inf])


HEAD = '<body pos="0.1 0 0.1"><geom type="sphere" size="0.05" mass="2"/></body><body name="left_thigh"'


@pytest.mark.parametrize(
    "before, after, stated, mass, share",
    [
        ('<body name="left_thigh"', HEAD, 3, 6.5, 3),
        ("<worldbody>", '<compiler settotalmass="30"/><worldbody>', 3, 30, 20),
        ("<worldbody>", '<compiler inertiafromgeom="true"/><worldbody>', 9, 4.5, 3),
    ],
)
def test_no_mass_is_lost(build, before, after, stated, mass, share):
    inertial = f'<freejoint/><inertial pos="0 0 0" mass="{stated}" diaginertia="1 1 1"/>'
    robot = build(mjcf(lambda text: text.replace("<freejoint/>", inertial).replace(before, after, 1)))
    assert robot.mass == pytest.approx(mass, rel=1e-4)
    assert compiled(robot).body("trunk").mass[0] == pytest.approx(share, rel=1e-4)


@pytest.mark.parametrize(
    "motor, joint, effort, limit",
    [
        ('ctrllimited="false" forcerange="-5 30"', "", [], 5),
        ('ctrlrange="-5 5" gear="-2"', "", [], 10),
        ('ctrlrange="-5 5"', 'actuatorfrcrange="-50 50"', [], 5),
        ('ctrlrange="-50 50"', 'actuatorfrcrange="-50 10"', [], 10),
        ('ctrlrange="-50 50"', 'actuatorfrcrange="-30 30"', ["--effort", "60"], 60),
    ],
)
def test_torque_limits_are_what_holds_both_ways_for_motor_and_joint(build, motor, joint, effort, limit):
    robot = build(mjcf(lambda text: text.replace(' axis="0 1 0"', f' axis="0 1 0" {joint}'), motor), *effort)
    np.testing.assert_allclose(robot.tau_max, limit)


def test_motors_of_one_joint_add_up_in_torque_armature_and_damping(build):
    extra = motors('ctrlrange="-3 3" gear="2" armature="0.05" damping="0.5"')
    robot = build(mjcf(lambda text: text.replace("</actuator>", extra + "</actuator>")))
    model = compiled(robot)
    np.testing.assert_allclose(robot.tau_max, 26)
    np.testing.assert_allclose(model.dof_armature[6:], 4 * 0.05)
    np.testing.assert_allclose(model.dof_damping[6:], 4 * 0.5)


def test_limits_that_are_switched_off_are_none_and_joints_without_names_get_one(build, capsys):
    text = mjcf(motor='ctrllimited="false" ctrlrange="-20 20"')
    assert build(text) is None and '"left_hip" has no torque limit' in capsys.readouterr().err
    unnamed = MJCF.format(legs=LEFT_AND_RIGHT.replace('name="left_hip" ', ""), motors="")
    assert build(unnamed) is None and '"left_thigh_joint" has no torque limit' in capsys.readouterr().err
    assert "left_thigh_joint" in build(unnamed, "--effort", "20").joint_names


def test_physics_of_the_file_that_is_not_modelled_is_not_kept(build):
    def change(text):
        option = '<option density="1000" viscosity="1"><flag gravity="disable" contact="disable"/></option><worldbody>'
        return text.replace("<worldbody>", option).replace('<body name="trunk"', '<body name="trunk" gravcomp="1"')

    model = compiled(build(mjcf(change)))
    assert model.opt.density == model.opt.viscosity == model.opt.disableflags == model.ngravcomp == 0


def test_defaults_of_the_file_do_not_reach_the_motors(build):
    default = '<general dyntype="filter" dynprm="0.05" armature="0.2" delay="0.02" nsample="5"/><position timeconst="0.05"/><geom condim="1"/>'
    model = compiled(build(mjcf(lambda text: text.replace('<geom condim="1"/>', default))))
    assert not model.actuator_dyntype.any() and not model.actuator_armature.any() and model.na == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace('name="left_ball"', 'name="left_sole" contype="1" conaffinity="1"'),
        lambda text: text.replace("<actuator>", '<contact><pair geom1="left_ball" geom2="ground"/></contact><actuator>'),
        lambda text: text.replace('name="ground" type="plane" size="0 0 0.1"', 'name="floor" type="box" size="5 5 0.1" pos="0 0 -0.1"'),
    ],
)
def test_shapes_of_the_file_never_pass_for_soles_or_floor(build, change):
    ground = '<worldbody><geom name="ground" type="plane" size="0 0 0.1"/>'
    robot = build(change(mjcf(lambda text: text.replace("<worldbody>", ground))))
    names, _ = touching(robot)
    assert names == {"floor", "left_shin_sole", "right_shin_sole"}


def test_the_base_stands_upright_whatever_its_orientation_in_the_file(build):
    robot = build(mjcf(lambda text: text.replace('pos="0 0 1"', 'pos="0 0 1" euler="0 90 0"', 1)))
    assert robot.base_height == pytest.approx(0.4 * np.cos(0.5) + 0.03, abs=1e-4)


TABLE = '<body name="table" pos="3 0 0"><geom type="box" size="0.1 0.1 0.1"/></body>'


@pytest.mark.parametrize("freejoint, joint", [("<freejoint/>", ""), ("", ""), ("<freejoint/>", "<freejoint/>")])
def test_the_root_is_what_carries_the_feet_and_the_rest_is_left_out(build, freejoint, joint, capsys):
    def change(text):
        return (
            text.replace("<freejoint/>", freejoint)
            .replace("<worldbody>", "<worldbody>" + TABLE.replace("<geom", joint + "<geom"))
            .partition("<key")[0]
        )

    robot = build(change(mjcf()) + "</mujoco>")
    assert (robot.mass, robot.body_names[0]) == (pytest.approx(4.5), "trunk")
    assert "left out: table" in capsys.readouterr().out


def test_what_no_program_would_load_is_refused_by_name_and_the_rest_of_the_file_does_not_matter(build, capsys):
    tied = '<equality><joint joint1="left_knee" joint2="right_knee"/></equality><actuator>'
    assert build(mjcf(lambda text: text.replace("<actuator>", tied))) is None
    assert '"left_knee" and "right_knee"' in capsys.readouterr().err
    apart = mjcf(
        lambda text: text.replace('<body name="right_thigh"', '</body><body name="other"><freejoint/><geom size="0.1"/><body name="right_thigh"')
    )
    assert build(apart.partition("<key")[0] + "</mujoco>") is None
    assert 'hangs on "other", the first foot on "trunk"' in capsys.readouterr().err
    images = '<asset><texture name="t" type="2d" file="none.png"/><material name="m" texture="t" rgba="1 0 0 1"/></asset><worldbody>'
    robot = build(mjcf(lambda text: text.replace("<worldbody>", images).replace('type="box"', 'type="box" material="m"')))
    np.testing.assert_allclose(compiled(robot).geom_rgba[1], [1, 0, 0, 1])


def test_names_with_quotes_and_backslashes_and_a_folder_without_a_name(tmp_path, monkeypatch, urdf):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    urdf.write_text(urdf.read_text().replace('"left_hip"', "'left \"hip\\'"))
    assert new_robot.main([str(urdf), "--out", ".", "--foot", "left_foot", "--foot", "right_foot", "--pose", "*_knee=-1"]) == 0
    assert 'left "hip\\' in tandem.Robot(str(tmp_path / "here")).joint_names and (tmp_path / "here" / "here.xml").is_file()


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda text: text.replace('"right_knee"', '"left_knee"'), 'two joints are called "left_knee"'),
        (lambda text: text.replace('type="revolute"', 'type="screw"', 1), "'joint', line 7"),
        (lambda text: text.replace('velocity="10"', 'velocity="fast"'), '"left_hip" has the velocity limit "fast"'),
        (lambda text: text.replace("</link>", "</link", 1), "Line number=1"),
    ],
)
def test_faults_of_a_file_are_one_line_with_their_place(build, change, message, capsys):
    assert build(change(urdf_text()), feet=URDF_FEET) is None
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1


def test_the_file_itself_is_never_written_over(tmp_path, capsys):
    (tmp_path / "walker").mkdir()
    path = tmp_path / "walker" / "walker.xml"
    path.write_text(mjcf())
    assert new_robot.main([str(path), "--out", str(tmp_path / "walker"), "--foot", "left_shin"]) == 1
    assert "would write over" in capsys.readouterr().err and path.read_text() == mjcf()
