"""`python -m tandem train --device cuda|cpu`: a training whose robots, controller and learner are on one device. docs/training.md, "On a device".

Run folders, settings and checkpoints are those of the program tandem-train: what one began the other goes on with.
"""

import os
import shutil
import signal
import sys
import time

import torch

from . import native
from .device_ppo import Ppo
from .device_state import derived_seed, to_bytes
from .device_statistics import EpisodeStatistics, Stopwatch
from .program import run_program


class Interrupts:
    """Makes Ctrl-C and a polite kill set a flag; a second one ends the process."""

    ONCE = 0.2  # [s] timeout(1) sends its signal to the process and to its group: that is one, not two

    def __init__(self):
        self.pending, self.last = False, -self.ONCE
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._note)

    def _note(self, *_):
        now = time.monotonic()
        if now < self.last + self.ONCE:
            return
        if self.pending:
            os._exit(130)
        self.pending, self.last = True, now


class Trainer:
    """The loop of collecting and learning, with its logs and checkpoints: src/learn/trainer.cpp on tensors of a device."""

    def __init__(self, run, task, interrupts):
        """run: native.TrainingRun. task: as tandem.device_task.DeviceTask."""
        self.run, self.task, self.interrupts = run, task, interrupts
        self.settings, ppo = run.train, run.ppo
        self.steps, self.iterations = ppo["ppo.steps"], self.settings["train.iterations"]
        self.samples = self.steps * task.nworld
        self.statistics, self.clock = EpisodeStatistics(task), Stopwatch(task.device)
        self.iteration, self.saved, self.seconds = 0, -1, 0.0
        self.time, self.not_finite = {}, 0
        self.ppo = None
        if run.learns:
            residual = run.controller == "residual"
            mirrored = run.mirrored_observation
            sizes = {"zero_last_layer": residual, "seed": self.settings["train.seed"], "device": task.device}
            self.ppo = Ppo(ppo, run.shape, task.nworld, **sizes, mirrored_observation=mirrored)
        # of zero and random policies
        self.action = torch.zeros(task.nworld, task.naction, device=task.device)
        self.generator = torch.Generator(task.device)

    def start(self):
        """Starts new episodes in all worlds and saves model_0. Raises native.Error if that cannot be written."""
        self.task.set_progress(0.0)
        self.task.reset()
        self.save(must=True)

    def resume(self, checkpoint):
        """Goes on from what TrainingRun.load() returned; where its worlds are not those of this task, with new episodes. Raises native.Error if it is of
        another network.
        """
        if self.ppo:
            self.ppo.load(checkpoint["learner"], checkpoint["path"])
        self.iteration = self.saved = checkpoint["iteration"]
        self.seconds = checkpoint["seconds"]
        self.task.set_progress(min(1.0, self.iteration / self.iterations))
        try:
            self.task.load(checkpoint["worlds"])
            running = True
        except native.Error as error:
            native.warn(f"{checkpoint['path']}: its worlds cannot go on here, they start new episodes: {error}")
            self.task.reset()
            running = False
        self.statistics.load(checkpoint["statistics"], running)
        self.not_finite = int(self.task.not_finite_count())
        try:
            self.export()  # again: the run may have ended before that
        except native.Error as error:
            native.warn(str(error))

    def train(self):
        """Trains up to train.iterations or an interrupt; returns what TrainingRun.finish() takes. Raises native.Error if the loss is not finite."""
        begin, first, last, interrupted = time.perf_counter(), self.iteration, [], False
        self.time = {}
        self.task.take_times()  # the start is not part of the run
        while self.iteration < self.iterations and not interrupted:
            start = time.perf_counter()
            self.task.set_progress(self.iteration / self.iterations)
            losses = self._iterate()
            scalars = self.statistics.take()  # waits for the device
            elapsed = time.perf_counter() - start
            self.iteration += 1
            self.seconds += elapsed
            last = self._log(scalars, losses, elapsed)
            interrupted = self.interrupts.pending
            ends = interrupted or self.iteration == self.iterations
            if ends or self.iteration % self.settings["train.save_interval"] == 0:
                self.save(must=ends)
            now = time.perf_counter()
            left = (now - begin) / (self.iteration - first) * (self.iterations - self.iteration)
            self.run.show(self.iteration, [self.samples / (now - start), scalars[0][1], scalars[1][1], left])
        seconds = time.perf_counter() - begin
        self._add_time({"other": max(seconds - sum(self.time.values()), 0.0)})
        return {
            "iteration": self.iteration,
            "robot_steps": self.samples * self.iteration,
            "interrupted": interrupted,
            "seconds": seconds,
            "steps_per_second": self.samples * (self.iteration - first) / seconds,
            "shares": [(part, value / seconds) for part, value in self.time.items()],
            "last": last,
            "not_finite": self.not_finite,
        }

    def save(self, must):
        """Writes a checkpoint and its policy. An error is raised if `must`, otherwise it is a warning, and the next checkpoint is another chance."""
        start = time.perf_counter()
        try:
            learner = to_bytes(self.ppo.state()) if self.ppo else []
            self.run.save(self.iteration, self.seconds, learner, self.statistics.state(), self.task.save())
            self.saved = self.iteration
            self.export()
        except native.Error as error:
            if must:
                raise
            native.warn(f"{error}; training goes on, the last good checkpoint is {self.run.checkpoint(self.saved)}")
        self._add_time({"save": time.perf_counter() - start})

    def export(self):
        """Writes the policy of this iteration. Raises native.Error if it cannot be written."""
        if self.ppo:
            normaliser = self.ppo.normaliser
            numbers = (tensor.cpu().numpy() for tensor in (self.ppo.parameters, normaliser.mean, normaliser.variance))
            self.run.export(self.iteration, *numbers)

    def _iterate(self):
        """Collects and learns; the scalars of the update, none without a learner."""
        task, clock = self.task, self.clock
        if self.run.controller == "random":
            self.generator.manual_seed(derived_seed(self.settings["train.seed"], "random", self.iteration))
        clock.mark()
        for _ in range(self.steps):
            action = self._act()
            clock.mark("policy")
            task.step(action)
            clock.mark("environment")
            if self.ppo:
                self.ppo.process_step(task.reward, task.done, task.time_out)
            self.statistics.add_step()
        if self.ppo:
            self.ppo.compute_returns(task.observation)
        clock.mark("policy")
        losses = self._learn() if self.ppo else []
        clock.mark("update")
        return losses

    def _act(self):
        if self.ppo:
            return self.ppo.act(self.task.observation)
        return self.action.normal_(generator=self.generator) if self.run.controller == "random" else self.action

    def _learn(self):
        try:
            return self.ppo.update()
        except native.Error as error:
            raise native.Error(
                f"iteration {self.iteration + 1}: {error}; the last good checkpoint is {self.run.checkpoint(self.saved)}: "
                "go on from it with another seed or a smaller ppo.max_learning_rate"
            ) from None

    def _log(self, scalars, losses, elapsed):
        """Writes the scalars of an iteration, and keeps where its time went."""
        parts, task_parts = self.clock.take(), self.task.take_times()
        if task_parts:
            del parts["environment"]
            parts |= task_parts
        update = parts.pop("update")
        self._add_time(parts | {"update": update})
        if self.ppo:
            scalars = [*scalars, ("Perf/learning_time", update), *losses]
        scalars = [
            *scalars,
            ("Perf/collection_time", elapsed - (update if self.ppo else 0)),
            ("Perf/total_fps", self.samples / elapsed),
            ("Perf/robot_steps", self.samples * self.iteration),
            ("Perf/seconds", self.seconds),
        ]
        self.run.log(self.iteration, scalars)
        count = int(self.task.not_finite_count())
        if count and not self.not_finite:
            native.warn("a robot's numbers were not finite; it started anew, the others did not notice. The report counts such episodes (not_finite)")
        self.not_finite = count
        return scalars

    def _add_time(self, seconds):
        for part, value in seconds.items():
            self.time[part] = self.time.get(part, 0.0) + value


def check_device(options):
    """Raises native.Error if there is no GPU where one is asked for."""
    if options.device == "cuda" and not torch.cuda.is_available():
        raise native.Error("--device cuda: Torch finds no CUDA device that it can use on this machine; --device cpu trains on the processor")


def train(options, make_task, interrupts):
    """One training, from the options to the report. Raises KeyboardInterrupt after Ctrl-C, when everything is saved."""
    check_device(options)
    if options.threads:
        torch.set_num_threads(options.threads)
    run = native.TrainingRun(options)
    checkpoint = run.load() if options.resume else None
    seed = run.train["train.seed"]
    if checkpoint:  # where its worlds cannot go on: other episodes than those of the start
        seed = derived_seed(seed, "resumed", checkpoint["iteration"])
    else:
        run.start()
    native.warn(f"{run.path}: the robots are set up; for a new robot or ground kernels are compiled first, which takes minutes")
    try:
        task = make_task(
            run.robot,
            run.train["train.worlds"],
            controller=run.task_controller,
            settings=run.settings,
            seed=seed,
            device=options.device,
            deterministic=False if options.any_order else None,
        )
    except native.Error:
        if not checkpoint:  # settings that only the task can tell to be wrong leave nothing behind
            shutil.rmtree(run.path)
        raise
    if task.memory:
        native.warn(task.memory)
    trainer = Trainer(run, task, interrupts)
    if checkpoint:
        trainer.resume(checkpoint)
    else:
        trainer.start()
    result = trainer.train()
    run.finish(result)
    if result["interrupted"]:
        print(f"tandem: saved; ./tandem train --device {options.device} --resume {run.path} goes on", file=sys.stderr)
        raise KeyboardInterrupt


def take_repeatable_operations():
    """Has Torch take operations that give the same bits in every run. Where it has none it says so, once per operation."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when cuBLAS is first used
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False


def main(arguments, make_task):
    """Exit code of `train ARGUMENTS`. make_task: tandem.device_task.DeviceTask, or what has its arguments and attributes."""
    options = native.TrainOptions(["python -m tandem", "train", *arguments])
    if not options.any_order:
        take_repeatable_operations()
    interrupts = Interrupts()
    return run_program("tandem", lambda: train(options, make_task, interrupts), (native.Error, torch.OutOfMemoryError))
