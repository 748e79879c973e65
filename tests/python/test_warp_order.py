"""tandem.warp_order: the same bits whatever order MuJoCo Warp finds contacts in and gives rows of constraints. Shuffling stands in for the threads of a GPU."""

import inspect
import sys
from contextlib import contextmanager
from unittest import mock

import mujoco
import numpy as np
import pytest
import tandem
from tandem.mjcf import Terrain
from warp_worlds import NWORLD, make, random_states, wp

from tandem import warp_kernels, warp_order  # isort: skip  after Warp was found

STEPS = 8


@pytest.fixture(params=["mit_humanoid", "unitree_g1", "unitree_go2"])
def robot(request):
    return tandem.Robot(request.param)


@pytest.fixture(params=["mit_humanoid", "unitree_go2"])
def dense(request):
    """Those whose rows MuJoCo Warp keeps dense by itself."""
    return tandem.Robot(request.param)


@contextmanager
def shuffled(rng):
    """MuJoCo Warp, in which contacts, and rows of a world before those of its contacts, lie in another order every time."""
    collision, make_constraint = warp_order.collision_driver.collision, warp_order.constraint.make_constraint

    def shuffled_collision(model, data, *more, **named):
        collision(model, data, *more, **named)
        order = rng.permutation(min(int(data.nacon.numpy()[0]), data.naconmax))
        for name in warp_order.kernels.ContactArrays.vars:
            array = getattr(data.contact, name)
            values = array.numpy().copy()
            values[: len(order)] = values[order]
            array.assign(values)

    def shuffled_constraint(model, data):
        make_constraint(model, data)
        orders = [rng.permutation(n) for n in data.ne.numpy() + data.nf.numpy() + data.nl.numpy()]
        for name in warp_order.kernels.RowArrays.vars:
            array = getattr(data.efc, name)
            values = array.numpy().copy()
            for w, order in enumerate(orders):
                values[w, : len(order)] = values[w, order]
            array.assign(values)

    with mock.patch.multiple(warp_order.collision_driver, collision=shuffled_collision):
        with mock.patch.multiple(warp_order.constraint, make_constraint=shuffled_constraint):
            yield


def thrown(robot, **more):
    """Worlds that hit the ground, and the limits of some joints, in a moment."""
    sim = make(robot, **more)
    q, v = random_states(robot, np.random.default_rng(3), -0.02)
    q[:, 7:] += np.random.default_rng(4).uniform(-1, 1, (NWORLD, robot.njnt))
    sim.set_state(q, 2 * v)
    return sim


def run(sim):
    """The bits after every control step, and how many rows were not of contacts. Not as a graph, since what shuffles is no kernel."""
    bits, rows = [], 0
    for _ in range(STEPS):
        sim.control_step()
        rows += (sim.data.nl.numpy() + sim.data.nf.numpy()).max()
        bits.append(b"".join(getattr(sim, name).numpy().tobytes() for name in ("q", "v", "tau", "foot_force", "point_force")))
    return bits, rows


def run_shuffled(sim, seed):
    with shuffled(np.random.default_rng(seed)):
        return run(sim)[0]


def test_the_same_bits_whatever_came_first(robot):
    reference, rows = run(thrown(robot))
    assert rows > 1 and len(set(reference)) == STEPS
    for seed in (0, 1):
        assert run_shuffled(thrown(robot), seed) == reference


def test_the_same_bits_on_uneven_ground():
    robot, height = tandem.Robot("mit_humanoid"), np.random.default_rng(1).uniform(0, 0.05, (41, 41)).astype(np.float32)
    worlds = [thrown(robot, terrain=Terrain(41, 41, 0.1, height)) for _ in range(2)]
    assert run_shuffled(worlds[0], 0) == run(worlds[1])[0]


@pytest.mark.parametrize("value", [np.nan, 0.0])
def test_contacts_that_cannot_be_told_apart(value):
    """Positions that are no numbers, or equal: each contact keeps a place of its world."""
    sim = thrown(tandem.Robot("mit_humanoid"))
    sim.control_step()
    order, n = sim.order, int(sim.data.nacon.numpy()[0])
    found = order.found
    found.pos.fill_(value)
    found.geom.fill_(wp.vec2i(0, 1))
    found.geomcollisionid.zero_()
    found.friction.assign(np.tile(np.arange(found.friction.shape[0])[:, None], 5))  # which is which
    order.ordered.worldid.fill_(-1)
    order.sort_contacts(sim.data)
    worlds = order.ordered.worldid.numpy()[:n]
    assert n > NWORLD and (np.diff(worlds) >= 0).all() and (worlds >= 0).all()
    assert sorted(order.ordered.friction.numpy()[:n, 0]) == list(range(n))


def test_without_order_shuffling_shows(dense):
    reference, _ = run(thrown(dense, deterministic=False))
    assert run_shuffled(thrown(dense, deterministic=False), 0) != reference


def test_the_physics_is_the_same(robot):
    """One physics step from states in which contacts slide, against MuJoCo Warp's own sums."""
    q, v = random_states(robot, np.random.default_rng(5), -0.01)
    found = []
    for deterministic in (False, True):
        sim = make(robot, control_dt=0.0025, deterministic=deterministic)
        sim.set_state(q, 3 * v)
        sim.control_step()
        found.append([array.numpy().copy() for array in (sim.v, sim.foot_force, sim.data.nefc)])
    cones = sim.data.efc.state.numpy() == warp_order.kernels.CONE
    assert cones.any()
    assert (found[0][2] == found[1][2]).all()
    np.testing.assert_allclose(found[1][0], found[0][0], atol=2e-5 * np.abs(found[0][0]).max())
    np.testing.assert_allclose(found[1][1], found[0][1], atol=2e-5 * np.abs(found[0][1]).max())


def test_contacts_are_sorted(robot):
    sim = thrown(robot)
    run_shuffled(sim, 0)
    n = int(sim.data.nacon.numpy()[0])
    contact, found = sim.data.contact, sim.order.found
    geom, number = contact.geom.numpy(), contact.geomcollisionid.numpy()
    keys = [(int(contact.worldid.numpy()[c]), *geom[c].tolist(), int(number[c])) for c in range(n)]
    assert n > NWORLD and keys == sorted(keys) and len(set(keys)) == n
    assert sorted(contact.dist.numpy()[:n]) == sorted(found.dist.numpy()[:n])
    address, others, nefc = contact.efc_address.numpy()[:n], sim.data.nf.numpy() + sim.data.nl.numpy(), sim.data.nefc.numpy()
    for w in range(NWORLD):
        rows = [a for a in address[contact.worldid.numpy()[:n] == w].ravel() if a >= 0]
        assert rows == list(range(others[w], nefc[w]))


def test_cones_are_added_by_one_thread(dense):
    """As many threads per number of the Hessian as one likes: the same bits, where MuJoCo Warp's own kernel has others."""
    theirs = warp_order.solver._update_gradient_JTCJ_dense
    sim, launched, launch = thrown(dense), [], wp.launch

    def record(kernel, *arguments, **named):
        if kernel is warp_order.kernels.add_cones:
            launched.append((named["dim"], named["inputs"], named["outputs"][0]))
        launch(kernel, *arguments, **named)

    def hessian(kernel, blocks):
        dim, inputs, h = launched[-1]
        out = wp.zeros_like(h)
        inputs = [*inputs[:-2], -(-sim.data.naconmax // blocks), blocks]
        inputs[15] = wp.zeros(NWORLD, dtype=bool)  # no world is done
        launch(kernel, dim=(blocks, dim[1]), inputs=inputs, outputs=[out])
        return out.numpy()

    with mock.patch.object(wp, "launch", record):
        sim.control_step()
    reference = hessian(warp_order.kernels.add_cones, 1)
    assert np.abs(reference).max() > 0
    other = 0
    for blocks in (2, 3, 5):
        assert hessian(warp_order.kernels.add_cones, blocks).tobytes() == reference.tobytes()
        own = hessian(theirs(-(-sim.data.naconmax // blocks)), blocks)
        np.testing.assert_allclose(own, reference, atol=1e-5 * np.abs(reference).max())
        other += own.tobytes() != reference.tobytes()
    assert other > 0


# what MuJoCo Warp adds up by atomic additions of its own in a step of ours: numbers with one summand each, or two, which commute
ATOMIC = {
    "constraint._efc_contact_jac_dense",  # J v of a row, by 32 velocities
    "forward._qfrc_actuator",  # one actuator on a joint
    "derivative._qderiv_actuator_passive_actuation_sparse",
    "passive._gravity_force",  # without gravity compensation: nothing
    "smooth._transmission",  # where the numbers of an actuator lie
    "solver._solve_init_jaref_kernel",  # J a of a row, by 50 velocities
    "solver._update_constraint_efc",  # numbers of a list that nothing reads
}


def test_mujoco_warps_other_atomic_sums_are_known(robot):
    """MuJoCo Warp's kernels whose sums depend on the order of atomic additions are those whose makers take `deterministic`."""
    sim, launched = make(robot), set()

    def recorded(launch):
        def record(kernel, *arguments, dim, **named):
            maker = getattr(sys.modules[kernel.func.__module__], kernel.func.__qualname__.split(".<locals>")[0])
            if not isinstance(maker, wp.Kernel) and "deterministic" in inspect.signature(maker).parameters and np.prod(dim) > 0:
                launched.add(f"{maker.__module__.split('.')[-1]}.{maker.__name__}")
            return launch(kernel, *arguments, dim=dim, **named)

        return record

    with mock.patch.object(wp, "launch", recorded(wp.launch)), mock.patch.object(wp, "launch_tiled", recorded(wp.launch_tiled)):
        sim.control_step()
    assert "forward._qfrc_actuator" in launched and launched <= ATOMIC


def test_a_contact_whose_rows_do_not_all_fit_stays_inside(dense):
    sim = make(dense, deterministic=True)
    sim.step()
    others = int((sim.data.ne.numpy() + sim.data.nf.numpy() + sim.data.nl.numpy()).max())
    sim.data.njmax = others + 4  # the second contact's last two rows are beyond
    sim.graph = None
    sim.step()
    found = sim.data.contact.efc_address.numpy()[: sim.data.nacon.numpy()[0], :3]
    started = found[found[:, 0] >= 0]
    assert len(started) < len(found) and (started.max(axis=1) == others + 3).any()
    assert started.min() >= 0 and started.max() < sim.data.njmax
    assert (sim.fault.numpy() == warp_kernels.FAULT_CAPACITY).all() and np.isfinite(sim.q.numpy()).all()


def test_what_is_replaced_is_put_back():
    sim = make(tandem.Robot("mit_humanoid"))
    before = [getattr(module, name) for module, name in warp_order.PLACES]
    with pytest.raises(RuntimeError), sim.order.in_order():
        assert all(getattr(module, name) is not function for (module, name), function in zip(warp_order.PLACES, before, strict=True))
        raise RuntimeError
    assert [getattr(module, name) for module, name in warp_order.PLACES] == before


def test_another_version_is_refused(monkeypatch):
    sim = make(tandem.Robot("mit_humanoid"))
    monkeypatch.setattr(warp_order, "PLACES", [*warp_order.PLACES, (warp_order.solver, "_not_there")])
    with pytest.raises(warp_order.Error, match="cannot be stepped in order .*_not_there"):
        sim.step()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda spec: None, None),
        (lambda spec: setattr(spec.body("arm"), "gravcomp", 1.0), "gravity compensation"),
        (lambda spec: spec.add_actuator(name="again", target="hinge", trntype=mujoco.mjtTrn.mjTRN_JOINT), "several actuators"),
        (lambda spec: setattr(spec.option, "integrator", mujoco.mjtIntegrator.mjINT_IMPLICIT), "integrator"),
        (lambda spec: setattr(spec.option, "viscosity", 1e-5), "fluid"),
        (lambda spec: setattr(spec.option, "solver", mujoco.mjtSolver.mjSOL_CG), "Newton"),
        (lambda spec: [spec.worldbody.add_body(mass=1, inertia=[1, 1, 1]).add_joint() for _ in range(70)], "71 velocities, expected at most 50"),
    ],
)
def test_robots_that_cannot(change, reason):
    spec = mujoco.MjSpec.from_string(
        '<mujoco><worldbody><body name="arm"><joint name="hinge"/><geom size=".1"/></body></worldbody><actuator><motor joint="hinge"/></actuator></mujoco>'
    )
    change(spec)
    against = warp_order.reason_against(spec.compile())
    assert against is None if reason is None else reason in against


def test_asked_of_a_robot_that_cannot(monkeypatch):
    robot = tandem.Robot("mit_humanoid")
    monkeypatch.setattr(warp_order, "NV_MAX", 10)
    assert not make(robot).deterministic
    with pytest.raises(warp_order.Error, match="deterministic = True: .* velocities, expected at most 10; take deterministic=False"):
        make(robot, deterministic=True)
