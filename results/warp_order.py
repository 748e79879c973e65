"""What the same bits from run to run cost in MuJoCo Warp: PYTHONPATH=python:build/python .venv/bin/python results/warp_order.py OUT.json [DEVICE] [WORLDS].

A control step of robots that stand and are kicked, blocks of 0.25 s with and without order (docs/gpu.md, section 6) in turns, median; and whether two runs
in order ended with the same bits. DEVICE is Warp's: cpu, or cuda:0 where there is one.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np
import tandem
import warp as wp
from tandem.warp_simulator import WarpSimulator

ROOT = Path(__file__).resolve().parents[1]
BLOCKS, STEPS = 6, 25


def worlds(robot, nworld, device, deterministic):
    sim = WarpSimulator(robot, nworld, physics_dt=0.0025, device=device, deterministic=deterministic)
    sim.q_des.assign(np.tile(robot.stand[-robot.njnt :], (nworld, 1)))
    sim.step()  # compiles and captures
    return sim


def block(sim, dv):
    """Seconds of a control step after a kick."""
    sim.set_state(np.tile(sim.robot.stand, (sim.nworld, 1)), np.zeros((sim.nworld, sim.robot.nv)))
    sim.kick(dv)
    wp.synchronize()
    begin = time.perf_counter()
    for _ in range(STEPS):
        sim.step()
    wp.synchronize()
    return (time.perf_counter() - begin) / STEPS


def commit():
    packed = ROOT / "commit"
    return (
        packed.read_text().strip()
        if packed.exists()
        else subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    )


def row(name, nworld, device):
    """Times and bits of one robot."""
    robot = tandem.Robot(name)
    sims = {
        "own": worlds(robot, nworld, device, False),
        "in_order": worlds(robot, nworld, device, True),
        "again": worlds(robot, nworld, device, True),
    }
    seconds = {key: [] for key in sims}
    for turn in range(BLOCKS):
        dv = np.random.default_rng(turn).uniform(-0.5, 0.5, (nworld, 6))
        for key, sim in sims.items():
            seconds[key].append(block(sim, dv))
    bits = [np.concatenate([sims[key].q.numpy(), sims[key].v.numpy()], 1).tobytes() for key in ("in_order", "again")]
    return {
        "ms": 1e3 * median(seconds["own"]),
        "ms_in_order": 1e3 * median(seconds["in_order"]),
        "ratio": median(a / b for a, b in zip(seconds["in_order"], seconds["own"], strict=True)),
        "same_bits": bits[0] == bits[1],
    }


def main(path, device="cpu", nworld="64"):
    wp.config.log_level = wp.LOG_WARNING
    report = {
        "command": " ".join(["results/warp_order.py", *sys.argv[1:]]),
        "commit": commit(),
        "device": wp.get_device(device).name,
        "worlds": int(nworld),
        "results": {},
    }
    rows = report["results"]
    for name in ("mit_humanoid", "unitree_go2", "unitree_g1"):
        rows[name] = row(name, int(nworld), device)
        print(name, rows[name], flush=True)
        Path(path).write_text(json.dumps(report, indent=2) + "\n")  # a run that is cut keeps what it has
    if not all(found["same_bits"] for found in rows.values()):
        sys.exit("warp_order: two runs in order ended with other bits")


if __name__ == "__main__":
    main(*sys.argv[1:]) if len(sys.argv) > 1 else sys.exit(__doc__)
