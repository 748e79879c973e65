"""The installed package: a wheel builds, holds what it needs, and works where there is no checkout."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import tandem

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with the unpacked wheel, and nothing else."""
    pytest.importorskip("scikit_build_core", reason="scikit-build-core is not installed")
    folder = tmp_path_factory.mktemp("wheel")
    # the compiler's cache has most of it from the build that these tests ran after
    environment = {**os.environ, "CMAKE_BUILD_PARALLEL_LEVEL": str(len(os.sched_getaffinity(0)))}
    command = [sys.executable, "-m", "pip", "wheel", str(ROOT), "--no-build-isolation", "--no-deps", "--wheel-dir", str(folder)]
    built = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=1500)
    assert built.returncode == 0, (built.stdout + built.stderr)[-4000:]
    (wheel,) = folder.glob("tandem-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def run(site, *arguments, cwd):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TANDEM_")}
    environment["PYTHONPATH"] = str(site)
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, cwd=cwd, env=environment, timeout=120)


def test_the_page_names_the_headers_that_the_build_needs():
    packages = re.search(r'^play_packages="(.*?)"', (ROOT / "tools/setup.sh").read_text(), re.MULTILINE | re.DOTALL)[1]
    headers = [entry.split("=")[0] for entry in packages.split() if entry.split("=")[0].endswith("-dev")]
    (line,) = [line for line in (ROOT / "docs/python.md").read_text().splitlines() if "apt-get install" in line]
    assert len(headers) > 3 and set(headers) <= set(line.split())


def test_the_wheel_holds_the_package(site):
    files = {str(path.relative_to(site)) for path in site.rglob("*") if path.is_file()}
    expected = {"__init__.py", "__main__.py", "_core.pyi", "py.typed", "figures.py", "robots/scene.xml", "robots/mit_humanoid/robot.toml"}
    assert {f"tandem/{name}" for name in expected} <= files
    assert sum(name.startswith("tandem/_core.") and name.endswith(".so") for name in files) == 1
    assert not [name for name in files if not name.startswith(("tandem/", "tandem-"))]


def test_the_wheel_works_without_the_checkout(site, tmp_path):
    code = "import tandem; r = tandem.Robot('mit_humanoid'); m = tandem.Mpc(r); print(r.model_path, tandem.__file__, tandem.__version__)"
    done = run(site, "-c", code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    model, package, version = done.stdout.split()
    assert Path(model).is_relative_to(site) and Path(package).is_relative_to(site) and version == tandem.__version__


def test_the_program_of_the_wheel_has_the_subcommands(site, tmp_path):
    options = ["--controller", "mpc", "--seconds", "0.2", "--no-film", "--out", str(tmp_path / "run")]
    played = run(site, "-m", "tandem", "play", *options, cwd=tmp_path)
    assert played.returncode == 0, played.stderr
    assert (tmp_path / "run" / "trajectory.json").exists()
    wrong = run(site, "-m", "tandem", "plai", cwd=tmp_path)
    assert wrong.returncode == 2 and 'there is no subcommand "plai"; nearest: "play"' in wrong.stderr


def test_a_missing_compiled_part_is_named(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    done = subprocess.run([sys.executable, "-c", "import tandem; tandem.Robot"], capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert done.returncode == 1 and "the compiled part of tandem is not in" in done.stderr and "pip install ." in done.stderr


@pytest.mark.parametrize("arguments", [[], ["play"], ["view"], ["train"]])
def test_the_program_without_the_compiled_part_says_so_in_one_line(arguments, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    done = subprocess.run([sys.executable, "-m", "tandem", *arguments], capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "the compiled part of tandem is not in" in done.stderr, done.stderr


def test_the_program_without_a_package_names_it_in_one_line():
    code = "import sys; sys.modules['numpy'] = None; sys.argv = ['tandem', 'plot', 'run']; from tandem.__main__ import main; sys.exit(main())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "the Python package numpy is missing" in done.stderr, done.stderr


def test_a_missing_package_is_named_with_the_extra(tmp_path):
    code = "import sys; sys.modules['gymnasium'] = None; import tandem; tandem.VectorEnv"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert 'tandem.VectorEnv needs the Python package gymnasium: pip install ".[gym]"' in done.stderr


def test_the_reference_is_up_to_date():
    sys.path.insert(0, str(ROOT / "tools"))
    import python_reference

    assert python_reference.TARGET.read_text() == python_reference.reference(), "run tools/python_reference.py"


def test_the_stub_types_every_public_name():
    import ast

    (stub,) = (Path(folder) / "_core.pyi" for folder in tandem.__path__ if (Path(folder) / "_core.pyi").exists())
    names = {node.name for node in ast.parse(stub.read_text()).body if isinstance(node, ast.ClassDef | ast.FunctionDef)}
    assert {name for name in tandem.__all__ if not name.startswith("_") and name not in ("Env", "VectorEnv", "RslRlEnv", "read_run")} <= names | {
        "Error"
    }
