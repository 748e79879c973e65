"""`python -m tandem SUBCOMMAND ...`: the program tandem, with the same subcommands; `test` alone belongs to the project's folder."""

import os
import sys
from pathlib import Path


def train(arguments):
    """Training is a program of its own, since it alone needs Torch's library: goes on as that program, or says where it is.

    On a device (--device) it is tandem.device_train in this process.
    """
    from . import native

    if any(word.split("=")[0] == "--device" for word in arguments):
        try:
            from . import device_task, device_train
        except ModuleNotFoundError as error:
            cure = 'a training with --device needs it: `./tandem train --device ...` in the project\'s folder installs it, or `pip install ".[device]"` there'
            raise ImportError(f"the Python package {error.name} is missing; {cure}") from None
        device_task.wp.config.log_level = device_task.wp.LOG_WARNING  # its news of every kernel are not the program's
        return device_train.main(arguments[1:], device_task.DeviceTask)
    program = native.ROOT / "build" / "tandem-train"
    if not program.exists():
        print(f"tandem: training is not in this package ({program} does not exist); run ./tandem train in the project's folder", file=sys.stderr)
        return 1
    os.execv(program, [str(program), *arguments])


def run():
    """Exit code of the subcommand."""
    subcommand = sys.argv[1:2]
    if subcommand == ["plot"]:
        from . import plot_runs

        return plot_runs.main(sys.argv[2:])
    if subcommand == ["test"]:
        print("tandem: the tests are not in this package; run ./tandem test in the project's folder", file=sys.stderr)
        return 1
    from . import native

    os.environ.setdefault("TANDEM_ROOT", str(native.ROOT))  # has robots/ and policies/
    os.environ.setdefault("TANDEM_PYTHON", sys.executable)  # draws films and figures
    if subcommand == ["train"]:
        return train(sys.argv[1:])
    if subcommand == ["view"]:
        from .view import launch

        return launch.main(sys.argv[2:])
    if subcommand == ["replay"] and any((Path(word) / "trajectory.json").exists() for word in sys.argv[2:] if not word.startswith("-")):
        from .view import replay

        return replay.main(sys.argv[2:])
    return native.run_program(["python -m tandem", *sys.argv[1:]])


def main():
    """The same; one line for what is not installed."""
    try:
        return run()
    except ImportError as error:
        package = f"the Python package {error.name} is missing; ./tandem in the project's folder installs it, or `pip install .` there"
        print(f"tandem: {package if isinstance(error, ModuleNotFoundError) else error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
