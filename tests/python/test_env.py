"""The locomotion task from Python: Gymnasium, rsl_rl, and policies that were learned there."""

import numpy as np
import pytest
import tandem

gymnasium = pytest.importorskip("gymnasium", reason="gymnasium is not installed")

SHORT = {"env.episode": 0.3, "env.staggered_start": False}


@pytest.mark.filterwarnings("ignore:.*Box .* (minimum|maximum) value is:UserWarning")
@pytest.mark.parametrize("controller", ["residual", "rl"])
def test_env_passes_gymnasiums_checker(controller):
    import tandem.gym_env  # noqa: F401  registers the name
    from gymnasium.utils.env_checker import check_env

    env = gymnasium.make("tandem/Locomotion-v0", controller=controller, disable_env_checker=True)
    check_env(env.unwrapped)
    env.close()


def test_the_action_space_is_finite_and_actions_beyond_it_are_clipped():
    """Stable-Baselines3 takes no other space."""
    env, clipped = (tandem.Env("unitree_go2", controller="rl", action_limit=limit) for limit in (10.0, 0.5))
    assert np.all(env.action_space.high == 10) and np.all(env.action_space.low == -10)
    seen = []
    for world, size in ((env, 0.5), (clipped, 3.0)):
        world.reset(seed=1)
        seen.append(world.step(np.full(world.action_space.shape, size, np.float32))[0])
    np.testing.assert_array_equal(*seen)
    for limit in (0.0, -1.0, np.inf, np.nan):
        with pytest.raises(tandem.Error, match="action_limit"):
            tandem.Env("unitree_go2", action_limit=limit)


def test_vector_env_passes_the_checks_that_apply_to_vectors():
    from gymnasium.utils import env_checker

    env = tandem.VectorEnv(num_envs=3, seed=5)
    env_checker.check_reset_return_type(env)
    env_checker.check_reset_seed_determinism(env)
    env_checker.check_reset_options(env)


def test_vector_env_keeps_gymnasiums_promises():
    from gymnasium.wrappers.vector import RecordEpisodeStatistics

    env = RecordEpisodeStatistics(
        gymnasium.make_vec("tandem.gym_env:tandem/Locomotion-v0", 4, vectorization_mode="vector_entry_point", settings=SHORT)
    )
    env.action_space.seed(0)
    observation, _ = env.reset(seed=7)
    assert observation in env.observation_space and observation.shape == (4, env.unwrapped.task.nobs)
    total, ended = np.zeros(4), 0
    for _ in range(31):
        before = observation
        observation, reward, terminated, truncated, info = env.step(0.1 * env.action_space.sample())
        assert not np.shares_memory(observation, before)
        assert observation in env.observation_space and reward.shape == (4,) and terminated.dtype == truncated.dtype == bool
        np.testing.assert_allclose(sum(info["reward_terms"].values()), reward, rtol=1e-5, atol=1e-6)
        total += reward
        for world in np.flatnonzero(terminated | truncated):
            ended += 1
            np.testing.assert_array_equal(info["final_obs"][world], before[world])
            assert info["episode"]["r"][world] == pytest.approx(total[world], rel=1e-4)
            assert truncated[world] == (env.unwrapped.task.termination_names[info["termination"][world]] == "time_out")
            total[world] = 0
    assert ended >= 4


def test_a_task_goes_on_from_what_was_saved():
    robot = tandem.Robot("unitree_go2")
    straight, loaded = (tandem.Task(robot, 2, controller="rl", settings=SHORT, seed=seed) for seed in (1, 2))
    straight.reset(), loaded.reset()
    action = np.full((2, straight.naction), 0.3, dtype=np.float32)
    straight.step(action)
    loaded.load(straight.save())
    straight.step(action), loaded.step(action)
    np.testing.assert_array_equal(loaded.observation, straight.observation)
    with pytest.raises(tandem.Error, match="something else"):
        loaded.load(tandem.Mpc(robot).save())


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_out_of_range_is_named(seed):
    with pytest.raises(tandem.Error, match=f"seed = {seed}, expected 0 to 18446744073709551615"):
        tandem.Task(tandem.Robot("unitree_go2"), 1, seed=seed)


def test_worlds_do_not_depend_on_their_number_or_on_threads():
    two, five = tandem.VectorEnv(num_envs=2, seed=3, threads=1), tandem.VectorEnv(num_envs=5, seed=3, threads=2)
    np.testing.assert_array_equal(two.reset()[0], five.reset()[0][:2])
    for _ in range(5):
        action = np.full((5, two.task.naction), 0.2, np.float32)
        np.testing.assert_array_equal(two.step(action[:2])[0], five.step(action)[0][:2])


def test_the_same_seed_repeats_and_another_does_not():
    env = tandem.VectorEnv(num_envs=2, seed=1)
    first, _ = env.reset(seed=9)
    again, _ = env.reset(seed=9)
    other, _ = env.reset(seed=10)
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_errors_of_the_task(robot):
    task = tandem.Task(robot, 2)
    action = np.zeros((2, task.naction), np.float32)
    with pytest.raises(tandem.Error, match="reset"):
        task.step(action)
    task.reset()
    with pytest.raises(tandem.Error, match=r"action has shape \(1, 10\), expected \(nworld, naction\) = \(2, 10\)"):
        task.step(action[:1])
    with pytest.raises(tandem.Error, match="action has dtype float64, expected float32"):
        task.step(action.astype(float))
    with pytest.raises(tandem.Error, match="controller = mcp, expected mpc, residual or rl"):
        tandem.Task(robot, 2, controller="mcp")
    with pytest.raises(tandem.Error, match="GiB"):
        tandem.Task(robot, 64, settings={"env.episode": 1e6})


def random_layers(rng, sizes):
    return [
        (rng.normal(size=(out, into)).astype(np.float32) / np.float32(np.sqrt(into)), 0.1 * rng.normal(size=out).astype(np.float32))
        for into, out in zip(sizes, sizes[1:])
    ]


@pytest.mark.parametrize("kind", ["residual", "rl"])
def test_a_saved_policy_acts_in_the_controller(robot, states, rng, tmp_path, kind):
    from tandem import policy as policies

    task = tandem.Task(robot, 1, controller=kind)
    mean, std = rng.normal(size=task.nobs).astype(np.float32), rng.uniform(0.5, 2, task.nobs).astype(np.float32)
    path = tmp_path / "policy.safetensors"
    task.save_policy(path, random_layers(rng, [task.nobs, 32, 16, task.naction]), mean, std)

    nworld = 3
    controller, mpc = tandem.Controller(robot, path, nworld), tandem.Mpc(robot, nworld)
    q, v, command = states(nworld)
    for _ in range(2):
        controller.step(q, v, command)
        mpc.step(q, v, command)
    assert controller.kind == kind
    # docs/training.md, eq. (1): height first, command last; the network in double precision
    np.testing.assert_allclose(controller.observation[:, 0], q[:, 2], rtol=1e-6)
    np.testing.assert_allclose(controller.observation[:, -3:], command[:, 1:], rtol=1e-6)
    np.testing.assert_allclose(controller.action, policies.act(policies.read(path), controller.observation), rtol=1e-4, atol=1e-5)
    # eq. (2) and (5): the same torques at every state
    text = policies.read(path).metadata
    kp_a, kd_a, joint, share = (np.array(eval(text[f"blend.{key}"])) for key in ("kp_a", "kd_a", "joint", "lambda"))
    policy_tau = kp_a * (robot.nominal[joint] + controller.action - q[:, 7 + joint]) - kd_a * v[:, 6 + joint]
    mpc_tau = mpc.tau_ff + robot.kp * (mpc.q_des - q[:, 7:]) + robot.kd * (mpc.v_des - v[:, 6:])
    expected = mpc_tau[:, joint] + share * policy_tau if kind == "residual" else policy_tau
    limit = robot.tau_max[joint]
    np.testing.assert_allclose(controller.torque(q, v)[:, joint], np.clip(expected, -limit, limit), rtol=1e-5, atol=1e-4)


def test_a_policy_sees_the_height_above_the_ground_and_the_gait_of_the_settings(robot, states, rng, tmp_path):
    task = tandem.Task(robot, 1)
    path = tmp_path / "policy.safetensors"
    task.save_policy(path, random_layers(rng, [task.nobs, task.naction]), np.zeros(task.nobs, np.float32), np.ones(task.nobs, np.float32))
    offset = [0.25, 0.75]
    low, high = (tandem.Controller(robot, path, settings={"gait.offset": offset}) for _ in range(2))
    q, v, command = (rows[0] for rows in states(1))
    low.step(q, v, command)
    q[2] += 8  # upstairs
    high.step(q, v, command, ground=np.array([0, 0, 8.0]))
    np.testing.assert_allclose(high.observation, low.observation, atol=1e-4)
    np.testing.assert_allclose(high.torque(q, v), low.torque(q, v), atol=0.02)
    angle = 2 * np.pi * (low.phase + np.array(offset))
    np.testing.assert_allclose(low.observation[-8:-4], np.column_stack([np.sin(angle), np.cos(angle)]).ravel(), atol=1e-6)


def test_a_policy_brings_the_mpc_that_it_was_trained_with(robot, states, rng, tmp_path):
    trained = {"mpc.delay": 0.02, "gait.period": 0.6}
    task = tandem.Task(robot, 1, settings=trained)
    path = tmp_path / "policy.safetensors"
    task.save_policy(path, random_layers(rng, [task.nobs, task.naction]), np.zeros(task.nobs, np.float32), np.ones(task.nobs, np.float32))
    q, v, command = (rows[0] for rows in states(1))

    def torques(**settings):
        controller = tandem.Controller(robot, path, **settings)
        for _ in range(3):
            controller.step(q, v, command)
        return controller.torque(q, v)

    np.testing.assert_array_equal(torques(), torques(settings=trained))
    assert np.abs(torques() - torques(settings={"mpc.delay": 0})).max() > 0.1


def test_a_policy_of_another_robot_is_refused(rng, tmp_path):
    task = tandem.Task(tandem.Robot("unitree_go2"), 1)
    path = tmp_path / "policy.safetensors"
    task.save_policy(path, random_layers(rng, [task.nobs, task.naction]), np.zeros(task.nobs, np.float32), np.ones(task.nobs, np.float32))
    with pytest.raises(tandem.Error, match="unitree_go2"):
        tandem.Controller(tandem.Robot("mit_humanoid"), path)


def test_the_state_of_worlds_that_are_done_is_of_their_next_episode(robot):
    task, later = (tandem.Task(robot, 4, settings=SHORT, seed=4) for _ in range(2))
    task.reset(), later.reset(1)
    for _ in range(30):
        assert not task.done.all()
        task.step(np.zeros((4, task.naction), np.float32))
    assert task.done.all()
    for name in ("q", "v", "command", "observation"):
        np.testing.assert_array_equal(getattr(task, name), getattr(later, name), err_msg=name)


def test_rsl_rl_sees_the_task(robot, tmp_path):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    pytest.importorskip("rsl_rl.env", reason="rsl-rl-lib is not installed")
    env, task = tandem.RslRlEnv(robot, 8, settings=SHORT, seed=4), tandem.Task(robot, 8, settings=SHORT, seed=4)
    task.reset()
    assert (env.num_envs, env.num_actions, env.max_episode_length) == (8, 10, 30)
    ended = 0
    for _ in range(31):
        observation, reward, done, extras = env.step(torch.zeros(8, 10, requires_grad=True))
        task.step(np.zeros((8, 10), np.float32))
        np.testing.assert_array_equal(observation["policy"].numpy(), task.observation)
        np.testing.assert_array_equal(reward.numpy(), task.reward)
        np.testing.assert_array_equal(done.numpy(), task.done)
        assert (env.episode_length_buf[done == 0] > 0).all() and (env.episode_length_buf[done == 1] == 0).all()
        assert (extras["time_outs"] <= done.bool()).all() and ("Episode_Reward/linear_velocity" in extras["log"]) == bool(done.any())
        ended += int(done.sum())
    assert ended == 8


def test_an_actor_of_rsl_rl_becomes_a_policy_file(robot, tmp_path):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    models = pytest.importorskip("rsl_rl.models", reason="rsl-rl-lib is not installed")
    from tandem import policy as policies

    env = tandem.RslRlEnv(robot, 4, seed=4)
    observation, groups = env.get_observations(), {"actor": ["policy"]}
    torch.manual_seed(0)
    distribution = {"class_name": "GaussianDistribution", "init_std": 0.5}
    actor = models.MLPModel(observation, groups, "actor", 10, hidden_dims=[32, 16], obs_normalization=True, distribution_cfg=distribution)
    actor.obs_normalizer.update(torch.randn(100, env.task.nobs) * 3 + 1)
    env.save_policy(actor, tmp_path / "policy.safetensors")
    expected = actor(observation).detach().numpy()
    np.testing.assert_allclose(policies.act(policies.read(tmp_path / "policy.safetensors"), observation["policy"].numpy()), expected, atol=1e-5)
