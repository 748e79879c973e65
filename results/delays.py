"""Survival where set points act late: PYTHONPATH=python:build/python .venv/bin/python results/delays.py, from a clean checkout; 5 minutes.

Each robot under an MPC that counts on the delay (mpc.delay) and under one that does not, and the MIT Humanoid also with its policy on both; 32 random starts
and commands from the usual range, 5 s. Writes results/delays.json.
"""

import json
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "out/delays"
ROBOTS = ["mit_humanoid", "unitree_g1", "unitree_go2"]
DELAYS = [0.01, 0.02, 0.03, 0.04, 0.05]  # [s]
COMMANDS = "--vx=-0.3,1 --vy=-0.2,0.2 --wz=-0.5,0.5"


def walk(robot, pilot, delay, told):
    """Survival and velocity error [m/s] of the report that `eval` writes."""
    report = OUT / f"{robot}-{Path(pilot.split()[1]).stem}-{delay}-{told}.json"
    if not report.exists():
        command = f"./tandem eval --robot {robot} {pilot} --worlds 32 --seconds 5 {COMMANDS} --set randomise.delay={delay} --set mpc.delay={told}"
        subprocess.run([*command.split(), "--json", report], cwd=ROOT, check=True)
    results = json.loads(report.read_text())["results"]
    return {key: results[key] for key in ("survival", "survival_interval", "velocity_error")}


def main():
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    table = {"commit": commit}
    OUT.mkdir(parents=True, exist_ok=True)
    for robot in ROBOTS:
        pilots = {"mpc": "--controller mpc"}
        if robot == "mit_humanoid":
            pilots["residual"] = f"--policy policies/{robot}_residual.safetensors"
        table[robot] = {
            name: {str(delay): {"told": walk(robot, pilot, delay, delay), "not_told": walk(robot, pilot, delay, 0)} for delay in DELAYS}
            for name, pilot in pilots.items()
        }
    (ROOT / "results/delays.json").write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
