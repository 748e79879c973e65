"""The task on a device: against tandem.Task, whose physics is MuJoCo in double precision. On Torch's and Warp's CPU device, and on a GPU where there is one."""

import numpy as np
import pytest
import tandem

torch = pytest.importorskip("torch")
pytest.importorskip("mujoco_warp", reason="Warp is not installed: python -m pip install --no-deps -r tools/requirements-warp.txt")

from tandem.device_task import DeviceTask  # noqa: E402

# short episodes in which everything that can be drawn is drawn
BUSY = {
    "env.episode": 0.12,
    "env.kick_interval": 0.05,
    "env.kick_velocity": 0.2,
    "env.push_impulse": [2, 5],
    "solver.iterations": 5,
    "noise.scale": 0.2,
    "randomise.delay": [0, 0.02],
    "randomise.added_mass": [0, 1],
    "randomise.com_offset": [-0.01, 0.01],
    **{f"randomise.{name}": [0.9, 1.1] for name in ("mass_scale", "armature_scale", "gain_scale", "strength", "noise_scale")},
}
NWORLD = 4


@pytest.fixture(params=["cpu", "cuda"])
def device(request):
    if request.param == "cuda" and tandem.cuda_device_count() == 0:
        pytest.skip("no CUDA device")
    return request.param


def actions(task, step, size=0.2):
    rng = np.random.default_rng(100 + step)
    return torch.from_numpy(rng.uniform(-size, size, (task.nworld, task.naction)).astype(np.float32)).to(task.device)


def on_host(tensor):
    return tensor.cpu().numpy()


@pytest.mark.parametrize(("name", "controller"), [("mit_humanoid", "residual"), ("mit_humanoid", "rl"), ("unitree_go2", "residual")])
def test_does_what_the_task_does(name, controller, device):
    robot = tandem.Robot(name)
    task = DeviceTask(robot, NWORLD, controller=controller, settings=BUSY, seed=5, device=device)
    host = tandem.Task(robot, NWORLD, controller=controller, settings=BUSY, seed=5)
    assert (task.nobs, task.naction) == (host.nobs, host.naction)
    assert (task.term_names, task.termination_names) == (host.term_names, host.termination_names)
    # on a GPU the MPC's numbers are floats, on the processor doubles
    in_floats = device == "cuda" and controller == "residual"
    observation_tolerance, reward_tolerance = (2e-2, 1e-3) if in_floats else (2e-3, 1e-4)
    task.reset()
    host.reset()
    np.testing.assert_allclose(on_host(task.observation), host.observation, atol=observation_tolerance if in_floats else 1e-4)
    ended = 0
    for step in range(20):
        action = actions(task, step)
        task.step(action)
        host.step(on_host(action))
        for array in ("termination", "done", "time_out"):
            np.testing.assert_array_equal(on_host(getattr(task, array)), getattr(host, array), err_msg=f"{array}, step {step}")
        off = (np.abs(on_host(task.observation) - host.observation) / (1 + np.abs(host.observation))).max()
        reward = max(np.abs(on_host(a) - b).max() for a, b in ((task.reward, host.reward), (task.terms, host.terms)))
        print(f"step {step}: observations differ by {off:.1e}, rewards by {reward:.1e}")
        assert off < observation_tolerance and reward < reward_tolerance
        ended += int(task.done.sum())
    assert ended >= NWORLD
    assert task.not_finite_count() == 0


@pytest.fixture
def quick(device):
    """Makes a task of two robots that no MPC steers, which is the quickest."""

    def make(**settings):
        return DeviceTask(tandem.Robot("unitree_go2"), 2, controller="rl", settings={"noise.scale": 0, **settings}, seed=3, device=device)

    return make


def test_same_seed_same_bits(quick):
    runs = []
    for _ in range(2):
        task = quick(**{"env.episode": 0.05})
        task.reset()
        seen = [task.observation.clone()]
        for step in range(8):
            task.step(actions(task, step))
            seen += [task.observation.clone(), task.reward.clone(), task.terms.clone()]
        runs.append(torch.cat([x.flatten() for x in seen]))
    assert torch.equal(*runs)


@pytest.mark.parametrize("controller", ["residual", "rl"])
def test_goes_on_from_what_was_saved(controller, device):
    """On the processor bit for bit, and on a GPU with what the processor saved."""
    arguments = (tandem.Robot("unitree_go2"), NWORLD)
    straight = DeviceTask(*arguments, controller=controller, settings=BUSY, seed=5, device="cpu")
    loaded = DeviceTask(*arguments, controller=controller, settings=BUSY, seed=6, device=device)
    for task, steps in ((straight, range(5)), (loaded, range(2))):
        task.reset()
        for step in steps:
            task.step(actions(task, step))
    loaded.load(straight.save())
    tolerance = {"rtol": 0, "atol": 0} if device == "cpu" else {"rtol": 2e-3, "atol": 2e-3}
    for step in range(5, 20):
        np.testing.assert_allclose(on_host(loaded.observation), on_host(straight.observation), **tolerance, err_msg=f"step {step}")
        np.testing.assert_array_equal(on_host(loaded.termination), on_host(straight.termination))
        for task in (straight, loaded):
            task.step(actions(task, step))
    if device == "cpu":
        assert loaded.save() == straight.save()


def test_refuses_what_another_task_saved_and_starts_anew(quick):
    task = quick()
    task.reset()
    for other, words in ((quick(**{"terrain.kind": "rough"}), "robot and ground"), (quick(**{"env.physics_dt": 0.002}), "physics_dt is 0.002")):
        other.reset()
        with pytest.raises(tandem.Error, match=words):
            task.load(other.save())
        task.reset()
        task.step(actions(task, 0))
        assert torch.isfinite(task.observation).all()


def test_an_action_that_is_not_finite_ends_its_world_alone(quick):
    broken, healthy = quick(), quick()
    broken.reset()
    healthy.reset()
    action = torch.zeros(2, broken.naction, device=broken.device)
    healthy.step(action)
    action = action.clone()
    action[0, 1] = float("nan")
    broken.step(action)
    assert broken.termination_names[broken.termination[0]] == "not_finite"
    assert broken.not_finite_count() == 1
    assert torch.isfinite(broken.observation).all()
    assert torch.equal(broken.observation[1], healthy.observation[1])
    assert torch.equal(broken.reward[1], healthy.reward[1])
    broken.step(torch.zeros_like(action))
    assert (broken.termination == -1).all(), "the world that started anew goes on"


def test_times_name_the_parts(quick):
    task = quick()
    task.reset()
    task.take_times()
    task.step(actions(task, 0))
    times = task.take_times()
    assert set(times) == {"physics", "reward", "reset", "observe"}
    assert all(seconds > 0 for seconds in times.values())
    assert task.take_times() == {}


def test_refuses_what_cannot_work(quick):
    robot = tandem.Robot("unitree_go2")
    with pytest.raises(tandem.Error, match='device = "tpu"'):
        DeviceTask(robot, 1, device="tpu")
    with pytest.raises(tandem.Error, match="nworld = 0"):
        DeviceTask(robot, 0, device="cpu")
    task = quick()
    with pytest.raises(tandem.Error, match="before the first reset"):
        task.step(actions(task, 0))
    task.reset()
    with pytest.raises(tandem.Error, match=r"action is \(1, 12\)"):
        task.step(torch.zeros(1, task.naction, device=task.device))
    if tandem.cuda_device_count() == 0:
        with pytest.raises(tandem.Error, match="CUDA"):
            DeviceTask(robot, 1, device="cuda")
