"""Recorded motions that are damaged, and the ground that they were recorded on."""

import json

import numpy as np
import pytest
import tandem
from tandem import film, plot, terrain, trajectory

ROBOT = tandem.Robot("unitree_go2")
SIDE, CELL, SLOPE = 41, 0.5, -0.2


def write(folder, ground=False, rows=60):
    """A motion forwards at 1 m/s, 0.3 m above the ground, which falls if it is uneven."""
    joints, feet = list(ROBOT.joint_names), list(ROBOT.foot_names)
    points = [{"name": name, "body": "FL_calf", "position": [0, 0, -0.2], "foot": i} for i, name in enumerate(feet)]
    meta = {"format": 1, "title": "a title", "xml": str(ROBOT.model_path), "control_dt": 0.1, "rows": rows, "floating": True, "horizon": 2}
    meta |= {"base_height": 0.28, "joints": joints, "feet": feet, "points": points, "tau_max": [20.0] * 11 + [None]}
    columns = {name: int(np.prod(shape)) for name, shape in trajectory.shapes_of(meta).items()}
    meta["columns"] = [list(column) for column in columns.items()]
    data = np.zeros((rows, sum(columns.values())))
    data[:, 0] = data[:, 1] = 0.1 * np.arange(rows)
    data[:, 3], data[:, 4] = 0.3 + SLOPE * data[:, 1] * ground, 1
    (folder / "trajectory.json").write_text(json.dumps(meta))
    data.tofile(folder / "trajectory.f64")
    if ground:
        (folder / "terrain.json").write_text(json.dumps({"rows": SIDE, "columns": SIDE, "cell": CELL}))
        heights = SLOPE * CELL * (np.arange(SIDE) - SIDE // 2)
        np.tile(heights, (SIDE, 1)).astype(np.float32).tofile(folder / "terrain.f32")
    return meta


def change(folder, **values):
    path = folder / "trajectory.json"
    meta = json.loads(path.read_text()) | values
    path.write_text(json.dumps({key: value for key, value in meta.items() if value is not None}))


def append(folder, name, data):
    with (folder / name).open("ab") as file:
        file.write(data)


DAMAGES = {
    "no rows": (lambda f: change(f, rows=None), "trajectory.json: no rows"),
    "no title": (lambda f: change(f, title=None), "trajectory.json: no title"),
    "no time": (lambda f: change(f, control_dt=None), "trajectory.json: no control_dt"),
    "no model": (lambda f: change(f, xml=None), "trajectory.json: no xml"),
    "rows are a text": (lambda f: change(f, rows="7"), "rows is '7'"),
    "joints of another robot": (lambda f: change(f, joints=["a"]), "column q has size 19, expected 8"),
    "negative size": (lambda f: change(f, columns=[["time", -1]]), "columns is"),
    "missing columns": (lambda f: change(f, columns=[["time", 1]]), "column q has size None"),
    "another horizon": (lambda f: change(f, horizon=3), "column predicted_base"),
    "a foot too many": (lambda f: change(f, points=[{"name": "p", "body": "b", "position": [0, 0, 0], "foot": 9}] * 4), "on foot 9 of 4"),
    "no points": (lambda f: change(f, points=[1]), "points is [1]"),
    "torques of another robot": (lambda f: change(f, tau_max=[1.0]), "1 torques in tau_max"),
    "a list": (lambda f: (f / "trajectory.json").write_text("[]"), "trajectory.json: not a JSON object"),
    "no text": (lambda f: (f / "trajectory.json").write_bytes(b"\xff\xfe{}"), "trajectory.json: not JSON"),
    "bytes too many": (lambda f: append(f, "trajectory.f64", b"abc"), "trajectory.f64: "),
    "numbers too many": (lambda f: append(f, "trajectory.f64", bytes(8)), "trajectory.f64: "),
    "terrain is a list": (lambda f: (f / "terrain.json").write_text("[]"), "terrain.json: not a JSON object"),
    "terrain without a cell": (lambda f: (f / "terrain.json").write_text('{"rows": 41, "columns": 41}'), "terrain.json: no cell"),
    "terrain of another size": (lambda f: (f / "terrain.json").write_text('{"rows": 2, "columns": 2, "cell": 1}'), "terrain.f32: 1681 numbers"),
    "terrain without heights": (lambda f: (f / "terrain.f32").unlink(), "no terrain.f32"),
    "heights that are no numbers": (lambda f: np.full(1681, np.nan, np.float32).tofile(f / "terrain.f32"), "terrain.f32: has heights"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_what_is_damaged_is_named_in_one_line(name, tmp_path):
    write(tmp_path, ground=True)
    damage, words = DAMAGES[name]
    trajectory.read(tmp_path)
    damage(tmp_path)
    with pytest.raises(trajectory.Error) as error:
        trajectory.read(tmp_path)
    assert words in str(error.value) and "record the motion again" in str(error.value) and "\n" not in str(error.value)


def test_a_motion_of_another_robot_is_one_line(tmp_path):
    mujoco = film.import_mujoco()
    meta = write(tmp_path)
    model = film.load_model(mujoco, trajectory.read(tmp_path).meta)
    film.place(model, meta)
    for key, value in {"joints": ["other", *meta["joints"][1:]], "points": [{"body": "other", "position": [0, 0, 0]}]}.items():
        with pytest.raises(trajectory.Error, match="Invalid name 'other'; the motion was recorded with another robot"):
            film.place(model, {**meta, key: value})
    with pytest.raises(trajectory.Error, match="nowhere.xml: .*; put the robot's model back"):
        film.load_model(mujoco, {**meta, "xml": "nowhere.xml", "terrain": None})


@pytest.fixture
def downhill(tmp_path):
    write(tmp_path, ground=True)
    return trajectory.read(tmp_path)


def test_height_of_the_ground():
    """Each cell is cut along one diagonal; beyond the edge is level floor."""
    ground = {"rows": 2, "columns": 3, "cell": 1.0, "height": np.array([[0, 0, 4], [0, 1, 0]], np.float32)}
    places = np.array([[-0.75, 0.25], [-0.25, -0.25], [0.75, 0], [1, -0.5], [1.01, 0], [0, 0.51], [np.nan, 0]])
    assert terrain.height_at(ground, places) == pytest.approx([0.25, 0.25, 1, 4, 0, 0, 0], abs=1e-6)


def test_the_camera_goes_downhill_with_the_robot(downhill):
    path = film.smooth_path(downhill)
    ground = SLOPE * downhill.q[:, 0]
    assert path[5:-5, 2] - ground[5:-5] == pytest.approx(np.full(50, 0.85 * 0.3), abs=1e-6)


def test_the_plot_shows_the_height_above_the_ground(downhill):
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    plot.plot_base(axes, downhill)
    (line,) = (line for line in axes.lines if line.get_label() == "height above ground [m]")
    assert line.get_ydata() == pytest.approx(np.full(60, 0.3), abs=1e-6)


def test_pictures_show_the_part_of_the_ground_where_the_robot_was(downhill):
    ground = downhill.meta["terrain"]
    part = terrain.part_around(ground, np.array([[8.0, -9.0], [9.0, -8.0]]))
    assert part["height"].shape == (part["rows"], part["columns"]) == (25, 25)
    corner = np.array([part["center"] - 0.5 * CELL * 24, part["center"] + 0.5 * CELL * 24])
    assert corner == pytest.approx(np.array([[-2.0, -10.0], [10.0, 2.0]]))
    assert part["height"][[0, -1], [0, -1]] == pytest.approx(terrain.height_at(ground, corner))
