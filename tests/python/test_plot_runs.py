"""tandem plot: intervals and grouping by numbers worked out by hand, figures that come out whole, one line for what is no run."""

import json

import numpy as np
import pytest

pandas = pytest.importorskip("pandas", reason="pandas is not installed")
pytest.importorskip("seaborn", reason="seaborn is not installed")

from tandem import plot_runs  # noqa: E402


def write_run(folder, seed, iterations=30):
    run = folder / "mit_humanoid_residual" / f"2026-11-21_19-24-5{seed}_mine_s{seed}"
    run.mkdir(parents=True)
    steps = np.arange(1, iterations + 1)
    columns = {
        "iteration": steps,
        "Train/mean_reward": steps * 0.1 + seed,
        "Train/mean_episode_length": 10.0 * steps,
        "Episode_Reward/torque": -0.1 * steps,
    }
    columns |= {"Episode_Reward/slip": 0 * steps, "Perf/robot_steps": 12288 * steps, "Perf/seconds": 2.5 * steps, "Perf/total_fps": 5000.0 + steps}
    pandas.DataFrame(columns).to_csv(run / "progress.csv", index=False)
    return run


def write_evaluation(path, simulator="mujoco"):
    world = {"survived": 5.0, "reward": 0.1, "velocity_error": 0.01, "yaw_rate_error": 0.02, "positive_power": 40.0}
    fallen = {"survived": 1.0, "reward": 0.05, "velocity_error": None, "yaw_rate_error": None, "positive_power": None}
    results = {"worlds": 3, "survival": 2 / 3, "survival_interval": [0.2, 0.94], "per_world": [world, {**world, "velocity_error": 0.03}, fallen]}
    path.write_text(json.dumps({"settings": {"robot": "mit_humanoid", "controller": "mpc", "simulator": simulator}, "results": results}))
    return path


def test_the_interval_is_students():
    # mean 2, deviation 1, t(0.975; 2) = 4.302653
    np.testing.assert_allclose(plot_runs.interval([1, 2, 3]), [2 - 4.302653 / np.sqrt(3), 2 + 4.302653 / np.sqrt(3)], rtol=1e-6)
    assert np.isnan(plot_runs.interval([1])).all()


def test_runs_that_differ_in_time_and_seed_are_one_group(tmp_path):
    groups = {plot_runs.group_of(write_run(tmp_path, seed)) for seed in (0, 1, 2)}
    assert groups == {"mit_humanoid_residual/mine"}
    assert plot_runs.group_of(write_run(tmp_path, 3) / "progress.csv") == "mit_humanoid_residual/mine"
    assert plot_runs.group_of(tmp_path / "policies" / "a_policy.csv") == "a_policy"


def test_runs_of_one_group_differ_in_their_seed_alone(tmp_path):
    a, b, strict, again, old = (write_run(tmp_path, seed) for seed in range(5))  # old has no config.toml
    (a / "config.toml").write_text("[reward]\nsigma = 0.5\n[train]\niterations = 8\nseed = 0\n")
    (b / "config.toml").write_text("[reward]\nsigma = 0.5\n[train]\niterations = 9\nseed = 1\n")
    (strict / "config.toml").write_text("[reward]\nsigma = 0.2\n[train]\nseed = 2\n")
    (again / "config.toml").write_text("[train]\nseed = 1\n")
    assert len(plot_runs.read([a, b, old], "steps")[0]["mit_humanoid_residual/mine"]) == 3
    with pytest.raises(plot_runs.Error, match=r"reward\.sigma is 0\.5 in the first and 0\.2 in the second; rename"):
        plot_runs.read([a, b, strict], "steps")
    with pytest.raises(plot_runs.Error, match="both have seed 1; leave one"):
        plot_runs.read([a, b / "progress.csv", again], "steps")


def test_seeds_are_put_together_up_to_where_the_shortest_ends(tmp_path):
    runs = [write_run(tmp_path, 0, 30), write_run(tmp_path, 1, 20)]
    table = plot_runs.on_common_points([plot_runs.read_training(run, "steps") for run in runs], "steps", ["Train/mean_reward"])
    assert table["x"].max() == pytest.approx(20 * 12288 / 1e6)
    means = table.groupby("x")["Train/mean_reward"].mean().to_numpy()
    middle = slice(plot_runs.SMOOTH, -plot_runs.SMOOTH)  # straight lines stay what they are under a running mean
    np.testing.assert_allclose(means[middle], np.linspace(0.6, 2.5, plot_runs.POINTS)[middle])


def test_a_curve_begins_where_its_scalar_is_first_known(tmp_path):
    table = plot_runs.read_training(write_run(tmp_path, 0, 31), "steps")
    table.loc[:14, "Train/mean_reward"] = np.nan  # no episode has ended: nothing is known up to iteration 15
    curve = plot_runs.on_common_points([table], "steps", ["Train/mean_reward"]).set_index("x")["Train/mean_reward"]
    assert curve[curve.index < 16 * 12288 / 1e6].isna().all()
    known = curve[curve.index > 17 * 12288 / 1e6]
    np.testing.assert_allclose(known[: -plot_runs.SMOOTH], 0.1 * 1e6 / 12288 * known.index[: -plot_runs.SMOOTH])


def test_seeds_that_never_meet_are_named(tmp_path):
    first, later = (plot_runs.read_training(write_run(tmp_path, seed), "steps") for seed in (0, 1))
    later["Perf/robot_steps"] += 1e6
    with pytest.raises(plot_runs.Error, match="plot them one by one"):
        plot_runs.on_common_points([first, later], "steps", ["Train/mean_reward"])


def test_figures_of_runs_and_evaluations(tmp_path, capsys):
    runs = [write_run(tmp_path, seed) for seed in (0, 1)]
    reports = [write_evaluation(tmp_path / "a.json"), write_evaluation(tmp_path / "b.json", "drake")]
    assert plot_runs.main([*map(str, runs + reports), "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out.split()
    expected = [str(tmp_path / "out" / f"{name}.{kind}") for name in ("learning_curves", "reward_terms", "evaluation") for kind in ("png", "svg")]
    assert printed == expected
    assert all(
        (tmp_path / "out" / name).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n" for name in ("learning_curves.png", "reward_terms.png", "evaluation.png")
    )


def test_shades_differ_without_colour():
    import seaborn

    brightness = [0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in plot_runs.shades(seaborn, 4)]
    assert np.diff(brightness).min() > 0.08


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("missing", None, "no such file"),
        ("folder/", None, "no progress.csv"),
        ("report.json", "{}", "not a report of an evaluation"),
        ("report.json", "nonsense", "not a report of an evaluation"),
        ("a.csv", "x,y\n1,2\n", "has no column"),
        ("a.csv", "", "No columns"),
    ],
)
def test_what_is_no_run_is_answered_in_one_line(name, content, message, tmp_path, capsys):
    path = tmp_path / name
    if name.endswith("/"):
        path.mkdir()
    if content is not None:
        path.write_text(content)
    assert plot_runs.main([str(path), "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1 and not (tmp_path / "out").exists()
