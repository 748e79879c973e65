"""What new_robot does with files: those it writes over or not, those of another kind, odd names; and what it notices of feet and gait."""

import errno
from pathlib import Path

import pytest
from tandem import new_robot
from test_new_robot import fixture_build, mjcf  # noqa: F401


def test_what_is_in_the_folder_is_written_over_only_when_asked(build, tmp_path, capsys):
    build(mjcf())
    tuned = (tmp_path / "made" / "robot.toml").read_text().replace('"*" = 1.0', '"*" = 2.0')
    (tmp_path / "made" / "robot.toml").write_text(tuned)
    again = [str(tmp_path / "walker.xml"), "--out", str(tmp_path / "made"), "--foot", "left_shin:0,0,-0.2", "--foot", "right_shin:0,0,-0.2"]
    assert new_robot.main(again) == 1
    assert "is there already" in capsys.readouterr().err and (tmp_path / "made" / "robot.toml").read_text() == tuned
    assert new_robot.main([*again, "--force"]) == 0
    assert (tmp_path / "made" / "robot.toml").read_text() != tuned
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == ["made.xml", "robot.toml"]


def test_a_disk_that_is_full_leaves_what_was_there(build, tmp_path, monkeypatch, capsys):
    build(mjcf())
    before = (tmp_path / "made" / "made.xml").read_text()
    write_text = Path.write_text

    def full(path, text, **kwargs):
        if path.parent.name == "made" and path.parent.parent == tmp_path:
            write_text(path, text[:100], **kwargs)
            raise OSError(errno.ENOSPC, "No space left on device")
        return write_text(path, text, **kwargs)

    monkeypatch.setattr(Path, "write_text", full)
    options = ["--out", str(tmp_path / "made"), "--foot", "left_shin:0,0,-0.2", "--foot", "right_shin:0,0,-0.2", "--force"]
    assert new_robot.main([str(tmp_path / "walker.xml"), *options]) == 1
    assert f"{tmp_path / 'made'} cannot be written: No space left on device; free some space" in capsys.readouterr().err
    assert (tmp_path / "made" / "made.xml").read_text() == before
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == ["made.xml", "robot.toml"]


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("walker.urdf.xacro", b"<robot/>", "expected a .urdf or .xml; run xacro on it first"),
        ("walker", b"<robot/>", "expected a .urdf or .xml"),
        ("walker.urdf", '<robot name="walker"><link name="k\u00f6rper"/></robot>'.encode("latin-1"), "no UTF-8"),
    ],
)
def test_files_of_another_kind_are_named(tmp_path, name, content, message, capsys):
    (tmp_path / name).write_bytes(content)
    assert new_robot.main([str(tmp_path / name), "--out", str(tmp_path / "out"), "--foot", "shin"]) == 1
    assert message in capsys.readouterr().err


def test_links_may_have_colons_in_their_names(build):
    text = mjcf(lambda text: text.replace("left_shin", "left:shin"))
    assert build(text, feet=("left:shin:0,0,-0.2", "right_shin:0,0,-0.2")).foot_names == ["left:shin", "right_shin"]


def test_a_foot_at_the_knee_is_noticed(build, capsys):
    build(mjcf(), feet=("left_shin", "right_shin"))
    said = capsys.readouterr().out
    assert 'a shape of "left_shin" reaches 0.' in said and "BODY:x,y,z" in said
    build(mjcf(), "--force")
    assert "reaches" not in capsys.readouterr().out


def test_six_legs_walk_as_a_tripod():
    assert [new_robot.gait_offset(foot, 6) for foot in range(6)] == [0, 0.5, 0, 0.5, 0, 0.5]
    assert [new_robot.gait_offset(foot, 4) for foot in range(4)] == [0, 0.5, 0.5, 0]
    assert [new_robot.gait_offset(foot, 2) for foot in range(2)] == [0, 0.5]
