"""./tandem on machines that lack something: one clear line with the cure, exit code 1, and no set-up where none is asked for; and that no failure undoes
what was set up before."""

import hashlib
import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path):
    """A fresh copy of what set-up consists of, as after `git clone`."""
    folder = tmp_path / "project"
    folder.mkdir()
    shutil.copy(ROOT / "tandem", folder)
    shutil.copytree(ROOT / "tools", folder / "tools")
    return folder


def tandem(project, *arguments, **environment):
    return subprocess.run(
        [project / "tandem", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, env={**os.environ, **environment}
    )


def write_script(path, script):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def path_with(tmp_path, name, script):
    """A PATH on which the command `name` is this script."""
    folder = tmp_path / "commands"
    write_script(folder / name, script)
    return f"{folder}:{os.environ['PATH']}"


def path_of_only(tmp_path, names):
    """A PATH on which there are only the commands `names`."""
    folder = tmp_path / "few"
    folder.mkdir()
    for name in names:
        (folder / name).symlink_to(shutil.which(name))
    return str(folder)


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",), ("help",)])
def test_help_lists_the_subcommands_without_set_up(project, arguments):
    done = tandem(project, *arguments)
    assert done.returncode == 0
    for subcommand in ("play", "eval", "sweep", "bench", "test"):
        assert f"\n  {subcommand} " in done.stdout
    assert sorted(entry.name for entry in project.iterdir()) == ["tandem", "tools"]


def test_unknown_subcommand_is_a_usage_error(project):
    done = tandem(project, "paly")
    assert done.returncode == 2
    assert done.stderr == 'tandem: there is no subcommand "paly"; ./tandem lists them\n'


def test_unsupported_machine(project, tmp_path):
    done = tandem(project, "play", PATH=path_with(tmp_path, "uname", "echo Darwin arm64"))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert '"Darwin arm64", which is not supported; use x86-64 Linux' in done.stderr


def test_missing_packages_without_apt_get(project, tmp_path):
    commands = "bash dirname readlink uname grep mkdir flock cat sort sha256sum".split()
    done = tandem(project, "play", PATH=path_of_only(tmp_path, commands))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "g++ ffmpeg" in done.stderr and "there is no apt-get here: install them" in done.stderr


def test_a_training_on_a_device_needs_what_the_python_module_is_built_with(project, tmp_path):
    commands = "bash dirname readlink uname grep mkdir flock cat sort sha256sum".split()
    path = path_of_only(tmp_path, commands)
    for device, wanted in ((["--device", "cuda"], True), (["--device=cpu"], True), ([], False)):
        done = tandem(project, "train", "--worlds", "64", *device, PATH=path)
        assert done.returncode == 1 and ("python3-dev" in done.stderr) == wanted


def test_full_disk(project, tmp_path):
    few_blocks = "echo Filesystem 1024-blocks Used Available; echo disk 9000000 8900000 100000"
    done = tandem(project, "play", PATH=path_with(tmp_path, "df", few_blocks))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "97 MB free, and setting up needs 3072 MB; free some space" in done.stderr


def test_missing_network_and_the_next_try(project):
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9", "PIP_FIND_LINKS": "", "PIP_EXTRA_INDEX_URL": "", "PIP_RETRIES": "0"}
    for _ in range(2):
        done = tandem(project, "play", **nowhere)
        assert done.returncode == 1
        last = done.stderr.splitlines()[-1]
        assert "Python packages for play" in last and "the network cannot be reached; check the connection" in last
    assert not (project / "build" / "build.ninja").exists()


@pytest.fixture
def ready(project):
    """A project in which everything is set up for `play`, with scripts in the place of Python, pip, ninja, CMake and the program. Python ends with
    $IMPORT_STATUS where it looks for pip, and pip with $PIP_STATUS."""
    venv = project / ".venv"
    pip = f'env >{venv}/environment; echo "$*" >>{venv}/pip; exit ${{PIP_STATUS:-0}}'
    write_script(venv / "bin/python", f'case "$*" in "-c import pip") exit ${{IMPORT_STATUS:-0}} ;; "-m pip "*) {pip} ;; *) echo "ran $*" ;; esac')
    write_script(venv / "bin/ninja", "echo no work to do")
    write_script(venv / "bin/cmake", f"touch {project}/build/build.ninja")
    write_script(project / "build/tandem", 'echo "ran $1 with $TANDEM_ROBOTS"')
    (venv / "lib/python3.11/site-packages/mujoco").mkdir(parents=True)
    (venv / "made").write_text(f"{venv}\n")
    (venv / "set-play").write_text(hashlib.sha256((project / "tools/requirements-play.txt").read_bytes()).hexdigest() + "  -\n")
    assert tandem(project, "play").returncode == 0  # configured
    return project


def make_unwritable(project):
    """To whoever asks, root too."""
    lock = project / "build/setup/lock"
    lock.unlink()
    lock.mkdir()


@pytest.fixture
def every_package(tmp_path):
    """A PATH on which a command stands for each Debian package of the live view that shows itself by a command."""
    return path_with(tmp_path, "python3-config", "")


def test_what_is_set_up_starts_at_once(ready):
    done = tandem(ready, "play", TANDEM_ROBOTS="")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"ran play with {ready}/robots\n", "")
    assert tandem(ready, "play", TANDEM_ROBOTS="/mine").stdout == "ran play with /mine\n"


def test_a_failed_installation_leaves_the_other_subcommands_alone(ready, every_package):
    packages = ready / ".venv/lib/python3.11/site-packages"
    for name, files in (("whole", ["METADATA", "INSTALLER", "RECORD"]), ("half", ["METADATA"])):
        (packages / f"{name}-1.dist-info").mkdir()
        for file in files:
            (packages / f"{name}-1.dist-info" / file).touch()
    failed = tandem(ready, "view", PATH=every_package, PIP_STATUS="3")
    assert failed.returncode == 1 and "Python packages for view" in failed.stderr.splitlines()[-1]
    done = tandem(ready, "play")
    assert done.returncode == 0 and done.stdout.startswith("ran play")
    # of what the failed one left, only packages that are there as a whole count as installed
    assert [path.name for path in packages.glob("*.dist-info")] == ["whole-1.dist-info"]
    again = tandem(ready, "view", PATH=every_package)
    assert again.returncode == 0 and "ran -m tandem view" in again.stdout
    assert (ready / ".venv/pip").read_text().count("requirements-view.txt") == 2


def test_settings_of_the_caller_that_lead_pip_elsewhere_are_not_used(ready, every_package):
    done = tandem(ready, "view", PATH=every_package, PYTHONPATH="/elsewhere", PIP_USER="1", PIP_TARGET="/elsewhere", PIP_PREFIX="/elsewhere")
    assert done.returncode == 0
    seen = (ready / ".venv/environment").read_text().splitlines()
    assert "PIP_USER=0" in seen and "PYTHONNOUSERSITE=1" in seen
    assert not [line for line in seen if line.endswith("=/elsewhere")]


def test_a_new_python_of_the_system_is_noticed(ready, tmp_path):
    few_blocks = "echo Filesystem 1024-blocks Used Available; echo disk 9000000 8900000 100000"
    done = tandem(ready, "play", PATH=path_with(tmp_path, "df", few_blocks), IMPORT_STATUS="1")
    assert done.returncode == 1 and "97 MB free" in done.stderr
    assert (ready / ".venv/made").exists()  # nothing is removed before what replaces it can be made


def test_a_folder_that_cannot_be_written_serves_while_nothing_is_missing(ready, every_package):
    make_unwritable(ready)
    done = tandem(ready, "play")
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith("ran play")
    for subcommand in ("view", "test"):
        done = tandem(ready, subcommand, PATH=every_package)
        assert (done.returncode, done.stderr) == (1, f"tandem: cannot write to {ready}; copy the project to a folder of yours\n")


def test_one_broken_package_repository(ready, tmp_path):
    few = path_of_only(
        tmp_path, "bash sh env dirname readlink uname grep mkdir flock cat sort sha256sum df awk rm ls tr touch chmod tail nproc ffmpeg".split()
    )
    commands = tmp_path / "commands"
    write_script(commands / "dpkg", "")
    write_script(commands / "sudo", '[ "$1" = -n ] || exec "$@"')
    write_script(commands / "apt-get", f'case "$*" in *update) exit 100 ;; *" install "*) touch {commands}/g++; chmod +x {commands}/g++ ;; esac')
    done = tandem(ready, "play", PATH=f"{commands}:{few}")
    assert done.returncode == 0 and done.stdout.startswith("ran play")
    assert "note: apt-get update failed for some package lists, and those that were here served" in done.stderr
