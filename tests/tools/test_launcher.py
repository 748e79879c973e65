"""./tandem on machines that lack something: one clear line with the cure, exit code 1, and no set-up where none is asked for."""

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


def path_with(tmp_path, name, script):
    """A PATH on which the command `name` is this script."""
    folder = tmp_path / "commands"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)
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
