"""Figures of runs:  ./tandem plot RUN... [--out FOLDER] [--over steps|seconds]

RUN is the folder of a training run (or its progress.csv), or a report that `tandem eval --json FILE` wrote. Written to --out (default out/plot), each as .png
and .svg, their paths printed: learning_curves and reward_terms of the training runs, evaluation of the reports. Runs whose names differ in time and seed alone
are one line: the mean over seeds with its 95 % interval (Student). Lines differ in dashes, bars in hatching, so that nothing depends on colour.
"""

import json
import re
import sys
import tomllib
from itertools import combinations
from pathlib import Path

import numpy as np

from .plot import HATCHES
from .program import Parser, print_paths
from .trajectory import Error

POINTS = 200  # of a curve
SMOOTH = 9  # points of a running mean over each seed, before seeds are put together
X = {"steps": ("Perf/robot_steps", 1e6, "robot-steps [million]"), "seconds": ("Perf/seconds", 3600, "time on the machine [h]")}
CURVES = {  # column -> label
    "Train/mean_reward": "reward of an episode",
    "Train/mean_episode_length": "length of an episode\n[control steps]",
    "Policy/mean_std": "standard deviation\nof the actions",
    "Perf/total_fps": "robot-steps per second [1/s]",
}
TERMS = "Episode_Reward/"
MISSING = 'figures need the Python package {}: run ./tandem plot, which installs it, or pip install ".[plot]"'
MEASURES = {  # key of a world -> label
    "reward": "reward per control step\nuntil the fall",
    "velocity_error": "velocity error [m/s]",
    "yaw_rate_error": "yaw rate error [rad/s]",
    "positive_power": "positive mechanical\npower [W]",
}


def parse(argv):
    parser = Parser(prog="tandem plot", description="Figures of training runs and evaluations.")
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="folder of a training run, or a report of tandem eval --json")
    parser.add_argument("--out", type=Path, default=Path("out/plot"), help="where to write; default out/plot")
    parser.add_argument("--over", choices=X, default="steps", help="what the learning curves are drawn over; default steps")
    return parser.parse_args(argv)


def group_of(run):
    """<experiment>/<name> of a run's folder, without time and seed, as `tandem compare` groups them."""
    run = run.resolve()
    if run.name == "progress.csv":
        run = run.parent
    if run.suffix == ".csv":
        return run.stem
    name = re.sub(r"^\d{4}-?\d{2}-?\d{2}[-_]\d{2}-?\d{2}-?\d{2}[-_]?", "", run.name)
    name = re.sub(r"(^|[-_])s(eed)?[-_]?\d+(_\d+)?$", "", name)
    return f"{run.parent.name}/{name}".rstrip("/")


def settings_of(run):
    """Settings by name, as config.toml of a run's folder has them; none where it is missing."""
    path = (run.parent if run.name == "progress.csv" else run) / "config.toml"
    if not path.is_file():
        return {}
    try:
        tables = tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Error(f"{path}: {error}; expected the config.toml of a run of tandem train") from None
    return {f"{table}.{name}": value for table, values in tables.items() if isinstance(values, dict) for name, value in values.items()}


def check_seeds(runs):
    """Raises Error unless the runs are samples of one training, as `tandem compare` does: other seeds, and else the same settings."""
    for one, other in combinations(runs, 2):
        settings, others = settings_of(one), settings_of(other)
        both = f"{one} and {other} are taken as seeds of one training, since only time and seed differ in their names, but"
        for name in sorted(settings.keys() & others.keys() - {"train.iterations", "train.save_interval"}):
            if name == "train.seed" and settings[name] == others[name]:
                raise Error(f"{both} both have seed {settings[name]}; leave one of them out")
            if name != "train.seed" and settings[name] != others[name]:
                raise Error(f"{both} {name} is {settings[name]} in the first and {others[name]} in the second; rename one of the folders")


def import_pandas():
    try:
        import pandas
    except ModuleNotFoundError:
        raise Error(MISSING.format("pandas")) from None
    return pandas


def read_training(run, over):
    """progress.csv of a run; Error unless it is one."""
    pandas = import_pandas()
    path = run if run.suffix == ".csv" else run / "progress.csv"
    try:
        table = pandas.read_csv(path)
    except (pandas.errors.ParserError, pandas.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise Error(f"{path}: {str(error).splitlines()[0]}; expected the progress.csv of a run of tandem train") from None
    for needed in (X[over][0], "Train/mean_reward"):
        if needed not in table:
            raise Error(f"{path}: has no column {needed}; expected the progress.csv of a run of tandem train")
    if len(table) < 2:
        raise Error(f"{path}: {len(table)} iterations; a curve needs two, so wait for the run to go on")
    return table


def read_evaluation(path):
    """A report of `tandem eval`; Error unless it is one."""
    try:
        report = json.loads(path.read_text())
        report["results"]["per_world"][0]["survived"], report["results"]["survival_interval"]
        return report
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, IndexError):
        raise Error(f"{path}: not a report of an evaluation; expected what tandem eval --json FILE writes, or the folder of a training run") from None


def read(runs, over):
    """(training, evaluations): tables by group, and reports with their files."""
    training, evaluations, seeds = {}, [], {}
    for run in runs:
        if not run.exists():
            raise Error(f"{run}: no such file or folder; expected the folder of a training run, or a report of tandem eval --json")
        if run.is_dir() and not (run / "progress.csv").exists():
            raise Error(f"{run}: no progress.csv in it; name the folder of a run of tandem train, or a report of tandem eval --json")
        if run.is_dir() or run.suffix == ".csv":
            training.setdefault(group_of(run), []).append(read_training(run, over))
            seeds.setdefault(group_of(run), []).append(run)
        else:
            evaluations.append((run, read_evaluation(run)))
    for group in seeds.values():
        check_seeds(group)
    return training, evaluations


def on_common_points(tables, over, columns):
    """The seeds of a group on points that all of them reach: a long table with x, seed and the columns."""
    import pandas

    x, scale, unit = X[over]
    begin, end = max(table[x].iloc[0] for table in tables), min(table[x].iloc[-1] for table in tables)
    if begin > end:
        raise Error(f"one seed of a run begins at {begin / scale:g} {unit}, where another ended at {end / scale:g}; plot them one by one")
    at = np.linspace(begin, end, POINTS)
    parts = []
    for seed, table in enumerate(tables):
        part = {"x": at / scale, "seed": seed}
        for column in columns:
            known = table[[x, column]].dropna() if column in table else ()
            curve = np.interp(at, known[x], known[column], np.nan, np.nan) if len(known) else np.full(POINTS, np.nan)
            part[column] = pandas.Series(curve).rolling(SMOOTH, center=True, min_periods=1).mean().where(np.isfinite(curve))
        parts.append(pandas.DataFrame(part))
    return pandas.concat(parts)


def interval(values):
    """95 % of the mean, by Student's distribution; of a single value nothing but itself."""
    from scipy import stats

    values = np.asarray(values, dtype=float)
    values = values[np.isfinite(values)]
    if len(values) < 2:
        return (np.nan, np.nan)
    half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return values.mean() - half, values.mean() + half


def style(seaborn):
    seaborn.set_theme(style="whitegrid", context="paper", rc={"svg.hashsalt": "tandem", "axes.grid.axis": "both"})


def shades(seaborn, count):
    """Colours that are told apart by their brightness alone."""
    return seaborn.color_palette("viridis", count) if count > 1 else [seaborn.color_palette("viridis", 3)[1]]


def long_table(training, over, columns):
    import pandas

    parts = []
    for group, tables in training.items():
        label = f"{group} ({len(tables)} seed{'s' if len(tables) > 1 else ''})"
        parts.append(on_common_points(tables, over, columns).assign(run=label))
    return pandas.concat(parts, ignore_index=True)


def draw_lines(training, over, panels, columns_of_panels, title):
    """One panel per column of the tables: lines over the runs' progress. panels: column -> label."""
    import matplotlib.pyplot as plt
    import seaborn

    style(seaborn)
    table = long_table(training, over, panels)
    across = min(columns_of_panels, len(panels))
    down = -(-len(panels) // across)
    figure, axes = plt.subplots(down, across, figsize=(3.4 * across, 2.5 * down + 0.6), sharex=True, layout="constrained", squeeze=False)
    for i, (ax, (column, label)) in enumerate(zip(axes.flat, panels.items(), strict=False)):
        look = {"hue": "run", "style": "run", "palette": shades(seaborn, len(training)), "markers": False}
        seaborn.lineplot(table, x="x", y=column, errorbar=interval, ax=ax, lw=1.2, legend=i == 0, **look)
        ax.set(xlabel=X[over][2], ylabel=label)
    for ax in list(axes.flat)[len(panels) :]:
        ax.set_visible(False)
    handles, labels = axes.flat[0].get_legend_handles_labels()
    axes.flat[0].get_legend().remove()
    figure.legend(handles, labels, loc="outside upper center", ncols=min(3, len(labels)), frameon=False, title=title)
    return figure


def draw_learning_curves(training, over):
    known = {column for tables in training.values() for table in tables for column in table.columns}
    panels = {column: label for column, label in CURVES.items() if column in known}
    return draw_lines(training, over, panels, 2, "running mean of each seed; mean over seeds and its 95 % interval")


def draw_reward_terms(training, over):
    """None where no run has logged its terms."""
    known = [column for tables in training.values() for table in tables for column in table.columns if column.startswith(TERMS)]
    drawn = [
        column
        for column in dict.fromkeys(known)
        if any((table[column].fillna(0) != 0).any() for t in training.values() for table in t if column in table)
    ]
    panels = {column: column.removeprefix(TERMS).replace("_", " ") for column in drawn}
    title = "reward of an episode by term: running mean of each seed; mean over seeds and its 95 % interval"
    return draw_lines(training, over, panels, 4, title) if panels else None


def labels_of(evaluations):
    """One distinct name per report: robot and controller, and simulator or file where they alone differ."""
    names = [f"{report['settings'].get('robot')}, {report['settings'].get('controller', 'mpc')}" for _, report in evaluations]
    with_simulator = [f"{name}, {report['settings'].get('simulator', 'mujoco')}" for name, (_, report) in zip(names, evaluations, strict=True)]
    if len({report["settings"].get("simulator", "mujoco") for _, report in evaluations}) > 1:
        names = with_simulator
    return [name if names.count(name) == 1 else f"{name}\n{path.name}" for name, (path, _) in zip(names, evaluations, strict=True)]


def draw_evaluation(evaluations):
    import matplotlib.pyplot as plt
    import pandas
    import seaborn

    style(seaborn)
    labels = labels_of(evaluations)
    rows = [
        {"controller": label, **world} for label, (_, report) in zip(labels, evaluations, strict=True) for world in report["results"]["per_world"]
    ]
    table = pandas.DataFrame(rows)
    measures = {key: label for key, label in MEASURES.items() if key in table and table[key].notna().any()}
    height = 0.34 * len(labels) * (1 + max(label.count("\n") for label in labels)) + 1.2
    figure, axes = plt.subplots(
        1, 1 + len(measures), figsize=(2.6 + 2.3 * (1 + len(measures)), height), sharey=True, layout="constrained", squeeze=False
    )
    palette = shades(seaborn, len(labels))
    survival = axes.flat[0]
    results = [report["results"] for _, report in evaluations]
    shares = np.array([result["survival"] for result in results])
    ends = np.array([result["survival_interval"] for result in results]).T
    survival.barh(labels, shares, color=palette, xerr=np.abs(ends - shares), error_kw={"lw": 1, "capsize": 2}, height=0.8)
    survival.set(xlim=(0, 1.02), xlabel="survival (95 %: Wilson)")
    for ax, (key, label) in zip(list(axes.flat)[1:], measures.items(), strict=True):
        known = table.assign(**{key: pandas.to_numeric(table[key], errors="coerce")})
        look = {"hue": "controller", "hue_order": labels, "palette": palette, "saturation": 1, "legend": False}
        seaborn.barplot(
            known, y="controller", x=key, order=labels, errorbar=interval, capsize=0.2, err_kws={"lw": 1, "color": "black"}, ax=ax, **look
        )
        ax.set(xlabel=label, ylabel="")
    for ax in axes.flat:
        for bar in ax.patches:
            row = round(bar.get_y() + bar.get_height() / 2)
            bar.set(hatch=HATCHES[row % len(HATCHES)], edgecolor="white", lw=0)
    worlds = sorted({result["worlds"] for result in results})
    figure.suptitle(
        f"worlds per bar: {', '.join(map(str, worlds))}; whiskers: 95 % over worlds (Student); errors and power of those that stood", fontsize=8
    )
    return figure


def save(figure, target):
    """target.png and target.svg; the same runs give the same bytes. Yields their paths."""
    import matplotlib.pyplot as plt

    for suffix, metadata in ((".png", {"Software": None}), (".svg", {"Date": None})):
        path = target.with_suffix(suffix)
        figure.savefig(path, dpi=140, metadata=metadata)
        yield path
    plt.close(figure)


def write(options):
    """Writes the figures; yields their paths."""
    training, evaluations = read(options.runs, options.over)
    try:
        import matplotlib
        import scipy  # noqa: F401
        import seaborn  # noqa: F401
    except ModuleNotFoundError as error:
        raise Error(MISSING.format(error.name)) from None
    matplotlib.use("Agg")
    options.out.mkdir(parents=True, exist_ok=True)
    if training:
        yield from save(draw_learning_curves(training, options.over), options.out / "learning_curves")
        terms = draw_reward_terms(training, options.over)
        if terms:
            yield from save(terms, options.out / "reward_terms")
    if evaluations:
        yield from save(draw_evaluation(evaluations), options.out / "evaluation")


def main(argv=None):
    options = parse(argv)
    return print_paths("tandem plot", write(options))


if __name__ == "__main__":
    sys.exit(main())
