"""Survival where set points act late, and where what is measured is noisy, from a clean checkout; 5 minutes each:
PYTHONPATH=python:build/python .venv/bin/python results/late_noisy.py [delays|noise]

Each robot under an MPC that counts on it (mpc.delay, mpc.pose_trust) and under one that does not, and the MIT Humanoid also with its policy on both; 32 random
starts and commands from the usual range, 5 s. Writes results/delays.json and results/noise.json.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROBOTS = ["mit_humanoid", "unitree_g1", "unitree_go2"]
COMMANDS = "--vx=-0.3,1 --vy=-0.2,0.2 --wz=-0.5,0.5"
SWEEPS = {  # values, the setting that disturbs, and that of the MPC, told and not
    "delays": ([0.01, 0.02, 0.03, 0.04, 0.05], "randomise.delay", lambda delay, told: f"mpc.delay={delay if told else 0}"),  # [s]
    "noise": ([1, 2, 3, 4, 6], "noise.scale", lambda _, told: f"mpc.pose_trust={0.1 if told else 1}"),
}


def walk(robot, pilot, sweep, value, told):
    """Survival and velocity error [m/s] of the report that `eval` writes."""
    _, disturbed, of_mpc = SWEEPS[sweep]
    report = ROOT / "out" / sweep / f"{robot}-{Path(pilot.split()[1]).stem}-{value}-{told}.json"
    if not report.exists():
        report.parent.mkdir(parents=True, exist_ok=True)
        command = f"./tandem eval --robot {robot} {pilot} --worlds 32 --seconds 5 {COMMANDS} --set {disturbed}={value} --set {of_mpc(value, told)}"
        subprocess.run([*command.split(), "--json", report], cwd=ROOT, check=True)
    results = json.loads(report.read_text())["results"]
    return {key: results[key] for key in ("survival", "survival_interval", "velocity_error")}


def main(sweeps):
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    for sweep in sweeps:
        table = {"commit": commit}
        for robot in ROBOTS:
            pilots = {"mpc": "--controller mpc"}
            if robot == "mit_humanoid":
                pilots["residual"] = f"--policy policies/{robot}_residual.safetensors"
            table[robot] = {
                name: {
                    str(value): {key: walk(robot, pilot, sweep, value, told) for key, told in (("told", True), ("not_told", False))}
                    for value in SWEEPS[sweep][0]
                }
                for name, pilot in pilots.items()
            }
        (ROOT / f"results/{sweep}.json").write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:] or SWEEPS)
