"""The record button: the motion as a folder that `tandem replay` plays, and a film of it."""

import datetime
import subprocess
import sys
from pathlib import Path

from mujoco.studio.dear_imgui import dear_imgui as imgui


class Recorder:
    def __init__(self, live, out, controller):
        self.live, self.out, self.controller = live, Path(out), controller
        self.folder = self.film = None

    def start(self):
        self.folder = self.out / datetime.datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
        self.live.record(str(self.folder), f"{self.live.robot.name}, {self.controller}")

    def stop(self):
        """Ends the recording and has the film drawn, by another process that leaves the processor to the robot."""
        self.live.stop_recording()
        command = ["nice", "-n", "19", sys.executable, "-m", "tandem.figures", str(self.folder)]
        self.film = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def build_gui(self, panel, state):
        if imgui.Button("stop recording" if state.recording else "record"):
            if state.recording:
                panel.ask(self.stop)
            else:
                panel.ask(self.start)
        if state.recording or self.folder:
            imgui.TextWrapped(str(self.folder))
        if self.film is not None:
            imgui.TextWrapped(self.film_state())

    def film_state(self):
        code = self.film.poll()
        if code is None:
            return "the film is being drawn"
        return "film.mp4 and plot.png are there" if code == 0 else f"no film: {self.film.stderr.read().strip().splitlines()[-1:]}"
