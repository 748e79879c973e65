"""tandem.warp_simulator held against MuJoCo on the processor: single steps, forces at rest, walking; pushes, masks, faults."""

import copy

import mujoco
import numpy as np
import pytest
import tandem
from tandem.mjcf import Terrain, compile_mjcf
from tandem.simulator_socket import Layout
from tandem.trajectory import Error
from warp_worlds import NWORLD, command, make, pair, random_parameters, random_states, rewritten

from tandem import warp_kernels, warp_program, warp_simulator  # isort: skip  after Warp was found

FIELDS = ["time", "q", "v", "tau", "power", "point_force", "foot_force", "foot_slip", "floor_contact", "self_collision", "fault"]  # SimOutput
ROBOTS = ["mit_humanoid", "unitree_go2", "unitree_g1"]


@pytest.fixture(scope="session", params=ROBOTS)
def each(request):
    return tandem.Robot(request.param)


def step_both(robot, rng, height, parameters):
    """One physics step of robots of the same parameters in Warp and in MuJoCo, which must agree. Returns both."""
    warp, reference = pair(robot, 0.001, 0.001)
    warp.set_parameters(**parameters)
    for w in range(NWORLD):
        one = {name: values[w] for name, values in parameters.items()}
        reference.set_parameters(w, **{name: value.tolist() if np.ndim(value) else float(value) for name, value in one.items()})
    q, v = random_states(robot, rng, height)
    for sim in (warp, reference):
        sim.set_state(q, v)
    command(warp, reference, rng.normal(0, 20, (NWORLD, robot.njnt)), q[:, 7:] + 0.2, np.zeros((NWORLD, robot.njnt)))
    warp.step()
    reference.step()
    np.testing.assert_allclose(warp.tau.numpy(), reference.tau, atol=2e-3)
    np.testing.assert_allclose(warp.q.numpy(), reference.q, atol=2e-6)
    change = np.abs(reference.v - v).max()
    np.testing.assert_allclose(warp.v.numpy(), reference.v, atol=2e-3 * change)
    return warp, reference


@pytest.mark.parametrize("height", [0.5, -0.005], ids=["in the air", "on the ground"])
@pytest.mark.parametrize("randomised", [False, True], ids=["all alike", "randomised"])
def test_one_physics_step_is_that_of_mujoco(each, rng, height, randomised):
    warp, reference = step_both(each, rng, height, random_parameters(each, rng) if randomised else {})
    if height < 0:
        assert np.linalg.norm(reference.foot_force, axis=2).max() > 50
        np.testing.assert_allclose(warp.foot_force.numpy(), reference.foot_force, atol=0.01 * np.abs(reference.foot_force).max())
        np.testing.assert_allclose(warp.point_force.numpy(), reference.point_force, atol=0.01 * np.abs(reference.point_force).max())
        assert reference.foot_slip.max() > 1e-4
        np.testing.assert_allclose(warp.foot_slip.numpy(), reference.foot_slip, atol=0.01 * reference.foot_slip.max())


def test_forces_at_rest_carry_the_weight(each):
    robot = each
    warp, reference = pair(robot, 0.01, 0.0025)
    zeros = np.zeros((NWORLD, robot.njnt))
    for sim in (warp, reference):
        sim.set_state(np.tile(robot.stand, (NWORLD, 1)), np.zeros((NWORLD, robot.nv)))
    command(warp, reference, zeros, np.tile(robot.stand[7:], (NWORLD, 1)), zeros)
    # stiff enough to stand like a statue
    warp.kp.fill_(1000.0)
    warp.kd.fill_(20.0)
    reference.kp[:], reference.kd[:] = 1000, 20
    for _ in range(60):
        warp.step()
        reference.step()
    force = warp.foot_force.numpy()
    np.testing.assert_allclose(force[:, :, 2].sum(axis=1), 9.81 * robot.mass, rtol=0.01)
    np.testing.assert_allclose(force, reference.foot_force, atol=0.01 * 9.81 * robot.mass)
    assert not warp.floor_contact.numpy().any() and not warp.fault.numpy().any()


def walk(robot, sim, write, read, seconds=1.0):
    """Under the MPC: base velocities, heights and vertical foot forces of the run's second half."""
    mpc = tandem.Mpc(robot, NWORLD)
    rng = np.random.default_rng(5)
    q = np.tile(robot.stand, (NWORLD, 1))
    q[:, 7:] += rng.uniform(-0.03, 0.03, (NWORLD, robot.njnt))
    v = np.zeros((NWORLD, robot.nv))
    sim.set_state(q, v)
    target = np.tile([robot.base_height, 0.3, 0, 0], (NWORLD, 1))
    rows = []
    for _ in range(round(seconds / 0.01)):
        mpc.step(q, v, target)
        write(sim, mpc)
        sim.step()
        q, v, force = read(sim)
        rows.append([v[:, 0], q[:, 2], force[:, :, 2].sum(axis=1)])
    rows = np.array(rows)
    assert (mpc.status <= tandem.Status.MAX_ITERATIONS).all()
    return rows[len(rows) // 2 :].mean(axis=0)


def test_a_second_of_walking_is_that_of_mujoco(each):
    robot = each
    warp, reference = pair(robot, 0.01, 0.0025)

    def write_warp(sim, mpc):
        for name in ("tau_ff", "q_des", "v_des"):
            getattr(sim, name).assign(getattr(mpc, name))

    def write(sim, mpc):
        for name in ("tau_ff", "q_des", "v_des"):
            getattr(sim, name)[:] = getattr(mpc, name)

    found = walk(robot, warp, write_warp, lambda s: (s.q.numpy().astype(float), s.v.numpy().astype(float), s.foot_force.numpy()))
    expected = walk(robot, reference, write, lambda s: (s.q.copy(), s.v.copy(), s.foot_force.copy()))
    velocity, height, load = found.mean(axis=1)
    print("Warp", found.mean(axis=1), "MuJoCo", expected.mean(axis=1))
    assert not warp.floor_contact.numpy().any()
    assert velocity == pytest.approx(expected.mean(axis=1)[0], abs=0.02)
    assert height == pytest.approx(expected.mean(axis=1)[1], abs=0.003)
    assert load == pytest.approx(expected.mean(axis=1)[2], rel=0.02)


def test_a_push_moves_its_world_as_in_mujoco(robot):
    warp, reference = pair(robot, 0.01, 0.0025)
    q = np.tile(robot.stand, (NWORLD, 1))
    q[:, 2] += 5
    for sim in (warp, reference):
        sim.set_state(q, np.zeros((NWORLD, robot.nv)))
    zeros = np.zeros((NWORLD, robot.njnt))
    command(warp, reference, zeros, q[:, 7:], zeros)
    force = np.zeros((NWORLD, 3))
    force[1] = [40, -25, 0]
    warp.set_push(0, force, np.array([0, 4, 0, 0]))
    reference.push(1, robot.body_names[0], force[1], 4)
    for _ in range(6):
        warp.step()
        reference.step()
    assert np.abs(reference.v[1, :2]).max() > 0.03
    np.testing.assert_allclose(warp.v.numpy(), reference.v, atol=0.01 * np.abs(reference.v[1, :2]).max())


def test_only_the_worlds_of_the_mask_are_placed(robot):
    warp = make(robot)
    warp.step()
    before = warp.q.numpy()
    q = before + 0.25
    warp.set_state(q, np.ones((NWORLD, robot.nv)), np.array([0, 1, 0, 1]))
    after = warp.q.numpy()
    np.testing.assert_array_equal(after[[0, 2]], before[[0, 2]])
    np.testing.assert_allclose(after[[1, 3], 7:], q[[1, 3], 7:], rtol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(after[:, 3:7], axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(warp.time.numpy() > 0, [True, False, True, False])


def test_a_set_point_that_is_not_finite_stops_its_world_alone(robot):
    healthy, broken = (make(robot) for _ in range(2))
    q_des = np.tile(robot.stand[7:], (NWORLD, 1))
    for sim in (healthy, broken):
        sim.q_des.assign(q_des)
        sim.step()
    before = broken.q.numpy()[2]
    q_des[2, 0] = np.nan
    broken.q_des.assign(q_des)
    healthy.step()
    broken.step()
    np.testing.assert_array_equal(broken.fault.numpy(), [0, 0, warp_kernels.FAULT_SET_POINT, 0])
    np.testing.assert_array_equal(broken.q.numpy()[2], before)
    np.testing.assert_array_equal(broken.q.numpy()[[0, 1, 3]], healthy.q.numpy()[[0, 1, 3]])
    broken.set_state(np.tile(robot.stand, (NWORLD, 1)), np.zeros((NWORLD, robot.nv)), np.array([0, 0, 1, 0]))
    assert broken.fault.numpy()[2] == 0


def test_physics_that_breaks_down_stops_its_world_alone(robot):
    healthy, broken = (make(robot) for _ in range(2))
    v = np.zeros((NWORLD, robot.nv))
    v[2] = 5e9
    broken.set_state(np.tile(robot.stand, (NWORLD, 1)), v)
    for sim in (healthy, broken):
        sim.q_des.assign(np.tile(robot.stand[7:], (NWORLD, 1)))
    for _ in range(2):
        healthy.step()
        broken.step()
    np.testing.assert_array_equal(broken.fault.numpy() & warp_kernels.FAULT_STATE, [0, 0, warp_kernels.FAULT_STATE, 0])
    assert not broken.fault.numpy()[[0, 1, 3]].any()
    np.testing.assert_array_equal(broken.q.numpy()[2], robot.stand.astype(np.float32))
    for name in ("q", "v", "tau", "foot_force", "point_force", "foot_slip"):
        found, expected = getattr(broken, name).numpy(), getattr(healthy, name).numpy()
        np.testing.assert_array_equal(found[[0, 1, 3]], expected[[0, 1, 3]], err_msg=name)
        assert np.isfinite(found).all(), name


def test_contacts_beyond_their_room_are_a_fault_that_stops_nobody(robot):
    warp = make(robot, contacts_per_world=1)
    q = np.tile(robot.stand, (NWORLD, 1))
    q[:, 2] -= 0.01
    warp.set_state(q, np.zeros((NWORLD, robot.nv)))
    warp.step()
    assert set(warp.fault.numpy()) <= {0, warp_kernels.FAULT_CAPACITY} and warp.fault.numpy().any()
    assert (warp.time.numpy() > 0).all()


def test_masses_of_a_base_of_several_bodies_are_those_of_all_of_them(tmp_path, rng):
    """The Go2's trunk, turned and welded to a carrier of 0.1 kg: whole mass, its centre, and what MuJoCo makes of them."""
    carrier = '<inertial pos="0 0 0" mass="0.1" diaginertia="1e-4 1e-4 1e-4"/><body name="trunk" pos="0.02 -0.01 0.03" euler="0.3 0 1.2">'
    trunk = '<inertial pos="0.021112 0 -0.005366" mass="6.921" fullinertia="0.02448 0.098077 0.107 0.00012166 0.00148481 -3.12005e-05"/>'
    robot = rewritten("unitree_go2", tmp_path, trunk, f"{carrier}{trunk}</body>")
    sim = make(robot)
    scale, added, offset = np.ones((NWORLD, robot.nbody)), np.array([0, 3, -2, 0]), rng.uniform(-0.05, 0.05, (NWORLD, 3))
    scale[:, 0] = [1, 1, 1.2, 0.8]
    sim.set_parameters(mass_scale=scale, added_mass=added, com_offset=offset)
    plain, parts = sim.host, [sim.host.body(name).id for name in ("base", "trunk")]
    for w in range(NWORLD):
        model = copy.deepcopy(plain)
        for name in ("body_mass", "body_inertia", "body_ipos"):
            getattr(model, name)[:] = getattr(sim.model, name).numpy()[w]
        factor = scale[w, 0] + added[w] / 7.021
        np.testing.assert_allclose(model.body_mass[parts], factor * plain.body_mass[parts], rtol=1e-6)
        np.testing.assert_allclose(model.body_inertia[parts], factor * plain.body_inertia[parts], rtol=1e-6)
        mujoco.mj_setConst(model, mujoco.MjData(model))
        np.testing.assert_allclose(base_centre(model, parts), base_centre(plain, parts) + offset[w], atol=1e-7)
        for name in ("body_subtreemass", "body_invweight0", "dof_invweight0"):
            np.testing.assert_allclose(getattr(sim.model, name).numpy()[w], getattr(model, name), rtol=2e-5, err_msg=name)
    with pytest.raises(Error, match="leaves the base without mass; it has 7.021 kg"):
        sim.set_parameters(added_mass=np.full(NWORLD, -7.03))
    sim.set_parameters(added_mass=np.full(NWORLD, -6.95))
    step_both(robot, rng, 0.5, {"mass_scale": scale, "added_mass": added, "com_offset": offset})


def base_centre(model, parts):
    """Centre of mass of the base's bodies, in the axes of the first of them."""
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    mass = model.body_mass[parts]
    return data.xmat[parts[0]].reshape(3, 3).T @ (mass @ data.xipos[parts] / mass.sum() - data.xpos[parts[0]])


def test_strength_scales_the_whole_limit_of_a_joint(tmp_path):
    """The least of the joint's limit and its actuator's, which is 23.7 or 45.43 N m."""
    robot = rewritten(
        "unitree_go2", tmp_path, 'frictionloss="0.2" armature="0.01"/>', 'frictionloss="0.2" armature="0.01" actuatorfrcrange="-30 32"/>'
    )
    sim = make(robot)
    limit = np.minimum(30, np.tile([23.7, 23.7, 45.43], 4))
    strength = np.tile([[1], [0.5], [1.2], [0.7]], (1, robot.njnt))
    sim.set_parameters(strength=strength)
    q = np.tile(robot.stand, (NWORLD, 1))
    q[:, 2] += 1
    sim.set_state(q, np.zeros((NWORLD, robot.nv)))
    sim.tau_ff.fill_(1000.0)
    sim.step()
    np.testing.assert_allclose(sim.tau.numpy(), strength * limit, rtol=1e-6)


@pytest.mark.parametrize(
    ("old", "new"), [('biastype="affine" biasprm="0 -20 -0.5" ', ""), ('biastype="affine"', 'biastype="affine" gear="0.5" gainprm="2"')]
)
def test_an_actuator_with_another_law_is_refused(tmp_path, old, new):
    with pytest.raises(Error, match='joint ".*" must be gaintype="fixed" biastype="affine"'):
        make(rewritten("unitree_go2", tmp_path, old, new))


def layout_of(robot, control_dt=0.01, physics_dt=0.0025):
    contacts = [
        {"body": robot.body_names[body], "position": list(position), "foot": foot}
        for body, position, foot in zip(robot.contact_bodies, robot.contact_positions, robot.contact_feet, strict=True)
    ]
    return Layout(
        str(robot.model_path),
        control_dt,
        physics_dt,
        list(robot.joint_names),
        list(robot.body_names),
        list(robot.foot_names),
        contacts,
        list(robot.foot_geoms),
    )


def test_the_worlds_of_a_program_obey_its_commands_as_those_of_mujoco(robot, rng):
    """One world starts late, one is kicked, one is pushed, one has another friction; what a step answers, number by number."""
    batch = warp_program.Batch(layout_of(robot), NWORLD, device="cpu")
    reference = tandem.Simulator(robot, NWORLD, control_dt=0.01, physics_dt=0.0025)
    q, v = random_states(robot, rng, 0.0)
    set_points = np.zeros((5, NWORLD, robot.njnt), dtype=np.float32)
    set_points[0] = rng.normal(0, 5, (NWORLD, robot.njnt))
    set_points[1] = q[:, 7:]
    set_points[3], set_points[4] = robot.kp, robot.kd
    for name, values in zip(("tau_ff", "q_des", "v_des", "kp", "kd"), set_points, strict=True):
        getattr(reference, name)[:] = values
    friction = [-1, -1, 0.3, -1]
    for w in range(NWORLD):
        reference.set_parameters(w, friction=friction[w])
        batch.reset(w, friction[w], q[w], v[w])
    reference.set_state(q, v)
    dv, force = rng.normal(0, 0.5, 6), rng.normal(0, 100, 3)
    batch.kick(1, dv)
    reference.kick(1, dv)
    batch.push(3, 2, force, 2)
    reference.push(3, robot.body_names[2], force, 2)
    for step in range(3):
        if step == 1:
            batch.reset(0, -1, q[0], v[0])
            reference.set_state(q[:1], v[:1], worlds=[0])
        answer = batch.step(set_points.astype(float))
        reference.step()
    sizes = [np.prod(getattr(reference, name).shape, dtype=int) for name in FIELDS]
    assert len(answer) == sum(sizes)
    scale = {"point_force": 9.81 * robot.mass, "foot_force": 9.81 * robot.mass, "foot_slip": 0.01, "power": 100}
    for name, values in zip(FIELDS, np.split(answer, np.cumsum(sizes)[:-1]), strict=True):
        expected = getattr(reference, name)
        np.testing.assert_allclose(values.reshape(expected.shape), expected, atol=0.01 * scale.get(name, 1), err_msg=name)
    np.testing.assert_allclose(reference.time, [0.02, 0.03, 0.03, 0.03])


def slope(angle):
    side = np.linspace(-2, 2, 41)
    return Terrain(41, 41, 0.1, np.tile(np.tan(angle) * side, (41, 1)).astype(np.float32))


def stand_in_mujoco(robot, terrain, q, seconds):
    """Where MuJoCo has a robot that its stiff joints hold for some time at 400 Hz."""
    model = compile_mjcf(robot.model_path, terrain)
    model.opt.timestep = 0.0025
    model.actuator_gainprm[:, 0], model.actuator_biasprm[:, 1], model.actuator_biasprm[:, 2] = 1, -1000, -20
    data = mujoco.MjData(model)
    joints = [model.joint(name) for name in robot.joint_names]
    data.qpos[:7] = q[:7]
    for joint, value in zip(joints, q[7:], strict=True):
        data.qpos[joint.qposadr] = value
    for actuator in range(model.nu):
        data.ctrl[actuator] = 1000 * data.qpos[model.jnt_qposadr[model.actuator_trnid[actuator, 0]]]
    for _ in range(round(seconds / 0.0025)):
        mujoco.mj_step(model, data)
    return np.concatenate([data.qpos[:7], [data.qpos[joint.qposadr[0]] for joint in joints]])


def test_a_robot_on_a_slope_stands_as_in_mujoco(robot):
    terrain = slope(0.05)
    warp = make(robot, terrain=terrain)
    q = np.tile(robot.stand, (NWORLD, 1))
    q[:, 0] = np.linspace(-1.5, 1.5, NWORLD)
    q[:, 2] += np.tan(0.05) * q[:, 0] + 0.01
    warp.set_state(q, np.zeros((NWORLD, robot.nv)))
    warp.q_des.assign(q[:, 7:])
    warp.kp.fill_(1000.0)
    warp.kd.fill_(20.0)
    for _ in range(30):
        warp.step()
    assert not warp.fault.numpy().any()
    for w in range(NWORLD):
        np.testing.assert_allclose(warp.q.numpy()[w], stand_in_mujoco(robot, terrain, q[w], 0.3), atol=3e-3)


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda r: warp_simulator.WarpSimulator(r, 0, device="cpu"), "nworld = 0, expected at least 1"),
        (lambda r: warp_simulator.WarpSimulator(r, 1, control_dt=0.01, physics_dt=0.003, device="cpu"), "whole multiple"),
        (lambda r: warp_simulator.WarpSimulator(r, 1, device="cuda:7"), "is not one of Warp's devices"),
        (lambda r: warp_simulator.WarpSimulator(r, 10**8, device="cpu"), "nworld = 100000000: .* enough for [0-9]+ worlds"),
        (lambda r: warp_simulator.WarpSimulator(r, 1, device="cpu").set_push(99, np.zeros((1, 3)), np.ones(1)), "body = 99, expected 0 to"),
    ],
)
def test_mistakes_are_one_line(robot, call, words):
    with pytest.raises(Error, match=words) as caught:
        call(robot)
    assert "\n" not in str(caught.value)
