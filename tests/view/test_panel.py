"""The panel without a page: Dear ImGui answers as a test has it, and notes the texts. And what a recording leaves behind."""

import json
import os
import time
from pathlib import Path
from unittest import mock

import pytest
from mujoco.studio.dear_imgui import dear_imgui as imgui
from tandem import native
from tandem.view import launch, panel, plant, recorder


class Hand:
    """Stands where the panel has Dear ImGui: presses buttons, moves sliders and combos to what `does` says, and notes texts and what is shown."""

    Cond = imgui.Cond

    def __init__(self, **does):
        self.does, self.texts, self.shown = does, [], {}

    def __getattr__(self, name):
        if name in ("TextWrapped", "TextUnformatted"):
            return lambda text: self.texts.append(text)
        if name == "Button":
            return lambda label: label in self.does
        if name in ("SliderFloat", "SliderInt", "Combo", "Checkbox"):
            return lambda label, value, *_: self.shown.update({label: value}) or (label in self.does, self.does.get(label, value))
        return lambda *_, **__: True


@pytest.fixture
def view(tmp_path, monkeypatch):
    """A panel around a live loop, whose films are drawn by nobody."""
    monkeypatch.setenv("PATH", str(tmp_path))  # there is no nice
    live, controllers = launch.make_live(launch.parse([]))
    live.speed(10.0)
    return panel.Panel(live, None, controllers, recorder.Recorder(live, tmp_path / "out"))


def gui(view, **does):
    """One picture of the panel: what was drawn."""
    hand = Hand(**does)
    state = view.live.state()
    if view.recorder.ended(state):
        view.ask(view.recorder.finish)
    view.settings = view.live.settings
    with mock.patch.object(panel, "imgui", hand), mock.patch.object(recorder, "imgui", hand):
        view.build_gui(state)
    return hand


def steps(live, count):
    end = live.state().time + 0.01 * count
    for _ in range(count):
        live.single_step()
    deadline = time.monotonic() + 60
    while live.state().time < end - 1e-9:
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_controller_and_title_are_those_that_walk(view):
    """Also after a step back on the time line to before the choice."""
    names = [name for name, _ in view.controllers]
    steps(view.live, 20)
    gui(view, controller=len(names) - 1)
    last = names[-1]
    assert last.startswith(view.live.controller) and names[gui(view).shown["controller"]] == last
    steps(view.live, 20)
    residual = [i for i, name in enumerate(names) if name.startswith("residual: ")]
    for i in residual[:2]:  # two policies of one kind
        gui(view, controller=i)
        assert gui(view).shown["controller"] == i
        steps(view.live, 5)
    view.live.scrub(-1)
    assert gui(view).shown["controller"] == residual[0]
    view.live.scrub(-8)
    assert view.live.controller == "mpc" and names[gui(view).shown["controller"]] == "mpc"
    gui(view, record=1)
    steps(view.live, 3)
    gui(view, **{"stop recording": 1})
    assert json.loads((view.recorder.folder / "trajectory.json").read_text())["title"] == "mit_humanoid, mpc"


def test_other_ground_ends_a_recording_as_the_button_does(view):
    gui(view, record=1)
    steps(view.live, 5)
    gui(view, **{"put the robot on it": 1, "ground": 1})
    assert not view.live.state().recording and (view.recorder.folder / "trajectory.json").exists()
    assert any(text.startswith("no film: ") for text in gui(view).texts)


def test_recordings_of_one_second_have_folders_of_their_own(view):
    for _ in range(3):
        gui(view, record=1)
        steps(view.live, 2)
        gui(view, **{"stop recording": 1})
    folders = sorted(path.name for path in view.recorder.out.iterdir())
    assert len(folders) == 3 and all((view.recorder.out / name / "trajectory.json").exists() for name in folders)


def test_numbers_of_folders(tmp_path, monkeypatch):
    class Clock(recorder.datetime.datetime):
        @classmethod
        def now(cls):
            return cls(2026, 11, 21, 20, 15, 0)

    monkeypatch.setattr(recorder.datetime, "datetime", Clock)
    assert [recorder.new_folder(tmp_path).name[-11:] for _ in range(3)] == ["21_20-15-00", "_20-15-00-2", "_20-15-00-3"]


def test_nothing_is_drawn_of_no_steps(view):
    gui(view, record=1)
    assert "recording" in gui(view).texts
    gui(view, **{"stop recording": 1})
    assert "nothing was recorded" in gui(view).texts and view.recorder.film is None


def test_a_recording_that_is_refused_has_no_folder(view):
    view.recorder.out = Path("/proc/nowhere")
    gui(view, record=1)
    drawn = gui(view)
    assert "/proc/nowhere" in view.message and not any(text.startswith("/proc/nowhere/") for text in drawn.texts)
    assert not view.live.state().recording


def test_the_reason_why_there_is_no_film_stays(view, tmp_path):
    nice = tmp_path / "nice"
    nice.write_text("#!/bin/sh\n/bin/sleep 0.5\necho many words >&2\necho the reason >&2\nexit 1\n")
    nice.chmod(0o755)
    gui(view, record=1)
    steps(view.live, 2)
    gui(view, **{"stop recording": 1})
    assert os.getsid(view.recorder.film.pid) == view.recorder.film.pid  # Ctrl-C in the view is not for it
    view.recorder.film.wait(30)
    assert all("no film: the reason" in gui(view).texts for _ in range(3))
    gui(view, record=1)  # and is not said of the next one
    assert not any(text.startswith("no film") for text in gui(view).texts)


def test_what_is_refused_does_not_end_the_view(view):
    infinite = float("inf")
    gui(view, **{"forward [m/s]": infinite})
    assert "finite" in view.message
    view.message = ""
    gui(view, **{"impulse [N s]": infinite, "from front": 1})
    assert view.message
    robot = plant.Plant(view.live, plant.Scene(view.live), view.ask)
    robot.on_single_step(None)
    assert not view.message
    robot.ask(view.live.speed, 0.0)
    assert "speed" in view.message
    with pytest.raises(native.Error):
        plant.Plant(view.live, robot.scene).ask(view.live.speed, 0.0)
