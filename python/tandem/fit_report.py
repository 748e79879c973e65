"""Report of a run of cost matching, or of a comparison:  python -m tandem.fit_report FOLDER

FOLDER is what `tandem fit` or `tandem fit compare` wrote. Of a run curves.png, scatter.png, theta.png and report.md, the page that shows them, are written
into it; of a comparison report.md with its tables. The paths are printed.
"""

import json
import sys
from pathlib import Path

import numpy as np

from .plot import COLORS
from .program import Parser, print_paths
from .trajectory import Error

CURVES = [  # list by round, label
    ("validation_mse", "validation error\nof the return, squared"),
    ("closed_loop_cost", "closed-loop cost [1/s]"),
    ("velocity_error", "velocity error [m/s]"),
    ("falls", "falls"),
]
SAME = 1e-6  # multipliers closer to 1 count as left alone


def read_json(path, what):
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise Error(f"{path}: no such file; expected {what}") from None
    except json.JSONDecodeError:
        raise Error(f"{path}: is not JSON, or was cut off; expected {what}") from None


def read(folder):
    """Report, multipliers and the fits that were kept or tried first (by round). Raises Error if the folder is not a run."""
    report = read_json(folder / "report.json", "the folder of a finished `tandem fit`")
    theta = read_json(folder / "theta.json", "the multipliers of a finished `tandem fit`")
    try:
        rounds, blocks = report["results"]["rounds"], theta["blocks"]
        fits = {}
        for number, entry in enumerate(rounds, 1):
            names = [candidate["name"] for candidate in entry["candidates"] if candidate["fit"] is not None]
            name = entry["chosen"] if entry["chosen"] in names else next(iter(names), None)
            if name is not None:
                fits[number] = read_json(folder / f"round-{number}" / f"fit-{name.split('-step-')[0]}.json", "a fit of this run")
    except (KeyError, TypeError, AttributeError):
        raise Error(f"{folder}: its report is not one of cost matching; name the folder that `tandem fit` wrote") from None
    return report, blocks, fits


def draw_curves(figure, results):
    for axes, (name, label) in zip(figure.subplots(1, len(CURVES)), CURVES, strict=True):
        values = np.array([np.nan if value is None else value for value in results[name]], dtype=float)
        axes.plot(range(len(values)), values, "o-", ms=4, lw=1, color=COLORS[0])
        axes.set(xlabel="round", title=label, xticks=range(max(1, len(values))))
        if np.any(np.isfinite(values)):
            axes.set_ylim(bottom=0)


def draw_scatter(figure, fits):
    for axes, (number, fit) in zip(figure.subplots(1, len(fits), squeeze=False)[0], fits.items(), strict=True):
        scatter = fit["scatter"]
        held_out = np.array(scatter["validation"], dtype=bool)
        returns = np.array(scatter["returns"], dtype=float)
        predicted = fit["scale"] * np.array(scatter["after"], dtype=float) + fit["offset"]
        before = np.array(scatter["before"], dtype=float)
        slope, start = np.polyfit(before, returns, 1) if np.ptp(before) > 0 else (1, 0)
        axes.plot(returns[held_out], (slope * before + start)[held_out], "x", ms=3, lw=0.5, color=COLORS[5], alpha=0.5, label="theta = 1, best line")
        axes.plot(returns[held_out], predicted[held_out], "o", ms=2, color=COLORS[1], alpha=0.5, label="fitted")
        ends = [returns.min(), returns.max()]
        axes.plot(ends, ends, "-", lw=1, color=COLORS[0])
        axes.set(xlabel="measured return", ylabel="a Q + b", title=f"round {number}, held-out trajectories")
        axes.legend()


def draw_theta(figure, blocks):
    axes = figure.subplots()
    first = 0
    for i, (name, values) in enumerate(blocks.items()):
        values = np.array(values, dtype=float)
        places = first + np.arange(len(values))
        moved = np.abs(values - 1) > SAME
        color = COLORS[i % len(COLORS)]
        axes.plot(places[moved], values[moved], "o", ms=3, color=color)
        axes.plot(places[~moved], values[~moved], "|", ms=4, color=color, alpha=0.5)
        axes.axvspan(first - 0.5, first + len(values) - 0.5, color=color, alpha=0.06, lw=0)
        axes.text(first + (len(values) - 1) / 2, 1.01, name, rotation=40, ha="left", va="bottom", fontsize=7, transform=axes.get_xaxis_transform())
        first += len(values)
    axes.axhline(1, lw=0.8, color="black")
    axes.set(yscale="log", xlabel="multiplier", ylabel="theta (bars: left at 1)")


def page(report, blocks):
    """The page as Markdown."""
    results, settings = report["results"], report["settings"]
    lines = [f"# Cost matching: {settings['robot']}, {settings['controller']}", ""]
    lines += [f"`{' '.join(report['argv'])}`, commit {report['commit'][:12]}, {report['machine']['cpu']}, {results['seconds']:.0f} s.", ""]
    lines += ["| round | kept | validation mse | closed-loop cost [1/s] | velocity error [m/s] | falls |", "| --- | --- | --- | --- | --- | --- |"]
    for i, cost in enumerate(results["closed_loop_cost"]):
        kept = "theta = 1" if i == 0 else results["rounds"][i - 1]["chosen"] or "as before"
        mse = results["validation_mse"][i] if i < len(results["validation_mse"]) else None
        cells = [i, kept, *("-" if value is None else f"{value:.4g}" for value in (mse, cost, results["velocity_error"][i])), results["falls"][i]]
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    lines += ["", "![Curves by round](curves.png)", "", "![Prediction against return](scatter.png)", "", "![Multipliers](theta.png)", ""]
    lines += ["| block | geometric mean | smallest | largest | moved |", "| --- | --- | --- | --- | --- |"]
    for name, values in blocks.items():
        values = np.array(values, dtype=float)
        moved = np.abs(values - 1) > SAME
        shown = values[moved] if moved.any() else np.ones(1)
        lines.append(f"| {name} | {np.exp(np.log(shown).mean()):.3f} | {shown.min():.3f} | {shown.max():.3f} | {moved.sum()} of {len(values)} |")
    return "\n".join(lines) + "\n"


def ratio(pair):
    """Change of a quantity against theta = 1 in percent, with its 95 % interval."""
    if pair["ratio"] is None:
        return "-"
    low, high = (100 * (value - 1) for value in pair["ratio_interval"])
    return f"{100 * (pair['ratio'] - 1):+.1f} % ({low:+.1f} .. {high:+.1f})"


def mean(pair):
    return "-" if pair["second"] is None else f"{pair['second']:.4g}"


def comparison_page(report):
    """The tables of `tandem fit compare` as Markdown."""
    settings, rows = report["settings"], report["results"]["rows"]
    lines = [f"# Cost matching compared: {settings['robot']}, {settings['controller']}", ""]
    lines += [f"`{' '.join(report['argv'])}`, commit {report['commit'][:12]}, {report['machine']['cpu']}.", ""]
    lines += [
        f"{settings['trials']} pairs of trials of {settings['seconds']:g} s per row; changes are geometric means of ratios to theta = 1 over the pairs in"
    ]
    lines += ["which neither fell, with 95 % intervals by the bootstrap.", ""]
    lines += ["| plant | theta | cost [1/s] | change | discounted cost, change | velocity error [m/s] | change | falls |", "| --- " * 8 + "|"]
    for row in rows:
        cells = [row["plant"], row["theta"], mean(row["cost"]), ratio(row["cost"]), ratio(row["discounted"])]
        cells += [mean(row["velocity_error"]), ratio(row["velocity_error"]), row["falls"]]
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    pushed = [row for row in rows if "recovery_peak" in row]
    if pushed:
        names = ["peak", "rms", "integrated", "settling"]
        lines += ["", f"After one push of {settings['recovery_impulse']:g} N s, against the same trial without it; means and changes:", ""]
        lines += ["| theta | peak [m/s] | root mean square [m/s] | integrated [m] | settling [s] | falls |", "| --- " * 6 + "|"]
        for row in pushed:
            cells = [row["theta"], *(f"{mean(row[f'recovery_{name}'])}, {ratio(row[f'recovery_{name}'])}" for name in names), row["recovery_falls"]]
            lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    limited = [row for row in rows if "impulse" in row]
    if limited:
        lines += ["", "| theta | largest survivable impulse [N s] | change |", "| --- | --- | --- |"]
        lines += [f"| {row['theta']} | {mean(row['impulse'])} | {ratio(row['impulse'])} |" for row in limited]
    return "\n".join(lines) + "\n"


def write_comparison(folder, report):
    try:
        text = comparison_page(report)
    except (KeyError, TypeError):
        raise Error(f"{folder}: its report is not one of `tandem fit compare`; name the folder that it wrote") from None
    (folder / "report.md").write_text(text)
    yield folder / "report.md"


def write(folder):
    """Writes pictures and page; yields their paths."""
    report = read_json(folder / "report.json", "the folder of a finished `tandem fit`")
    if isinstance(report, dict) and "rows" in report.get("results", {}):
        yield from write_comparison(folder, report)
        return
    report, blocks, fits = read(folder)
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    drawn = {
        "curves.png": ((13, 3), lambda figure: draw_curves(figure, report["results"])),
        "theta.png": ((11, 4), lambda figure: draw_theta(figure, blocks)),
    }
    if fits:
        drawn["scatter.png"] = ((5 * len(fits), 4.5), lambda figure: draw_scatter(figure, fits))
    for name, (size, draw) in drawn.items():
        figure = Figure(figsize=size, dpi=110, layout="constrained")
        draw(figure)
        figure.savefig(folder / name)
        yield folder / name
    text = page(report, blocks)
    if not fits:
        text = text.replace("![Prediction against return](scatter.png)\n\n", "")
    (folder / "report.md").write_text(text)
    yield folder / "report.md"


def main(argv=None):
    parser = Parser(prog="tandem.fit_report", description="Pictures and one page of a run of cost matching.")
    parser.add_argument("run", type=Path, help="folder that tandem fit or tandem fit compare wrote")
    options = parser.parse_args(argv)
    return print_paths("tandem.fit_report", write(options.run))


if __name__ == "__main__":
    sys.exit(main())
