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
