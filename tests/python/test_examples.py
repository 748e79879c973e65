"""The programs of examples/ run, and say what they should."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tandem
from tandem import trajectory

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def run(name, *arguments):
    command = [sys.executable, EXAMPLES / f"{name}.py", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, env={**os.environ, "OMP_NUM_THREADS": "2"})
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_control_in_mujoco():
    forward, height = map(float, re.search(r"after 4 s: (\S+) m forward, base (\S+) m", run("control_in_mujoco")).groups())
    assert 1.3 < forward < 2.3  # 0.5 m/s for 4 s
    assert height == pytest.approx(tandem.Robot("mit_humanoid").base_height, abs=0.1)


def test_solve_qps():
    solved, force, error = map(float, re.search(r"(\d+)% solved; largest force (\S+); at the end (\S+) m", run("solve_qps")).groups())
    assert solved == 100 and force <= 1.001 and error < 0.1


def test_train_with_rsl_rl(tmp_path):
    pytest.importorskip("rsl_rl.runners", reason="rsl-rl-lib or torch is not installed")
    out = run("train_with_rsl_rl", 2, 8, tmp_path)
    assert "Learning iteration 1/2" in re.sub(r"\x1b\[[0-9;]*m", "", out)
    assert tandem.Controller(tandem.Robot("mit_humanoid"), tmp_path / "policy.safetensors").kind == "residual"


def test_read_a_run(tmp_path):
    pytest.importorskip("pandas", reason="pandas is not installed")
    program = [sys.executable, "-m", "tandem", "play", "--seconds", "1", "--out", str(tmp_path / "run"), "--no-film"]
    played = subprocess.run(program, capture_output=True, text=True, timeout=200)
    assert played.returncode == 0, played.stderr[-2000:]
    folder = next(tmp_path.rglob("trajectory.json")).parent
    out = run("read_a_run", folder)
    assert "over 100 control steps" in out or "over 101 control steps" in out
    motion = tandem.read_run(folder)
    recorded, joint = trajectory.read(folder), motion.columns.get_loc("v/left_knee") - motion.columns.get_loc("v/x")
    np.testing.assert_array_equal(motion["v/left_knee"], recorded.v[:, joint])
    np.testing.assert_array_equal(motion["foot_force/" + recorded.meta["feet"][1] + "/z"], recorded.foot_force[:, 1, 2])
    assert {"command/forward", "command/left", "command/yaw"} <= set(motion.columns)
    assert motion["q/z"].mean() == pytest.approx(tandem.Robot("mit_humanoid").base_height, abs=0.1)


def test_read_a_training_run(tmp_path):
    pytest.importorskip("pandas", reason="pandas is not installed")
    (tmp_path / "progress.csv").write_text("iteration,Train/mean_reward,Loss/value\n1,2.5,\n2,3.5,0.25\n")
    table = tandem.read_run(tmp_path)
    assert list(table.index) == [1, 2] and table.loc[2, "Train/mean_reward"] == 3.5 and table["Loss/value"].isna().sum() == 1
    with pytest.raises(tandem.Error, match="neither trajectory.json nor progress.csv"):
        tandem.read_run(tmp_path / "missing")
    (tmp_path / "progress.csv").write_text("")
    with pytest.raises(tandem.Error, match="progress.csv: .*; expected what `tandem train` wrote"):
        tandem.read_run(tmp_path)
    (tmp_path / "trajectory.json").write_text("{")
    with pytest.raises(tandem.Error, match="trajectory.json:1: not JSON"):
        tandem.read_run(tmp_path)


def test_examples_are_short():
    for path in EXAMPLES.glob("*.py"):
        assert len(path.read_text().splitlines()) < 40, path
