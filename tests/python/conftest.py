"""What the tests of the Python package share."""

import numpy as np
import pytest
import tandem


@pytest.fixture(scope="session")
def robot():
    return tandem.Robot("mit_humanoid")


@pytest.fixture
def rng(request):
    """Random numbers of a seed that pytest prints when a test fails."""
    seed = 20261121
    print(f"seed {seed}")
    return np.random.default_rng(seed)


@pytest.fixture
def states(robot):
    """(q, v, command) of n robots near their stand, from a seed."""

    def draw(n, seed=1):
        rng = np.random.default_rng(seed)
        q = np.tile(robot.stand, (n, 1))
        q[:, 7:] += rng.uniform(-0.05, 0.05, (n, robot.njnt))
        v = rng.uniform(-0.2, 0.2, (n, robot.nv))
        command = np.column_stack([np.full(n, robot.base_height), rng.uniform(-0.5, 0.5, (n, 3))])
        return q, v, command

    return draw
