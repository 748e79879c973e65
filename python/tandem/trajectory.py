"""Reads the folder that src/sim/trajectory.cpp writes: trajectory.json (names, limits, columns) and trajectory.f64 (one row per control step).

On uneven ground src/cli/player.cpp adds terrain.json (rows, columns, cell) and terrain.f32 (heights).
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np


class Error(Exception):
    """The caller's mistake, in one line."""


@dataclass
class Trajectory:
    """One robot's motion. Arrays start with the row axis; SI units; world frame, z up."""

    meta: dict
    blocks: dict = field(repr=False)

    def __getattr__(self, name):
        # time (n,), q (n, nq), v (n, nv), tau, tau_ff (n, njnt), foot_force (n, nfoot, 3), planned_force (n, ncon, 3), command (n, 3),
        # solve_us (n,), value (n,), predicted_base (n, horizon, 3), predicted_point (n, horizon, ncon, 3)
        try:
            return self.__dict__["blocks"][name]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def rows(self):
        return len(self.time)


def read(folder):
    """The trajectory in `folder`. Raises Error if a file is missing, cut short or of another format."""
    folder = Path(folder)
    try:
        meta = json.loads((folder / "trajectory.json").read_text())
    except FileNotFoundError:
        raise Error(f"{folder}: no trajectory.json; expected a folder written by `tandem play`, complete only after the run ended") from None
    except json.JSONDecodeError as error:
        raise Error(f"{folder}/trajectory.json:{error.lineno}: not JSON ({error.msg}); record the motion again") from None
    try:
        columns = [(str(name), int(size)) for name, size in meta["columns"]]
        if meta["format"] != 1:
            raise Error(f"{folder}/trajectory.json: format {meta['format']}, expected 1; record the motion again with this version")
        shapes = {
            "foot_force": (len(meta["feet"]), 3),
            "planned_force": (len(meta["points"]), 3),
            "predicted_base": (meta["horizon"], 3),
            "predicted_point": (meta["horizon"], len(meta["points"]), 3),
        }
    except (KeyError, TypeError, ValueError) as error:
        raise Error(f"{folder}/trajectory.json: {error!r} is missing or malformed; record the motion again") from None
    width = sum(size for _, size in columns)
    try:
        data = np.fromfile(folder / "trajectory.f64")
    except FileNotFoundError:
        raise Error(f"{folder}: no trajectory.f64; record the motion again") from None
    if width == 0 or data.size != width * meta["rows"] or meta["rows"] < 1:
        raise Error(
            f"{folder}/trajectory.f64: {data.size} numbers, expected {meta['rows']} rows of {width} and at least one row; record the motion again"
        )
    data = data.reshape(-1, width)
    blocks, first = {}, 0
    for name, size in columns:
        block = data[:, first : first + size]
        first += size
        if size == 1 and name in ("time", "solve_us", "value"):
            block = block[:, 0]
        blocks[name] = block.reshape((len(data), *shapes[name])) if name in shapes else block
    meta["terrain"] = read_terrain(folder)
    return Trajectory(meta, blocks)


def read_terrain(folder):
    """The height field under the robot as {"rows", "columns", "cell", "height" (rows, columns)}; None on flat ground."""
    try:
        terrain = json.loads((folder / "terrain.json").read_text())
        terrain["height"] = np.fromfile(folder / "terrain.f32", dtype=np.float32).reshape(terrain["rows"], terrain["columns"])
        return terrain
    except FileNotFoundError:
        return None
    except (json.JSONDecodeError, KeyError, ValueError) as error:
        raise Error(f"{folder}/terrain.json: {error!r}; record the motion again") from None
