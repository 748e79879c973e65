"""`tandem view` before anybody looks: where it listens, and what it says about mistakes."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time

import pytest
from tandem import native, trajectory
from tandem.view import gaits, launch
from tandem.view.replay import Playback

POLICY = str(native.ROOT / "policies" / "mit_humanoid_residual.safetensors")


def view(*arguments, **environment):
    clean = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    command = [sys.executable, "-m", "tandem", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, env={**clean, **environment})


def test_listens_on_this_machine_alone():
    page = launch.bind("127.0.0.1", 0)
    port = page.getsockname()[1]
    with socket.create_connection(("127.0.0.1", port), timeout=5):
        pass
    others = {"127.0.0.2", *(info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET))} - {"127.0.0.1"}
    for address in others:
        with pytest.raises(OSError):
            socket.create_connection((address, port), timeout=5)
    page.close()


def test_takes_the_first_free_port():
    first = launch.bind("127.0.0.1", 0)
    second = launch.bind("127.0.0.1", 0)
    assert second.getsockname()[1] > first.getsockname()[1]
    for page in (first, second):
        page.close()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["view", "--robot", "mit_humanoit"], "mit_humanoid"),
        (["view", "--native"], "needs a display"),
        (["view", "--host", "203.0.113.1"], "--host"),
        (["view", "--host", ""], '--host ""'),
        (["view", "--robot", "unitree_g1", "--policy", POLICY], "mit_humanoid"),
        (["view", "--robot", "unitree_g1", "--controller", "rl"], "--policy"),
        (["view", "--policy", "nowhere.safetensors"], "nowhere.safetensors"),
        (["view", "--command", "fast"], "VX,VY,WZ"),
        (["view", "--set", "gait.periode=1"], "gait.period"),
        (["view", "--port", "99999"], "99999"),
    ],
)
def test_mistakes_are_one_line(arguments, words):
    done = view(*arguments)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and words in done.stderr, done.stderr


def test_a_command_may_be_negative():
    assert launch.parse(["--command", "-0.3,0,0", "--port", "8099"]).command == "-0.3,0,0"
    assert launch.parse(["--command", "-.3,0,0"]).command == "-.3,0,0"


@pytest.mark.parametrize("arguments", [["--no-such-option"], ["--command"], ["--controller", "mpd"], ["--port", "x"]])
def test_a_wrong_option_is_one_line(arguments, capsys):
    with pytest.raises(SystemExit) as end:
        launch.parse(arguments)
    error = capsys.readouterr().err
    assert end.value.code == 2 and error.count("\n") == 1 and error.startswith("tandem view: "), error


def test_a_port_in_use_is_one_line():
    taken = launch.bind("127.0.0.1", 0)
    port = taken.getsockname()[1]
    done = view("view", "--port", str(port))
    taken.close()
    assert done.returncode == 1
    assert done.stderr == f"tandem view: port {port} is in use; choose another with --port, or leave it out for the first free one\n"


RECORDING = """
import os, sys, threading, time
from tandem.view import launch, recorder

def record_and_signal(self):
    while self.live.state().time < 0.1: time.sleep(0.01)
    self.start()
    while self.live.state().time < 0.5: time.sleep(0.01)
    os.kill(os.getpid(), int(sys.argv[1]))

def make(self, *arguments):
    first(self, *arguments)
    threading.Thread(target=record_and_signal, args=(self,), daemon=True).start()

first, recorder.Recorder.__init__ = recorder.Recorder.__init__, make
sys.exit(launch.main(["--out", sys.argv[2]]))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_completes_the_recording(number, tmp_path):
    environment = {**os.environ, "PATH": str(tmp_path)}  # without nice no film is drawn
    command = [sys.executable, "-c", RECORDING, str(int(number)), str(tmp_path / "out")]

    def hear():  # also where these tests run in the background, which ignores some signals
        signal.signal(number, signal.SIG_DFL)

    done = subprocess.run(command, capture_output=True, text=True, timeout=100, env=environment, preexec_fn=hear)
    assert done.returncode == 130, done.stderr
    (folder,) = (tmp_path / "out").iterdir()
    assert trajectory.read(folder).rows > 10
    assert done.stdout.splitlines()[-1].startswith(f"{folder}: ")


@pytest.mark.parametrize(
    ("origin", "taken"), [(None, True), ("http://127.0.0.1:{}", True), ("http://127.0.0.1", False), ("https://evil.example", False), ("null", False)]
)
def test_a_page_of_another_origin_is_refused(origin, taken):
    """As a browser names them; a program that is none names no origin."""
    server = pytest.importorskip("websockets.asyncio.server")
    import websockets

    async def connect():
        page = launch.bind("127.0.0.1", 0)
        serve = launch.own_page_only(server.serve)
        async with serve(lambda socket: socket.send("hello"), sock=page, process_request=lambda *_: None):
            port = page.getsockname()[1]
            async with websockets.connect(f"ws://127.0.0.1:{port}/state", origin=origin and origin.format(port)) as socket:
                return await socket.recv()

    if taken:
        assert asyncio.run(connect()) == "hello"
    else:
        with pytest.raises(websockets.InvalidStatus, match="403"):
            asyncio.run(connect())


def test_a_cut_off_recording_is_one_line(tmp_path):
    (tmp_path / "trajectory.json").write_text("{")
    done = view("replay", "--port", "8099", str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("tandem replay: ") and "trajectory.json" in done.stderr


@pytest.mark.parametrize("name", native.robot_names())
def test_every_robot_walks_in_every_gait(name):
    """Each preset, taken up while walking; at ten times real time."""
    live = native.LiveLoop(name)
    presets = gaits.presets(live.settings, len(live.robot.foot_names))
    assert list(presets)[-1] == "stand" and gaits.name_of(live.settings, presets) == ("trot" if len(live.robot.foot_names) == 4 else "walk")
    for gait, preset in presets.items():
        live.reset()
        live.command(0.3 if gait != "stand" else 0.0, 0.0, 0.0)
        for _ in range(100):
            live.single_step()
        wait(live, 1.0)
        live.set([f"{key.replace('__', '.')}={','.join(map(str, value)) if isinstance(value, list) else value}" for key, value in preset.items()])
        assert gaits.name_of(live.settings, presets) == gait
        for _ in range(300):
            live.single_step()
        wait(live, 4.0)
        assert live.state().fall == "none", gait


def wait(live, until):
    """Until its time has come."""
    deadline = time.monotonic() + 100
    while live.state().time < until - 1e-9:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_replay_shows_what_was_recorded(tmp_path):
    live = native.LiveLoop("mit_humanoid")
    live.record(str(tmp_path), "x")
    for _ in range(30):
        live.single_step()
    wait(live, 0.3)
    live.stop_recording()
    motion = Playback(trajectory.read(tmp_path))
    motion.scrub(0)
    shown, plan, now = motion.state(), motion.plan(), live.plan()
    assert shown.paused and shown.time == pytest.approx(0.3)
    assert (shown.q == live.state().q).all() and (plan.base == now.base).all()
    assert plan.point_now == pytest.approx(now.point_now, abs=1e-9)
    motion.scrub(-29)
    assert motion.state().time == pytest.approx(0.01)
    motion.speed(10.0)
    motion.pause(False)
    wait(motion, 0.3)
    assert motion.state().paused  # at its end
