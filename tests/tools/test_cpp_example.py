"""A C++ project that adds this one as a subdirectory and links tandem::tandem. The libraries are not compiled here: the top-level build links and
runs the same."""

import importlib.util
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_example_is_a_project_of_its_own(tmp_path):
    mujoco = importlib.util.find_spec("mujoco").submodule_search_locations[0]
    run("cmake", "-G", "Ninja", "-S", ROOT / "examples/cpp", "-B", tmp_path, "-DCMAKE_CXX_COMPILER=g++", f"-DTANDEM_MUJOCO_DIR={mujoco}")
    run("ninja", "-C", tmp_path, "CMakeFiles/walk.dir/main.cpp.o")
    # of tandem, what the example links and no more
    built = run("ninja", "-C", tmp_path, "-n")
    assert "libtandem_mpc.a" in built and "Linking CXX executable walk" in built
    assert not [word for word in ("tandem_sim", "tandem_cli", "tests/") if word in built]
