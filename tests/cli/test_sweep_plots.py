"""Plots of sweeps from reports of every kind, and what is said about files that are none."""

import json

import numpy as np
import pytest
from tandem import sweep_plots

COMMON = {"commit": "0123456789ab", "machine": {"cpu": "a processor"}}
ROW = {"mode": "riccati", "start_scale": 1, "survival": 0.5, "survival_interval": [0.4, 0.6]}
REPORTS = {
    "iterations": ({"worlds": 9, "seconds": 5}, {"rows": [{**ROW, "iterations": 10}, {**ROW, "iterations": 1}]}),
    "commands": (
        {"seeds": 2, "seconds": 5},
        {
            "axes": [
                {
                    "axis": "turn",
                    "unit": "rad/s",
                    "survived": 0.25,
                    "tracked": 0,
                    "rows": [
                        {"command": -0.25, "survival": 1, "velocity_error": 0.1, "yaw_rate_error": 7.0},
                        {"command": 0.5, "survival": 0, "velocity_error": None, "yaw_rate_error": None},
                    ],
                }
            ]
        },
    ),
    "conditions": (
        {"worlds": 4},
        {
            "rows": [
                {"condition": condition, "controller": controller, "survival": survival, "survival_interval": [0.2, 0.9]}
                for condition, survival in (("nominal", 0.5), ("delay", 0.6), ("push", 0.7))
                for controller in ("mpc", "mine")
            ]
        },
    ),
    "loads": (
        {},
        {
            "fractions": [0.05, 0.25, 0.5, 0.75, 0.95],
            "rows": [
                {
                    "controller": controller,
                    "quantities": {name: {"unit": "-", "quantiles": values} for name, values in (("torque", [0, 1, 2, 3, 4]), ("force", [None] * 5))},
                    "ratio": ratio,
                    "by_phase": [{"ratio": ratio, "cosine": ratio and -ratio}, {"ratio": None, "cosine": None}],
                    "by_world": [{"ratio": ratio, "command": [1, 2, 0]}, {"ratio": None, "command": [0, 1, 0]}],
                }
                for controller, ratio in (("mpc", None), ("mine", 0.3))
            ],
        },
    ),
    "states": (
        {},
        {
            "fractions": [0.05, 0.25, 0.5, 0.75, 0.95],
            "rows": [{"controller": "mpc", "quantiles": [1, 2, 3, 4, 5]}, {"controller": "b", "quantiles": [None] * 5}],
        },
    ),
    "stride": (
        {"command": [1, 0, 0]},
        {
            "stance_fraction": 0.5,
            "rows": [
                {"controller": name, "courses": [{"name": f"course {i}", "unit": "m", "mean": [1, None], "deviation": [0.1, None]} for i in range(5)]}
                for name in ("mpc", "mine")
            ],
        },
    ),
    "tracking": (
        {},
        {
            "rows": [
                {
                    "controller": controller,
                    "tracked": 0.5,
                    "range": {axis: ends for axis in ("vx", "vy", "wz")},
                    "per_world": [
                        {"command": [1, 2, 3], "upright": True, "tracked": False},
                        {"command": [4, 5, 6], "upright": False, "tracked": False},
                        {"command": [7, 8, 9], "upright": True, "tracked": True},
                    ],
                }
                for controller, ends in (("mpc", [-1, 1]), ("mine", [None, None]))
            ]
        },
    ),
    "pushes": (
        {"phases": 4, "body": "base"},
        {"rows": [{"angle": 0, "impulse": 20, "falls_at": 21}, {"angle": 180, "impulse": 12, "falls_at": None}]},
    ),
}


@pytest.mark.parametrize("kind", REPORTS)
def test_every_kind_is_drawn(kind, tmp_path, capsys):
    settings, results = REPORTS[kind]
    path = tmp_path / "report.json"
    path.write_text(json.dumps({**COMMON, "settings": {"robot": "r", **settings}, "results": {"kind": kind, **results}}))
    assert sweep_plots.main([str(path)]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / f"{kind}.png")
    assert (tmp_path / f"{kind}.png").read_bytes().startswith(b"\x89PNG")


def drawn(kind):
    """The figure of a report, and all its texts."""
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    settings, results = REPORTS[kind]
    figure = Figure()
    sweep_plots.DRAW[kind][0](figure, {**COMMON, "settings": {"robot": "r", **settings}, "results": {"kind": kind, **results}})
    return figure, [text.get_text() for text in figure.findobj(Text)]


@pytest.mark.parametrize("kind", ["loads", "stride", "states"])
def test_robot_commit_and_machine_are_named(kind):
    assert any(text.startswith("r: ") and text.endswith("0123456789ab, a processor") for text in drawn(kind)[1])


def test_errors_of_commands_have_an_axis_of_their_own():
    """Where they are not cut off, with their unit."""
    figure, texts = drawn("commands")
    survival, errors = figure.axes
    assert errors.get_ylabel() == "error [rad/s]" and survival.get_ylabel() == "survival"
    assert errors.get_ylim()[1] > 7 and "error [rad/s] (right)" in texts


def test_pushes_are_drawn_where_they_point():
    """Forward is up, and angles go on to the left."""
    (axes,) = drawn("pushes")[0].axes
    (line,) = axes.lines
    assert axes.get_theta_offset() == pytest.approx(np.pi / 2) and axes.get_theta_direction() == 1
    np.testing.assert_allclose(line.get_xydata(), [[0, 20], [np.pi, 12], [0, 20]])


def test_curves_go_over_iterations_and_sizes_of_commands():
    (line,) = drawn("iterations")[0].axes[0].lines
    assert line.get_xdata().tolist() == [1, 10]
    survival, errors = drawn("commands")[0].axes
    np.testing.assert_allclose(survival.lines[0].get_xydata(), [[0.25, 1], [0.5, 0]])
    np.testing.assert_allclose(errors.lines[0].get_xydata(), [[0.25, 7], [0.5, np.nan]])


def test_quantiles_are_median_half_and_nine_tenths():
    (axes,) = drawn("states")[0].axes
    wide, narrow = sorted(axes.collections, key=lambda lines: lines.get_linewidth()[0])
    np.testing.assert_array_equal(wide.get_segments()[0], [[1, 0], [5, 0]])
    np.testing.assert_array_equal(narrow.get_segments()[0], [[2, 0], [4, 0]])
    assert axes.lines[0].get_xydata()[0].tolist() == [3, 0]


def test_conditions_have_a_row_each_and_their_intervals():
    (axes,) = drawn("conditions")[0].axes
    rows = {round(bar.get_y() + bar.get_height() / 2): bar.get_width() for bar in axes.patches}
    assert rows == {0: 0.5, 1: 0.6, 2: 0.7} and [text.get_text() for text in axes.get_yticklabels()] == ["nominal", "delay", "push"]
    for lines in axes.collections:
        np.testing.assert_allclose([line[:, 0] for line in lines.get_segments()], [[0.2, 0.9]] * 3)


def test_strides_are_means_with_their_deviations_in_the_middle_of_their_part_of_the_period():
    axes = drawn("stride")[0].axes[0]
    np.testing.assert_allclose(axes.lines[0].get_xydata(), [[0.25, 1], [0.75, np.nan]])
    band = axes.collections[0].get_paths()[0].vertices
    assert (band[:, 1].min(), band[:, 1].max()) == (0.9, 1.1)


def test_loads_are_drawn_over_phases_and_commands():
    figure, _ = drawn("loads")
    phase, plane = (axes for axes in figure.axes if axes.get_xlabel() in ("gait time [periods]", "vx [m/s]"))
    lines = {line.get_label(): line.get_xydata()[0].tolist() for line in phase.lines}
    assert lines["ratio, mine"] == [0.25, 0.3] and lines["cosine, mine"] == [0.25, -0.3]
    points = plane.collections[0]
    assert points.get_offsets()[0].tolist() == [1, 2] and points.get_array()[0] == 0.3


def test_tracking_tells_falls_from_what_is_followed():
    upper, _, lower, _ = drawn("tracking")[0].axes
    for axes, other in ((upper, 1), (lower, 2)):
        points = {kind.get_label(): kind.get_offsets().tolist() for kind in axes.collections}
        assert points == {"falls": [[4, 4 + other]], "upright": [[1, 1 + other]], "tracked": [[7, 7 + other]]}


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"results": {"kind": "dances"}}', None])
def test_other_files_are_refused_in_one_line(text, tmp_path, capsys):
    path = tmp_path / "report.json"
    if text is not None:
        path.write_text(text)
    assert sweep_plots.main([str(path)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("tandem.sweep_plots: ") and error.count("\n") == 1
