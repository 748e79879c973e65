"""tandem.Simulator against MuJoCo's own stepping, and tandem.Controller walking in it."""

import mujoco
import numpy as np
import pytest
import tandem


def test_it_steps_as_mujoco_does(robot):
    model = mujoco.MjModel.from_xml_path(robot.model_path)
    data = mujoco.MjData(model)
    data.qpos[:] = robot.stand
    sim = tandem.Simulator(robot, physics_dt=model.opt.timestep)
    sim.set_state(robot.stand, np.zeros(robot.nv))
    sim.q_des[:] = robot.nominal
    model.actuator_biasprm[:, 1], model.actuator_biasprm[:, 2] = -robot.kp, -robot.kd
    data.ctrl[:] = robot.kp * robot.nominal
    for _ in range(20):
        sim.step()
        for _ in range(round(sim.control_dt / model.opt.timestep)):
            mujoco.mj_step(model, data)
    np.testing.assert_allclose(sim.q, data.qpos, atol=1e-9)
    np.testing.assert_allclose(sim.v, data.qvel, atol=1e-7)
    assert sim.time == pytest.approx(0.2)


def test_the_controller_walks_in_it(robot):
    nworld = 3
    sim, controller = tandem.Simulator(robot, nworld), tandem.Controller(robot, nworld=nworld)
    sim.set_state(np.tile(robot.stand, (nworld, 1)), np.zeros((nworld, robot.nv)))
    command = np.tile([robot.base_height, 0.5, 0, 0], (nworld, 1))
    for step in range(200):
        controller.step(sim.q, sim.v, command)
        for name in ("tau_ff", "q_des", "v_des", "kp", "kd"):
            getattr(sim, name)[:] = getattr(controller, name)
        if step == 100:
            sim.push(1, "base", np.array([0.0, 40, 0]), 10)
        sim.step()
    assert controller.kind == "mpc"
    assert (sim.q[:, 2] > 0.8 * robot.base_height).all() and (0.5 < sim.q[:, 0]).all() and (sim.q[:, 0] < 1.5).all()
    np.testing.assert_array_equal(sim.q[0], sim.q[2])  # the push went to world 1 alone
    assert abs(sim.q[1, 1] - sim.q[0, 1]) > 0.005


def test_torque_is_the_law_of_the_motors(robot, states):
    q, v, command = states(2)
    controller = tandem.Controller(robot, nworld=2)
    controller.step(q, v, command)
    c = controller
    expected = c.tau_ff + c.kp * (c.q_des - q[:, 7:] - 3) + c.kd * (c.v_des - v[:, 6:])
    q[:, 7:] += 3  # far enough for some motors to reach their limits
    np.testing.assert_allclose(c.torque(q, v), np.clip(expected, -robot.tau_max, robot.tau_max), rtol=1e-12)
    assert (abs(c.torque(q, v)) == robot.tau_max).any()


def test_a_fault_is_a_bit_and_stops_one_world(robot):
    sim = tandem.Simulator(robot, 2)
    sim.set_state(np.tile(robot.stand, (2, 1)), np.zeros((2, robot.nv)))
    sim.q_des[:] = robot.nominal
    sim.tau_ff[1, 0] = np.nan
    sim.step()
    assert list(sim.fault) == [0, 1] and sim.time[0] > 0 and sim.time[1] == 0


def test_parameters_and_kicks_change_one_world(robot):
    sim = tandem.Simulator(robot, 2)
    sim.set_parameters(1, gravity=[0, 0, -1.62])
    sim.set_state(np.tile(robot.stand, (2, 1)) + np.eye(1, robot.nq, 2) * 5, np.zeros((2, robot.nv)))  # 5 m up
    sim.kick(0, np.array([1.0, 0, 0, 0, 0, 0]))
    sim.q_des[:] = robot.nominal
    for _ in range(10):
        sim.step()
    mass_velocity = sim.v[:, 2]
    assert mass_velocity[0] == pytest.approx(-0.981, rel=0.05) and mass_velocity[1] == pytest.approx(-0.162, rel=0.05)
    assert sim.v[0, 0] - sim.v[1, 0] == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda sim, z: sim.set_state(z["q"][0], z["v"]), r"q has shape \(25,\), expected \(nworld, nq\) = \(2, 25\)"),
        (lambda sim, z: sim.set_state(z["q"][:1], z["v"][:1], worlds=[2]), "world 2, expected 0 .. 1"),
        (lambda sim, z: sim.push(0, "bade", np.zeros(3), 1), 'has no body "bade"; nearest: "base"'),
        (lambda sim, z: sim.push(0, "base", np.array([0, 0, np.inf]), 1), "force holds a value that is not finite"),
        (lambda sim, z: sim.set_parameters(0, mass_scale=[1.0]), "mass_scale has 1 values"),
        (lambda sim, z: tandem.Simulator(tandem.Robot("mit_humanoid"), 0), "nworld = 0, expected at least 1"),
        (lambda sim, z: tandem.Simulator(tandem.Robot("mit_humanoid"), 2_000_000_000), "GiB, this machine has"),
    ],
)
def test_errors(robot, call, words):
    sim = tandem.Simulator(robot, 2)
    zeros = {"q": np.tile(robot.stand, (2, 1)), "v": np.zeros((2, robot.nv))}
    with pytest.raises(tandem.Error, match=words):
        call(sim, zeros)
