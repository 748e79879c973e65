"""Loads the compiled part of the package, tandem._core, with the MuJoCo library that it needs and the robots that it reads.

All names of tandem._core are also here.
"""

import ctypes
import importlib.util
import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
# the folder with robots/: of the package where it is installed, of the project in a checkout
ROOT = PACKAGE if (PACKAGE / "robots").is_dir() else PACKAGE.parent.parent


def _load_mujoco():
    """libmujoco of the package `mujoco`, wherever that is installed: the loader then finds it in the process."""
    spec = importlib.util.find_spec("mujoco")
    for folder in spec.submodule_search_locations if spec else []:
        for library in Path(folder).glob("libmujoco.so.*"):
            ctypes.CDLL(str(library))


_load_mujoco()
if not os.environ.get("TANDEM_ROBOTS"):
    os.environ["TANDEM_ROBOTS"] = str(ROOT / "robots")

try:
    from ._core import *  # noqa: F403
    from ._core import __version__, run_program  # noqa: F401
except ModuleNotFoundError as error:
    if error.name != "tandem._core":
        raise
    raise ImportError(
        f"the compiled part of tandem is not in {PACKAGE}; install the package with `pip install .` in the project's folder, "
        "or put build/python of a build with TANDEM_PYTHON=ON on PYTHONPATH"
    ) from None
