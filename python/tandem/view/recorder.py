"""The record button: the motion as a folder that `tandem replay` plays, and a film of it."""

import datetime
import itertools
import subprocess
import sys
import tempfile
from pathlib import Path

from mujoco.studio.dear_imgui import dear_imgui as imgui

from .. import native


def new_folder(out):
    """Makes a folder that is named after the moment; a second one of the same moment ends in -2, a third in -3."""
    name = datetime.datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
    for number in itertools.count(1):
        folder = out / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError:
            pass


class Recorder:
    """One recording after the other. The live loop may end one by itself, on other ground or a full disk: then it has ended()."""

    def __init__(self, live, out):
        self.live, self.out = live, Path(out)
        self.folder, self.running = None, False  # of the recording that runs, or of the last one
        self.film, self.words = None, None  # the process that draws the film, and what it says
        self.outcome = ""  # what came of the last recording

    def start(self):
        folder = new_folder(self.out)
        try:
            self.live.record(str(folder), f"{self.live.robot.name}, {self.live.controller}")
        except native.Error:
            folder.rmdir()
            raise
        self.folder, self.running, self.film, self.outcome = folder, True, None, ""

    def stop(self):
        self.live.stop_recording()
        self.finish()

    def ended(self, state):
        return self.running and not state.recording

    def finish(self):
        """Has the film drawn of a recording that has ended, by another process that leaves the processor to the robot and outlives the view."""
        self.running = False
        if not (self.folder / "trajectory.json").exists():
            self.outcome = "nothing was recorded"
            return
        self.words = tempfile.TemporaryFile("w+")
        command = ["nice", "-n", "19", sys.executable, "-m", "tandem.figures", str(self.folder.absolute())]
        try:
            self.film = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=self.words, start_new_session=True)
        except OSError as error:
            self.outcome = f"no film: {error}"

    def close(self):
        """Completes a recording that runs, and says where it is."""
        if self.running:
            self.stop()
            print(f"{self.folder}: {self.film_state()}", flush=True)

    def build_gui(self, panel):
        if imgui.Button("stop recording" if self.running else "record"):
            panel.ask(self.stop if self.running else self.start)
        if self.folder:
            imgui.TextWrapped(str(self.folder))
            imgui.TextWrapped("recording" if self.running else self.film_state())

    def film_state(self):
        """What came of the last recording, or of its film."""
        if self.film is None:
            return self.outcome
        code = self.film.poll()
        if code is None:
            return "the film is being drawn"
        self.words.seek(0)
        reason = (self.words.read().strip().splitlines() or [f"its process ended with {code}"])[-1]
        self.film, self.outcome = None, "the film and plot.png are there" if code == 0 else f"no film: {reason}"
        return self.outcome
