"""The live view with its page on another machine: PYTHONPATH=python:build/python .venv/bin/python results/view_elsewhere.py, after ./tandem view; a minute.

Runs `tandem view` of the Unitree G1 under its MPC and speaks Studio's protocol as the page does that controls the robot, but draws nothing: /ui carries the
panels (NetImgui: versions, then draw lists against the page's inputs), /state what is in the scene, each state acknowledged. Writes
results/view-elsewhere.json. It is another process on this machine: its own work is in the figures, a network is not.
"""

import asyncio
import json
import os
import re
import struct
import subprocess
import sys
import time
from pathlib import Path

import psutil
import websockets

ROOT = Path(__file__).resolve().parents[1]
VIEW = "view --robot unitree_g1 --controller mpc --command 0.4,0,0 --out out/view-elsewhere"
VERSION = struct.pack("<II64s16s16sIIII", 120, 0, b"MuJoCo Web Viewer", b"1.92.9b", b"1.13.0", 18, 19291, 11300, 2)
WARM_UP, SECONDS, WIDTH, HEIGHT, RATE = 10, 30, 1920, 1080, 60
INPUT, DRAW = 2, 3  # NetImgui's numbers for the page's inputs and a draw list
TIME = 24  # byte of a state where the simulation's time begins


def page_input(first):
    """Nobody touches mouse or keys: the picture's size, compression of draw lists to what has changed, scale of fonts, pictures per second."""
    return struct.pack("<IIHH526xBBff68x", 616, INPUT, WIDTH, HEIGHT, True, first, 1.0, RATE)


class Page:
    """Counts what arrives."""

    def __init__(self):
        self.states, self.pictures, self.bytes = [], 0, 0  # states: (when it came, the simulation's time)

    async def send_inputs(self, socket):
        await socket.send(page_input(True))
        while True:
            await socket.send(page_input(False))
            await asyncio.sleep(1 / RATE)

    async def read_panels(self, socket):
        rest = b""
        async for data in socket:  # commands begin with their size and type, and come in pieces
            self.bytes += len(data)
            rest += data
            while len(rest) >= 8 and len(rest) >= (size := int.from_bytes(rest[:4], "little")):
                self.pictures += rest[4] == DRAW
                rest = rest[size:]

    async def panels(self, address):
        async with websockets.connect(f"{address}/ui?sid=elsewhere", max_size=None) as socket:
            await socket.send(VERSION)
            await asyncio.gather(self.send_inputs(socket), self.read_panels(socket))

    async def scene(self, address):
        async with websockets.connect(f"{address}/state?sid=elsewhere", max_size=None) as socket:
            async for data in socket:
                self.bytes += len(data)
                if isinstance(data, bytes):
                    self.states.append((time.perf_counter(), struct.unpack_from("<d", data, TIME)[0]))
                    await socket.send("state_ack")


async def watch(address, process):
    page = Page()
    tasks = [asyncio.create_task(page.panels(address)), asyncio.create_task(page.scene(address))]
    await asyncio.sleep(WARM_UP)
    first, pictures, size, busy = len(page.states) - 1, page.pictures, page.bytes, sum(process.cpu_times()[:2])
    await asyncio.sleep(SECONDS)
    for task in tasks:
        task.cancel()
    (start, simulated), (end, then) = page.states[first], page.states[-1]
    return {
        "real_time_factor": (then - simulated) / (end - start),
        "states_per_second": (len(page.states) - 1 - first) / (end - start),
        "pictures_per_second": (page.pictures - pictures) / SECONDS,
        "megabytes_per_second": (page.bytes - size) / SECONDS / 1e6,
        "cores": (sum(process.cpu_times()[:2]) - busy) / SECONDS,
        "load_average": os.getloadavg()[0],
    }


def main():
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    view = subprocess.Popen([sys.executable, "-m", "tandem", *VIEW.split()], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        port = re.search(r":(\d+)/", view.stdout.readline())[1]
        found = asyncio.run(watch(f"ws://127.0.0.1:{port}", psutil.Process(view.pid)))
    finally:
        view.terminate()
    (ROOT / "results/view-elsewhere.json").write_text(json.dumps({"commit": commit, "command": VIEW, **found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
