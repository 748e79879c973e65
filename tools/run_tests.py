"""Builds everything and runs all tests and checks. Called by ./tandem test, which has installed what is needed.

The last line is "N passed, N failed", summed over the C++ tests, the Python tests and the checks (build, format, lint, layers, tidy);
the exit code is 1 if anything failed. Tests that cannot run on this machine (no GPU) are listed as skipped, with the reason.
"""

import argparse
import concurrent.futures
import fcntl
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as xml

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
LOGS = BUILD / "setup"
BIN = ROOT / ".venv" / "bin"
JOBS = str(len(os.sched_getaffinity(0)))
MINUTE = 60


class Report:
    """What passed, failed and was skipped so far; prints failures as they come."""

    def __init__(self):
        self.passed, self.failed, self.skipped = [], [], []

    def add(self, name, ok, output=""):
        (self.passed if ok else self.failed).append(name)
        if not ok:
            print(f"--- FAILED {name}\n{output.rstrip()}\n---", flush=True)

    def skip(self, name, reason):
        self.skipped.append((name, reason))


def run(command, timeout, stream=False, **options):
    """Runs a command in the project folder: (whether it succeeded, its output). Streamed output is printed as it comes, not returned."""
    pipe = None if stream else subprocess.PIPE
    try:
        done = subprocess.run(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=pipe, stderr=subprocess.STDOUT, text=True, timeout=timeout, **options
        )
    except subprocess.TimeoutExpired as expired:
        output = expired.stdout or b""
        return False, (output if isinstance(output, str) else output.decode(errors="replace")) + f"\nstopped after {timeout} s"
    return done.returncode == 0, done.stdout or ""


def tracked(suffixes, folders):
    """The project's files with one of `suffixes` below one of `folders`, relative to the root."""
    listed = subprocess.run(["git", "ls-files", *folders], cwd=ROOT, capture_output=True, text=True).stdout.split()
    return [path for path in listed if pathlib.Path(path).suffix in suffixes and (ROOT / path).exists()]


def write_units(folder):
    """Of every target of src/, without the folders of benchmarks, one file that includes all C++ files that it is compiled from, with the compile command of
    the first (they differ in optimisation only): the files, in `folder` with their compile_commands.json."""
    targets = {}
    for entry in json.loads((BUILD / "compile_commands.json").read_text()):
        target = entry["output"].split(".dir/")[0]
        if target.startswith(f"{BUILD}/src/") and "/bench/" not in target and entry["file"].endswith((".cpp", ".cxx")):
            targets.setdefault(target, []).append(entry)
    folder.mkdir(exist_ok=True)
    units = []
    for target, entries in targets.items():
        unit = str(folder / f"{pathlib.Path(target).name}.cpp")
        pathlib.Path(unit).write_text("".join(f'#include "{file}"\n' for file in sorted(entry["file"] for entry in entries)))
        units.append({"directory": str(BUILD), "file": unit, "command": entries[0]["command"].replace(entries[0]["file"], unit)})
    (folder / "compile_commands.json").write_text(json.dumps(units))
    return [unit["file"] for unit in units]


# --- phases: each takes (report, pattern) ------------------------------------------------------------------------------------------------


def build(report, pattern):
    with open(LOGS / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ok, _ = run([BIN / "ninja", "-C", BUILD, "-j", JOBS, "-k", "0"], 40 * MINUTE, stream=True)
    report.add("build", ok, "see the compiler's messages above")


def cpp_tests(report, pattern):
    results = LOGS / "ctest.xml"
    results.unlink(missing_ok=True)
    filter_ = ["-R", pattern] if pattern else []
    ok, output = run([BIN / "ctest", "--test-dir", BUILD, "-j", JOBS, "--timeout", "300", "--output-junit", results, *filter_], 20 * MINUTE)
    if not results.exists():
        if "No tests were found" not in output:
            report.add("ctest", False, output[-4000:])
        return
    slowest = []
    for case in xml.parse(results).getroot().iter("testcase"):
        name = case.get("name")
        printed = case.findtext("system-out") or ""
        slowest.append((float(case.get("time") or 0), name))
        if case.get("status") == "notrun" and "SKIPPED" in printed:
            reason = re.search(r"Skipped\n(.*)", printed)
            report.skip(name, reason.group(1) if reason else "no reason given")
        else:
            report.add(name, case.get("status") == "run", printed[-4000:] or f"status {case.get('status')}")
    print("slowest: " + ", ".join(f"{name} {seconds:.1f} s" for seconds, name in sorted(slowest, reverse=True)[:5]), flush=True)


def python_tests(report, pattern):
    pytest = [BIN / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", ROOT]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}/python:{BUILD}/python"}
    chosen = tracked({".py"}, ["tests"])
    chosen = [path for path in chosen if pathlib.Path(path).name.startswith("test_")]
    if pattern and chosen:
        _, collected = run([*pytest, "--collect-only", *chosen], 5 * MINUTE, env=environment)
        chosen = [line for line in collected.splitlines() if "::" in line and re.search(pattern, line)]
    # what runs in real time needs the processors for itself; the others share them, file by file
    timed = [test for test in chosen if test.startswith(("tests/view/test_live", "tests/view/test_view_browser"))]
    others = [test for test in chosen if test not in timed]
    for options, tests in ((["-n", JOBS, "--dist", "loadfile"], others), ([], timed)):
        if tests:
            run_pytest(report, [*pytest, *options, *tests], environment)


def run_pytest(report, command, environment):
    results = LOGS / "pytest.xml"
    results.unlink(missing_ok=True)
    _, output = run([*command, f"--junitxml={results}"], 15 * MINUTE, env=environment)
    if not results.exists():
        report.add("pytest", False, output[-4000:])
        return
    for case in xml.parse(results).getroot().iter("testcase"):
        name = f"{case.get('classname')}.{case.get('name')}"
        problem = case.find("failure") if case.find("failure") is not None else case.find("error")
        if case.find("skipped") is not None:
            report.skip(name, case.find("skipped").get("message"))
        else:
            report.add(name, problem is None, "" if problem is None else (problem.text or "")[-4000:])


def format_check(report, pattern):
    files = tracked({".hpp", ".cpp", ".cu", ".cuh"}, ["src", "tests", "bench", "examples", "python"])
    ok, output = run([BIN / "clang-format", "--dry-run", "-Werror", *files], 5 * MINUTE)
    report.add("format", ok, output[:4000] + "\ncure: tools/format.sh")


def python_lint(report, pattern):
    folders = [folder for folder in ("python", "tools", "tests", "bench", "examples") if (ROOT / folder).exists()]
    for name, command in (("lint", ["check"]), ("python format", ["format", "--diff"])):
        ok, output = run([BIN / "ruff", *command, "--no-cache", "--config", ROOT / "tools/ruff.toml", *folders], 5 * MINUTE)
        report.add(name, ok, output[-4000:] + "\ncure: tools/format.sh")


def layers(report, pattern):
    ok, output = run([BIN / "python", ROOT / "tools/check_layers.py"], MINUTE)
    report.add("layers", ok, output)


def tidy(report, pattern):
    """clang-tidy on the sources of src/, those of a target at a time, headers included through them. Benchmarks are left out: Pinocchio's headers alone take
    half a minute."""
    folder = BUILD / "tidy"

    def check(path):
        # clang has no __builtin_shuffle, which is g++'s way to pick a lane at run time
        return run([BIN / "clang-tidy", "-p", folder, "--quiet", "--extra-arg=-D__builtin_shuffle(v, lanes)=(v)", path], 5 * MINUTE)

    with concurrent.futures.ThreadPoolExecutor(int(JOBS)) as pool:
        results = list(pool.map(check, write_units(folder)))
    output = "\n".join(output for ok, output in results if not ok)
    report.add("tidy", all(ok for ok, _ in results), output[-8000:])


# (name, phase, whether -k REGEX may leave it out); tidy needs the compile commands that the build brings up to date
PHASES = [
    ("format", format_check, True),
    ("lint", python_lint, True),
    ("layers", layers, True),
    ("build", build, False),
    ("tidy", tidy, True),
    ("C++ tests", cpp_tests, False),
    ("Python tests", python_tests, False),
]


def main():
    parser = argparse.ArgumentParser(prog="./tandem test", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-k", metavar="REGEX", help="only the tests and checks whose name matches; everything is built all the same")
    pattern = parser.parse_args().k
    if pattern:
        try:
            re.compile(pattern)
        except re.error as error:
            parser.error(f"-k {pattern!r} is not a regular expression: {error}")

    report = Report()
    for name, phase, optional in PHASES:
        if optional and pattern and not re.search(pattern, name):
            continue
        print(f"=== {name}", flush=True)
        start = time.monotonic()
        phase(report, pattern)
        print(f"=== {name}: {time.monotonic() - start:.1f} s", flush=True)

    for name, reason in report.skipped:
        print(f"skipped {name}: {reason}")
    for name in report.failed:
        print(f"failed {name}")
    print(f"{len(report.passed)} passed, {len(report.failed)} failed", flush=True)
    return 1 if report.failed else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # an exception ends the running command too
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("tandem: interrupted", file=sys.stderr)
        sys.exit(130)
