"""Plot of a sweep:  python -m tandem.sweep_plots REPORT.json

REPORT.json is what `tandem sweep` writes; <kind>.png is written beside it, its path printed.
"""

import json
import sys
from pathlib import Path

import numpy as np

from .plot import COLORS, HATCHES
from .program import Parser, run_program
from .trajectory import Error

AIMS = {"survived": COLORS[0], "tracked": COLORS[2]}


def read(path):
    """The report as a dict. Raises Error if it is not one of a sweep."""
    try:
        report = json.loads(path.read_text())
        if report["results"]["kind"] in DRAW:
            return report
    except FileNotFoundError:
        raise Error(f"{path}: no such file; expected a report.json written by `tandem sweep`") from None
    except (json.JSONDecodeError, KeyError, TypeError):
        pass
    raise Error(f"{path}: not the report of a sweep; expected a report.json written by `tandem sweep`")


def heading(report, text):
    return f"{report['settings']['robot']}: {text}\n{report['commit'][:12]}, {report['machine']['cpu']}"


def title(axes, report, text):
    axes.set_title(heading(report, text), fontsize=9)


def draw_iterations(figure, report):
    axes = figure.subplots()
    curves = sorted({(row["mode"], row["start_scale"]) for row in report["results"]["rows"]})
    for i, (mode, scale) in enumerate(curves):
        rows = [row for row in report["results"]["rows"] if (row["mode"], row["start_scale"]) == (mode, scale)]
        rows.sort(key=lambda row: row["iterations"])
        x = [row["iterations"] for row in rows]
        color = COLORS[i % len(COLORS)]
        axes.plot(x, [row["survival"] for row in rows], "o-", ms=3, lw=1, color=color, label=f"{mode}, x{scale:g}")
        axes.fill_between(x, *np.transpose([row["survival_interval"] for row in rows]), color=color, alpha=0.15, lw=0)
    axes.set(xscale="log", xlabel="iterations of the solver", ylabel="survival", ylim=(-0.03, 1.03))
    ticks = sorted({row["iterations"] for row in report["results"]["rows"]})
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.legend()
    title(axes, report, f"in place, {report['settings']['seconds']:g} s, {report['settings']['worlds']} robots a point")


def draw_commands(figure, report):
    axes = figure.subplots(1, len(report["results"]["axes"]), squeeze=False)[0]
    for panel, axis in zip(axes, report["results"]["axes"], strict=True):
        x = [abs(row["command"]) for row in axis["rows"]]
        error = "yaw_rate_error" if axis["unit"] == "rad/s" else "velocity_error"
        values = [np.nan if row[error] is None else row[error] for row in axis["rows"]]
        errors = panel.twinx()
        lines = panel.plot(x, [row["survival"] for row in axis["rows"]], "o-", ms=3, lw=1, color=COLORS[0], label="survival")
        lines += errors.plot(x, values, "s-", ms=3, lw=1, color=COLORS[1], label=f"error [{axis['unit']}] (right)")
        for name in AIMS:
            lines.append(panel.axvline(abs(axis[name]), color=AIMS[name], lw=1, ls="--", label=f"{name} up to {abs(axis[name]):.2f}"))
        panel.set(xlabel=f"{axis['axis']} [{axis['unit']}]", ylim=(-0.03, 1.03))
        errors.set_ylim(bottom=0)
        errors.set_ylabel(f"error [{axis['unit']}]", color=COLORS[1])
        errors.legend(handles=lines, fontsize=7, loc="center left")  # of the axes in front
    axes[0].set_ylabel("survival", color=COLORS[0])
    title(axes[0], report, f"{report['settings']['seeds']} starts a command, {report['settings']['seconds']:g} s")


def draw_pushes(figure, report):
    axes = figure.subplots(subplot_kw={"projection": "polar"})
    rows = report["results"]["rows"]
    angles = np.radians([row["angle"] for row in rows + rows[:1]])
    axes.plot(angles, [row["impulse"] for row in rows + rows[:1]], "o-", ms=4, lw=1, color=COLORS[0])
    axes.fill(angles, [row["impulse"] for row in rows + rows[:1]], color=COLORS[0], alpha=0.15, lw=0)
    axes.set_theta_zero_location("N")  # forward is up, left is left
    axes.set_rmin(0)
    title(axes, report, f"impulse survived at any of {report['settings']['phases']} moments of the gait [N s], on {report['settings']['body']}")


def draw_conditions(figure, report):
    axes = figure.subplots()
    rows = report["results"]["rows"]
    conditions, controllers = list(dict.fromkeys(row["condition"] for row in rows)), list(dict.fromkeys(row["controller"] for row in rows))
    height = 0.8 / len(controllers)
    for i, controller in enumerate(controllers):
        own = [row for row in rows if row["controller"] == controller]
        y = np.array([conditions.index(row["condition"]) for row in own]) + (i - (len(controllers) - 1) / 2) * height
        survival = np.array([row["survival"] for row in own])
        low, high = np.transpose([row["survival_interval"] for row in own])
        error = [np.maximum(0, survival - low), np.maximum(0, high - survival)]
        style = {"color": COLORS[i % len(COLORS)], "hatch": HATCHES[i % len(HATCHES)], "edgecolor": "white", "alpha": 0.8}
        axes.barh(y, survival, 0.9 * height, xerr=error, error_kw={"lw": 1, "capsize": 2}, label=controller, **style)
    axes.set_yticks(range(len(conditions)), conditions)
    axes.invert_yaxis()
    axes.set(xlabel="survival", xlim=(0, 1.03))
    figure.legend(fontsize=7, loc="outside lower center", ncols=len(controllers))
    title(axes, report, f"{report['settings']['worlds']} robots a condition")


def draw_quantiles(axes, fractions, names, quantiles):
    """A bar for each controller: median, half and 90 %.   quantiles (controller, fraction)"""
    y = np.arange(len(names))
    at = {fraction: np.array(quantiles, dtype=float)[:, i] for i, fraction in enumerate(fractions)}
    for (low, high), width in (((0.05, 0.95), 2), ((0.25, 0.75), 7)):
        axes.hlines(y, at[low], at[high], lw=width, color=[COLORS[i % len(COLORS)] for i in y])
    axes.plot(at[0.5], y, "|", ms=14, mew=2, color="black")
    axes.set_yticks(y, names)
    axes.set_ylim(len(names) - 0.5, -0.5)


def draw_states(figure, report):
    axes, rows = figure.subplots(), report["results"]["rows"]
    draw_quantiles(axes, report["results"]["fractions"], [row["controller"] for row in rows], [row["quantiles"] for row in rows])
    axes.set(xlabel="mean distance of a state's numbers to the nearest state of the MPC [deviations]", xlim=(0, None))
    title(axes, report, "median, half and 90 % of the states")


def draw_stride(figure, report):
    rows = report["results"]["rows"]
    courses = [course["name"] for course in rows[0]["courses"]]
    panels = figure.subplots(-(-len(courses) // 4), 4, squeeze=False).ravel()
    for i, (axes, name) in enumerate(zip(panels, courses)):
        axes.axvspan(0, report["results"]["stance_fraction"], color="black", alpha=0.06, lw=0)
        for k, row in enumerate(rows):
            course = row["courses"][i]
            mean, deviation = np.array(course["mean"], dtype=float), np.array(course["deviation"], dtype=float)
            x = (np.arange(len(mean)) + 0.5) / len(mean)
            axes.plot(x, mean, lw=1, color=COLORS[k % len(COLORS)], label=row["controller"])
            axes.fill_between(x, mean - deviation, mean + deviation, color=COLORS[k % len(COLORS)], alpha=0.15, lw=0)
        axes.set(xlabel="gait time of the foot [periods]", ylabel=f"{name} [{rows[0]['courses'][i]['unit']}]", xlim=(0, 1))
    for axes in panels[len(courses) :]:
        axes.axis("off")
    panels[0].legend(fontsize=7)
    command = report["settings"]["command"]
    text = f"{command[0]:g}, {command[1]:g} m/s, {command[2]:g} rad/s; mean and deviation; shaded: stance"
    figure.suptitle(heading(report, text), fontsize=9)


def draw_loads(figure, report):
    rows, fractions = report["results"]["rows"], report["results"]["fractions"]
    top, bottom = figure.subfigures(2, 1)
    names = [row["controller"] for row in rows]
    for axes, name in zip(top.subplots(1, len(rows[0]["quantities"]), sharey=True), rows[0]["quantities"], strict=True):
        draw_quantiles(axes, fractions, names, [row["quantities"][name]["quantiles"] for row in rows])
        axes.set_xlabel(f"{name.replace('_', ' ')} [{rows[0]['quantities'][name]['unit']}]")
    top.suptitle(heading(report, "median, half and 90 % of all joints (feet that stand) and steps"), fontsize=9)
    shown = [row for row in rows if row["ratio"] is not None]
    if not shown:
        return
    phase, *planes = bottom.subplots(1, 1 + len(shown))
    for row in shown:
        color = COLORS[names.index(row["controller"]) % len(COLORS)]
        x = (np.arange(len(row["by_phase"])) + 0.5) / len(row["by_phase"])
        for name, style in (("ratio", "-"), ("cosine", "--")):
            phase.plot(
                x,
                [np.nan if part[name] is None else part[name] for part in row["by_phase"]],
                style,
                lw=1,
                color=color,
                label=f"{name}, {row['controller']}",
            )
    phase.axhline(0, color="grey", lw=0.5)
    phase.set(xlabel="gait time [periods]")
    phase.legend(fontsize=6)
    phase.set_title("residual torque over the MPC's, cosine between them", fontsize=8)
    for axes, row in zip(planes, shown, strict=True):
        command = np.array([world["command"] for world in row["by_world"]])
        ratio = np.array([world["ratio"] for world in row["by_world"]], dtype=float)
        points = axes.scatter(command[:, 0], command[:, 1], c=ratio, s=14, cmap="viridis")
        bottom.colorbar(points, ax=axes)
        axes.set(xlabel="vx [m/s]", ylabel="vy [m/s]")
        axes.set_title(f"ratio over commands, {row['controller']}", fontsize=8)


def draw_tracking(figure, report):
    rows = report["results"]["rows"]
    panels = figure.subplots(2, len(rows), squeeze=False, sharex=True, sharey="row")
    kinds = {"falls": ("x", COLORS[1]), "upright": ("+", "#555555"), "tracked": ("o", COLORS[0])}
    for column, row in zip(panels.T, rows, strict=True):
        command = np.array([world["command"] for world in row["per_world"]])
        kind = np.array(["tracked" if world["tracked"] else "upright" if world["upright"] else "falls" for world in row["per_world"]])
        for axes, (other, label) in zip(column, ((1, "vy [m/s]"), (2, "wz [rad/s]")), strict=True):
            for name, (marker, color) in kinds.items():
                axes.scatter(*command[kind == name][:, [0, other]].T, s=10, marker=marker, color=color, lw=0.8, label=name)
            axes.set(xlabel="vx [m/s]", ylabel=label)
            if None not in row["range"]["vx"]:
                low, high = zip(row["range"]["vx"], row["range"]["vy" if other == 1 else "wz"])
                axes.plot([low[0], high[0], high[0], low[0], low[0]], [low[1], low[1], high[1], high[1], low[1]], lw=1, color="black")
        title(column[0], report, f"{row['controller']}: {100 * row['tracked']:.0f} % tracked")
    panels[0][0].legend(fontsize=7)


DRAW = {
    "iterations": (draw_iterations, (6, 4)),
    "commands": (draw_commands, (13, 3.4)),
    "pushes": (draw_pushes, (5.5, 5.5)),
    "conditions": (draw_conditions, (8, 5)),
    "loads": (draw_loads, (13, 6)),
    "states": (draw_states, (8, 2.6)),
    "stride": (draw_stride, (14, 6)),
    "tracking": (draw_tracking, (12, 6)),
}


def write_plot(path):
    """Writes the plot of the report at `path` beside it; returns where."""
    report = read(path)
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    kind = report["results"]["kind"]
    draw, size = DRAW[kind]
    figure = Figure(figsize=size, dpi=120, layout="constrained")
    draw(figure, report)
    out = path.with_name(f"{kind}.png")
    figure.savefig(out)
    return out


def main(argv=None):
    parser = Parser(prog="tandem.sweep_plots", description="Plot of a sweep.")
    parser.add_argument("report", type=Path, help="report.json of tandem sweep")
    options = parser.parse_args(argv)
    return run_program("tandem.sweep_plots", lambda: print(write_plot(options.report), flush=True))


if __name__ == "__main__":
    sys.exit(main())
