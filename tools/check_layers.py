"""Checks the shape of the source tree: who may include whom, and how long a file or a line may get.

Prints one line per violation, `file:line: what is wrong; the cure`, and exits with 1 if there is any.
"""

import argparse
import pathlib
import re
import subprocess
import sys

# folder of src/: the folders whose headers it may include (itself always)
DIRECT = {
    "base": [],
    "math": ["base"],
    "model": ["math"],
    "dynamics": ["model"],
    "qp": ["math"],
    "sim": ["dynamics"],
    "mpc": ["dynamics", "qp"],
    "centroidal": ["dynamics", "qp"],
    "policy": ["model"],
    "env": ["sim", "mpc", "policy"],
    "learn": ["env"],
    "tune": ["env", "centroidal"],
    "deploy": ["mpc", "policy"],
    "cli": ["learn", "tune", "deploy"],
}
# third-party headers: a pattern, the files that may include them, and what to do elsewhere
RESTRICTED = [
    (r"mujoco/", r"src/model/[^/]*load[^/]*|src/sim/.*|tests/.*|bench/.*", "only the model loader, src/sim and tests may include MuJoCo"),
    (r"torch/|ATen/|c10/", r"src/learn/.*|tests/learn/.*", "only src/learn may include Torch"),
    (
        r"cuda|cublas|cooperative_groups|.*\.cuh$",
        r".*\.cuh?|tests/emulator/runtime\.cpp",
        "only .cu and .cuh files may include CUDA headers; declare a launcher in a plain header",
    ),
]
MAX_LINES = 400
MAX_COLUMNS = 160  # clang-format keeps code within 150; a comment may run over a little
SOURCE = {".hpp", ".cpp", ".cu", ".cuh", ".py"}
INCLUDE = re.compile(r'\s*#\s*include\s*[<"]([^>"]+)[>"]')


def allowed_folders(folder):
    """The folders that `folder` may include: itself and all below it."""
    reached = {folder}
    for other in DIRECT[folder]:
        reached |= allowed_folders(other)
    return reached


def check_include(path, header):
    """What is wrong with `#include header` in the file `path` (relative to the root), or None."""
    parts = path.split("/")
    target = header.split("/")[0]
    if parts[0] == "src" and target in DIRECT and "/" in header:
        folder = parts[1]
        if folder not in DIRECT:
            return f"folder src/{folder} is not in tools/check_layers.py; add it there with what it may include"
        if target not in allowed_folders(folder):
            return f"src/{folder} must not include src/{target}; the order of the folders is in tools/check_layers.py"
    for pattern, where, cure in RESTRICTED:
        if re.match(pattern, header) and not re.fullmatch(where, path):
            return f"includes {header}; {cure}"
    return None


def check_file(path, text):
    """All violations of one file as (line number, what)."""
    lines = text.splitlines()
    found = []
    if len(lines) > MAX_LINES:
        found.append((len(lines), f"{len(lines)} lines, at most {MAX_LINES}; split it by what its parts do"))
    for number, line in enumerate(lines, 1):
        if len(line) > MAX_COLUMNS:
            found.append((number, f"{len(line)} columns, at most {MAX_COLUMNS}"))
        match = INCLUDE.match(line)
        problem = check_include(path, match.group(1)) if match else None
        if problem:
            found.append((number, problem))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    root = parser.parse_args().root
    listed = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True, check=True).stdout.split()
    paths = [path for path in listed if pathlib.Path(path).suffix in SOURCE and (root / path).exists()]
    count = 0
    for path in paths:
        for number, what in check_file(path, (root / path).read_text()):
            print(f"{path}:{number}: {what}")
            count += 1
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
