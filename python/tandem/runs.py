"""read_run: what a run left behind, as a pandas table."""

from os import PathLike
from pathlib import Path

import numpy as np
import pandas

from . import native, trajectory


def read_run(folder: str | PathLike) -> pandas.DataFrame:
    """One table per run folder, with a row per control step or training iteration.

    A folder with trajectory.json (a robot's motion, written by `tandem play`) is indexed by time [s] and has the columns q/<what>, v/<what>,
    tau/<joint> and tau_ff/<joint> [N m], foot_force/<foot>/<axis> and planned_force/<point>/<axis> [N], command/<what>, solve_us and value.
    A folder of `tandem train` is indexed by iteration and has the columns of progress.csv, which have the names of the TensorBoard log.
    Raises tandem.Error if the folder holds neither, or one that is damaged.
    """
    folder = Path(folder)
    try:
        if (folder / "trajectory.json").exists():
            return _motion(trajectory.read(folder))
        if (folder / "progress.csv").exists():
            return pandas.read_csv(folder / "progress.csv", index_col="iteration")
    except trajectory.Error as error:
        raise native.Error(str(error)) from None
    except ValueError as error:  # of pandas
        raise native.Error(f"{folder}/progress.csv: {str(error).splitlines()[0]}; expected what `tandem train` wrote") from None
    raise native.Error(f"{folder}: neither trajectory.json nor progress.csv in it; name a folder that `tandem play` or `tandem train` wrote")


def _motion(motion):
    joints, base = motion.meta["joints"], motion.meta["floating"]
    points = [point["name"] for point in motion.meta["points"]]
    names = {
        "q": (["x", "y", "z", "quat_w", "quat_x", "quat_y", "quat_z"] if base else []) + joints,
        "v": (["x", "y", "z", "wx", "wy", "wz"] if base else []) + joints,
        "tau": joints,
        "tau_ff": joints,
        "foot_force": [f"{foot}/{axis}" for foot in motion.meta["feet"] for axis in "xyz"],
        "planned_force": [f"{point}/{axis}" for point in points for axis in "xyz"],
        "command": ["forward", "left", "yaw"],
    }
    columns = {f"{block}/{name}": values for block in names for name, values in zip(names[block], _columns(motion, block))}
    columns |= {"solve_us": motion.solve_us, "value": motion.value}
    return pandas.DataFrame(columns, index=pandas.Index(motion.time, name="time"))


def _columns(motion, block):
    values = getattr(motion, block)
    return np.reshape(values, (motion.rows, -1)).T
