"""Plots of comparisons: with curves, with evaluations, with one and several seeds; and what is said about other files."""

import json

import numpy as np
import pytest
from tandem import compare_plots

CURVE = {"x": [1e6, 2e6], "mean": [1, 2], "low": [0.5, 1], "high": [1.5, 3]}
ALONE = {"x": [1e6, 2e6], "mean": [1, 2], "low": [None, None], "high": [None, None]}
NONE = {"x": [], "mean": [], "low": [], "high": []}
CURVES = ("reward_over_steps", "reward_over_seconds", "length_over_steps", "power_over_steps")


def group(name, curve=None, evaluated=False, fell=False):
    measure = {"mean": None, "interval": None} if fell else {"mean": 0.5, "interval": [0.4, 0.6]}
    evaluation = {name: measure for name, _ in compare_plots.BARS} if evaluated else {}
    return {"name": name, "runs": ["a", "b"], "curves": {name: curve for name in CURVES} if curve else {}, "evaluation": evaluation}


@pytest.mark.parametrize(
    "groups, expected",
    [
        ([group("a", CURVE), group("b", ALONE, True), group("mpc", None, True), group("fell", NONE, True, True)], ["curves", "energy"]),
        ([group("a", CURVE)], ["curves"]),
        ([group("mpc", None, True)], ["energy"]),
    ],
)
def test_what_there_is_is_drawn(groups, expected, tmp_path, capsys):
    path = tmp_path / "report.json"
    path.write_text(json.dumps({"results": {"kind": "compare", "groups": groups}}))
    assert compare_plots.main([str(path)]) == 0
    files = [tmp_path / f"{name}.{suffix}" for name in expected for suffix in ("png", "svg")]
    assert capsys.readouterr().out.split() == [str(file) for file in files]
    assert all(file.stat().st_size > 1000 for file in files)
    if "energy" in expected:  # bars of one policy and of several stand side by side
        assert "over policies where a bar has several" in (tmp_path / "energy.svg").read_text()


def drawn(draw, groups):
    from matplotlib.figure import Figure

    figure = Figure()
    assert draw(figure, groups)
    return figure.axes


def test_curves_are_means_with_their_intervals_over_millions_of_steps_and_hours():
    for axes, x in zip(drawn(compare_plots.draw_curves, [group("a", CURVE)]), ([1, 2], [1e6 / 3600, 2e6 / 3600], [1, 2], [1, 2]), strict=True):
        np.testing.assert_allclose(axes.lines[0].get_xydata(), np.transpose([x, CURVE["mean"]]))
        band = axes.collections[0].get_paths()[0].vertices
        assert {tuple(point) for point in band} == {*zip(x, CURVE["low"]), *zip(x, CURVE["high"])}


def test_bars_are_the_measures_with_their_intervals():
    measures = {name: {"mean": i + 0.5, "interval": [i, i + 2]} for i, (name, _) in enumerate(compare_plots.BARS)}
    for i, axes in enumerate(drawn(compare_plots.draw_energy, [{**group("mpc"), "evaluation": measures}])):
        assert axes.patches[0].get_height() == i + 0.5
        np.testing.assert_allclose(axes.collections[0].get_segments(), [[[0, i], [0, i + 2]]])


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"results": {"kind": "pushes"}}', None])
def test_other_files_are_refused_in_one_line(text, tmp_path, capsys):
    path = tmp_path / "report.json"
    if text is not None:
        path.write_text(text)
    assert compare_plots.main([str(path)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("tandem.compare_plots: ") and error.count("\n") == 1
