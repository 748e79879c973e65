"""When the pictures of a strip are taken, and films that are interrupted."""

from types import SimpleNamespace

import numpy as np
import pytest
from tandem import film
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


class Pictures:
    """Stands where the robot is drawn; the fourth picture is not finished."""

    def __init__(self, motion, *_, **__):
        self.trajectory, self.drawn = motion, 0

    def look_at(self, _):
        pass

    def draw(self, _):
        self.drawn += 1
        if self.drawn == self.trajectory.meta["pictures"] + 1:
            raise KeyboardInterrupt
        return np.zeros((48, 64, 3), np.uint8)

    def close(self):
        pass


@pytest.mark.parametrize("ffmpeg", [True, False])
def test_an_interrupted_film_is_not_there(ffmpeg, tmp_path, monkeypatch):
    if not ffmpeg:
        monkeypatch.setattr(film.shutil, "which", lambda _: None)
    elif not film.shutil.which("ffmpeg"):
        pytest.skip("ffmpeg is not installed")
    monkeypatch.setattr(film, "Scene", Pictures)
    one = motion(1)
    one.rows, one.q, one.meta = len(one.time), np.ones((len(one.time), 7)), {"floating": True, "terrain": None, "control_dt": 0.01, "pictures": 100}
    target = film.write_film([one], tmp_path, width=64, height=48)
    assert list(tmp_path.iterdir()) == [target] and target.stat().st_size > 100
    one.meta["pictures"] = 3
    with pytest.raises(KeyboardInterrupt):
        film.write_film([one], tmp_path, width=64, height=48)
    assert not list(tmp_path.iterdir())  # not that of an earlier motion either
