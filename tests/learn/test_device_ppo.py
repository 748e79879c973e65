"""tandem.device_ppo on the processor: eq. (19)-(27) of docs/training.md against plain NumPy and against the C++ learner; a task is learnt."""

import math
import os
import pathlib
import subprocess

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

import tandem  # noqa: E402
from device_tasks import ToyTask  # noqa: E402
from tandem import native  # noqa: E402
from tandem.device_ppo import Ppo  # noqa: E402
from tandem.device_state import Normaliser, from_bytes, to_bytes  # noqa: E402
from tandem.device_statistics import EpisodeStatistics  # noqa: E402
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402

BUILD = pathlib.Path(os.environ.get("TANDEM_BUILD", pathlib.Path(__file__).resolve().parents[2] / "build"))
SEED = 20261128
CPU = torch.device("cpu")
DEFAULTS = {
    "ppo.steps": 24,
    "ppo.epochs": 5,
    "ppo.minibatches": 4,
    "ppo.clip": 0.2,
    "ppo.value_coefficient": 1,
    "ppo.entropy_coefficient": 0.01,
    "ppo.gamma": 0.99,
    "ppo.lambda": 0.95,
    "ppo.learning_rate": 1e-3,
    "ppo.min_learning_rate": 1e-5,
    "ppo.max_learning_rate": 1e-2,
    "ppo.desired_kl": 0.01,
    "ppo.max_gradient_norm": 1,
    "ppo.weight_decay": 0,
    "ppo.sigma": 1,
    "ppo.min_sigma": 0.01,
    "ppo.normalise": True,
    "ppo.observation_clip": 10,
}


@pytest.fixture(autouse=True)
def one_thread():
    """Small networks gain nothing from more."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


NO_MIRROR = ([], [])
TURNED = {"mirrored_observation": ([0, 1], [-1, -1]), "mirrored_action": ([0], [-1])}  # the toy task turned round is itself


def make(
    nworld, nobs, naction, *, layers=2, width=32, zero_last_layer=False, seed=1, mirrored_observation=NO_MIRROR, mirrored_action=NO_MIRROR, **changes
):
    settings = DEFAULTS | {f"ppo.{name}": value for name, value in changes.items()}
    shape = native.NetworkShape(nobs, naction, layers, width, mirrored_observation, mirrored_action)
    sizes = {"zero_last_layer": zero_last_layer, "seed": seed, "device": CPU}
    return Ppo(settings, shape, nworld, **sizes, mirrored_observation=mirrored_observation)


def iterate(ppo, task):
    """One iteration; the mean reward of a step."""
    total, steps = 0.0, ppo.settings["ppo.steps"]
    for _ in range(steps):
        task.step(ppo.act(task.observation))
        ppo.process_step(task.reward, task.done, task.time_out)
        total += task.reward.mean().item()
    ppo.compute_returns(task.observation)
    return total / steps


def in_numpy(shape, flat, layers, x):
    """Eq. (22) by the offsets alone, in double precision."""
    for i, (inputs, outputs, ld, weight, bias) in enumerate(layers):
        matrix = np.array([[flat[weight + r * ld + c] for c in range(outputs)] for r in range(inputs)])
        x = x @ matrix + flat[bias : bias + outputs]
        x = x if i + 1 == len(layers) else np.where(x > 0, x, np.expm1(np.minimum(x, 0)))
    return x


def loss_in_numpy(shape, flat, old, settings):
    """Eq. (21), and the number of samples that each bound cut: ratio above and below, value."""
    naction = old["action"].shape[1]
    mean, value = in_numpy(shape, flat, shape.actor, old["observation"]), in_numpy(shape, flat, shape.critic, old["observation"])[:, 0]
    log_sigma, clip = flat[shape.log_sigma : shape.log_sigma + naction], settings["ppo.clip"]
    z = (old["action"] - mean) / np.exp(log_sigma)
    ratio = np.exp((-0.5 * z**2 - log_sigma - 0.5 * math.log(2 * math.pi)).sum(1) - old["log_prob"])
    advantage = old["advantage"]
    surrogate = np.maximum(-ratio * advantage, -np.clip(ratio, 1 - clip, 1 + clip) * advantage)
    bounded = old["value"] + np.clip(value - old["value"], -clip, clip)
    errors = np.maximum((value - old["returns"]) ** 2, (bounded - old["returns"]) ** 2)
    cut = [
        ((ratio > 1 + clip) & (advantage > 0)).sum(),
        ((ratio < 1 - clip) & (advantage < 0)).sum(),
        ((value - old["returns"]) ** 2 < (bounded - old["returns"]) ** 2).sum(),
    ]
    entropy = (log_sigma + 0.5 * (1 + math.log(2 * math.pi))).sum()
    return surrogate.mean() + settings["ppo.value_coefficient"] * errors.mean() - settings["ppo.entropy_coefficient"] * entropy, cut


def test_the_gradient_is_that_of_finite_differences():
    rng, rows, nobs, naction = np.random.default_rng(SEED), 60, 3, 2
    ppo = make(rows, nobs, naction, width=5, value_coefficient=0.7, entropy_coefficient=0.3, max_gradient_norm=1e9)
    shape = native.NetworkShape(nobs, naction, 2, 5)
    old = {name: rng.normal(size=(rows, n)) for name, n in (("observation", nobs), ("action", naction), ("mean", naction))}
    old |= {name: rng.normal(size=rows) for name in ("advantage", "value", "returns")}
    flat = ppo.parameters.double().numpy().copy()
    old["log_prob"] = np.zeros(rows)
    z = old["action"] - in_numpy(shape, flat, shape.actor, old["observation"])
    old["log_prob"] = (-0.5 * z**2 - 0.5 * math.log(2 * math.pi)).sum(1) + rng.normal(size=rows) * 0.4  # ratios of 0.3 to 3
    _, cut = loss_in_numpy(shape, flat, old, ppo.settings)
    assert min(cut) >= 5, f"seed {SEED}: every bound must cut some samples, {cut}"

    ppo.samples = {name: torch.tensor(value, dtype=torch.float32) for name, value in old.items()}
    ppo.old_log_sigma = ppo.log_sigma.detach() + 0.3
    now = torch.distributions.Normal(torch.tensor(in_numpy(shape, flat, shape.actor, old["observation"])), torch.ones(naction))
    then = torch.distributions.Normal(torch.tensor(old["mean"]), torch.full((naction,), math.exp(0.3)))
    surrogate, value_loss, kl, norm = ppo._minibatch(torch.arange(rows)).tolist()
    expected, step = np.zeros_like(flat), 1e-6
    for i in range(len(flat)):
        ends = []
        for sign in (1, -1):
            moved = flat.copy()
            moved[i] += sign * step
            ends.append(loss_in_numpy(shape, moved, old, ppo.settings)[0])
        expected[i] = (ends[0] - ends[1]) / (2 * step)
    assert (expected != 0).sum() > 60
    np.testing.assert_allclose(ppo.gradient.numpy(), expected, atol=2e-6 * np.abs(expected).max() + 1e-6)
    assert norm == pytest.approx(np.linalg.norm(expected), rel=1e-4)
    assert kl == pytest.approx(torch.distributions.kl_divergence(then, now).sum(1).mean().item(), rel=1e-5)
    assert surrogate + 0.7 * value_loss - 0.3 * now.entropy().sum(-1).mean().item() == pytest.approx(
        loss_in_numpy(shape, flat, old, ppo.settings)[0], rel=1e-5
    )


def test_advantages_and_returns_are_the_plain_recursion():
    rng, nworld, steps = np.random.default_rng(SEED), 5, 24
    ppo = make(nworld, 2, 1, width=8)
    for _ in range(steps):
        ppo.act(torch.tensor(rng.normal(size=(nworld, 2)), dtype=torch.float32))
        done = rng.uniform(size=nworld) < 0.2
        late = done & (rng.uniform(size=nworld) < 0.5)
        ppo.process_step(*(torch.tensor(x) for x in (rng.normal(size=nworld).astype(np.float32), done, late)))
    ppo.compute_returns(torch.tensor(rng.normal(size=(nworld, 2)), dtype=torch.float32))
    shape, flat = native.NetworkShape(2, 1, 2, 8), ppo.parameters.double().numpy()
    value = in_numpy(shape, flat, shape.critic, ppo.observation.double().numpy())[:, :, 0]
    reward, done, late = ppo.reward.numpy(), ppo.done.numpy(), ppo.time_out.numpy()
    assert late.sum() > 3 and (done > late).sum() > 3
    advantage = np.zeros((steps, nworld))
    for w in range(nworld):
        for t in range(steps):
            weight = 1.0
            for k in range(t, steps):  # the sum of (gamma lambda)^k delta, up to the end of the episode
                after = 0 if done[k, w] else 0.99 * value[k + 1, w]
                advantage[t, w] += weight * (reward[k, w] + 0.99 * late[k, w] * value[k, w] + after - value[k, w])
                weight *= 0.99 * 0.95
                if done[k, w]:
                    break
    np.testing.assert_allclose(ppo.samples["returns"].numpy(), (advantage + value[:-1]).ravel(), atol=1e-5)
    np.testing.assert_allclose(ppo.samples["advantage"].numpy(), ((advantage - advantage.mean()) / advantage.std(ddof=1)).ravel(), atol=1e-5)


@pytest.mark.parametrize("symmetric", [False, True])
def test_two_iterations_are_those_of_the_c_plus_plus_learner(tmp_path, symmetric):
    program = BUILD / "tests" / "learn" / "toy_update"
    if not program.exists():
        pytest.skip(f"{program} was not built: a build without Torch")
    subprocess.run([program, tmp_path / "toy", *(["symmetric"] if symmetric else [])], check=True)
    recorded = native.read_checkpoint(str(tmp_path / "toy"))
    seen = {name: np.frombuffer(data, np.float32) for name, _, data in recorded["statistics"]}
    nworld, steps, iterations = 16, 65, 2
    shapes = {"observation": (steps + 1, nworld, 2), "action": (steps, nworld, 1)}
    rows = {name: values.reshape(iterations, *shapes.get(name, (steps, nworld))) for name, values in seen.items() if name != "start"}
    assert rows["time_out"].sum() > 0

    mirror = TURNED if symmetric else {}
    ppo = make(nworld, 2, 1, width=16, seed=3, steps=steps, minibatches=1, max_gradient_norm=0.5, weight_decay=0.01, **mirror)
    np.testing.assert_array_equal(ppo.parameters.numpy(), seen["start"])
    norms = []
    for i in range(iterations):
        for t in range(steps):
            ppo.act(torch.tensor(rows["observation"][i, t]))
            ppo.action[t] = torch.tensor(rows["action"][i, t])
            ppo.process_step(*(torch.tensor(rows[name][i, t]) for name in ("reward", "done", "time_out")))
        ppo.compute_returns(torch.tensor(rows["observation"][i, steps]))
        norms.append(dict(ppo.update())["Loss/gradient_norm"])
    assert max(norms) > 0.5, "gradients must have been shortened"

    for (name, _, data), (ours, tensor) in zip(recorded["learner"], ppo.state()):
        assert name == ours
        expected = from_bytes(data, tensor).view(tensor.shape)
        if tensor.dtype == torch.int64:
            assert torch.equal(tensor, expected), name
        else:
            scale = expected.abs().max().item()
            assert (tensor - expected).abs().max().item() <= (1e-9 if tensor.dtype == torch.float64 else 5e-5) * scale, name
    assert dict(ppo.state())["ppo.learning_rate"].item() != 1e-3, "the rate must have adapted"


def test_every_pass_takes_every_sample_once_in_an_order_of_its_own_and_logs_means(monkeypatch):
    task, ppo, seen, parts = ToyTask(16, 1, naction=2), make(16, 2, 2), [], []
    with torch.no_grad():
        ppo.log_sigma[1] = -1
    minibatch = ppo._minibatch

    def record(index):
        seen.append(index.tolist()), parts.append(minibatch(index).tolist())
        return torch.tensor(parts[-1], dtype=torch.float64)

    monkeypatch.setattr(ppo, "_minibatch", record)
    task.reset()
    iterate(ppo, task)
    logged = dict(ppo.update())
    samples = 24 * 16
    passes = [tuple(sum(seen[i : i + 4], [])) for i in range(0, 20, 4)]
    assert len(set(passes)) == 5 and all(sorted(order) == list(range(samples)) for order in passes) and tuple(range(samples)) not in passes
    means = zip(("Loss/surrogate", "Loss/value", "Loss/divergence", "Loss/gradient_norm"), np.mean(parts, axis=0), strict=True)
    sigma = ppo.log_sigma.detach().exp()
    expected = {"Loss/entropy": torch.distributions.Normal(0, sigma).entropy().sum().item(), "Policy/mean_std": sigma.mean().item(), **dict(means)}
    for name, value in expected.items():
        assert logged[name] == pytest.approx(value, rel=1e-5), name


def test_without_normalisation_observations_stay_what_they_are():
    task, ppo = ToyTask(16, 1), make(16, 2, 1, normalise=False)
    task.reset()
    for _ in range(2):
        iterate(ppo, task)
        ppo.update()
    first = task.observation.clone()
    ppo.act(first)
    torch.testing.assert_close(ppo.observation[0], first / 1.01)  # deviation 1 and the offset


def test_normalised_observations_are_bounded_and_constants_bear_it():
    normaliser = Normaliser(2, 10, CPU)
    for _ in range(50):  # the variance of a constant is zero but for rounding
        normaliser.collect(torch.tensor([[0.1, 1e3 / 3]]).repeat(37, 1))
        normaliser.fold()
    assert (normaliser.variance >= 0).all() and (normaliser.variance < 1e-6).all()
    assert normaliser.apply(torch.tensor([[1e9, -1e9]])).tolist() == [[10, -10]]


def test_it_solves_the_toy_task():
    task, ppo = ToyTask(64, 1), make(64, 2, 1)
    task.reset()
    rewards = []
    for _ in range(120):
        rewards.append(iterate(ppo, task))
        ppo.update()
    # at rest in the origin is worth 1; drifting about 0.3, arriving from the random start costs some
    assert rewards[0] < 0.5 and rewards[-1] > 0.8


def test_symmetric_parameters_stay_so_to_the_last_bit():
    task, ppo = ToyTask(16, 1), make(16, 2, 1, **TURNED)
    task.reset()
    for _ in range(3):
        iterate(ppo, task)
        ppo.update()
    image = ppo.mirror.sign * ppo.parameters[ppo.mirror.index]
    assert torch.equal(image, ppo.parameters) and ppo.parameters.count_nonzero() > 1000
    assert ppo.normaliser.mean.abs().max() == 0
    x = ppo.observation.flatten(0, 1)
    with torch.no_grad():
        here, there = ppo.forward(ppo.actor, x), ppo.forward(ppo.actor, -x)
    assert torch.allclose(here, -there, atol=1e-6) and here.abs().max() > 0.1


def test_the_same_seed_gives_the_same_bits():
    results = []
    for seed in (5, 5, 6):
        task, ppo = ToyTask(37, 1), make(37, 2, 1, seed=seed)
        task.reset()
        for _ in range(3):
            iterate(ppo, task)
            ppo.update()
        results.append([data for _, _, data in to_bytes(ppo.state())])
    assert results[0] == results[1]
    assert results[0] != results[2]


def test_the_noise_is_normal_and_new_at_every_step():
    nworld, steps = 200, 50
    ppo = make(nworld, 1, 1, zero_last_layer=True, sigma=0.5, steps=steps, layers=1)  # the mean is zero
    nothing = torch.zeros(nworld)
    noise = []
    for _ in range(2):
        for _ in range(steps):
            noise.append(ppo.act(nothing[:, None])[:, 0].clone() / 0.5)
            ppo.process_step(nothing, nothing, nothing)
        ppo.t = 0
    z = torch.stack(noise).double()
    bound = 4 / math.sqrt(z.numel())
    assert abs(z.mean()) < bound and abs(z.square().mean() - 1) < 1.5 * bound and abs((z**4).mean() - 3) < 10 * bound
    for moved in (z.roll(1, 0), z.roll(1, 1), z.roll(steps, 0)):
        assert abs((z * moved).mean()) < bound


@pytest.mark.parametrize(("desired", "rate"), [(1e-9, 1e-5), (1e3, 1e-2), (0, 1e-3)])
def test_the_learning_rate_follows_the_divergence(desired, rate):
    task, ppo = ToyTask(16, 1), make(16, 2, 1, desired_kl=desired)
    task.reset()
    iterate(ppo, task)
    assert dict(ppo.update())["Loss/learning_rate"] == pytest.approx(rate)


@pytest.mark.parametrize(("kl", "factor"), [(0.021, 1 / 1.5), (0.019, 1), (0.0051, 1), (0.0049, 1.5)])
def test_a_divergence_out_of_bounds_moves_the_learning_rate_by_half(kl, factor):
    ppo = make(16, 2, 1)
    ppo._adapt(torch.tensor(kl, dtype=torch.float64))
    assert ppo.rate.item() == pytest.approx(1e-3 * factor)


def test_sigma_stays_above_its_bound():
    task, ppo = ToyTask(16, 1), make(16, 2, 1, sigma=0.5, min_sigma=0.49, entropy_coefficient=-1)  # entropy costs: it shrinks
    task.reset()
    for _ in range(5):
        iterate(ppo, task)
        sigma = dict(ppo.update())["Policy/mean_std"]
        assert sigma >= 0.49 * (1 - 1e-6)
    assert sigma == pytest.approx(0.49)


def test_a_state_goes_on_where_it_was_taken():
    task, ppo, other = ToyTask(16, 1), make(16, 2, 1), make(16, 2, 1, seed=1)
    task.reset()
    iterate(ppo, task)
    ppo.update()
    other.load(to_bytes(ppo.state()), "here")
    assert to_bytes(other.state()) == to_bytes(ppo.state())
    copies = [ToyTask(16, 7), ToyTask(16, 7)]
    for learner, copy in zip((ppo, other), copies):
        copy.reset()
        iterate(learner, copy)
        learner.update()
    assert to_bytes(other.state()) == to_bytes(ppo.state())


class NoWaiting(TorchDispatchMode):
    """Refuses what a GPU's host would have to wait for: numbers read by Python, and results whose size depends on data."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        by_mask = name in ("index", "index_put", "index_put_") and any(i is not None and i.dtype in (torch.bool, torch.uint8) for i in args[1])
        if by_mask or name in ("_local_scalar_dense", "is_nonzero", "nonzero", "masked_select", "equal", "unique_dim", "_unique2"):
            raise AssertionError(f"{name} waits for the device")
        return func(*args, **(kwargs or {}))


def test_nothing_waits_for_the_device_within_an_iteration():
    ppo, rows = make(8, 2, 1, weight_decay=0.1), []
    task = ToyTask(8, 1, episode=10)
    statistics = EpisodeStatistics(task)
    task.reset()
    for _ in range(24):  # the task's part is not ours
        before = task.observation.clone()
        task.step(torch.randn(8, 1, generator=task.generator))
        rows.append((before, task.reward.clone(), task.done.clone(), task.time_out.clone()))
    with NoWaiting():
        for observation, *outcome in rows:
            ppo.act(observation)
            ppo.process_step(*outcome)
            statistics.add_step()
        ppo.compute_returns(before)
        ppo.update()
    with pytest.raises(AssertionError, match="waits"), NoWaiting():
        ppo.rate.item()


def test_states_of_others_are_refused():
    ppo, arrays = make(16, 2, 1), to_bytes(make(16, 2, 1, width=48).state())
    with pytest.raises(tandem.Error, match=r"here: ppo.parameters has \d+ bytes, expected ppo.parameters with \d+; it is of another network"):
        ppo.load(arrays, "here")
    with pytest.raises(tandem.Error, match="here: has 1 arrays of a learner, expected 9"):
        ppo.load(arrays[:1], "here")
    ppo.parameters[5] = math.nan
    with pytest.raises(tandem.Error, match="here: has parameters that are not finite"):
        make(16, 2, 1).load(to_bytes(ppo.state()), "here")


def test_a_number_that_is_not_finite_stops_the_update():
    task, ppo = ToyTask(16, 1), make(16, 2, 1)
    task.reset()
    iterate(ppo, task)
    ppo.parameters[5] = math.nan
    with pytest.raises(tandem.Error, match="the loss or its gradient is not finite: surrogate nan"):
        ppo.update()
