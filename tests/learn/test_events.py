"""The event file, read by a reader of its own: TFRecord with its check sums, Protocol Buffers field by field."""

import os
import pathlib
import struct
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("TANDEM_BUILD", ROOT / "build")) / "tests" / "learn" / "toy_train"


def crc32c(data):
    """CRC-32C, bit by bit."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records(data):
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        assert struct.unpack("<I", data[8:12])[0] == masked(data[:8])
        content = data[12 : 12 + length]
        assert struct.unpack("<I", data[12 + length : 16 + length])[0] == masked(content)
        yield content
        data = data[16 + length :]


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if data[at - 1] < 0x80:
            return value, at


def fields(message):
    """[(field number, value)] of a message: integers, floats, bytes."""
    found, at = [], 0
    while at < len(message):
        key, at = varint(message, at)
        if key & 7 == 0:
            value, at = varint(message, at)
        elif key & 7 == 1:
            value, at = struct.unpack("<d", message[at : at + 8])[0], at + 8
        elif key & 7 == 5:
            value, at = struct.unpack("<f", message[at : at + 4])[0], at + 4
        else:
            length, at = varint(message, at)
            value, at = message[at : at + length], at + length
        found.append((key >> 3, value))
    return found


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    if not PROGRAM.exists():
        pytest.skip(f"{PROGRAM} was not built: a build without Torch")
    logs = tmp_path_factory.mktemp("logs")
    output = subprocess.run([PROGRAM, "start", logs, "12", "5"], capture_output=True, text=True, check=True).stdout
    subprocess.run([PROGRAM, "resume", output.strip(), "15", "5"], capture_output=True, text=True, check=True)
    return pathlib.Path(output.strip())


def events(path):
    return [dict(fields(record)) for record in records(path.read_bytes())]


def test_events_hold_the_scalars_of_the_table(run):
    files = sorted(run.glob("events.out.tfevents.*"), key=lambda path: path.stat().st_mtime_ns)
    assert len(files) == 2
    header, rows = run.joinpath("progress.csv").read_text().splitlines()[0].split(","), run.joinpath("progress.csv").read_text().splitlines()[1:]
    assert len(rows) == 15
    found = {}
    for path in files:
        version, start, *steps = events(path)
        assert version[3] == b"brain.Event:2"
        assert dict(fields(start[7]))[1] == 1
        for event in steps:
            for number, value in fields(event[5]):
                assert number == 1
                scalar = dict(fields(value))
                found[event[2], scalar[1].decode()] = scalar[2]
    assert {step for step, _ in found} == set(range(1, 16))
    for name in ("Train/mean_reward", "Train/mean_episode_length", "Loss/value", "Loss/surrogate", "Loss/entropy", "Loss/learning_rate"):
        assert name in header
    for name in ("Policy/mean_std", "Perf/total_fps", "Perf/collection_time", "Perf/learning_time", "Episode_Reward/near", "Episode_Termination/far"):
        assert name in header
    for row in rows:
        values = dict(zip(header, row.split(","), strict=True))
        for name, text in values.items():
            if name != "iteration" and text:
                assert found[int(values["iteration"]), name] == pytest.approx(float(text), rel=1e-6)


def test_tensorboard_reads_them_too(run):
    loader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    accumulator = loader.EventAccumulator(str(run))
    accumulator.Reload()
    assert [event.step for event in accumulator.Scalars("Loss/value")] == list(range(1, 16))
