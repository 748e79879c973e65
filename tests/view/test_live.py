"""The live loop: a robot on a thread of its own, which nobody who watches can hold up, and which anybody may meddle with."""

import threading
import time

import numpy as np
import pytest
from tandem import native, trajectory

FAST = 10.0  # times real time, where a test only wants the motion


@pytest.fixture
def live():
    loop = native.LiveLoop("mit_humanoid")
    loop.speed(FAST)
    return loop


def walk(live, seconds):
    """Lets the robot walk so far and stand still in time."""
    end = live.state().time + seconds
    live.pause(False)
    deadline = time.monotonic() + 60
    while live.state().time < end:
        assert time.monotonic() < deadline, "the loop does not get on"
        time.sleep(0.002)
    live.pause(True)


def steps(live, count):
    """So many control steps and not one more."""
    end = live.state().time + count * 0.01
    for _ in range(count):
        live.single_step()
    deadline = time.monotonic() + 60
    while live.state().time < end - 1e-9:
        assert time.monotonic() < deadline, "single steps are not taken"
        time.sleep(0.001)


def column(live, name):
    return live.rows(0)[1][:, live.columns.index(name)]


def test_stands_paused_at_first():
    live = native.LiveLoop("mit_humanoid")
    time.sleep(0.1)
    assert live.state().paused and live.state().time == 0


def real_time_factor(live, seconds=2.0):
    """Simulated over wall time of the next seconds."""
    start, before = time.monotonic(), live.state().time
    time.sleep(seconds)
    state, wall = live.state(), time.monotonic() - start
    return (state.time - before) / wall


def test_real_time_whoever_watches():
    """Python threads that never sleep do not slow the robot: it needs the interpreter's lock for nothing."""
    live = native.LiveLoop("mit_humanoid")
    live.pause(False)
    if real_time_factor(live) < 0.98:
        pytest.skip("something else takes so much of the processor that the robot does not walk in real time alone")
    stop = threading.Event()

    def hog():
        while not stop.is_set():
            sum(range(1000))

    hogs = [threading.Thread(target=hog) for _ in range(3)]
    for thread in hogs:
        thread.start()
    factor = real_time_factor(live)
    stop.set()
    for thread in hogs:
        thread.join()
    assert factor == pytest.approx(1, abs=0.05)


def test_slow_motion():
    live = native.LiveLoop("mit_humanoid")
    live.speed(0.25)
    live.pause(False)
    start = time.monotonic()
    time.sleep(1)
    state, wall = live.state(), time.monotonic() - start
    assert state.time / wall == pytest.approx(0.25, abs=0.03)


def test_velocity_follows_the_command(live):
    live.command(0.6, 0.0, 0.0)
    walk(live, 4)
    assert live.state().fall == "none"
    period = column(live, "velocity/forward")[-100:]  # two periods of the gait
    assert period.mean() == pytest.approx(0.6, abs=0.05)


def test_a_single_step_is_one_control_step(live):
    steps(live, 3)
    assert live.state().time == pytest.approx(0.03)
    assert len(live.rows(0)[1]) == 3


def test_the_same_state_goes_on_under_zero_actions_bit_for_bit(live):
    """A policy that adds nothing to torques is the MPC: switching to it in mid-stride must change nothing, and keep the plan's warm start."""
    other = native.LiveLoop("mit_humanoid")
    for loop in (live, other):
        loop.command(0.4, 0.1, 0.3)
        steps(loop, 60)
    other.set(["env.blend=torque_torque"])
    other.choose("zero")
    for loop in (live, other):
        steps(loop, 60)
    assert other.controller == "zero"
    assert np.array_equal(live.state().q, other.state().q)
    assert not np.any(other.state().tau_residual)


def test_the_policy_adds_torques_and_lambda_scales_them(live):
    policy = str(native.ROOT / "policies" / "mit_humanoid_residual.safetensors")
    steps(live, 50)
    assert not np.any(live.state().tau_residual)
    before = live.state().q.copy()
    live.choose("residual", policy)
    assert np.array_equal(live.state().q, before)
    steps(live, 1)
    full = live.state().tau_residual.copy()
    assert np.linalg.norm(full) > 1
    live.scrub(0)  # the newest frame: before this step, and before the policy
    assert live.controller == "mpc"
    live.choose("residual", policy)
    live.set(["env.lambda=0.05"])
    steps(live, 1)
    assert live.state().tau_residual == pytest.approx(full / 2, rel=1e-6)


def test_the_gait_changes_while_it_walks(live):
    steps(live, 30)
    live.set(["gait.stance_fraction=1"])
    steps(live, 1)
    assert np.all(live.plan().stance == 1)
    live.set(["gait.stance_fraction=0.5", "gait.period=0.4"])
    steps(live, 200)
    loaded = column(live, "force/left_foot")[-160:] > 20
    touchdowns = np.flatnonzero(loaded[1:] & ~loaded[:-1])
    assert np.median(np.diff(touchdowns)) == pytest.approx(40, abs=1)


def test_going_back_goes_on_bit_for_bit(live):
    live.command(0.5, 0.0, 0.0)
    steps(live, 100)
    newest = live.state()
    live.scrub(-10)
    assert live.state().time == pytest.approx(newest.time - 10 * live.frame_dt)
    steps(live, 50)
    assert np.array_equal(live.state().q, newest.q)
    assert live.state().frames == newest.frames


def test_going_back_takes_settings_back(live):
    steps(live, 20)
    live.set(["gait.period=0.7"])
    steps(live, 20)
    live.scrub(-5)
    assert live.settings["gait.period"] == 0.5
    live.scrub(0)
    assert live.settings["gait.period"] == 0.7
    live.scrub(-5)
    live.set(["gait.swing_height=0.06"])  # and does not bring back what had not happened yet
    assert live.settings["gait.period"] == 0.5


def test_a_recording_that_other_ground_ends_is_said(live, tmp_path):
    live.record(str(tmp_path / "motion"), "title")
    steps(live, 3)
    live.set(["terrain.kind=rough"])
    assert live.state().recording == "" and str(tmp_path / "motion") in live.state().message
    assert (tmp_path / "motion" / "trajectory.json").exists()
    live.reset()
    assert live.state().message == ""


def test_going_back_takes_the_command_and_the_push_back(live):
    live.command(0.5, 0.0, 0.0)
    steps(live, 20)
    live.push(0, [50.0, 0.0, 0.0], 10)
    steps(live, 5)
    steps(live, 20)
    expected = live.state().q
    live.command(0.0, 0.0, 0.0)
    steps(live, 30)
    live.scrub(-10)  # 25 control steps after the start, in the push
    state = live.state()
    assert state.command[1] == 0.5 and state.push.running and state.push.peak == pytest.approx(50)
    steps(live, 20)
    assert np.array_equal(live.state().q, expected)
    assert not live.state().push.running


def test_a_push_acts_and_is_reported(live):
    """10 control steps of 150 N are 15 N s, which a robot of this mass feels at once."""
    other = native.LiveLoop("mit_humanoid")
    for loop in (live, other):
        steps(loop, 20)
    live.push(0, [150.0, 0.0, 0.0], 10)
    for loop in (live, other):
        steps(loop, 2)
    assert live.state().push.running
    # the floor answers too, so not all of it is left
    moved = (live.state().v - other.state().v)[0] * live.robot.mass
    assert 0.5 * 3 < moved < 3 * 3
    steps(live, 10)
    push = live.state().push
    assert not push.running and push.peak == pytest.approx(150)
    assert push.impulse == pytest.approx([15.0, 0.0, 0.0])


def test_other_ground_and_friction(live):
    live.set(["terrain.kind=rough", "terrain.amplitude=0.02"])
    assert live.ground_number == 1 and live.terrain["height"].max() <= 0.02
    steps(live, 50)
    assert live.state().fall == "none"
    live.set(["randomise.friction=0.02"])  # on ice the feet slide and the robot falls
    live.command(1.0, 0.0, 0.0)
    walk(live, 4)
    assert live.state().fall != "none"
    live.reset()
    assert live.state().fall == "none" and live.state().time == 0


def test_recording_is_what_was_walked(live, tmp_path):
    steps(live, 10)
    live.record(str(tmp_path / "run"), "a title")
    steps(live, 40)
    live.stop_recording()
    motion = trajectory.read(tmp_path / "run")
    assert motion.rows == 40 and motion.meta["title"] == "a title"
    assert np.array_equal(motion.q[-1], live.state().q)
    assert np.array_equal(motion.predicted_base[-1], live.plan().base)
    assert motion.foot_force[:, 0, 2] == pytest.approx(column(live, f"force/{live.robot.foot_names[0]}")[-40:])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda live: native.LiveLoop("mit_humanoit"), "mit_humanoid"),
        (lambda live: live.set(["gait.periode=1"]), "gait.period"),
        (lambda live: live.set(["gait.period=-1"]), "gait.period"),
        (lambda live: live.set(["mpc.nodes=5"]), "mpc.nodes"),
        (lambda live: live.choose("residual", ""), "--policy"),
        (lambda live: live.choose("", str(native.ROOT / "README.md")), "README.md"),
        (lambda live: live.speed(0), "speed"),
        (lambda live: live.push(99, [1.0, 0.0, 0.0], 1), "body 99"),
        (lambda live: live.command(float("nan"), 0.0, 0.0), "finite"),
        (lambda live: live.record("/proc/nowhere", ""), "/proc/nowhere"),
    ],
)
def test_mistakes_are_one_line(live, wrong, words):
    with pytest.raises(native.Error) as error:
        wrong(live)
    assert words in str(error.value) and "\n" not in str(error.value)
    steps(live, 5)
    assert live.state().fall == "none"


def test_a_policy_of_another_robot_is_refused():
    live = native.LiveLoop("unitree_g1")
    with pytest.raises(native.Error, match="mit_humanoid"):
        live.choose("residual", str(native.ROOT / "policies" / "mit_humanoid_residual.safetensors"))


def test_a_policy_brings_its_mpc_but_for_its_horizon(live, tmp_path):
    for nodes, delay in ((live.plan().base.shape[0], 0.02), (7, 0.0)):
        path = tmp_path / "policy.safetensors"
        task = native.Task(live.robot, 1, settings={"mpc.nodes": nodes, "mpc.delay": delay})
        zeros = np.zeros((task.naction, task.nobs), np.float32)
        task.save_policy(path, [(zeros, zeros[:, 0].copy())], np.zeros(task.nobs, np.float32), np.ones(task.nobs, np.float32))
        if nodes == 7:
            with pytest.raises(native.Error, match="mpc.nodes = 7"):
                live.choose("residual", str(path))
        else:
            live.choose("residual", str(path))
            assert live.settings["mpc.delay"] == 0.02


def test_everybody_at_once(live):
    """Many threads, every call: nothing breaks, and the robot walks on."""
    live.pause(False)
    end = time.monotonic() + 1.5
    seen = []

    def meddle(seed):
        rng = np.random.default_rng(seed)
        calls = [
            lambda: live.state().q.sum(),
            lambda: live.plan().point.sum(),
            lambda: live.rows(0),
            lambda: live.command(*rng.uniform(-0.2, 0.2, 3)),
            lambda: live.set([f"solver.iterations={rng.integers(5, 15)}"]),
            lambda: live.push(0, [1.0, 0.0, 0.0], 2),
            lambda: live.scrub(-int(rng.integers(0, 5))),
            lambda: live.pause(False),
            lambda: live.settings,
        ]
        try:
            while time.monotonic() < end:
                calls[rng.integers(len(calls))]()
        except Exception as error:
            seen.append(error)

    threads = [threading.Thread(target=meddle, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not seen
    walk(live, 0.5)
    assert live.state().fall == "none"


def test_the_same_state_goes_on_under_the_centroidal_mpc_and_back():
    live = native.LiveLoop("unitree_g1")
    live.speed(FAST)
    assert live.offers_centroidal
    live.command(0.3, 0.0, 0.0)
    steps(live, 50)
    before = live.state()
    live.choose("centroidal")
    assert live.controller == "centroidal" and np.array_equal(live.state().q, before.q)
    steps(live, 250)
    state = live.state()
    assert state.fall == "none" and len(live.plan().base) == 0
    assert np.mean(column(live, "velocity/forward")[-100:]) == pytest.approx(0.3, abs=0.1)
    # all that is asked for is the MPC's, none a policy's
    assert np.any(state.tau_mpc) and not np.any(state.tau_residual)
    live.choose("mpc")
    steps(live, 100)
    assert live.state().fall == "none" and len(live.plan().base) > 0


def test_the_gait_of_the_centroidal_mpc_can_be_changed():
    live = native.LiveLoop("unitree_g1")
    live.speed(FAST)
    live.choose("centroidal")
    period = live.settings["gait.period"]
    steps(live, 100)
    live.set([f"gait.period={1.3 * period}"])
    steps(live, 100)
    assert live.state().fall == "none" and live.settings["gait.period"] == pytest.approx(1.3 * period)


def test_the_centroidal_mpc_is_for_humanoids_with_flat_feet():
    live = native.LiveLoop("unitree_go2")
    assert not live.offers_centroidal
    with pytest.raises(native.Error):
        live.choose("centroidal")
    assert live.controller == "mpc"
