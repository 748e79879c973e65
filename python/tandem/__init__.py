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

# what pip installs for modules with packages of their own
_EXTRAS = {"gym_env": "gym", "rsl_rl_env": "rsl_rl", "runs": "runs"}

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
    try:
        value = getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    except ModuleNotFoundError as error:
        if _HOMES[name] not in _EXTRAS:
            raise
        raise ImportError(f'tandem.{name} needs the Python package {error.name}: pip install ".[{_EXTRAS[_HOMES[name]]}]"') from None
    globals()[name] = value
    return value


def __dir__():
    return sorted(set(globals()) | set(__all__))
