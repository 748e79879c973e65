"""Everything that the next steps of a tandem.warp_simulator.WarpSimulator depend on, as bytes: a line of JSON that says whose they are, then the arrays."""

import hashlib
import json
from importlib.metadata import version

import numpy as np

from .trajectory import Error

FORMAT = 1
OPTIONS = ["integrator", "cone", "solver", "iterations", "tolerance", "impratio", "disableflags", "enableflags"]
INPUTS = ["inputs", "strength", "push_force", "push_steps", "push_body"]
OUTPUTS = ["q", "v", "tau", "power", "time", "point_force", "foot_force", "foot_slip", "floor_contact", "self_collision", "fault"]
STATE = ["qpos", "qvel", "qacc_warmstart", "time"]  # of MuJoCo Warp


def arrays(sim):
    """name -> what is saved, all of it (nworld) first."""
    found = {name: getattr(sim, name) for name in INPUTS + OUTPUTS} | {"data." + name: getattr(sim.data, name) for name in STATE}
    return found | {"model." + name: array for name, array in sim.parameters.arrays().items()}


def fingerprint(host):
    """Of a MuJoCo model: its numbers, not its names and where it lay."""
    digest = hashlib.sha256()
    for name in sorted(dir(host)):
        values = getattr(host, name)
        if isinstance(values, np.ndarray) and name != "paths":
            digest.update(name.encode() + values.tobytes())
    digest.update(repr([getattr(host.opt, name) for name in OPTIONS]).encode())
    return digest.hexdigest()[:16]


def identity(sim):
    """What must be equal for a simulator to load what another one saved."""
    return {
        "format": FORMAT,
        "robot and ground": fingerprint(sim.host),
        "nworld": sim.nworld,
        "control_dt": sim.control_dt,
        "physics_dt": sim.physics_dt,
        "deterministic": sim.deterministic,
        "MuJoCo Warp": version("mujoco-warp"),
    }


def save(sim):
    """The bytes. Waits for the device."""
    parts = {name: array.numpy() for name, array in arrays(sim).items()}
    head = {
        **identity(sim),
        "masses_differ": sim.parameters.masses_differ,
        "arrays": {name: [part.dtype.str, part.shape] for name, part in parts.items()},
    }
    return json.dumps(head).encode() + b"\n" + b"".join(part.tobytes() for part in parts.values())


def load(sim, saved):
    """Puts the bytes in the place of what the simulator has. Error, and nothing changed, where they are of another one."""
    line, _, rest = bytes(saved).partition(b"\n")
    try:
        head = json.loads(line)
    except ValueError:
        raise Error("load: these bytes were not saved by a WarpSimulator") from None
    for name, expected in identity(sim).items():
        if head.get(name) != expected:
            raise Error(f"load: {name} is {head.get(name)} in what was saved, expected {expected}")
    parts, begin = {}, 0
    for name, (kind, shape) in head["arrays"].items():
        size = int(np.prod(shape)) * np.dtype(kind).itemsize
        parts[name] = rest[begin : begin + size]
        begin += size
    if begin != len(rest):
        raise Error(f"load: {len(rest)} bytes of arrays, expected {begin}; save again")
    for name, array in arrays(sim).items():
        kind, shape = head["arrays"][name]
        array.assign(np.frombuffer(parts[name], dtype=kind).reshape(shape))
    sim.parameters.masses_differ = head["masses_differ"]
