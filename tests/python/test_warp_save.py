"""A tandem.warp_simulator.WarpSimulator that is saved and goes on; and the same bits from run to run, which that rests on."""

import numpy as np
import pytest
from tandem.mjcf import Terrain, compile_mjcf
from tandem.trajectory import Error
from warp_worlds import NWORLD, make, random_parameters, random_states

from tandem import warp_save  # isort: skip  after Warp was found

OUTPUTS = ["q", "v", "tau", "power", "time", "point_force", "foot_force", "foot_slip", "floor_contact", "self_collision", "fault"]


def under_way(robot, rng):
    """Worlds that differ, in contact, one of them pushed and one that stands still with a fault."""
    sim = make(robot)
    sim.set_parameters(**random_parameters(robot, rng))
    sim.set_state(*random_states(robot, rng, -0.005))
    sim.kp.fill_(200.0)
    force = np.zeros((NWORLD, 3))
    force[1] = [60, 20, 0]
    sim.set_push(2, force, [0, 6, 0, 0])
    inputs = sim.inputs.numpy()
    inputs[0, 3, 0] = np.nan
    sim.inputs.assign(inputs)
    for _ in range(3):
        sim.step()
    inputs[0, 3, 0] = 0
    sim.inputs.assign(inputs)
    return sim


def steps(sim, count):
    """What comes out of some steps."""
    rows = []
    for _ in range(count):
        sim.step()
        rows.append({name: getattr(sim, name).numpy().copy() for name in OUTPUTS})
    return {name: np.array([row[name] for row in rows]) for name in OUTPUTS}


def assert_equal(found, expected):
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)


def test_the_same_run_has_the_same_bits(robot):
    first, second = (steps(under_way(robot, np.random.default_rng(7)), 10) for _ in range(2))
    assert first["foot_force"].max() > 50
    assert_equal(second, first)


def test_a_simulator_that_loads_goes_on_bit_for_bit(robot, rng):
    sim = under_way(robot, rng)
    saved = sim.save()
    assert sim.push_steps.numpy()[1] > 0 and sim.fault.numpy()[3] > 0
    expected = steps(sim, 10)
    fresh, used = make(robot), make(robot)
    used.set_state(*random_states(robot, rng, 0.2))
    used.step()
    for other in (fresh, used, sim):
        other.load(saved)
        assert other.save() == saved
        assert_equal(steps(other, 10), expected)
    # what comes after depends on what was set before, too
    mask = np.array([1, 0, 0, 1])
    for other in (sim, fresh):
        other.set_parameters(mask=mask)
    assert sim.save() == fresh.save()


def test_what_another_simulator_saved_is_refused_in_one_line_and_changes_nothing(robot):
    sim = make(robot)
    before = sim.save()
    for saved, words in (
        (make(robot, physics_dt=0.005).save(), "physics_dt is 0.005 in what was saved, expected 0.0025"),
        (before[:-4], "bytes of arrays, expected"),
        (b"{}\n", "format is None in what was saved, expected 1"),
        (b"\x00\x01", "were not saved by a WarpSimulator"),
    ):
        with pytest.raises(Error, match=words) as caught:
            sim.load(saved)
        assert "\n" not in str(caught.value)
        assert sim.save() == before


def test_a_fingerprint_tells_robots_and_grounds_apart(robot):
    flat, again = (warp_save.fingerprint(compile_mjcf(robot.model_path)) for _ in range(2))
    height = np.zeros((5, 5), dtype=np.float32)
    rough = warp_save.fingerprint(compile_mjcf(robot.model_path, Terrain(5, 5, 0.1, height)))
    height[2, 2] = 0.01
    rougher = warp_save.fingerprint(compile_mjcf(robot.model_path, Terrain(5, 5, 0.1, height)))
    heavier = compile_mjcf(robot.model_path)
    heavier.body_mass[3] += 0.001
    assert flat == again
    assert len({flat, rough, rougher, warp_save.fingerprint(heavier)}) == 4
