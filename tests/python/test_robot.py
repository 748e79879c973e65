"""tandem.Robot against MuJoCo's own reading of the same file."""

import mujoco
import numpy as np
import pytest
import tandem


@pytest.mark.parametrize("name", tandem.robot_names())
def test_robot_agrees_with_mujoco(name):
    robot = tandem.Robot(name)
    model = mujoco.MjModel.from_xml_path(robot.model_path)
    joints = [model.joint(j).name for j in range(model.njnt) if model.jnt_type[j] != mujoco.mjtJoint.mjJNT_FREE]
    assert (robot.nq, robot.nv, robot.joint_names) == (model.nq, model.nv, joints)
    assert robot.mass == pytest.approx(model.body_mass.sum(), rel=1e-12)
    assert robot.naction == len(robot.action_joint_names) and set(robot.action_joint_names) <= set(joints)
    np.testing.assert_array_equal(robot.stand[7:].shape, (robot.njnt,))


def test_arrays_of_a_robot_outlive_it_and_cannot_be_written():
    stand = tandem.Robot("mit_humanoid").stand
    assert np.isfinite(stand).all() and stand[3] == pytest.approx(1, abs=0.1)
    with pytest.raises(ValueError, match="read-only"):
        stand[0] = 1


def test_an_unknown_robot_is_named_with_the_cure():
    with pytest.raises(tandem.Error, match="unitree_g9"):
        tandem.Robot("unitree_g9")
    assert issubclass(tandem.Error, ValueError)
