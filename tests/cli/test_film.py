"""When the pictures of a strip are taken."""

from types import SimpleNamespace

import numpy as np
import pytest
from tandem.film import strip_times


def motion(seconds, dt=0.01):
    return SimpleNamespace(time=np.arange(round(seconds / dt) + 1) * dt)


@pytest.mark.parametrize(
    ("seconds", "first", "last"),
    [([6], 2.5, 3.5), ([0.4], 0, 0.4), ([6, 6], 2.5, 3.5), ([6, 4.5], 3.5, 4.5), ([0.4, 6], 0, 0.4)],
)
def test_motions_are_shown_at_the_same_moments(seconds, first, last):
    times = strip_times([motion(s) for s in seconds], frames=5, seconds=1.0)
    assert times == pytest.approx(np.linspace(first, last, 5))
