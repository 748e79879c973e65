"""tandem.device_train on the processor: runs as they lie on the disk, going on in either program, faults of files, Ctrl-C."""

import contextlib
import csv
import json
import math
import os
import pathlib
import signal
import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

import tandem  # noqa: E402
from device_tasks import NativeTask, ToyTask  # noqa: E402
from tandem import device_train, native  # noqa: E402
from tandem import policy as policies  # noqa: E402

PROGRAM = pathlib.Path(os.environ.get("TANDEM_BUILD", pathlib.Path(__file__).resolve().parents[2] / "build")) / "tandem-train"
SMALL = ["--robot", "unitree_go2", "--worlds", "3", "--set", "ppo.width=32", "--set", "ppo.steps=8"]
NOBS, NACTION = 45, 12  # of the Go2's end-to-end policy
TOY = ["--controller", "rl", "--worlds", "16", "--set", "ppo.width=16", "--set", "ppo.layers=1", "--robot", "unitree_go2"]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """In an empty folder, with one thread, and with the handlers of signals as they were."""
    monkeypatch.chdir(tmp_path)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield tmp_path
    torch.set_num_threads(threads)
    for number, handler in handlers.items():
        signal.signal(number, handler)


def train(*arguments, make_task=NativeTask):
    return device_train.main(["--device", "cpu", *arguments], make_task)


def run_folder():
    (found,) = pathlib.Path("logs").glob("*/*")
    return found


def rows(folder):
    with open(folder / "progress.csv") as file:
        return list(csv.DictReader(file))


def learner(path):
    return native.read_checkpoint(str(path))["learner"]


def toy(on_step=None, **options):
    """A maker of toy tasks: on_step(task) is called before every step."""

    def make(robot, nworld, *, controller, settings, seed, device, deterministic):
        task = ToyTask(nworld, seed, NOBS, NACTION, **options)
        task.on_step = lambda: on_step(task) if on_step else None
        task.deterministic = deterministic
        return task

    return make


def test_a_run_leaves_what_one_of_the_program_leaves(capfd):
    assert train(*SMALL, "--controller", "residual", "--blend", "torque_torque", "--iterations", "2", "--seed", "4", "--json", "train.json") == 0
    made = run_folder()
    assert made.parent.name == "unitree_go2_residual" and made.name.endswith("_torque_torque_seed4")
    for name in ("config.toml", "run.json", "model_0", "model_2", "policy_0.safetensors", "policy_2.safetensors", "policy.safetensors"):
        assert (made / name).exists(), name
    assert list(made.glob("events.out.tfevents.*"))
    report = json.loads(pathlib.Path("train.json").read_text())
    assert report["settings"]["device"] == "cpu" and report["results"]["robot_steps"] == 2 * 8 * 3 and report["results"]["steps_per_second"] > 0
    shares = report["results"]["shares"]
    assert set(shares) == {"policy", "environment", "update", "save", "other"} and sum(shares.values()) == pytest.approx(1, abs=0.02)
    assert json.loads((made / "run.json").read_text())["seed"] == 4
    out, err = capfd.readouterr()
    assert "share of the time" in out and "iteration 2/2" in err

    # the file runs on a robot
    robot = tandem.Robot("unitree_go2")
    metadata = policies.read(made / "policy.safetensors").metadata
    assert metadata["blend.name"] == "torque_torque" and metadata["provenance.iteration"] == "2"
    controller = tandem.Controller(robot, made / "policy.safetensors")
    controller.step(robot.stand, np.zeros(robot.nv), np.array([robot.base_height, 0, 0, 0]))
    assert np.isfinite(controller.torque(robot.stand, np.zeros(robot.nv))).all()


@pytest.mark.parametrize("option, deterministic", [([], None), (["--any-order"], False)])
def test_sums_in_any_order_are_an_option(option, deterministic):
    seen = set()
    assert train(*TOY, *option, "--iterations", "1", "--json", "train.json", make_task=toy(lambda task: seen.add(task.deterministic))) == 0
    assert seen == {deterministic}
    assert json.loads(pathlib.Path("train.json").read_text())["settings"]["any_order"] is bool(option)


def test_the_exported_policy_acts_as_the_learner():
    last = {}

    def remember(task):
        last["observation"] = task.observation.clone()

    assert train(*TOY, "--iterations", "2", make_task=toy(remember)) == 0
    policy = policies.read(run_folder() / "policy.safetensors")
    state = {name: data for name, _, data in learner(run_folder() / "model_2")}
    run = device_train.Ppo(
        {"ppo.sigma": 1, "ppo.learning_rate": 1, "ppo.observation_clip": 10, "ppo.steps": 1},
        native.NetworkShape(NOBS, NACTION, 1, 16),
        16,
        zero_last_layer=False,
        seed=0,
        device=torch.device("cpu"),
    )
    run.load(list((name, "", data) for name, data in state.items()), "model_2")
    expected = run.forward(run.actor, run.normaliser.apply(last["observation"])).detach().numpy()
    assert abs(policies.act(policy, last["observation"].numpy()) - expected).max() < 1e-5


@pytest.mark.parametrize("controller", ["residual", "rl"])
def test_each_program_goes_on_with_what_the_other_began(controller, capfd):
    """C++, device, C++, device: two iterations each."""
    if not PROGRAM.exists():
        pytest.skip(f"{PROGRAM} was not built: a build without Torch")

    def program(*arguments):
        done = subprocess.run([PROGRAM, "train", *arguments], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stderr

    program(*SMALL, "--controller", controller, "--iterations", "2", "--set", "train.save_interval=1")
    made = run_folder()
    heading = (made / "progress.csv").read_text().splitlines()[0]
    assert train(*SMALL, "--controller", controller, "--iterations", "1", "--logs", "fresh") == 0
    (fresh,) = pathlib.Path("fresh").glob("*/*/progress.csv")
    assert fresh.read_text().splitlines()[0] == heading, "the scalars must be those of the program, in its order"

    assert train("--resume", str(made), "--iterations", "4") == 0
    # the worlds of NativeTask are those of the program
    assert "new episodes" not in capfd.readouterr().err
    assert "new episodes" not in program("--resume", str(made), "--iterations", "6")

    assert train("--resume", str(made), "--iterations", "8") == 0
    table = rows(made)
    assert [int(row["iteration"]) for row in table] == list(range(1, 9))
    assert [float(row["Perf/robot_steps"]) for row in table] == [24 * i for i in range(1, 9)]
    seconds = [float(row["Perf/seconds"]) for row in table]
    assert seconds == sorted(seconds)
    assert all(row[name] for row in table for name in ("Train/reward_per_step", "Train/power", "Loss/value", "Policy/mean_std"))
    for iteration in range(2, 9, 2):
        values = {name: data for name, _, data in learner(made / f"model_{iteration}")}
        assert int.from_bytes(values["adam.updates"], "little") == 20 * iteration
        (rate,) = np.frombuffer(values["ppo.learning_rate"])
        assert float(table[iteration - 1]["Loss/learning_rate"]) == pytest.approx(rate, rel=1e-8)
        assert [int.from_bytes(values["ppo.counter"][i : i + 8], "little") for i in (0, 8)] == [8 * iteration, 5 * iteration]
    tandem.Controller(tandem.Robot("unitree_go2"), made / "policy_8.safetensors")


def test_what_is_read_is_what_was_written():
    """The state that a resumed training starts from is that of the checkpoint, byte by byte."""
    assert train(*TOY, "--iterations", "3", make_task=toy()) == 0
    before = learner(run_folder() / "model_3")
    pathlib.Path(run_folder() / "model_3").rename("model_3")
    (run_folder() / "model_0").unlink()
    pathlib.Path("model_3").rename(run_folder() / "model_3")
    options = native.TrainOptions(["tandem", "train", "--resume", str(run_folder())])
    run = native.TrainingRun(options)
    checkpoint = run.load()
    trainer = device_train.Trainer(run, toy()(None, 16, controller="", settings={}, seed=0, device="", deterministic=None), device_train.Interrupts())
    trainer.resume(checkpoint)
    trainer.save(must=True)
    assert learner(run_folder() / "model_3") == before
    assert trainer.iteration == 3 and trainer.seconds == checkpoint["seconds"] > 0


def test_going_on_equals_not_having_stopped():
    """Within episodes, whose starts are drawn."""
    arguments = [*TOY, "--set", "ppo.steps=10", "--iterations"]
    make_task = toy(episode=17)
    assert train(*arguments, "6", "--logs", "whole", make_task=make_task) == 0
    assert train(*arguments, "4", "--logs", "logs", make_task=make_task) == 0
    assert train("--resume", str(run_folder()), "--iterations", "6", "--json", "train.json", make_task=make_task) == 0
    assert set(json.loads(pathlib.Path("train.json").read_text())["results"]["shares"]) == {"policy", "toy", "update", "save", "other"}
    (whole,) = pathlib.Path("whole").glob("*/*")
    assert learner(run_folder() / "model_6") == learner(whole / "model_6")
    table, expected = rows(run_folder()), rows(whole)
    assert len(table) == len(expected) == 6
    for row, other in zip(table, expected):
        assert {k: v for k, v in row.items() if not k.startswith("Perf/")} == {k: v for k, v in other.items() if not k.startswith("Perf/")}


def test_ctrl_c_saves_and_ends_with_130(capfd):
    def interrupt(task):
        if task.steps == 24 * 2 + 5:  # within the third iteration
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)  # as timeout(1) does

    assert train(*TOY, "--iterations", "50", make_task=toy(interrupt)) == 130
    assert learner(run_folder() / "model_3") and not (run_folder() / "model_50").exists()
    assert f"saved; ./tandem train --device cpu --resume {run_folder()} goes on" in capfd.readouterr().err


@pytest.mark.parametrize("controller", ["mpc", "zero", "random"])
def test_smoke_runs_need_no_learner(controller):
    assert train(*SMALL, "--controller", controller, "--iterations", "1", "--json", "train.json") == 0
    report = json.loads(pathlib.Path("train.json").read_text())["results"]
    assert report["iteration"] == 1 and "Loss/value" not in report["last"]
    assert learner(run_folder() / "model_1") == []


def test_a_loss_that_is_not_finite_names_the_last_good_checkpoint(capfd):
    def spoil(task):
        if task.steps == 24 * 7 + 1:
            task.observation[3, 5] = math.nan

    assert train(*TOY, "--iterations", "20", "--set", "train.save_interval=5", make_task=toy(spoil)) == 1
    message = capfd.readouterr().err.splitlines()[-1]
    assert message.startswith("tandem: iteration 8: the loss or its gradient is not finite: ")
    assert f"the last good checkpoint is {run_folder()}/model_5: go on from it" in message
    assert native.read_checkpoint(str(run_folder() / "model_5"))["iteration"] == 5


def test_a_full_disk_leaves_the_last_good_checkpoint(here, capfd):
    logs = here / "logs"
    logs.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "tandem_test", logs], capture_output=True).returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:

        def fill(task):
            if task.steps == 24 * 5 + 2:
                with contextlib.suppress(OSError):
                    (logs / "filler").write_bytes(b"x" * 200000)
            if task.steps == 24 * 11 + 2:
                (logs / "filler").unlink()

        small = [*TOY, "--set", "ppo.width=8", "--set", "train.save_interval=5", "--iterations", "12"]
        assert train(*small, make_task=toy(fill)) == 0
        found = sorted(int(path.name.split("_")[1]) for path in run_folder().glob("model_*"))
        assert found == [0, 5, 12]
        errors = capfd.readouterr().err.splitlines()
        assert sum(line.endswith("model_5") and "training goes on" in line for line in errors) == 1
        assert sum("the logs cannot be written" in line for line in errors) == 1
        assert native.read_checkpoint(str(run_folder() / "model_5"))["iteration"] == 5
    finally:
        subprocess.run(["umount", "-l", logs], check=True)


def test_a_folder_that_vanishes_is_an_error_at_the_end(capfd):
    def move(task):
        if task.steps == 24 * 5 + 2:
            run_folder().rename("elsewhere")

    assert train(*TOY, "--iterations", "7", "--set", "train.save_interval=5", make_task=toy(move)) == 1
    assert "model_7" in capfd.readouterr().err.splitlines()[-1]
    assert native.read_checkpoint("elsewhere/model_5")["iteration"] == 5


def test_mistakes_are_one_line(capfd):
    for arguments, status, text in [
        (["--worlds", "0"], 2, "--worlds"),
        (["--bogus"], 2, "--bogus"),
        (["--device", "tpu"], 2, "--device"),
        (["--robot", "unitree_g2"], 1, "unitree_g1"),
        (["--set", "reward.torqe=1"], 1, '"reward.torque"'),
        (["--resume", "nowhere"], 1, "nowhere"),
        (["--json", "no/such/folder/x.json"], 1, "no/such/folder"),
        (["--device", "cuda"], 1, "--device cpu trains on the processor"),
    ]:
        if arguments[-1] == "cuda" and torch.cuda.is_available():
            continue
        with contextlib.suppress(SystemExit):
            code = None
            code = device_train.main(arguments if "--device" in arguments else ["--device", "cpu", *arguments], NativeTask)
        err = capfd.readouterr().err
        assert (code if code is not None else 2) == status, (arguments, err)
        assert text in err and err.count("\n") == 1, (arguments, err)
    assert not pathlib.Path("logs").exists(), "a mistake must not leave a run behind"


def command(*arguments, **environment):
    """`python -m tandem train ...` as users run it."""
    words = [sys.executable, "-m", "tandem", "train", *arguments]
    return subprocess.run(words, capture_output=True, text=True, timeout=300, env={**os.environ, **environment})


def test_the_command_trains_on_warp():
    pytest.importorskip("mujoco_warp", reason="Warp is not installed: python -m pip install --no-deps -r tools/requirements-warp.txt")
    small = ["--worlds", "4", "--set", "ppo.steps=2", "--set", "ppo.width=16"]
    done = command("--device", "cpu", "--robot", "unitree_go2", *small, "--iterations", "2")
    assert done.returncode == 0, done.stderr
    assert "physics" in done.stdout and "Module" not in done.stdout
    values = rows(run_folder())
    assert len(values) == 2 and all(math.isfinite(float(row["Train/reward_per_step"])) for row in values)
    tandem.Controller(tandem.Robot("unitree_go2"), run_folder() / "policy_2.safetensors")


@pytest.mark.parametrize("controller", ["residual", "rl"])
def test_worlds_of_warp_go_on_bit_for_bit(controller):
    """Six control steps, and three with three more in another process: randomised, pushed, on rough ground, with episodes that end."""
    pytest.importorskip("mujoco_warp", reason="Warp is not installed: python -m pip install --no-deps -r tools/requirements-warp.txt")
    hard = ["push_impulse=0,30", "kick_interval=0.05", "episode=0.05", "staggered_start=true"]
    rough = ["terrain.kind=rough", "randomise.added_mass=-1,1", "randomise.delay=0,0.03", "randomise.strength=0.9,1.1"]
    settings = [f"--set={line}" for line in [*(f"env.{line}" for line in hard), *rough, "ppo.steps=3", "ppo.width=16"]]
    run = ["--device", "cpu", "--robot", "unitree_go2", "--controller", controller, "--worlds", "5", "--seed", "3", *settings]
    assert command(*run, "--iterations", "2", "--logs", "whole").returncode == 0
    assert command(*run, "--iterations", "1").returncode == 0
    done = command("--device", "cpu", "--resume", str(run_folder()), "--iterations", "2")
    assert done.returncode == 0 and "new episodes" not in done.stderr, done.stderr
    (whole,) = pathlib.Path("whole").glob("*/*")
    found, expected = (native.read_checkpoint(str(folder / "model_2")) for folder in (run_folder(), whole))
    for part in ("learner", "statistics", "worlds"):
        assert found[part] == expected[part], part
    (row,), (other,) = ([r for r in rows(folder) if r["iteration"] == "2"] for folder in (run_folder(), whole))
    assert {k: v for k, v in row.items() if not k.startswith("Perf/")} == {k: v for k, v in other.items() if not k.startswith("Perf/")}


def test_worlds_of_another_program_start_new_episodes():
    """C++, Warp, C++."""
    pytest.importorskip("mujoco_warp", reason="Warp is not installed: python -m pip install --no-deps -r tools/requirements-warp.txt")
    if not PROGRAM.exists():
        pytest.skip(f"{PROGRAM} was not built: a build without Torch")
    run = [*SMALL, "--controller", "residual"]
    assert subprocess.run([PROGRAM, "train", *run, "--iterations", "1"], capture_output=True).returncode == 0
    made = str(run_folder())
    done = command("--device", "cpu", "--resume", made, "--iterations", "2")
    assert done.returncode == 0, done.stderr
    assert (
        f"{made}/model_1: its worlds cannot go on here, they start new episodes: saved task on a device: these bytes are something else"
        in done.stderr
    )
    done = subprocess.run([PROGRAM, "train", "--resume", made, "--iterations", "3"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"{made}/model_2: its worlds cannot go on here, they start new episodes: they are those of a training on a device" in done.stderr


@pytest.mark.parametrize(("package", "cure"), [("torch", "`./tandem train --device ...`"), ("warp", "requirements-warp.txt")])
def test_a_missing_package_is_one_line_with_the_cure(tmp_path, package, cure):
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").write_text(f"raise ModuleNotFoundError(name={package!r})")
    done = command("--device=cpu", PYTHONPATH=f"{tmp_path}:{os.environ['PYTHONPATH']}")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and f"package {package}" in done.stderr and cure in done.stderr, done.stderr


def test_checkpoints_of_others_are_refused(capfd):
    assert train(*TOY, "--iterations", "1", make_task=toy()) == 0
    config = run_folder() / "config.toml"
    config.write_text(config.read_text().replace("width = 16", "width = 32"))
    assert train("--resume", str(run_folder()), make_task=toy()) == 1
    assert "network is 1 x 16, expected network 1 x 32" in capfd.readouterr().err
