"""The report of a run of cost matching: pictures and page of a small run, and what is said about folders that hold none."""

import json

import numpy as np
import pytest
from tandem import fit_report

SCATTER = {"returns": [1, 2, 3, 4], "before": [2, 3, 5, 6], "after": [1, 2, 3, 4], "validation": [True, False, True, True]}
FIT = {"scale": 2.0, "offset": -1.0, "scatter": SCATTER}
RESULTS = {
    "validation_mse": [0.5, 0.25],
    "closed_loop_cost": [2.0, 1.5],
    "velocity_error": [0.2, None],
    "falls": [0, 1],
    "seconds": 12.3,
    "rounds": [{"chosen": "ridge-0.01-step-0.5", "candidates": [{"name": "ridge-0.01-step-0.5", "fit": {"scale": 2.0}}], "theta": [1, 2]}],
}
REPORT = {"argv": ["tandem", "fit"], "commit": "0123456789abcdef", "machine": {"cpu": "a processor"}, "settings": {"robot": "r", "controller": "c"}}
THETA = {"blocks": {"state": [1.0, 2.0], "input": [1.0, 0.5, 0.125], "com": [1.0]}}


@pytest.fixture
def run(tmp_path):
    (tmp_path / "report.json").write_text(json.dumps({**REPORT, "results": RESULTS}))
    (tmp_path / "theta.json").write_text(json.dumps(THETA))
    (tmp_path / "round-1").mkdir()
    (tmp_path / "round-1" / "fit-ridge-0.01.json").write_text(json.dumps(FIT))
    return tmp_path


def test_pictures_and_page_are_written(run, capsys):
    assert fit_report.main([str(run)]) == 0
    names = [line.rsplit("/", 1)[1] for line in capsys.readouterr().out.split()]
    assert sorted(names) == ["curves.png", "report.md", "scatter.png", "theta.png"]
    for name in names:
        assert (run / name).stat().st_size > 100


def test_pictures_show_held_out_returns_and_what_theta_moved():
    from matplotlib.figure import Figure

    figure = Figure()
    fit_report.draw_scatter(figure, {1: FIT})
    lines = {line.get_label(): line.get_xydata().tolist() for line in figure.axes[0].lines}
    assert lines["fitted"] == [[1, 1], [3, 5], [4, 7]]  # 2 Q - 1
    slope, start = np.polyfit(SCATTER["before"], SCATTER["returns"], 1)
    assert lines["theta = 1, best line"] == [[r, slope * b + start] for r, b in zip([1, 3, 4], [2, 5, 6])]
    figure = Figure()
    fit_report.draw_theta(figure, {"state": [1.0, 2.0], "com": [0.5]})
    moved = [line.get_xydata().tolist() for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert moved == [[[1, 2]], [[2, 0.5]]]


def test_the_fit_that_was_kept_is_shown(run):
    candidates = [{"name": name, "fit": {"scale": 2.0}} for name in ("ridge-1-step-1", "ridge-0.01-step-0.5")]
    results = {**RESULTS, "rounds": [{**RESULTS["rounds"][0], "candidates": candidates}]}
    (run / "report.json").write_text(json.dumps({**REPORT, "results": results}))
    assert fit_report.read(run)[2] == {1: FIT}


def test_the_page_says_what_the_blocks_became(run):
    list(fit_report.write(run))
    page = (run / "report.md").read_text()
    assert "| 1 | ridge-0.01-step-0.5 | 0.25 | 1.5 | - | 1 |" in page
    assert "| input | 0.250 | 0.125 | 0.500 | 2 of 3 |" in page  # the geometric mean of 1/2 and 1/8
    assert "| com | 1.000 | 1.000 | 1.000 | 0 of 1 |" in page


def test_random_search_has_no_scatter(run):
    results = {**RESULTS, "validation_mse": [], "rounds": [{"chosen": None, "candidates": [{"name": "random-0", "fit": None}], "theta": [1, 2]}]}
    (run / "report.json").write_text(json.dumps({**REPORT, "results": results}))
    assert "scatter.png" not in [path.name for path in fit_report.write(run)]
    assert "scatter" not in (run / "report.md").read_text()


def test_a_comparison_becomes_a_table(tmp_path):
    pair = {"first": 2.0, "second": 1.5, "ratio": 0.75, "ratio_interval": [0.7, 0.8]}
    none = {"first": None, "second": None, "ratio": None, "ratio_interval": [None, None]}
    pushed = {f"recovery_{name}": {**pair, "second": i} for i, name in enumerate(("peak", "rms", "integrated", "settling"))}
    row = {
        **pushed,
        "recovery_falls": 7,
        "plant": "nominal",
        "theta": "fast",
        "falls": 3,
        "cost": pair,
        "discounted": none,
        "velocity_error": pair,
        "impulse": pair,
    }
    settings = {**REPORT["settings"], "trials": 40, "seconds": 8, "recovery_impulse": 8}
    (tmp_path / "report.json").write_text(json.dumps({**REPORT, "settings": settings, "results": {"rows": [row]}}))
    assert fit_report.main([str(tmp_path)]) == 0
    page = (tmp_path / "report.md").read_text()
    assert "| nominal | fast | 1.5 | -25.0 % (-30.0 .. -20.0) | - | 1.5 | -25.0 % (-30.0 .. -20.0) | 3 |" in page
    assert "| fast | 1.5 | -25.0 % (-30.0 .. -20.0) |" in page
    assert f"| fast | {' | '.join(f'{i}, -25.0 % (-30.0 .. -20.0)' for i in range(4))} | 7 |" in page


@pytest.mark.parametrize(("name", "text"), [("report.json", "{"), ("report.json", "{}"), ("theta.json", "[]"), ("theta.json", None)])
def test_what_is_no_run_is_refused_in_one_line(run, capsys, name, text):
    if text is None:
        (run / name).unlink()
    else:
        (run / name).write_text(text)
    assert fit_report.main([str(run)]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert str(run) in error
