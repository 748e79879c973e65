"""The ONNX model of a policy against the inference in C++, and what is said about files that are no policies."""

import os
import pathlib
import subprocess

import numpy as np
import pytest
from tandem import onnx_export, policy
from tandem.trajectory import Error

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONTROLLERS = ("residual", "rl")


@pytest.fixture(scope="session")
def dump(tmp_path_factory):
    """Folder with policies and actions, written by the program policy_dump of the build (TANDEM_POLICY_DUMP names another one)."""
    built = sorted(ROOT.glob("build/**/tests/policy/policy_dump"), key=lambda path: path.stat().st_mtime)
    program = os.environ.get("TANDEM_POLICY_DUMP") or (built[-1] if built else None)
    assert program, "policy_dump is not built; run ./tandem test, or name it in TANDEM_POLICY_DUMP"
    folder = tmp_path_factory.mktemp("policy")
    subprocess.run([program, folder], check=True, timeout=60)
    return folder


def inputs_and_outputs(dump, controller):
    read = policy.read(dump / f"{controller}.safetensors")
    obs = np.fromfile(dump / f"{controller}.obs.f32", np.float32).reshape(-1, len(read.mean))
    action = np.fromfile(dump / f"{controller}.action.f32", np.float32).reshape(len(obs), -1)
    return read, obs, action


@pytest.mark.parametrize("controller", CONTROLLERS)
def test_numpy_agrees_with_the_inference_in_cpp(dump, controller):
    read, obs, action = inputs_and_outputs(dump, controller)
    np.testing.assert_allclose(policy.act(read, obs), action, atol=1e-5)


@pytest.mark.parametrize("controller", CONTROLLERS)
def test_onnx_agrees_with_the_inference_in_cpp(dump, controller, tmp_path):
    _, obs, action = inputs_and_outputs(dump, controller)
    out = tmp_path / "policy.onnx"
    assert onnx_export.main([str(dump / f"{controller}.safetensors"), str(out)]) == 0
    session = onnxruntime.InferenceSession(str(out))
    np.testing.assert_allclose(session.run(None, {"obs": obs})[0], action, atol=1e-5)
    np.testing.assert_allclose(session.run(None, {"obs": obs[:1]})[0], action[:1], atol=1e-5)
    assert [path.name for path in tmp_path.iterdir()] == ["policy.onnx"]


def test_the_metadata_travel_along(dump, tmp_path):
    out = tmp_path / "policy.onnx"
    onnx_export.export(dump / "residual.safetensors", out)
    got = onnxruntime.InferenceSession(str(out)).get_modelmeta().custom_metadata_map
    assert got == policy.read(dump / "residual.safetensors").metadata
    assert got["robot"] == "mit_humanoid"
    assert got["observation.groups"].startswith('[["height",1],["gravity",3]')


def test_a_model_that_differs_is_not_written(dump, tmp_path, monkeypatch):
    honest = policy.act
    monkeypatch.setattr(policy, "act", lambda *arguments: honest(*arguments) + 1e-3)
    with pytest.raises(Error, match="differs from the policy"):
        onnx_export.export(dump / "residual.safetensors", tmp_path / "policy.onnx")
    assert not list(tmp_path.iterdir())


def damaged(data, how):
    if how == "text":
        return b"this is a text and no policy at all"
    if how == "newer":
        return data.replace(b'"format_version":"1"', b'"format_version":"9"')
    if how == "foreign":
        return data.replace(b'"format":"tandem-policy"', b'"format":"tandem-poliby"')
    if how == "nan":
        return data[:-4] + np.float32(np.nan).tobytes()
    if how == "no dtype":
        return data.replace(b'"dtype":"F32"', b'"dtipe":"F32"')
    return data[: int(how)]


@pytest.mark.parametrize(
    "how, mention",
    [
        ("text", "no policy"),
        ("newer", "update the program"),
        ("foreign", "tandem-poliby"),
        ("nan", "not finite"),
        ("no dtype", "damaged"),
        ("0", "cut off"),
        ("9", "cut off"),
        ("2000", "cut off"),
        ("-5", "cut off"),
    ],
)
def test_bad_files_are_answered_in_one_line(dump, tmp_path, capsys, how, mention):
    path = tmp_path / "bad.safetensors"
    path.write_bytes(damaged((dump / "residual.safetensors").read_bytes(), how))
    assert onnx_export.main([str(path), str(tmp_path / "out.onnx")]) == 1
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert str(path) in message and mention in message
    assert not (tmp_path / "out.onnx").exists()


def test_a_missing_file_and_folder_are_named(dump, tmp_path, capsys):
    assert onnx_export.main([str(tmp_path / "none"), str(tmp_path / "out.onnx")]) == 1
    assert str(tmp_path / "none") in capsys.readouterr().err
    assert onnx_export.main([str(dump / "rl.safetensors"), str(tmp_path / "no" / "out.onnx")]) == 1
    assert "out.onnx" in capsys.readouterr().err
