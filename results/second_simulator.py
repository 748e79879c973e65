"""Measures the table of docs/second-simulator.md again: python3 results/second_simulator.py, from a clean checkout; about half an hour on two quiet cores.

Reports and motions are collected in out/second-simulator; results/second-simulator.json has means with 95 % intervals (Student, over worlds; of survival
Wilson's), the command and the commit of each.
"""

import json
import math
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OUT = Path("out/second-simulator")
SIMULATORS = ["mujoco", "drake"]
RESIDUAL = "--robot mit_humanoid --policy policies/mit_humanoid_residual.safetensors"
EVALS = {
    "mpc-mit_humanoid": "--robot mit_humanoid --controller mpc",
    "residual-mit_humanoid": RESIDUAL,
    "end-to-end-mit_humanoid": RESIDUAL.replace("residual", "rl"),
    "mpc-unitree_go2": "--robot unitree_go2 --controller mpc",
    "mpc-unitree_g1": "--robot unitree_g1 --controller mpc",
}
CONTACTS = [0.04, 0.01, 0.004]  # time constants of MuJoCo's contacts under the Go2's feet; 0.02 is its own [s]
MEASURES = ["velocity_error", "yaw_rate_error", "mean_squared_torque", "positive_power", "foot_slip", "reward"]
SEEDS = range(4)  # of the motions whose forces are looked at
STUDENT = {4: 3.182, 16: 2.131}  # two-sided 95 % by number of samples


def tandem(name, arguments):
    """Runs it, with the gait at its own rate, unless its report is there."""
    report = OUT / f"{name}.json"
    if not (ROOT / report).exists():
        subprocess.run(["./tandem", *arguments.split(), "--set", "mpc.step_rate=1", "--json", str(report)], cwd=ROOT, check=True)
    return json.loads((ROOT / report).read_text())


def interval(values):
    mean = sum(values) / len(values)
    spread = math.sqrt(sum((x - mean) ** 2 for x in values) / (len(values) - 1) / len(values))
    half = STUDENT[len(values)] * spread
    return {"mean": mean, "interval": [mean - half, mean + half]}


def summary(report):
    """Of one evaluation."""
    results, found = report["results"], {}
    for key in MEASURES:
        values = [world[key] for world in results["per_world"] if world.get(key) is not None]
        found[key] = interval(values) if len(values) in STUDENT else {"mean": results[key]}
    argv = report["argv"]
    command = " ".join(argv[: argv.index("--threads")] if "--threads" in argv else argv[: argv.index("--json")])
    return {
        "command": command,
        "commit": report["commit"],
        "survival": results["survival"],
        "survival_interval": results["survival_interval"],
        **found,
    }


def squared_torques(report):
    """Of every world that stands, mean over joints and the whole run, from the reward's torque term [N^2 m^2]."""
    settings = report["settings"]
    scale = settings["reward.torque"] * settings["mpc.control_dt"] * len(settings["robot.kp"])
    return [None if world["failure"] else world["reward_terms"]["torque"] / scale for world in report["results"]["per_world"]]


def differences(reports):
    """Drake minus MuJoCo, world by world: both have the same starts and commands."""
    torques = [b - a for a, b in zip(*map(squared_torques, reports)) if a is not None and b is not None]
    found = {"squared_torque_of_run": interval(torques)} if len(torques) in STUDENT else {}
    for key in MEASURES:
        pairs = [[world.get(key) for world in worlds] for worlds in zip(*(report["results"]["per_world"] for report in reports))]
        values = [drake - mujoco for mujoco, drake in pairs if mujoco is not None and drake is not None]
        if len(values) in STUDENT:
            found[key] = interval(values)
    return found


def motion(robot, simulator, seed):
    """(folder, report) of one robot under the MPC."""
    name = f"motion-{robot}-{simulator}-{seed}"
    arguments = f"--robot {robot} --controller mpc --simulator {simulator} --seed {seed} --start-scale 0.5 --seconds 6 --no-film"
    return OUT / name, tandem(name, f"play {arguments} --out {OUT / name}")


def slip_differences(robot):
    """Foot slip of the motions, Drake minus MuJoCo, start by start."""
    slips = [[motion(robot, simulator, seed)[1]["results"]["foot_slip"] for seed in SEEDS] for simulator in SIMULATORS]
    return interval([drake - mujoco for mujoco, drake in zip(*slips)])


def landing_force(robot, simulator):
    """Largest force on a foot in the 50 ms after it has touched down, mean over 10 ms, over the robot's weight: mean over all landings of a run."""
    import numpy as np
    from tandem import trajectory

    runs = []
    for seed in SEEDS:
        recorded = trajectory.read(ROOT / motion(robot, simulator, seed)[0])
        up = recorded.foot_force[100:, :, 2]  # after the first second
        weight = recorded.foot_force[:, :, 2].sum(axis=1).mean()
        landed = np.argwhere((up[1:] > 0) & (up[:-1] == 0))
        runs.append(float(np.mean([up[i + 1 : i + 6, foot].max() for i, foot in landed]) / weight))
    return interval(runs)


def changed_go2(name, file, old, new):
    """The Go2 with another text in its MJCF or that of the scene: path of its robot.toml."""
    folder = OUT / name
    if not (ROOT / folder).exists():
        shutil.copytree(ROOT / "robots/unitree_go2", ROOT / folder / "unitree_go2")
        shutil.copy(ROOT / "robots/scene.xml", ROOT / folder)
        path = ROOT / folder / file
        path.write_text(path.read_text().replace(old, new))
    return folder / "unitree_go2/robot.toml"


def contact_variants():
    """What might explain the difference, name -> arguments of eval."""
    shape, cone = 'condim="3" friction="0.6"', 'impratio="10"'
    robot = changed_go2("impratio-100", "scene.xml", cone, cone.replace("10", "100"))
    found = {"impratio-100": f"--robot {robot}"}
    for time_constant in CONTACTS:
        name = f"contact-{time_constant}"
        robot = changed_go2(name, "unitree_go2/unitree_go2.xml", shape, f'{shape} solref="{time_constant} 1"')
        found[name] = f"--robot {robot}"
    return found


def main():
    table = {"evaluations": {}, "drake_minus_mujoco": {}, "foot_slip_difference": {}, "landing_force": {}, "contact_variants": {}}
    for name, arguments in EVALS.items():
        reports = [tandem(f"{name}-{simulator}", f"eval {arguments} --simulator {simulator} --worlds 16 --seconds 10") for simulator in SIMULATORS]
        table["evaluations"] |= {f"{name}-{simulator}": summary(report) for simulator, report in zip(SIMULATORS, reports)}
        table["drake_minus_mujoco"][name] = differences(reports)
    for robot in ("mit_humanoid", "unitree_go2", "unitree_g1"):
        table["foot_slip_difference"][robot] = slip_differences(robot)
        table["landing_force"][robot] = {simulator: landing_force(robot, simulator) for simulator in SIMULATORS}
    for name, arguments in contact_variants().items():
        table["contact_variants"][name] = summary(tandem(name, f"eval {arguments} --controller mpc --worlds 16 --seconds 10"))
    (ROOT / "results/second-simulator.json").write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
