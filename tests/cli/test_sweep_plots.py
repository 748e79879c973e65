"""Plots of sweeps from reports of every kind, and what is said about files that are none."""

import json

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
                        {"command": 0.25, "survival": 1, "velocity_error": 0.1, "yaw_rate_error": 7.0},
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
                {"condition": condition, "controller": controller, "survival": 0.5, "survival_interval": [0.2, 0.8]}
                for condition in ("nominal", "delay")
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
                    "by_phase": [{"ratio": ratio, "cosine": ratio}, {"ratio": None, "cosine": None}],
                    "by_world": [{"ratio": ratio, "command": [1, 0, 0]}, {"ratio": None, "command": [0, 1, 0]}],
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
                        {"command": [0, 0, 0], "upright": False, "tracked": False},
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


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"results": {"kind": "dances"}}', None])
def test_other_files_are_refused_in_one_line(text, tmp_path, capsys):
    path = tmp_path / "report.json"
    if text is not None:
        path.write_text(text)
    assert sweep_plots.main([str(path)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("tandem.sweep_plots: ") and error.count("\n") == 1
