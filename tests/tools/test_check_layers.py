"""The layer check: what it must refuse and what it must let pass."""

import pathlib
import subprocess
import sys

import pytest

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"
sys.path.insert(0, str(TOOLS))
import check_layers  # noqa: E402


@pytest.mark.parametrize(
    "path, header",
    [
        ("src/mpc/mpc.cpp", "sim/simulator.hpp"),
        ("src/sim/simulator.hpp", "mpc/mpc.hpp"),
        ("src/qp/qp.hpp", "model/model.hpp"),
        ("src/base/team.hpp", "math/vec3.hpp"),
        ("src/dynamics/crba_kernel.hpp", "mujoco/mujoco.h"),
        ("src/model/model.hpp", "mujoco/mujoco.h"),
        ("src/qp/qp.hpp", "cuda_runtime.h"),
        ("src/qp/solver_cpu.cpp", "base/team_cuda.cuh"),
        ("src/env/task.hpp", "torch/torch.h"),
        ("src/newfolder/a.hpp", "base/check.hpp"),
    ],
)
def test_refused(path, header):
    assert check_layers.check_include(path, header) is not None


@pytest.mark.parametrize(
    "path, header",
    [
        ("src/mpc/mpc.cpp", "base/check.hpp"),
        ("src/mpc/mpc.cpp", "qp/qp.hpp"),
        ("src/env/task.cpp", "sim/simulator.hpp"),
        ("src/cli/main.cpp", "sim/simulator.hpp"),
        ("src/model/load_mjcf.cpp", "mujoco/mujoco.h"),
        ("tests/support/mujoco_oracle.hpp", "mujoco/mujoco.h"),
        ("src/qp/solver_cuda.cu", "base/team_cuda.cuh"),
        ("src/qp/qp.hpp", "vector"),
    ],
)
def test_allowed(path, header):
    assert check_layers.check_include(path, header) is None


def test_long_files_and_lines_are_found():
    assert [number for number, _ in check_layers.check_file("src/base/a.hpp", "//\n" * 401)] == [401]
    assert [number for number, _ in check_layers.check_file("src/base/a.hpp", "//\n//" + "x" * 159)] == [2]
    assert check_layers.check_file("src/base/a.hpp", "//\n" * 400) == []


def test_a_violation_in_a_tree_fails_with_its_place(tmp_path):
    file = tmp_path / "src" / "math" / "a.hpp"
    file.parent.mkdir(parents=True)
    file.write_text('#pragma once\n#include "qp/qp.hpp"\n')
    for command in (["git", "init", "-q"], ["git", "add", "."]):
        subprocess.run(command, cwd=tmp_path, check=True)
    done = subprocess.run([sys.executable, TOOLS / "check_layers.py", "--root", tmp_path], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout.startswith("src/math/a.hpp:2: src/math must not include src/qp")
