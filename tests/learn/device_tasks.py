"""Tasks with the interface of tandem.device_task.DeviceTask for the tests of the learner on a device, on the processor.

python device_tasks.py train ...: `python -m tandem train` on NativeTask.
"""

import pickle
import sys
import time

import torch
from tandem import device_train, native


class NativeTask:
    """The task of the C++ library: its arrays as tensors."""

    memory = ""

    def __init__(self, robot, nworld, *, controller, settings, seed, device, deterministic):
        self.task = native.Task(robot, nworld, controller=controller, settings=settings, seed=seed, threads=1)
        self.device = torch.device(device)
        for name in ("nworld", "nobs", "naction", "control_dt", "term_names", "termination_names", "measure_names"):
            setattr(self, name, getattr(self.task, name))
        for name in ("observation", "reward", "terms", "measures", "done", "time_out", "termination"):
            setattr(self, name, torch.from_numpy(getattr(self.task, name)))

    def reset(self):
        self.task.reset()

    def step(self, action):
        self.task.step(action)

    def save(self):
        return self.task.save()

    def load(self, saved):
        self.task.load(saved)

    def set_progress(self, progress):
        self.task.set_progress(progress)

    def not_finite_count(self):
        return torch.zeros((), dtype=torch.int64)

    def take_times(self):
        return {}


class ToyTask:
    """The point mass of tests/support/toy_env.hpp: it is to stay near the origin. The first two observations and the first action are its own.

    spread: starts are spread evenly instead of drawn, so that every reset() leads to the same states.
    """

    memory, control_dt = "", 0.1
    term_names, termination_names, measure_names = ["near", "effort"], ["far", "time_out"], ["distance"]

    def __init__(self, nworld, seed, nobs=2, naction=1, episode=60, spread=False):
        self.nworld, self.nobs, self.naction, self.episode, self.spread = nworld, nobs, naction, episode, spread
        self.device = torch.device("cpu")
        self.generator = torch.Generator().manual_seed(seed)
        self.position, self.velocity, self.age = torch.zeros(nworld), torch.zeros(nworld), torch.zeros(nworld, dtype=torch.int64)
        self.observation = torch.zeros(nworld, nobs)
        self.reward, self.terms, self.measures = torch.zeros(nworld), torch.zeros(nworld, 2), torch.zeros(nworld, 1)
        self.done, self.time_out = torch.zeros(nworld, dtype=torch.uint8), torch.zeros(nworld, dtype=torch.uint8)
        self.termination = torch.zeros(nworld, dtype=torch.int32)
        self.steps, self.seconds, self.on_step = 0, 0.0, lambda: None

    def reset(self):
        self._start(torch.ones(self.nworld, dtype=torch.bool))

    def step(self, action):
        begin = time.perf_counter()
        self.steps += 1
        self.on_step()
        force = action[:, 0].clamp(-3, 3)
        self.velocity += 0.1 * force
        self.position += 0.1 * self.velocity
        self.age += 1
        self.terms[:, 0], self.terms[:, 1] = torch.exp(-4 * self.position**2), -0.01 * force**2
        self.reward.copy_(self.terms.sum(1))
        self.measures[:, 0] = self.position.abs()
        far, late = self.position.abs() > 2, self.age >= self.episode
        self.done.copy_(far | late), self.time_out.copy_(late & ~far)
        self.termination.copy_(torch.where(far, 0, torch.where(late, 1, -1)))
        self._start(far | late)
        self.seconds += time.perf_counter() - begin

    def _start(self, where):
        position, velocity = (2 * torch.rand(self.nworld, generator=self.generator) - 1 for _ in range(2))
        if self.spread:
            position, velocity = torch.linspace(-0.5, 0.5, self.nworld), torch.zeros(self.nworld)
        self.position[where], self.velocity[where], self.age[where] = position[where], 0.5 * velocity[where], 0
        self.observation[:, 0], self.observation[:, 1] = self.position, self.velocity

    def _state(self):
        return [self.position, self.velocity, self.age, self.observation]

    def save(self):
        return pickle.dumps((self._state(), self.generator.get_state()))

    def load(self, saved):
        if not saved:
            raise native.Error("saved task: 0 bytes")
        state, generator = pickle.loads(saved)
        for array, values in zip(self._state(), state):
            array.copy_(values)
        self.generator.set_state(generator)

    def set_progress(self, progress):
        self.progress = progress

    def not_finite_count(self):
        return torch.zeros((), dtype=torch.int64)

    def take_times(self):
        seconds, self.seconds = self.seconds, 0.0
        return {"toy": seconds}


if __name__ == "__main__":
    sys.exit(device_train.main(sys.argv[2:], NativeTask))
