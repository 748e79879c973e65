"""tandem.device_statistics: what is logged about episodes, against sums one by one."""

import math

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from device_tasks import ToyTask  # noqa: E402
from tandem.device_statistics import EpisodeStatistics  # noqa: E402


def test_episode_statistics_are_those_of_the_episodes():
    task = ToyTask(3, 1)
    statistics = EpisodeStatistics(task)
    task.reset()
    episodes, lengths, running, age = [], [], [0.0] * 3, [0] * 3
    total = distance = far = ended = 0
    for step in range(3000):
        if step == 2500:
            statistics.take()
            total = distance = far = ended = 0
        task.step(torch.tensor([[0.5], [0.0], [-0.2]]))
        statistics.add_step()
        for w in range(3):
            running[w] += task.reward[w].item()
            age[w] += 1
            total += task.reward[w].item()
            distance += task.measures[w, 0].item()
            far += task.termination[w].item() == 0
            if task.done[w]:
                episodes.append(running[w]), lengths.append(age[w])
                running[w], age[w] = 0.0, 0
                ended += 1
    scalars = dict(statistics.take())
    assert len(episodes) > 150 and ended < 100
    assert scalars["Train/mean_reward"] == pytest.approx(sum(episodes[-100:]) / 100, rel=1e-5)
    assert scalars["Train/mean_episode_length"] == sum(lengths[-100:]) / 100
    assert scalars["Train/reward_per_step"] == pytest.approx(total / 1500, rel=1e-5)
    assert scalars["Train/distance"] == pytest.approx(distance / 1500, rel=1e-5)
    assert 0 < far < ended
    assert scalars["Episode_Termination/far"] == pytest.approx(far / ended)
    assert scalars["Episode_Termination/time_out"] == pytest.approx(1 - far / ended)
    assert scalars["Episode_Reward/near"] + scalars["Episode_Reward/effort"] == pytest.approx(sum(episodes[-ended:]) / ended, rel=1e-5)


def test_before_the_first_episode_ends_nothing_is_said_of_episodes():
    task = ToyTask(3, 1)
    statistics = EpisodeStatistics(task)
    task.reset()
    task.step(torch.zeros(3, 1))
    statistics.add_step()
    scalars = dict(statistics.take())
    for name in ("Train/mean_reward", "Train/mean_episode_length", "Episode_Reward/near", "Episode_Termination/far"):
        assert math.isnan(scalars[name])
    assert math.isfinite(scalars["Train/reward_per_step"])


def test_more_than_a_hundred_episodes_may_end_in_one_step():
    task = ToyTask(250, 1, episode=3, spread=True)
    statistics = EpisodeStatistics(task)
    task.reset()
    for _ in range(3):
        task.step(torch.zeros(250, 1))
        statistics.add_step()
    scalars = dict(statistics.take())
    # at rest, so three times the reward of the last hundred starts
    assert len(statistics.recent) == 100
    expected = 3 * torch.exp(-4 * torch.linspace(-0.5, 0.5, 250)[-100:].double() ** 2).mean()
    assert scalars["Train/mean_reward"] == pytest.approx(expected.item(), rel=1e-5)
    assert [reward for reward, _ in statistics.recent] == sorted((reward for reward, _ in statistics.recent), reverse=True)
