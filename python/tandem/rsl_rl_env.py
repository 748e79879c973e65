"""The locomotion task for rsl_rl (PyPI rsl-rl-lib)."""

from collections.abc import Mapping
from os import PathLike
from typing import Any

import torch
from rsl_rl.env import VecEnv
from tensordict import TensorDict

from . import native

_NO_CLIP = 1e6  # rsl_rl does not bound normalised observations


class RslRlEnv(VecEnv):
    """Many copies of the locomotion task (docs/training.md) behind rsl_rl's VecEnv. Observations are the group "policy".

    The worlds run on the processor; observations, rewards and dones are tensors on `device`. The first episodes have random lengths by the setting
    env.staggered_start, so learn() needs no init_at_random_ep_len.
    """

    def __init__(
        self,
        robot: "native.Robot | str" = "mit_humanoid",
        num_envs: int = 512,
        *,
        controller: str = "residual",
        settings: Mapping[str, Any] | None = None,
        seed: int = 0,
        threads: int = 0,
        device: str = "cpu",
    ) -> None:
        """robot: a tandem.Robot or a name. controller: "residual", "rl" or "mpc". settings: of the task, by name. threads: 0 is one per processor."""
        robot = robot if isinstance(robot, native.Robot) else native.Robot(robot)
        self.task = native.Task(robot, num_envs, controller=controller, settings=dict(settings or {}), seed=seed, threads=threads)
        self.cfg = self.task.settings
        self.device = torch.device(device)
        self.num_envs, self.num_actions = num_envs, self.task.naction
        self.max_episode_length = round(self.cfg["env.episode"] / self.task.control_dt)
        self.episode_length_buf = torch.zeros(num_envs, dtype=torch.long, device=self.device)
        self._sums = torch.zeros(num_envs, len(self.task.term_names))
        self.task.reset()

    def get_observations(self) -> TensorDict:
        return TensorDict({"policy": self._copy(self.task.observation)}, batch_size=[self.num_envs], device=self.device)

    def step(self, actions: torch.Tensor) -> tuple[TensorDict, torch.Tensor, torch.Tensor, dict[str, Any]]:
        self.task.step(actions.detach().to("cpu", torch.float32).contiguous())
        done = self._copy(self.task.done).bool()
        self.episode_length_buf += 1
        extras = {"time_outs": self._copy(self.task.time_out).bool(), "log": self._log(done.cpu())}
        self.episode_length_buf[done] = 0
        return self.get_observations(), self._copy(self.task.reward), done.long(), extras

    def save_policy(self, actor: torch.nn.Module, path: str | PathLike) -> None:
        """Writes the actor of a runner (`runner.alg.actor`) as a policy file. It must be an MLPModel with ELU that saw "policy" alone."""
        linear = [layer for layer in actor.mlp if isinstance(layer, torch.nn.Linear)]
        layers = [tuple(p.detach().to("cpu", torch.float32).contiguous() for p in (layer.weight, layer.bias)) for layer in linear]
        mean, std = torch.zeros(self.task.nobs), torch.ones(self.task.nobs)
        if actor.obs_normalization:
            mean, std = actor.obs_normalizer.mean.cpu(), actor.obs_normalizer.std.cpu() + actor.obs_normalizer.eps
        self.task.save_policy(path, layers, mean, std, clip=_NO_CLIP)

    def _log(self, done):
        """Means over the episodes that ended: the sum of each reward term, and why they ended."""
        self._sums += torch.from_numpy(self.task.terms)
        if not done.any():
            return {}
        means = self._sums[done].mean(0)
        self._sums[done] = 0
        log = {f"Episode_Reward/{name}": mean.item() for name, mean in zip(self.task.term_names, means)}
        reasons = torch.from_numpy(self.task.termination)[done]
        for i, name in enumerate(self.task.termination_names):
            log[f"Episode_Termination/{name}"] = (reasons == i).float().mean().item()
        return log

    def _copy(self, array):
        return torch.from_numpy(array).to(self.device, copy=True)
