"""A recording read with NumPy in three lines, as its header file says."""

import json
import os
import pathlib
import subprocess

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A recording written by the program recording_dump of the build (TANDEM_RECORDING_DUMP names another one)."""
    built = sorted(ROOT.glob("build/**/tests/tune/recording_dump"), key=lambda path: path.stat().st_mtime)
    program = os.environ.get("TANDEM_RECORDING_DUMP") or (built[-1] if built else None)
    assert program, "recording_dump is not built; run ./tandem test, or name it in TANDEM_RECORDING_DUMP"
    file = tmp_path_factory.mktemp("recording") / "a.rec"
    subprocess.run([program, file], check=True, timeout=60)
    return file


def read(path, name):
    f = open(path, "rb")  # noqa: SIM115 - the three lines of src/tune/recording.hpp
    head = json.loads(f.read(int.from_bytes(f.read(8), "little")))
    a = head["arrays"][name]
    return np.memmap(path, a["dtype"], "r", a["offset"], tuple(a["shape"])), a["unit"]


@pytest.mark.parametrize(
    ("name", "expected", "unit"),
    [
        ("x", [[1, 2], [3, 4], [5, 6]], "m"),
        ("force", [[-1], [-2], [-3]], "N"),
        ("time", [0, 0.01, 0.02], "s"),
        ("trajectory", [0, 0, 1], "1"),
        ("fell", [0, 1], "1"),
        ("cost", [1, 2, 3], "cost/s"),
        ("theta", [1, 2], "1"),
    ],
)
def test_numpy_reads_every_array(path, name, expected, unit):
    array, found_unit = read(path, name)
    np.testing.assert_array_equal(array, expected)
    assert found_unit == unit
