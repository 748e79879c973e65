"""Collects what the fits of results/cost_matching.sh did, round by round: python3 results/cost_matching_fits.py, from the folder in which it ran.

Writes results/cost-matching-fits-<robot>.json, a summary of the runs' reports with the command and commit of each, and prints it as a table.
"""

import json
from pathlib import Path

RUNS = Path("out/cost-matching")
HEADER = "| fit | validation error by round | line a, b | explained | rounds kept | fits | since the last start |"


def summary(report):
    """By round: what was kept, and how well the fit that was kept, or else the first one, matches what it did not see; then
    clock times: of each round's kept fit, and of the program since its last start."""
    results = report["results"]
    rounds = [{"kept": made["chosen"], **quality(made)} for made in results["rounds"]]
    deployed = {key: results[key] for key in ["closed_loop_cost", "velocity_error", "falls"]}
    seconds = {"fit_seconds": results["fit_seconds"], "seconds": results["seconds"]}
    return {"command": " ".join(report["argv"]), "commit": report["commit"], "rounds": rounds, **deployed, **seconds}


def quality(made):
    fit = next((c for c in made["candidates"] if c["name"] == made["chosen"]), made["candidates"][0])["fit"]
    return {when: fit[f"validation_{when}"] for when in ["before", "after"]} if fit else {}


def row(name, run):
    fitted = [made for made in run["rounds"] if "after" in made]
    errors = "; ".join(f"{made['before']['mse']:.3g} -> {made['after']['mse']:.3g}" for made in fitted)
    lines = "; ".join(f"{made['after']['line_slope']:.2f}, {made['after']['line_start']:.2f}" for made in fitted)
    explained = "; ".join(f"{made['after']['explained']:.2f}" for made in fitted)
    kept = "; ".join(made["kept"] or "-" for made in run["rounds"])
    fits = ", ".join(f"{seconds:.1f}" for seconds in run["fit_seconds"])
    return f"| {name} | {errors} | {lines} | {explained} | {kept} | {fits} s | {run['seconds'] / 60:.1f} min |"


def main():
    robots = {}
    for path in sorted(RUNS.glob("*/report.json")):
        report = json.loads(path.read_text())
        if "rounds" in report["results"]:
            robots.setdefault(report["settings"]["robot"], {})[path.parent.name] = summary(report)
    for robot, runs in robots.items():
        Path(f"results/cost-matching-fits-{robot}.json").write_text(json.dumps(runs, indent=1) + "\n")
        print(f"\n{robot}\n\n{HEADER}\n" + "| --- " * 7 + "|")
        print("\n".join(row(name, run) for name, run in runs.items()))


if __name__ == "__main__":
    main()
