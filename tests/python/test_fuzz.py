"""No argument ends the interpreter: every callable gets thousands of wrong and right ones, in a process of its own."""

import os
import subprocess
import sys

import pytest

CALLS = 3000


@pytest.mark.parametrize("seed", [1, 2])
def test_no_argument_ends_the_interpreter(seed):
    done = subprocess.run([sys.executable, "-X", "faulthandler", __file__, str(seed), str(CALLS)], capture_output=True, text=True, timeout=240)
    print(done.stdout[-2000:])
    assert done.returncode == 0, f"seed {seed}: exit {done.returncode}\n{done.stderr[-4000:]}"
    assert f"{CALLS} calls" in done.stdout


def arguments(rng, np):
    """One random value: plausible, or of the wrong kind, shape, type or size."""
    shapes = [(), (1,), (4,), (18,), (24,), (25,), (2, 25), (2, 24), (2, 4), (2, 10), (2, 3, 3), (0,), (2, 0)]
    values = [
        None, True, -1, 0, 1, 2, 3, 2**31 - 1, -(2**31), 2**63, 10**30, 0.5, -0.0, 1e300, float("nan"), float("inf"), 1j, "", "cpu", "pack", "residual",
        "\ud800", "x" * 1000, b"\0", [], [1, 2], [None], {}, {"solver.iterations": 3}, {"mpc.nodes": 64}, {"mpc.nodes": 10**9}, {1: 2}, {"\ud800": 1},
        {"mpc.dt": [1] * 5000}, {"iterations": -1}, {"mpc.control_dt": 1e-300}, {"gait.period": float("nan")}, object(), int, lambda *a: 1 / 0,
        range(10**6), memoryview(b"12345678"), slice(1), Ellipsis,
    ]  # fmt: skip
    kind = rng.integers(4)
    if kind == 0:
        return values[rng.integers(len(values))]
    shape = shapes[rng.integers(len(shapes))]
    array = rng.normal(size=shape) * 10.0 ** rng.integers(-3, 4)
    if kind == 1:
        types = ["f4", "f8", "f2", "i4", "i8", "u1", "?", "c16", "S3", "O", ">f8", "M8[s]"]
        return np.ascontiguousarray(array).astype(types[rng.integers(len(types))])
    if kind == 2:
        odd = [array[..., None][..., 0], array.T, array[::-1] if array.ndim else array, np.broadcast_to(array, (2, *array.shape)), array.tolist()]
        return odd[rng.integers(len(odd))]
    if rng.random() < 0.2:
        array = np.where(rng.random(shape) < 0.3, np.nan, array)
    return array


def fuzz(seed, calls):
    import numpy as np
    import tandem

    rng = np.random.default_rng(seed)
    robot = tandem.Robot("mit_humanoid")

    def fresh():
        """Objects in working order: those of earlier rounds may be in any state."""
        task = tandem.Task(robot, 2, threads=1)
        task.reset()
        solver = tandem.QpSolver(3, 4, 2, 1, 1, 2, threads=1)
        return [robot, tandem.Mpc(robot, 2), tandem.Simulator(robot, 2), tandem.Controller(robot, nworld=2), solver, task, tandem.VectorEnv(robot, 2)]

    classes = [tandem.Robot, tandem.Mpc, tandem.Simulator, tandem.Controller, tandem.QpSolver, tandem.Task, tandem.Horizon, tandem.Status, tandem.Env]
    objects, kept, raised = fresh(), [], 0
    for call in range(calls):
        if call % 300 == 299:
            objects = fresh()
        if rng.random() < 0.25:
            target = classes[rng.integers(len(classes))]
        else:
            owner = objects[rng.integers(len(objects))]
            names = [name for name in dir(owner) if not name.startswith("_") and name not in ("save_policy", "render", "close")]
            target = owner, names[rng.integers(len(names))]
        try:
            if isinstance(target, tuple):
                target = getattr(*target)  # a property gives an array that is kept: its owner may go first
            first = [robot] if isinstance(target, type) and rng.random() < 0.7 else []
            given = first + [arguments(rng, np) for _ in range(rng.integers(5))]
            named = {name: arguments(rng, np) for name in ("nworld", "settings", "threads", "world", "phase") if rng.random() < 0.15}
            result = target(*given, **named) if callable(target) else target
            kept = [*kept[-20:], result]
        except (Exception, SystemExit):
            raised += 1
        for view in kept:
            if isinstance(view, np.ndarray) and view.dtype.kind == "f":
                float(view.sum())  # reads the memory behind it
    print(f"{calls} calls, {raised} exceptions, pid {os.getpid()}")


if __name__ == "__main__":
    fuzz(int(sys.argv[1]), int(sys.argv[2]))
