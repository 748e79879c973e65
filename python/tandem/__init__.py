"""tandem: model predictive control and reinforcement learning for legged robots.

The public names are loaded when they are first used, so that `python -m tandem.figures` and the like start without the compiled part.
docs/python.md shows them at work; examples/ has programs of ten lines.
"""

import importlib
import pkgutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._core import (
        Controller,
        Error,
        Horizon,
        Mpc,
        Robot,
        Simulator,
        Status,
        Task,
        __version__,
        cuda_device_count,
        instruction_set,
        robot_names,
    )
    from .gym_env import Env, VectorEnv
    from .qp import QpSolver
    from .rsl_rl_env import RslRlEnv
    from .runs import read_run

# the compiled part may lie in a folder of a build, beside this one on the path
__path__ = pkgutil.extend_path(__path__, __name__)

_HOMES = {
    "Controller": "native",
    "Env": "gym_env",
    "Error": "native",
    "Horizon": "native",
    "Mpc": "native",
    "QpSolver": "qp",
    "Robot": "native",
    "RslRlEnv": "rsl_rl_env",
    "Simulator": "native",
    "Status": "native",
    "Task": "native",
    "VectorEnv": "gym_env",
    "__version__": "native",
    "cuda_device_count": "native",
    "instruction_set": "native",
    "read_run": "runs",
    "robot_names": "native",
}

__all__ = [
    "Controller",
    "Env",
    "Error",
    "Horizon",
    "Mpc",
    "QpSolver",
    "Robot",
    "RslRlEnv",
    "Simulator",
    "Status",
    "Task",
    "VectorEnv",
    "__version__",
    "cuda_device_count",
    "instruction_set",
    "read_run",
    "robot_names",
]


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted(set(globals()) | set(__all__))
