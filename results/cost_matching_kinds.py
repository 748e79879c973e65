"""Deploys the G1's centroidal MPC with one kind of weight raised or lowered at a time, to be held against what a fit makes of it (docs/cost-matching.md,
section 8): python3 results/cost_matching_kinds.py, from the project's folder; about 10 minutes on two quiet cores.

The table goes to results/cost-matching-kinds-unitree_g1.json.
"""

import json
import subprocess
from pathlib import Path

OUT = Path("out/cost-matching/kinds")
SIZES = {
    "momentum": 6,
    "state": 35,
    "input": 35,
    "terminal": 35,
    "torso": 12,
    "com": 2,
    "swing_left": 12,
    "swing_right": 12,
    "torque_left": 6,
    "torque_right": 6,
}
KINDS = {  # blocks, first and last multiplier
    "linear-momentum": (["state"], 0, 3),
    "angular-momentum": (["state"], 3, 6),
    "base": (["state"], 6, 12),
    "joint-positions": (["state"], 12, 35),
    "wrenches": (["input"], 0, 12),
    "joint-velocities": (["input"], 12, 35),
    "last-state": (["terminal"], 0, 35),
    "torso-orientation": (["torso"], 3, 6),
    "torso-velocity": (["torso"], 6, 9),
    "torso-angular-velocity": (["torso"], 9, 12),
    "swing-orientation": (["swing_left", "swing_right"], 3, 6),
    "swing-velocity": (["swing_left", "swing_right"], 6, 9),
    "swing-angular-velocity": (["swing_left", "swing_right"], 9, 12),
    "torques": (["torque_left", "torque_right"], 0, 6),
}
FACTORS = {"up": 2.5, "down": 0.4}


def theta(blocks, first, last, factor):
    values = {name: [1.0] * size for name, size in SIZES.items()}
    for block in blocks:
        values[block][first:last] = [factor] * (last - first)
    return {"format": "tandem theta 1", "robot": "unitree_g1", "controller": "centroidal", "blocks": values}


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    named = []
    for kind, where in KINDS.items():
        for way, factor in FACTORS.items():
            path = OUT / f"{kind}-{way}.json"
            path.write_text(json.dumps(theta(*where, factor)) + "\n")
            named.append(f"{kind}-{way}={path}")
    trials = ["--trials", "16", "--seed", "5001", "--out", str(OUT / "compare"), "--json", "results/cost-matching-kinds-unitree_g1.json"]
    subprocess.run(["./tandem", "fit", "compare", *named, *trials], check=True)


main()
