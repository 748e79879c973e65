"""tandem.warp_simulator in a loop that stays on the device: resets, pushes and differences between worlds from tensors, by mask, under a captured graph."""

import contextlib
import copy
import re
from types import SimpleNamespace

import mujoco
import numpy as np
import pytest
import torch
from tandem.trajectory import Error
from warp_worlds import DEVICE, NWORLD, make, random_parameters, random_states, wp

from tandem import warp_contact_kernels as contacts  # isort: skip  after Warp was found
from tandem import warp_kernels, warp_order_kernels, warp_parameter_kernels, warp_simulator  # isort: skip  after Warp was found
from tandem.warp_arguments import Arguments  # isort: skip  after Warp was found

MODEL = ["geom_friction", "body_mass", "body_inertia", "body_ipos", "dof_armature", "actuator_forcerange"]  # what set_parameters() writes
FOLLOWS = ["body_subtreemass", "body_invweight0", "dof_invweight0"]  # and what follows from it
MASK = np.array([1, 0, 1, 0])


@pytest.fixture(autouse=True)
def tensors_lie_on_the_device():
    torch.set_default_device(DEVICE)
    yield
    torch.set_default_device(None)


def tensors(values):
    return {name: torch.tensor(value, dtype=torch.float32) for name, value in values.items()}


def bits(sim):
    """Everything that the masks of parameters, states and pushes are about."""
    arrays = {name: getattr(sim.model, name) for name in MODEL + FOLLOWS} | {"gravity": sim.model.opt.gravity}
    arrays |= {name: getattr(sim, name) for name in ("strength", "q", "v", "push_force", "push_steps", "push_body", "fault", "time")}
    arrays |= {name: getattr(sim.data, name) for name in ("qpos", "qvel", "qacc_warmstart")}
    return {name: array.numpy().copy() for name, array in arrays.items()}


def assert_equal(found, expected, worlds=slice(None)):
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name][worlds], values[worlds], err_msg=name)


def test_only_the_worlds_of_the_mask_take_parameters(robot, rng):
    sim, whole = make(robot), make(robot)
    parameters = random_parameters(robot, rng)
    before = bits(sim)
    sim.set_parameters(mask=torch.tensor(MASK, dtype=torch.bool), **tensors(parameters))
    whole.set_parameters(**parameters)
    for name in MODEL + FOLLOWS:
        assert (bits(whole)[name] != before[name]).any(), name
    assert_equal(bits(sim), bits(whole), MASK == 1)
    assert_equal(bits(sim), before, MASK == 0)


def test_what_is_not_named_is_the_models(robot, rng):
    sim = make(robot)
    before = bits(sim)
    sim.set_parameters(**tensors(random_parameters(robot, rng)))
    sim.set_parameters(mask=torch.tensor(MASK, dtype=torch.int32))
    assert_equal({name: bits(sim)[name] for name in MODEL}, {name: before[name] for name in MODEL}, MASK == 1)
    for name in FOLLOWS:
        np.testing.assert_allclose(bits(sim)[name][MASK == 1], before[name][MASK == 1], rtol=2e-6, err_msg=name)
        assert (bits(sim)[name][MASK == 0] != before[name][MASK == 0]).any()


def test_inverse_weights_are_those_of_mujoco(robot, rng):
    """What the contact solver knows of the inertia, for every world's masses, against mj_setConst."""
    sim = make(robot)
    sim.set_parameters(**tensors(random_parameters(robot, rng)))
    found = bits(sim)
    for w in range(NWORLD):
        model = copy.deepcopy(sim.host)
        for name in MODEL:
            getattr(model, name)[:] = found[name][w]
        mujoco.mj_setConst(model, mujoco.MjData(model))
        for name in FOLLOWS:
            np.testing.assert_allclose(found[name][w], getattr(model, name), rtol=1e-5, err_msg=name)


@pytest.mark.parametrize(
    "name, index, value",
    [
        ("friction", 1, np.nan),
        ("added_mass", 1, -1000.0),
        ("com_offset", (1, 2), np.inf),
        ("mass_scale", (1, 3), 0.0),
        ("armature_scale", (1, 0), -1.0),
        ("strength", (1, 2), np.nan),
        ("gravity", (1, 0), np.nan),
    ],
)
def test_parameters_that_cannot_be_stop_their_world_alone_until_better_ones_come(robot, rng, name, index, value):
    sim = make(robot)
    parameters = tensors(random_parameters(robot, rng))
    before = bits(sim)
    good = parameters[name].clone()
    parameters[name][index] = value
    sim.set_parameters(**parameters)
    sim.set_state(*random_states(robot, rng, 0.1))
    np.testing.assert_array_equal(sim.fault.numpy(), [0, warp_kernels.FAULT_PARAMETERS, 0, 0])
    assert_equal({name: bits(sim)[name] for name in MODEL + FOLLOWS}, {name: before[name] for name in MODEL + FOLLOWS}, [1])
    sim.step()
    np.testing.assert_array_equal(sim.time.numpy() > 0, [True, False, True, True])
    parameters[name] = good
    sim.set_parameters(mask=torch.tensor([0, 1, 0, 0], dtype=torch.uint8), **parameters)
    sim.step()
    assert (sim.time.numpy() > 0).all() and not sim.fault.numpy().any()


def test_masks_of_every_kind_choose_the_same_worlds(robot, rng):
    q, v = random_states(robot, rng, 0.1)
    found = []
    masks = [MASK, MASK > 0, torch.tensor(MASK, dtype=torch.int32), torch.tensor(MASK > 0), torch.tensor(MASK, dtype=torch.uint8)]
    masks += [wp.array(MASK.astype(np.int32), dtype=int, device=DEVICE), wp.array(MASK > 0, dtype=wp.bool, device=DEVICE)]
    masks += [wp.array(MASK, dtype=wp.uint8, device=DEVICE), torch.tensor(np.repeat(MASK, 2), dtype=torch.bool)[::2]]
    for mask in masks:
        sim = make(robot)
        sim.set_state(q, v, mask)
        found.append(bits(sim))
    assert (found[0]["q"][MASK == 1] != found[0]["q"][MASK == 0]).any()
    for other in found[1:]:
        assert_equal(other, found[0])


def test_tensors_place_kick_and_push_as_numbers_of_the_host_do(robot, rng):
    q, v = random_states(robot, rng, 0.1)
    dv, force = rng.normal(0, 1, (NWORLD, 6)), rng.normal(0, 50, (NWORLD, 3))
    body, steps = np.array([0, 2, 1, 4]), np.array([2, 1, 0, 3])
    found = []
    for number, whole in (
        ((lambda x: x), (lambda x: x)),
        (lambda x: torch.tensor(x, dtype=torch.float32), lambda x: torch.tensor(x, dtype=torch.int32)),
    ):
        sim = make(robot)
        sim.set_state(number(q), number(v), whole(MASK))
        sim.kick(number(dv), whole(1 - MASK))
        sim.set_push(whole(body), number(force), whole(steps), whole(MASK))
        sim.set_push(3, number(force), whole(steps), whole([0, 1, 0, 0]))
        for _ in range(3):
            sim.step()
        found.append(bits(sim))
    assert (found[0]["push_body"] == [sim.bodies[0], sim.bodies[3], sim.bodies[1], 0]).all()
    assert_equal(found[1], found[0])


def test_states_kicks_and_pushes_that_cannot_be_stop_their_world_alone(robot, rng):
    q, v = (torch.tensor(x, dtype=torch.float32) for x in random_states(robot, rng, 0.1))
    sim = make(robot)
    before = bits(sim)
    q[0, 8] = np.nan
    q[1, 3:7] = 0
    v[2, 1] = np.inf
    sim.set_state(q, v)
    np.testing.assert_array_equal(sim.fault.numpy(), [warp_kernels.FAULT_STATE] * 3 + [0])
    assert_equal(
        {name: bits(sim)[name] for name in ("qpos", "qvel", "q", "v")}, {name: before[name] for name in ("qpos", "qvel", "q", "v")}, [0, 1, 2]
    )
    sim = make(robot)
    sim.kick(torch.tensor([[np.nan] * 6] + [[0.1] * 6] * 3))
    force = torch.ones(NWORLD, 3)
    force[1, 2] = np.nan
    sim.set_push(torch.tensor([0, 0, 99, 0], dtype=torch.int32), force, torch.ones(NWORLD, dtype=torch.int32))
    sim.step()
    np.testing.assert_array_equal(sim.fault.numpy(), [warp_kernels.FAULT_STATE, warp_kernels.FAULT_SET_POINT, warp_kernels.FAULT_SET_POINT, 0])
    assert np.isfinite(sim.q.numpy()).all() and np.isfinite(sim.v.numpy()).all()


def test_nothing_crosses_to_the_host_and_nobody_waits(robot, rng, monkeypatch):
    sim = make(robot)
    q, v = (torch.tensor(x, dtype=torch.float32) for x in random_states(robot, rng, 0.0))
    parameters = tensors(random_parameters(robot, rng))
    mask, whole = torch.tensor(MASK, dtype=torch.bool), torch.ones(NWORLD, dtype=torch.int32)

    def refused(*args, **kwargs):
        raise AssertionError("host")

    sim.step()
    for owner, name in ((wp.array, "numpy"), (wp.array, "assign"), (wp.array, "list"), (wp, "synchronize"), (wp, "synchronize_device")):
        monkeypatch.setattr(owner, name, refused)
    for name in ("numpy", "cpu", "tolist", "item", "__array__", "__bool__"):
        monkeypatch.setattr(torch.Tensor, name, refused)
    for _ in range(2):
        sim.set_parameters(mask=mask, **parameters)
        sim.set_state(q, v, mask)
        sim.kick(v[:, :6], mask)
        sim.set_push(whole, q[:, :3], whole, mask)
        sim.step()


def randomised_episode(robot, rng, step):
    """Resets in the midst of steps."""
    sim = make(robot)
    for round in range(4):
        mask = torch.tensor(rng.random(NWORLD) < 0.5)
        sim.set_parameters(mask=mask, **tensors(random_parameters(robot, rng)))
        sim.set_state(*(torch.tensor(x, dtype=torch.float32) for x in random_states(robot, rng, 0.0)), mask)
        sim.set_push(round, torch.full((NWORLD, 3), 20.0), torch.full((NWORLD,), 2, dtype=torch.int32), mask)
        for _ in range(3):
            step(sim)
    return bits(sim) | {name: getattr(sim, name).numpy() for name in ("tau", "power", "foot_force", "point_force", "foot_slip")}


def test_the_captured_graph_does_what_its_launches_do_under_resets(robot):
    graph = randomised_episode(robot, np.random.default_rng(3), lambda sim: sim.step())
    launches = randomised_episode(robot, np.random.default_rng(3), lambda sim: sim.control_step())
    assert np.abs(graph["foot_force"]).max() > 10
    assert_equal(graph, launches)


def test_resets_and_steps_are_part_of_a_capture_of_the_callers(robot, rng):
    q, v = (torch.tensor(x, dtype=torch.float32) for x in random_states(robot, rng, 0.0))
    parameters = tensors(random_parameters(robot, rng))
    mask = torch.tensor(MASK, dtype=torch.bool)

    def work(sim):
        sim.set_parameters(mask=mask, **parameters)
        sim.set_state(q, v, mask)
        sim.step()

    captured, plain = make(robot), make(robot)
    for sim in (captured, plain):
        work(sim)
    with wp.ScopedCapture(DEVICE) as capture:
        work(captured)
    mask[:] = torch.tensor([0, 0, 1, 1])
    parameters["gravity"][:, 0] = 3
    wp.capture_launch(capture.graph)
    work(plain)
    assert_equal(bits(captured), bits(plain))


def test_a_step_is_no_part_of_a_capture_of_torchs(robot, monkeypatch):
    sim = make(robot)
    monkeypatch.setattr(sim, "device", SimpleNamespace(is_cuda=True, is_capturing=True, captures={}))
    with pytest.raises(Error, match="cannot be part of a graph that Torch captures.*ScopedCapture"):
        sim.step()


def test_only_missing_memory_is_called_that(robot, monkeypatch):
    def fail(*arguments, **named):
        raise RuntimeError(message)

    monkeypatch.setattr(warp_simulator.mjw, "put_model", fail)
    message = "Failed to allocate 12345 bytes on device 'cuda:0'"
    with pytest.raises(Error, match="no memory on .*12345 bytes.*take fewer worlds"):
        make(robot)
    message = "CUDA kernel build failed with error code 6"
    with pytest.raises(RuntimeError, match="error code 6"):
        make(robot)


@pytest.mark.parametrize(
    "call, words",
    [
        (
            lambda s: s.set_state(torch.zeros(NWORLD, s.robot.nq, dtype=torch.float64), np.zeros((NWORLD, s.robot.nv))),
            r"q is \(4, 25\) of torch.float64",
        ),
        (lambda s: s.set_state(torch.zeros(NWORLD, 3), np.zeros((NWORLD, s.robot.nv))), r"q is \(4, 3\) .* expected \(4, 25\) of float32"),
        (
            lambda s: s.kick(torch.zeros(NWORLD, 6), torch.ones(NWORLD)),
            r"mask is \(4,\) of torch.float32 on .*, expected \(4,\) of bool, uint8 or int32",
        ),
        (lambda s: s.kick(torch.zeros(NWORLD, 6), torch.ones(3, dtype=torch.bool)), r"mask is \(3,\) of torch.bool"),
        (lambda s: s.set_push(torch.zeros(NWORLD, dtype=torch.int64), np.zeros((4, 3)), np.ones(4)), "body is .* of torch.int64 .* of int32"),
        (lambda s: s.set_push(0, torch.zeros(3, NWORLD).T, np.ones(NWORLD)), "without gaps inside a row"),
        (lambda s: s.set_parameters(frictoin=np.ones(NWORLD)), 'there is no "frictoin", but friction, '),
        (lambda s: s.set_parameters(strength=np.zeros((NWORLD, s.robot.njnt))), "strength holds 0.0, expected positive numbers"),
        (lambda s: s.set_parameters(added_mass=np.full(NWORLD, -99.0)), "added_mass = -99.0 kg leaves the base without mass"),
        (lambda s: s.set_parameters(mass_scale=np.ones(NWORLD), added_mass=np.ones(NWORLD)), r"mass_scale has shape \(4,\), expected \(4, "),
        (lambda s: s.set_parameters(gravity=np.full((NWORLD, 3), np.nan)), "gravity holds a number that is not finite"),
    ],
)
def test_mistakes_are_one_line(robot, call, words):
    with pytest.raises(Error, match=words) as caught:
        call(make(robot))
    assert "\n" not in str(caught.value)


def test_the_order_of_the_contacts_does_not_change_a_bit_of_the_forces(robot, rng):
    """On a GPU contacts come in another order every time."""
    sim = make(robot)
    q, v = random_states(robot, rng, -0.01)
    sim.set_state(q, v)
    sim.step()
    count = int(sim.data.nacon.numpy()[0])
    assert count > 2 * NWORLD
    found = []
    for order in (np.arange(count), np.arange(count)[::-1].copy(), rng.permutation(count)):
        for name in contacts.Contacts.vars:
            array = getattr(sim._contacts, name)
            values = array.numpy()
            values[:count] = values[:count][order]
            array.assign(values)
        sums = {name: getattr(sim._sums, name) for name in ("point_force", "foot_force", "load", "slide")}
        for array in sums.values():
            array.zero_()
        inputs = [sim.data.nacon, sim._contacts, sim._motion, sim._feet]
        wp.launch(contacts.add_contacts, dim=sim.contact_ids.size, inputs=inputs, outputs=[sim._sums], device=DEVICE)
        found.append({name: array.numpy().copy() for name, array in sums.items()})
    assert (found[0]["slide"] > 0).any()
    for other in found[1:]:
        assert_equal(other, found[0])


class Stream:
    """As Torch and Warp have them."""

    def __init__(self, cuda_stream, is_capturing=False):
        self.cuda_stream, self.is_capturing = cuda_stream, is_capturing


@pytest.mark.parametrize(
    "warps, torchs, given, expected",
    [
        (Stream(1), None, None, None),  # Torch does not use the GPU
        (Stream(1), Stream(2), None, (2, True, True)),
        (Stream(1), Stream(1), None, None),
        (Stream(1), Stream(2), Stream(3), (3, True, True)),
        (Stream(1), Stream(2, is_capturing=True), None, (2, False, False)),
        (Stream(1, is_capturing=True), Stream(2), None, None),
    ],
    ids=["Warp alone", "Torch", "the same", "a chosen one", "in a capture of Torch's", "in a capture of Warp's"],
)
def test_work_goes_into_the_stream_of_torch_in_order_with_that_of_warp(monkeypatch, warps, torchs, given, expected):
    """The choice alone: there is no GPU here."""
    entered = []

    @contextlib.contextmanager
    def scope(stream, sync_enter=True, sync_exit=False):
        entered.append((stream.cuda_stream, sync_enter, sync_exit))
        yield

    arguments = Arguments(wp.get_device("cpu"), 1)
    arguments.device = SimpleNamespace(is_cuda=True, is_capturing=warps.is_capturing, stream=warps)
    monkeypatch.setattr(wp, "ScopedDevice", contextlib.nullcontext)
    monkeypatch.setattr(wp, "ScopedStream", scope)
    monkeypatch.setattr(wp, "device_to_torch", lambda device: "cuda:0")
    monkeypatch.setattr(wp, "stream_from_torch", lambda stream: stream)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: torchs is not None)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: torchs)
    with arguments.queue(given):
        assert entered == ([] if expected is None else [expected])


MODULES = {module.__name__: (module, vars(module).values()) for module in (warp_kernels, contacts, warp_parameter_kernels, warp_order_kernels)}
MADE = [warp_order_kernels.contact_rows(elliptic, adhesive) for elliptic in (True, False) for adhesive in (True, False)]
MODULES |= {f"contact_rows{i}": (kernel.module, [kernel]) for i, kernel in enumerate(MADE)}


@pytest.mark.parametrize("name", MODULES)
def test_the_kernels_compile_for_a_gpu(name, tmp_path):
    """Of compute capability 9.0; nothing runs there."""
    module, values = MODULES[name]
    wp.compile_aot_module(module, arch=90, module_dir=tmp_path, use_ptx=True)
    text = b"".join(path.read_bytes() for path in tmp_path.glob("*.ptx")).decode(errors="replace")
    kernels = [value.key for value in values if isinstance(value, wp.Kernel)]
    assert kernels and all(f".entry {key}_" in text for key in kernels)
    assert not re.search(r"(atom|red)[.\w]*f32", text)  # sums of floats have one order
