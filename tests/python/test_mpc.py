"""tandem.Mpc and tandem.Controller: arrays without copies, worlds, errors, threads."""

import ctypes
import threading
import time

import numpy as np
import pytest
import tandem


def outputs(mpc):
    return {name: getattr(mpc, name).copy() for name in ("tau_ff", "q_des", "v_des", "value", "phase", "status")}


def test_one_robot_is_a_world_of_a_batch_bit_for_bit(robot, states):
    q, v, command = states(5)
    batch, one = tandem.Mpc(robot, 5), tandem.Mpc(robot)
    for _ in range(3):
        batch.step(q, v, command)
        one.step(q[2], v[2], command[2])
    assert batch.tau_ff.shape == (5, robot.njnt) and one.tau_ff.shape == (robot.njnt,) and one.value.shape == ()
    for name, value in outputs(one).items():
        np.testing.assert_array_equal(outputs(batch)[name][2], value, err_msg=name)


def test_set_points_hold_the_weight(robot, states):
    # feed-forward torques push the feet down with the robot's weight: the planned vertical forces must carry it
    q, v, command = states(1)
    mpc = tandem.Mpc(robot, settings={"gait.stance_fraction": 1})
    for _ in range(30):
        mpc.step(robot.stand, 0 * v[0], np.array([robot.base_height, 0, 0, 0]))
    vertical = mpc.horizon().force[:, :, 2].sum(axis=1)
    assert mpc.status <= tandem.Status.MAX_ITERATIONS
    assert vertical[1:].mean() == pytest.approx(9.81 * robot.mass, rel=0.1)


def test_torch_tensors_go_in_and_out_without_copies(robot, states):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    q, v, command = states(2)
    numpy_fed, torch_fed = tandem.Mpc(robot, 2), tandem.Mpc(robot, 2)
    out = torch.from_dlpack(torch_fed.tau_ff)
    numpy_fed.step(q, v, command)
    torch_fed.step(torch.from_numpy(q), torch.from_numpy(v), torch.from_numpy(command))
    np.testing.assert_array_equal(out.numpy(), numpy_fed.tau_ff)  # `out` was taken before the step
    assert out.data_ptr() == torch_fed.tau_ff.ctypes.data


def test_outputs_outlive_the_controller(robot, states):
    q, v, command = states(1)
    mpc = tandem.Mpc(robot, 1)
    mpc.step(q, v, command)
    kept, expected = mpc.tau_ff, mpc.tau_ff.copy()
    del mpc
    np.testing.assert_array_equal(kept, expected)


def test_goes_on_from_what_was_saved(robot, states):
    straight, loaded = tandem.Mpc(robot, 2), tandem.Mpc(robot, 2, threads=2)
    straight.step(*states(2))
    saved = straight.save()
    loaded.step(*(rows[::-1].copy() for rows in states(2)))
    loaded.load(saved)
    for _ in range(2):
        for name, value in outputs(straight).items():
            np.testing.assert_array_equal(outputs(loaded)[name], value, err_msg=name)
        straight.step(*states(2)), loaded.step(*states(2))
    with pytest.raises(tandem.Error, match="nworld was 2, here it is 3"):
        tandem.Mpc(robot, 3).load(saved)


def test_inactive_worlds_are_left_alone(robot, states):
    q, v, command = states(3)
    mpc = tandem.Mpc(robot, 3)
    mpc.step(q, v, command)
    before = mpc.tau_ff.copy()
    mpc.step(q, v, command, active=np.array([True, False, True]))
    changed = (mpc.tau_ff != before).any(axis=1)
    assert list(changed) == [True, False, True]


def test_a_state_that_is_not_finite_gives_the_nominal_pose(robot, states):
    q, v, command = states(2)
    q[1, 3] = np.nan
    mpc = tandem.Mpc(robot, 2)
    mpc.step(q, v, command)
    assert mpc.status[1] == tandem.Status.NOT_FINITE
    np.testing.assert_allclose(mpc.q_des[1], robot.nominal, atol=1e-6)


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda q: q[:2], r"q has shape \(2, 25\), expected \(nworld, nq\) = \(3, 25\)"),
        (lambda q: q[0], r"q has shape \(25,\), expected \(nworld, nq\) = \(3, 25\)"),
        (lambda q: q.astype(np.float32), "q has dtype float32, expected float64"),
        (lambda q: q.astype(int), "q has dtype int64, expected float64"),
        (lambda q: np.asfortranarray(q), "q is not contiguous; use numpy.ascontiguousarray"),
        (lambda q: q.tolist(), "q is of type list and cannot be read as an array, expected an array of float64"),
    ],
)
def test_errors_name_what_is_there_and_what_was_expected(robot, states, change, words):
    q, v, command = states(3)
    with pytest.raises(tandem.Error, match=words):
        tandem.Mpc(robot, 3).step(change(q), v, command)


class OnGpu:
    """An array that says it is on a GPU, as DLPack has it."""

    class Tensor(ctypes.Structure):
        _fields_ = [
            ("data", ctypes.c_void_p),
            ("device_type", ctypes.c_int32),
            ("device_id", ctypes.c_int32),
            ("ndim", ctypes.c_int32),
            ("code", ctypes.c_uint8),
            ("bits", ctypes.c_uint8),
            ("lanes", ctypes.c_uint16),
            ("shape", ctypes.POINTER(ctypes.c_int64)),
            ("strides", ctypes.POINTER(ctypes.c_int64)),
            ("byte_offset", ctypes.c_uint64),
            ("context", ctypes.c_void_p),
            ("deleter", ctypes.c_void_p),
        ]

    def __init__(self, shape):
        self.shape = (ctypes.c_int64 * len(shape))(*shape)
        self.tensor = self.Tensor(64, 2, 1, len(shape), 2, 64, 1, self.shape, None, 0, None, None)

    def __dlpack_device__(self):
        return 2, 1

    def __dlpack__(self, **_):
        new = ctypes.pythonapi.PyCapsule_New
        new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
        return new(ctypes.addressof(self.tensor), b"dltensor", None)


def test_a_wrong_device_is_named(robot, states):
    _, v, command = states(3)
    with pytest.raises(tandem.Error, match=r"q is on device cuda:1, expected cpu; use q.cpu\(\)"):
        tandem.Mpc(robot, 3).step(OnGpu((3, 25)), v, command)


def test_settings_by_name(robot):
    mpc = tandem.Mpc(robot, settings={"solver.iterations": 7, "gait.offset": [0, 0.25], "solver.warm_start": False})
    assert (mpc.settings["solver.iterations"], mpc.settings["gait.offset"], mpc.settings["solver.warm_start"]) == (7, [0, 0.25], False)
    with pytest.raises(tandem.Error, match='there is no setting "solver.iteration"; nearest: "solver.iterations"'):
        tandem.Mpc(robot, settings={"solver.iteration": 7})
    with pytest.raises(tandem.Error, match="solver.iterations = 0, expected at least 1"):
        tandem.Mpc(robot, settings={"solver.iterations": 0})


def test_the_interpreter_runs_while_a_step_does(robot, states):
    q, v, command = states(256)
    mpc = tandem.Mpc(robot, 256)
    ticks, steps = [], []

    def work():
        for _ in range(5):
            start = time.perf_counter()
            mpc.step(q, v, command)
            steps.append((start, time.perf_counter()))

    thread = threading.Thread(target=work)
    thread.start()
    while thread.is_alive():
        ticks.append(time.perf_counter())
    # a step that keeps the lock lets the loop run just before and after it, never in the middle half of its time
    ticks = np.array(ticks)
    within = [((start + 0.25 * (end - start) < ticks) & (ticks < end - 0.25 * (end - start))).any() for start, end in steps]
    assert sum(within) >= 3, within


def test_two_threads_step_at_once(robot, states):
    q, v, command = states(32)
    alone = tandem.Mpc(robot, 32)
    for _ in range(4):
        alone.step(q, v, command)
    own = [tandem.Mpc(robot, 32) for _ in range(2)]
    shared = tandem.Mpc(robot, 32)

    def work(mpc):
        for _ in range(4):
            mpc.step(q, v, command)
            shared.step(q, v, command)

    threads = [threading.Thread(target=work, args=(mpc,)) for mpc in own]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for mpc in own:
        np.testing.assert_array_equal(mpc.tau_ff, alone.tau_ff)
    for _ in range(4):
        alone.step(q, v, command)
    np.testing.assert_array_equal(shared.tau_ff, alone.tau_ff)  # eight steps in all, one after the other


def test_a_controller_on_a_gpu_is_refused_in_one_line_where_there_is_none(robot):
    if tandem.cuda_device_count():
        pytest.skip("there is a CUDA device")
    with pytest.raises(tandem.Error, match="^(no CUDA device that this program can use|built without CUDA; run)") as caught:
        tandem.Mpc(robot, 4, device="cuda")
    assert "\n" not in str(caught.value)


def test_a_controller_on_a_gpu_follows_that_of_the_processor(robot, states):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    if not tandem.cuda_device_count():
        pytest.skip("no CUDA device")
    q, v, command = states(5)
    cpu, gpu = tandem.Mpc(robot, 5), tandem.Mpc(robot, 5, device="cuda")
    # rows with room between them are taken as they are
    tensors = [torch.zeros(5, 40, device="cuda")[:, : x.shape[1]].copy_(torch.from_numpy(x)) for x in (q, v, command)]
    for _ in range(3):
        cpu.step(q, v, command)
        gpu.step(*tensors)
    np.testing.assert_allclose(gpu.tau_ff.cpu().numpy(), cpu.tau_ff, rtol=1e-3, atol=0.05)
    with pytest.raises(tandem.Error, match="q is on device cpu, expected cuda"):
        gpu.step(torch.from_numpy(q), *tensors[1:])


def test_other_devices_and_what_belongs_to_one_device_are_named(robot):
    with pytest.raises(tandem.Error, match='device = "tpu", expected "cpu" or "cuda"'):
        tandem.Mpc(robot, device="tpu")
    with pytest.raises(tandem.Error, match='memory works with device="cuda" only'):
        _ = tandem.Mpc(robot).memory
