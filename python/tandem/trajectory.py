"""Reads the folder that src/sim/trajectory.cpp writes: trajectory.json (names, limits, columns) and trajectory.f64 (one row per control step).

On uneven ground src/cli/player.cpp adds terrain.json (rows, columns, cell) and terrain.f32 (heights).
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

CURE = "record the motion again"


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


def is_number(value):
    return isinstance(value, int | float) and abs(value) < 1e300  # neither inf nor nan


def is_count(value):
    return isinstance(value, int) and 0 <= value < 1e9


def is_list(is_entry):
    return lambda value: isinstance(value, list) and all(is_entry(entry) for entry in value)


def is_text(value):
    return isinstance(value, str)


def is_point(value):
    texts = isinstance(value, dict) and is_text(value.get("name")) and is_text(value.get("body"))
    return texts and is_count(value.get("foot")) and is_list(is_number)(value.get("position")) and len(value["position"]) == 3


def is_column(value):
    return isinstance(value, list) and len(value) == 2 and is_text(value[0]) and is_count(value[1])


MOTION = {  # key of trajectory.json: what it is, whether a value is that
    "format": ("1", lambda value: value == 1),
    "title": ("a text", is_text),
    "xml": ("a file's name", is_text),
    "control_dt": ("a time above 0", lambda value: is_number(value) and value > 0),
    "rows": ("at least one row", lambda value: is_count(value) and value > 0),
    "floating": ("true or false", lambda value: isinstance(value, bool)),
    "horizon": ("a number of nodes", is_count),
    "base_height": ("a number", is_number),
    "joints": ("a list of names", is_list(is_text)),
    "feet": ("a list of names", is_list(is_text)),
    "points": ("a list of points with name, body, position and foot", is_list(is_point)),
    "tau_max": ("a list of numbers or null", is_list(lambda value: value is None or is_number(value))),
    "columns": ("a list of pairs of name and size", is_list(is_column)),
}
TERRAIN = {
    "rows": ("at least two", lambda value: is_count(value) and value > 1),
    "columns": ("at least two", lambda value: is_count(value) and value > 1),
    "cell": ("a length above 0", lambda value: is_number(value) and value > 0),
}


def read(folder):
    """The trajectory in `folder`. Raises Error, one line with the cure, if a file is missing, damaged, cut short or of another format."""
    folder = Path(folder)
    meta = read_json(folder / "trajectory.json", MOTION)
    if meta is None:
        raise Error(f"{folder}: no trajectory.json; expected a folder written by `tandem play`, complete only after the run ended")
    shapes = shapes_of(meta)
    fault = fault_in(meta, shapes)
    if fault:
        raise Error(f"{folder}/trajectory.json: {fault}; {CURE}")
    width = sum(size for _, size in meta["columns"])
    data = read_numbers(folder / "trajectory.f64", np.float64, (meta["rows"], width))
    blocks, first = {}, 0
    for name, size in meta["columns"]:
        blocks[name] = data[:, first : first + size].reshape(meta["rows"], *shapes[name])
        first += size
    meta["terrain"] = read_terrain(folder)
    return Trajectory(meta, blocks)


def read_terrain(folder):
    """The height field under the robot as {"rows", "columns", "cell", "height" (rows, columns)}; None on flat ground."""
    terrain = read_json(folder / "terrain.json", TERRAIN)
    if terrain is None:
        return None
    terrain["height"] = read_numbers(folder / "terrain.f32", np.float32, (terrain["rows"], terrain["columns"]))
    if not np.isfinite(terrain["height"]).all():
        raise Error(f"{folder}/terrain.f32: has heights that are not finite; {CURE}")
    return terrain


def read_json(path, expected):
    """The object in a file, whose values are as expected; None if there is no such file."""
    try:
        values = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except json.JSONDecodeError as error:
        raise Error(f"{path}:{error.lineno}: not JSON ({error.msg}); {CURE}") from None
    except (UnicodeDecodeError, RecursionError):
        raise Error(f"{path}: not JSON; {CURE}") from None
    if not isinstance(values, dict):
        raise Error(f"{path}: not a JSON object; {CURE}")
    for key, (what, is_it) in expected.items():
        if key not in values:
            raise Error(f"{path}: no {key}, expected {what}; {CURE}")
        if not is_it(values[key]):
            raise Error(f"{path}: {key} is {repr(values[key])[:40]}, expected {what}; {CURE}")
    return values


def read_numbers(path, kind, shape):
    """The array of this shape in a file, which holds nothing else."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise Error(f"{path.parent}: no {path.name}; {CURE}") from None
    size = np.dtype(kind).itemsize
    if len(data) != size * shape[0] * shape[1]:
        raise Error(f"{path}: {len(data) / size:.12g} numbers, expected {shape[0]} rows of {shape[1]}; {CURE}")
    return np.frombuffer(data, kind).reshape(shape).copy()


def shapes_of(meta):
    """Shape of every column, without the rows."""
    joints, feet, points, base = len(meta["joints"]), len(meta["feet"]), len(meta["points"]), meta["floating"]
    return {
        "time": (),
        "q": (7 * base + joints,),
        "v": (6 * base + joints,),
        "tau": (joints,),
        "tau_ff": (joints,),
        "foot_force": (feet, 3),
        "planned_force": (points, 3),
        "command": (3,),
        "solve_us": (),
        "value": (),
        "predicted_base": (meta["horizon"], 3),
        "predicted_point": (meta["horizon"], points, 3),
    }


def fault_in(meta, shapes):
    """What does not fit together in trajectory.json; None if all does."""
    columns = dict(meta["columns"])
    for name, shape in shapes.items():
        if columns.get(name) != int(np.prod(shape)):
            return f"column {name} has size {columns.get(name)}, expected {int(np.prod(shape))}"
    if list(columns) != [name for name, _ in meta["columns"]] or len(columns) != len(shapes):
        return f"expected the columns {', '.join(shapes)}"
    if len(meta["tau_max"]) != len(meta["joints"]):
        return f"{len(meta['tau_max'])} torques in tau_max, expected one for each of {len(meta['joints'])} joints"
    for point in meta["points"]:
        if point["foot"] >= len(meta["feet"]):
            return f"point {point['name']} is on foot {point['foot']} of {len(meta['feet'])}"
    return None
