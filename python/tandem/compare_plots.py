"""Plots of a comparison:  python -m tandem.compare_plots REPORT.json

REPORT.json is what `tandem compare` writes; curves.png and energy.png are written beside it, with an svg of each, their paths printed. Lines differ by dashes
and markers too, so that they can be told apart without colour.
"""

import json
import sys
from pathlib import Path

import numpy as np

from .plot import COLORS, HATCHES
from .program import Parser, print_paths
from .trajectory import Error

DASHES = ["-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3))]
MARKERS = ["o", "s", "^", "D", "v", "x"]
PANELS = [  # curve, scale of x, labels
    ("reward_over_steps", 1e6, "robot-steps [million]", "reward of an episode"),
    ("reward_over_seconds", 3600, "time on this machine [h]", "reward of an episode"),
    ("length_over_steps", 1e6, "robot-steps [million]", "length of an episode [control steps]"),
    ("power_over_steps", 1e6, "robot-steps [million]", "positive mechanical power [W]"),
]
BARS = [  # measure, label
    ("survival", "survival"),
    ("reward_of_run", "reward per control step\n(0 after a fall)"),
    ("positive_power", "positive mechanical\npower [W]"),
    ("cost_of_transport", "cost of transport"),
]


def read(path):
    """The groups of the report. Raises Error if it is not one of a comparison."""
    try:
        report = json.loads(path.read_text())
        if report["results"]["kind"] == "compare":
            return report
    except FileNotFoundError:
        raise Error(f"{path}: no such file; expected a report.json written by `tandem compare`") from None
    except (json.JSONDecodeError, KeyError, TypeError):
        pass
    raise Error(f"{path}: not the report of a comparison; expected a report.json written by `tandem compare`")


def numbers(values):
    return np.array([np.nan if value is None else value for value in values], dtype=float)


def draw_curves(figure, groups):
    """One panel per curve; returns whether there was anything to draw."""
    trained = [(i, group) for i, group in enumerate(groups) if any(curve["x"] for curve in group["curves"].values())]
    if not trained:
        return False
    for axes, (name, scale, xlabel, ylabel) in zip(figure.subplots(1, len(PANELS)), PANELS, strict=True):
        for i, group in trained:
            curve = group["curves"][name]
            x, color = numbers(curve["x"]) / scale, COLORS[i % len(COLORS)]
            seeds = len(group["runs"])
            label = f"{group['name']} ({seeds} seed{'s' if seeds > 1 else ''})"
            style = {"ls": DASHES[i % len(DASHES)], "marker": MARKERS[i % len(MARKERS)], "markevery": max(1, len(x) // 8), "ms": 3.5, "lw": 1.2}
            axes.plot(x, numbers(curve["mean"]), color=color, label=label, **style)
            axes.fill_between(x, numbers(curve["low"]), numbers(curve["high"]), color=color, alpha=0.18, lw=0)
        axes.set(xlabel=xlabel, ylabel=ylabel)
        axes.locator_params(axis="x", nbins=6)
        axes.grid(alpha=0.3)
    figure.axes[0].legend(fontsize=7)
    figure.axes[0].set_title("mean and 95 % interval over seeds", fontsize=8, loc="left")
    return True


def draw_energy(figure, groups):
    """A bar per controller: survival, reward and energy on the same worlds."""
    evaluated = [(i, group) for i, group in enumerate(groups) if group["evaluation"]]
    if not evaluated:
        return False
    for axes, (name, label) in zip(figure.subplots(1, len(BARS)), BARS, strict=True):
        for row, (i, group) in enumerate(evaluated):
            found = group["evaluation"][name]
            mean = np.nan if found["mean"] is None else found["mean"]
            style = {"color": COLORS[i % len(COLORS)], "alpha": 0.75, "hatch": HATCHES[i % len(HATCHES)], "edgecolor": "white"}
            axes.bar(row, mean, **style)
            if found["interval"] and None not in found["interval"]:
                low, high = found["interval"]
                axes.errorbar(row, mean, [[max(0, mean - low)], [max(0, high - mean)]], color="black", capsize=4, lw=1)
        axes.set_xticks(range(len(evaluated)), [group["name"].replace("/", "\n") for _, group in evaluated], rotation=20, ha="right", fontsize=7)
        axes.set_title(label, fontsize=8)
        axes.grid(axis="y", alpha=0.3)
    figure.suptitle("whiskers: 95 % interval over policies where a bar has several, else over worlds", fontsize=8)
    return True


def write_plots(path):
    """Writes the plots of the report at `path` beside it; yields where."""
    report = read(path)
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    for name, draw, size in (("curves", draw_curves, (16, 4)), ("energy", draw_energy, (11, 3.6))):
        figure = Figure(figsize=size, dpi=120, layout="constrained")
        if not draw(figure, report["results"]["groups"]):
            continue
        for suffix in ("png", "svg"):
            out = path.with_name(f"{name}.{suffix}")
            figure.savefig(out)
            yield out


def main(argv=None):
    parser = Parser(prog="tandem.compare_plots", description="Plots of a comparison.")
    parser.add_argument("report", type=Path, help="report.json of tandem compare")
    options = parser.parse_args(argv)
    return print_paths("tandem.compare_plots", write_plots(options.report))


if __name__ == "__main__":
    sys.exit(main())
