"""A simulator at the other end of a program's socket, file descriptor 0: what tandem.drake_simulator and tandem.warp_program have in common.

The first line is a JSON object, Layout with the number of `worlds`; on uneven ground the heights follow it. Then commands: src/sim/remote_simulator.hpp.
"""

import json
import os
import signal
import sys
from dataclasses import dataclass

import numpy as np

from .mjcf import Terrain
from .trajectory import Error


@dataclass
class Layout:
    """What the programs say of the robot; names are those of the MJCF."""

    xml: str
    control_dt: float  # [s]
    physics_dt: float  # [s]
    joints: list  # names
    bodies: list  # names; pushes say their number
    feet: list  # names
    contacts: list  # {"body": name, "position": [x, y, z], "foot": number}
    foot_geoms: list  # names; empty: those whose name begins with their foot's
    terrain: Terrain | None = None  # None: the MJCF as it is


def output_shapes(layout, nq, nv):
    """What a step answers, in this order, all worlds of one field before the next: name -> shape of one world."""
    nfoot, njnt = len(layout.feet), len(layout.joints)
    return {
        "time": (1,),
        "q": (nq,),
        "v": (nv,),
        "tau": (njnt,),
        "power": (1,),
        "point_force": (len(layout.contacts), 3),
        "foot_force": (nfoot, 3),
        "foot_slip": (nfoot,),
        "floor_contact": (1,),
        "self_collision": (1,),
        "fault": (1,),
    }


def serve(batch, receive, send):
    """Answers commands until the program hangs up, a ConnectionError of receive() or send(): numbers that begin with what to do.

    batch: some worlds, with the sizes nworld, nq, nv, njnt and
        reset(world, friction, q, v), friction negative for the MJCF's    kick(world, dv)    push(world, body, force, steps)
        step((5, nworld, njnt): tau_ff, q_des, v_des, kp, kd), which gives the numbers of output_shapes() in one row
    """
    sizes = {"r": 2 + batch.nq + batch.nv, "k": 7, "p": 6, "s": 5 * batch.njnt * batch.nworld}
    while True:
        what = chr(int(receive(1)[0]))
        numbers = receive(sizes[what])
        if what == "r":
            batch.reset(int(numbers[0]), numbers[1], numbers[2 : 2 + batch.nq], numbers[2 + batch.nq :])
        elif what == "k":
            batch.kick(int(numbers[0]), numbers[1:])
        elif what == "p":
            batch.push(int(numbers[0]), int(numbers[1]), numbers[2:5], int(numbers[5]))
        else:
            send(batch.step(numbers.reshape(5, batch.nworld, batch.njnt)).tobytes())


def read_layout(read_line, read):
    """(Layout, number of worlds) from the head of the conversation."""
    told = json.loads(read_line())
    nworld, terrain = told.pop("worlds"), told.pop("terrain", None)
    if terrain:
        rows, columns = terrain["rows"], terrain["columns"]
        height = np.frombuffer(read(4 * rows * columns), dtype=np.float32).reshape(rows, columns)
        terrain = Terrain(rows, columns, terrain["cell"], height)
    return Layout(**told, terrain=terrain), nworld


def run(make_batch, name, cure):
    """The program: make_batch(layout, nworld) gives (what serve() takes, what to call it). Returns the exit code.

    name: that the option --simulator has for it. cure: how to install its packages.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the program that started this one hangs up after Ctrl-C
    os.dup2(2, 1)  # standard output is the program's
    with os.fdopen(os.dup(0), "rb") as source, os.fdopen(0, "wb", buffering=0) as target:
        try:
            return converse(source, target, make_batch, name, cure)
        except ConnectionError:  # the program has hung up, in the middle of a message perhaps
            return 0


def converse(source, target, make_batch, name, cure):
    """From the first line to the last. Returns the exit code of what went wrong here; ConnectionError: the program is gone."""

    def read(size):
        data = source.read(size)
        if len(data) < size:
            raise ConnectionError
        return data

    def send(data):
        view = memoryview(data)
        while view:
            view = view[target.write(view) :]

    def answer(**said):
        send(json.dumps(said).encode() + b"\n")

    def receive(count):
        return np.frombuffer(read(8 * count))

    try:
        batch, called = make_batch(*read_layout(source.readline, read))
    except ImportError as error:
        answer(error=f"the simulator {name} needs the Python package {error.name}: {cure}")
        return 1
    except (Error, RuntimeError, KeyError, ValueError, OSError) as error:
        answer(error=str(error).splitlines()[0])
        return 1
    answer(simulator=called)
    try:
        serve(batch, receive, send)
    except (Error, RuntimeError, MemoryError) as error:
        print(f"tandem: the simulator {name} gave up: {str(error).splitlines()[0]}", file=sys.stderr)
    return 1
