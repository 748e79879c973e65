"""The locomotion task for Gymnasium: VectorEnv (many worlds) and Env (one). Importing this registers "tandem/Locomotion-v0"."""

from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode

from . import native


class VectorEnv(gymnasium.vector.VectorEnv):
    """Many copies of the locomotion task (docs/training.md) behind Gymnasium's vector API.

    Worlds that are done start anew in the same step (AutoresetMode.SAME_STEP); info["final_obs"] then holds the last observation of the ended
    episode, the one that its last action was chosen for. Other entries of info: "reward_terms", a dictionary of the parts of the reward, and
    "termination", an index into task.termination_names where done, else -1.
    """

    metadata = {"render_modes": [], "autoreset_mode": AutoresetMode.SAME_STEP}

    def __init__(
        self,
        robot: "native.Robot | str" = "mit_humanoid",
        num_envs: int = 1,
        *,
        controller: str = "residual",
        settings: Mapping[str, Any] | None = None,
        seed: int = 0,
        threads: int = 0,
        action_limit: float = 10.0,
        render_mode: None = None,
    ) -> None:
        """robot: a tandem.Robot or a name. controller: "residual", "rl" or "mpc". settings: of the task, by name. threads: 0 is one per processor.

        action_limit: bound of the action space, on both sides; actions beyond it are clipped.
        """
        if not 0 < action_limit < np.inf:
            raise native.Error(f"action_limit = {action_limit:g}, expected a finite number above 0")
        if render_mode is not None:
            raise native.Error(f"render_mode = {render_mode!r}, expected None; `python -m tandem play` makes films")
        self.robot = robot if isinstance(robot, native.Robot) else native.Robot(robot)
        self.num_envs = num_envs
        self._action_limit = action_limit
        self._options = {"controller": controller, "settings": dict(settings or {}), "threads": threads}
        self._make_task(seed)
        self.single_observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (self.task.nobs,), np.float32)
        self.single_action_space = gymnasium.spaces.Box(-action_limit, action_limit, (self.task.naction,), np.float32)
        self.observation_space = gymnasium.vector.utils.batch_space(self.single_observation_space, num_envs)
        self.action_space = gymnasium.vector.utils.batch_space(self.single_action_space, num_envs)

    def _make_task(self, seed):
        self.task = native.Task(self.robot, self.num_envs, seed=seed, **self._options)
        self._seed = seed
        self._observation = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        """Starts a new episode in every world. The same seed starts the same episodes again."""
        super().reset(seed=seed)
        if seed is None:
            self.task.reset()
        else:
            if seed != self._seed:
                self._make_task(seed)
            self.task.reset(0)
        self._observation = self.task.observation.copy()
        return self._observation.copy(), {}

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        task, before = self.task, self._observation
        task.step(np.clip(np.ascontiguousarray(actions, dtype=np.float32), -self._action_limit, self._action_limit))
        self._observation = task.observation.copy()
        done, truncated = task.done.astype(bool), task.time_out.astype(bool)
        terms = {name: task.terms[:, i].copy() for i, name in enumerate(task.term_names)}
        info = {"reward_terms": terms, "termination": task.termination.copy()}
        if done.any():
            final = np.full(self.num_envs, None, dtype=object)
            for world in np.flatnonzero(done):
                final[world] = before[world]
            info["final_obs"], info["_final_obs"] = final, done.copy()
        return self._observation.copy(), task.reward.astype(np.float64), done & ~truncated, truncated, info


class Env(gymnasium.Env):
    """One world of the locomotion task behind Gymnasium's API. After a step that ends an episode the observation is the last one before it."""

    metadata = {"render_modes": [], "render_fps": 100}

    def __init__(
        self,
        robot: "native.Robot | str" = "mit_humanoid",
        *,
        controller: str = "residual",
        settings: Mapping[str, Any] | None = None,
        seed: int = 0,
        action_limit: float = 10.0,
        render_mode: None = None,
    ) -> None:
        """As VectorEnv."""
        self.render_mode = render_mode
        options = {"controller": controller, "settings": settings, "seed": seed, "action_limit": action_limit}
        self._worlds = VectorEnv(robot, 1, threads=1, render_mode=render_mode, **options)
        self.observation_space = self._worlds.single_observation_space
        self.action_space = self._worlds.single_action_space

    @property
    def task(self) -> "native.Task":
        return self._worlds.task

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        observation, info = self._worlds.reset(seed=seed, options=options)
        return observation[0], info

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self._worlds.step(np.asarray(action)[None])
        last = info["final_obs"][0] if "final_obs" in info else observation[0]
        terms = {name: float(value[0]) for name, value in info["reward_terms"].items()}
        return last, float(reward[0]), bool(terminated[0]), bool(truncated[0]), {"reward_terms": terms, "termination": int(info["termination"][0])}


gymnasium.register(id="tandem/Locomotion-v0", entry_point="tandem.gym_env:Env", vector_entry_point="tandem.gym_env:VectorEnv")
