"""Drake as the second simulator: its plant is the robot of the MJCF, its motors and pushes obey their laws, the program speaks to it."""

import numpy as np
import pytest
import tandem

pytest.importorskip("pydrake", reason="drake is not installed")
mujoco = pytest.importorskip("mujoco")

from tandem import drake_model, drake_simulator  # noqa: E402
from tandem.mjcf import compile_mjcf  # noqa: E402
from tandem.simulator_socket import Layout  # noqa: E402
from tandem.trajectory import Error  # noqa: E402

ROBOTS = ["mit_humanoid", "unitree_go2", "unitree_g1"]


def layout_of(robot, control_dt=0.01):
    model = compile_mjcf(robot.model_path)
    return Layout(robot.model_path, control_dt, 0.001, list(robot.joint_names), list(robot.body_names), [], [], []), model


def random_state(robot, rng):
    """Far above the ground, joints within their limits."""
    q, v = robot.stand.copy(), rng.normal(0, 0.5, robot.nv)
    q[2] += 5
    q[3:7] = rng.normal(size=4)
    q[3:7] /= np.linalg.norm(q[3:7])
    low, high = np.maximum(robot.q_min, -1), np.minimum(robot.q_max, 1)
    q[7:] = low + (high - low) * rng.uniform(0.2, 0.8, robot.njnt)
    return q, v


@pytest.mark.parametrize("name", ROBOTS)
def test_the_plant_has_the_mass_matrix_of_mujoco(name, rng):
    robot = tandem.Robot(name)
    layout, model = layout_of(robot)
    world = drake_simulator.World(layout, model)
    q, v = random_state(robot, rng)
    world.reset(-1, q, v)
    found = world.plant.CalcMassMatrix(world.context)
    data = mujoco.MjData(model)
    data.qpos[:7] = q[:7]
    for joint, value in zip(robot.joint_names, q[7:], strict=True):
        data.joint(joint).qpos[0] = value
    mujoco.mj_forward(model, data)
    expected = np.zeros((model.nv, model.nv))
    mujoco.mj_fullM(model, data, expected)
    # our velocities from Drake's: linear before angular, angular in the base's axes
    turn = np.zeros((model.nv, model.nv))
    turn[:3, 3:6], turn[3:6, :3] = np.eye(3), drake_simulator.rotation(q[3:7]).T
    dofs = [model.joint(joint).dofadr[0] for joint in robot.joint_names]
    turn[dofs, world.v_at] = 1
    np.testing.assert_allclose(turn.T @ expected @ turn, found, atol=1e-9)


def test_a_link_without_mass_is_a_frame(tmp_path):
    robot = tandem.Robot("unitree_go2")
    layout, model = layout_of(robot)
    spec = mujoco.MjSpec.from_file(robot.model_path)
    spec.body(robot.body_names[1]).add_body(name="frame", pos=[0, 0, 0.1])
    spec.compile()
    (tmp_path / "framed.xml").write_text(spec.to_xml())
    framed = compile_mjcf(str(tmp_path / "framed.xml"))
    assert framed.nbody == model.nbody + 1
    matrices = []
    for each in (model, framed):
        world = drake_simulator.World(layout, each)
        world.reset(-1, *random_state(robot, np.random.default_rng(0)))
        matrices.append(world.plant.CalcMassMatrix(world.context))
    np.testing.assert_allclose(matrices[1], matrices[0], atol=1e-6)  # the file has six digits


def test_a_state_comes_back_as_it_was_written(robot, rng):
    layout, model = layout_of(robot)
    world = drake_simulator.World(layout, model)
    q, v = random_state(robot, rng)
    world.reset(-1, q, v)
    found_q, found_v = world.read_state()
    np.testing.assert_allclose(found_q, q, atol=1e-12)
    np.testing.assert_allclose(found_v, v, atol=1e-12)


def test_motors_give_feed_forward_and_pd_within_their_limits(robot, rng):
    layout, model = layout_of(robot, control_dt=0.001)
    batch = drake_simulator.Batch(layout, 1)
    q, v = random_state(robot, rng)
    batch.reset(0, -1, q, v)
    kp, kd = np.full(robot.njnt, 30.0), np.full(robot.njnt, 1.5)
    tau_ff, q_des, v_des = rng.normal(0, 30, robot.njnt), q[7:] + rng.normal(0, 0.5, robot.njnt), rng.normal(0, 1, robot.njnt)
    batch.step(np.array([tau_ff, q_des, v_des, kp, kd])[:, None])
    # Drake's PD law sees the state at the end of the step
    after_q, after_v = batch.out["q"][0][7:], batch.out["v"][0][6:]
    wanted = tau_ff + kp * (q_des - after_q) + kd * (v_des - after_v)
    assert (np.abs(wanted) > robot.tau_max).any() and (np.abs(wanted) < robot.tau_max).any()
    np.testing.assert_allclose(batch.out["tau"][0], np.clip(wanted, -robot.tau_max, robot.tau_max), atol=0.02)


def test_a_push_changes_the_momentum_by_its_impulse(robot):
    layout, model = layout_of(robot)
    world = drake_simulator.World(layout, model)
    q = robot.stand.copy()
    q[2] += 5
    world.reset(-1, q, np.zeros(robot.nv))
    batch = drake_simulator.Batch(layout, 1)
    batch.worlds = [world]
    force = np.array([40.0, -25.0, 0.0])
    world.push(0, force, 4)
    zeros = np.zeros(robot.njnt)
    for _ in range(6):
        batch.step(np.array([zeros, q[7:], zeros, zeros, zeros])[:, None])
    momentum = robot.mass * world.plant.CalcCenterOfMassTranslationalVelocityInWorld(world.context)
    np.testing.assert_allclose(momentum[:2], 0.04 * force[:2], rtol=1e-3)
    assert momentum[2] == pytest.approx(-9.81 * robot.mass * 0.06, rel=1e-3)


@pytest.mark.parametrize(
    "inside, word",
    [
        ('<joint type="ball"/>', "ball"),
        ('<joint type="hinge" axis="0 1 0"/><joint type="hinge" axis="1 0 0"/>', "several joints"),
        ('<joint type="hinge" stiffness="3"/>', "stiffness"),
    ],
)
def test_what_drake_has_no_counterpart_for_is_refused_in_one_line(inside, word, tmp_path):
    path = tmp_path / "robot.xml"
    path.write_text(f'<mujoco><worldbody><body>{inside}<geom size="0.1"/></body></worldbody></mujoco>')
    with pytest.raises(Error, match=word) as caught:
        drake_model.make_plant(compile_mjcf(path), 0.001)
    assert "\n" not in str(caught.value) and "--simulator mujoco" in str(caught.value)


def test_a_height_field_of_the_robot_is_refused_in_one_line(tmp_path):
    path = tmp_path / "robot.xml"
    field = '<asset><hfield name="h" nrow="2" ncol="2" size="1 1 1 1" elevation="0 1 0 1"/></asset>'
    path.write_text(
        f'<mujoco>{field}<worldbody><body><freejoint/><inertial mass="1" pos="0 0 0" diaginertia="1 1 1"/>'
        '<geom type="hfield" hfield="h"/></body></worldbody></mujoco>'
    )
    with pytest.raises(Error, match="no height fields: flat ground only; use --simulator mujoco") as caught:
        drake_model.make_plant(compile_mjcf(path), 0.001)
    assert "\n" not in str(caught.value)


def two_surfaces(made, first, second):
    """Drake's friction of two geoms of a plant."""
    inspector, ids = made.scene_graph.model_inspector(), {geom: id_ for id_, geom in made.geoms.items()}
    a, b = (inspector.GetProximityProperties(ids[g]).GetProperty("material", "coulomb_friction").static_friction() for g in (first, second))
    return 2 * a * b / (a + b)


def standing(tmp_path, floors, ball):
    """A ball above some floors."""
    path = tmp_path / "robot.xml"
    path.write_text(f'<mujoco><worldbody>{floors}<body pos="0 0 2"><freejoint/><geom size="0.1" {ball}/></body></worldbody></mujoco>')
    return compile_mjcf(path)


@pytest.mark.parametrize(
    "floor, ball, expected",
    [
        ('friction="1"', 'friction="0.2" priority="1"', 0.2),
        ('friction="0.1"', 'friction="0.9" priority="1"', 0.9),
        ('friction="0.3" priority="2"', 'friction="0.9" priority="1"', 0.3),
        ('friction="0.3"', 'friction="0.9"', 0.9),
        ('friction="1"', 'friction="0.2"', 1),
        ('friction="0"', 'friction="0"', 0),
    ],
)
def test_friction_on_the_floor_is_that_of_the_geom_with_priority_or_the_larger(floor, ball, expected, tmp_path):
    model = standing(tmp_path, f'<geom type="plane" size="1 1 1" {floor}/>', ball)
    assert two_surfaces(drake_model.make_plant(model, 0.001), 0, 1) == pytest.approx(expected)
    assert two_surfaces(drake_model.make_plant(model, 0.001, friction=0.4), 0, 1) == pytest.approx(0.4)


def test_floors_of_different_friction_are_refused_unless_the_geom_has_priority(tmp_path):
    floors = '<geom type="plane" size="1 1 1" friction="0.8"/><geom type="box" pos="3 0 0" size="1 1 1" friction="1.2"/>'
    with pytest.raises(Error, match="no floors of different friction .*use --simulator mujoco"):
        drake_model.make_plant(standing(tmp_path, floors, 'friction="0.5"'), 0.001)
    made = drake_model.make_plant(standing(tmp_path, floors, 'friction="0.5" priority="1"'), 0.001)
    assert two_surfaces(made, 0, 2) == pytest.approx(0.5) == two_surfaces(made, 1, 2)


def test_gravity_is_the_models(robot):
    layout, model = layout_of(robot)
    model.opt.gravity[:] = [0.1, 0, -1.62]
    world = drake_simulator.World(layout, model)
    np.testing.assert_allclose(world.plant.gravity_field().gravity_vector(), [0.1, 0, -1.62])


def test_the_limit_of_a_joint_holds_and_a_negative_gain_stops_its_world_alone(tmp_path):
    path = tmp_path / "robot.xml"
    path.write_text(
        '<mujoco><worldbody><body name="base"><freejoint/><geom size="0.1" contype="0" conaffinity="0"/><body name="arm"><joint name="hinge" '
        'axis="0 1 0" actuatorfrcrange="-4 6"/><geom size="0.1" pos="0.5 0 0" contype="0" conaffinity="0"/></body></body></worldbody>'
        '<actuator><motor joint="hinge" gear="2" forcerange="-3 3" armature="0.05"/></actuator></mujoco>'
    )
    batch = drake_simulator.Batch(Layout(str(path), 0.001, 0.001, ["hinge"], ["base", "arm"], [], [], []), 2)
    q, v, zero = np.array([0, 0, 1, 1, 0, 0, 0, 0.0]), np.zeros(7), np.zeros((2, 1))
    for w in range(2):
        batch.reset(w, -1, q, v)
    batch.step(np.array([[[100], [-100]], zero, zero, [[-1], [1]], zero]))
    np.testing.assert_array_equal(batch.out["fault"].ravel(), [drake_simulator.FAULT_SET_POINT, 0])
    np.testing.assert_allclose(batch.out["tau"].ravel(), [0, -4])
    batch.reset(0, -1, q, v)
    batch.step(np.array([[[100], [-100]], zero, zero, zero + 1, zero]))
    np.testing.assert_array_equal(batch.out["fault"].ravel(), [0, 0])
    np.testing.assert_allclose(batch.out["tau"].ravel(), [4, -4])


def test_a_kick_that_cannot_be_stops_its_world_alone(robot):
    layout, model = layout_of(robot)
    batch = drake_simulator.Batch(layout, 2)
    for w in range(2):
        batch.reset(w, -1, robot.stand, np.zeros(robot.nv))
    batch.kick(1, np.full(6, np.inf))
    zeros = np.zeros((2, robot.njnt))
    batch.step(np.array([zeros, np.tile(robot.stand[7:], (2, 1)), zeros, zeros, zeros]))
    np.testing.assert_array_equal(batch.out["fault"].ravel(), [0, drake_simulator.FAULT_STATE])


def test_geoms_that_mujoco_keeps_apart_may_not_touch_in_drake(robot):
    _, model = layout_of(robot)
    made = drake_model.make_plant(model, 0.001)
    inspector = made.scene_graph.model_inspector()
    ids = {geom: id_ for id_, geom in made.geoms.items()}
    floor, toe = (model.geom(name).id for name in ("floor", "right_foot_toe"))
    shin = next(g for g in ids if model.body(model.geom_bodyid[g]).name == "left_lower_leg")
    assert not inspector.CollisionFiltered(ids[floor], ids[toe])
    own = [g for g in ids if model.geom_bodyid[g] == model.geom_bodyid[shin] or model.body_parentid[model.geom_bodyid[g]] == model.geom_bodyid[shin]]
    assert all(inspector.CollisionFiltered(ids[shin], ids[g]) for g in own if g != shin)
