"""What a training on a device logs about episodes and about its time. Nothing here waits for the device before take()."""

import math
import time
from itertools import pairwise

import torch

from . import native
from .device_state import from_bytes, to_bytes

_RECENT = 100  # episodes


class EpisodeStatistics:
    """The scalars of src/learn/statistics.cpp, summed on the device."""

    def __init__(self, task):
        self._task = task
        zeros = lambda *sizes: torch.zeros(*sizes, dtype=torch.float64, device=task.device)  # noqa: E731
        nterm, ntermination, nmeasure = len(task.term_names), len(task.termination_names), len(task.measure_names)
        self._kinds = torch.arange(ntermination, device=task.device)
        # of the running episodes
        self._term_sum, self._length = zeros(task.nworld, nterm), zeros(task.nworld)
        # reward and length of the last episodes, round and round; the row behind them takes what is not kept
        self._recent, self._ended = zeros(_RECENT + 1, 2), zeros(1)
        self.recent = []  # the same at the last take(), oldest first
        # since the last take()
        self._sums = zeros(1 + nmeasure + nterm + ntermination)
        self._reward, self._measures, self._ended_term, self._ended_by = self._sums.split([1, nmeasure, nterm, ntermination])
        self._samples = 0

    def add_step(self):
        """Takes up what the last step of the task wrote."""
        task, done = self._task, self._task.done.bool()
        self._samples += task.nworld
        self._reward += task.reward.double().sum()
        self._measures += task.measures.double().sum(0)
        self._term_sum += task.terms
        self._length += 1
        ended = torch.where(done[:, None], self._term_sum, 0.0)
        self._ended_term += ended.sum(0)
        self._ended_by += (task.termination[:, None] == self._kinds).logical_and(done[:, None]).sum(0)
        # episodes that end in one step follow each other by their worlds; of more than _RECENT the last count
        order = done.cumsum(0)
        place = torch.where(done & (order > order[-1] - _RECENT), (self._ended + order - 1).remainder(_RECENT).long(), _RECENT)
        self._recent[place] = torch.stack([ended.sum(1), self._length], 1)
        self._ended += order[-1]
        self._term_sum.masked_fill_(done[:, None], 0)
        self._length.masked_fill_(done, 0)

    def take(self):
        """[(scalar, number)] of the steps since the last call, NaN where nothing can be said; one read of the device."""
        task, nterm, nmeasure = self._task, len(self._task.term_names), len(self._task.measure_names)
        values = torch.cat([self._ended, self._recent[:_RECENT].flatten(), self._sums]).tolist()
        self._sums.zero_()
        count, ring, sums = int(values[0]), list(zip(values[1 : 1 + 2 * _RECENT : 2], values[2 : 1 + 2 * _RECENT : 2])), values[1 + 2 * _RECENT :]
        first = count % _RECENT if count > _RECENT else 0
        self.recent = (ring[first:] + ring[:first])[:count]
        reward, length = (sum(column) / len(self.recent) for column in zip(*self.recent)) if self.recent else (math.nan, math.nan)
        means = [value / self._samples for value in sums[: 1 + nmeasure]]
        self._samples = 0
        ended_term, ended_by = sums[1 + nmeasure : 1 + nmeasure + nterm], sums[1 + nmeasure + nterm :]
        ended = sum(ended_by) or math.nan
        return [
            ("Train/mean_reward", reward),
            ("Train/mean_episode_length", length),
            ("Train/reward_per_step", means[0]),
            *((f"Train/{name}", mean) for name, mean in zip(task.measure_names, means[1:])),
            *((f"Episode_Reward/{name}", value / ended) for name, value in zip(task.term_names, ended_term)),
            *((f"Episode_Termination/{name}", value / ended) for name, value in zip(task.termination_names, ended_by)),
        ]

    def state(self):
        """(name, type, bytes) of each array of a checkpoint."""
        recent = torch.tensor(self.recent, dtype=torch.float64).reshape(len(self.recent), 2)
        rewards, lengths = recent.T.contiguous()
        return to_bytes([("term_sum", self._term_sum), ("length", self._length.long()), ("recent_reward", rewards), ("recent_length", lengths)])

    def load(self, arrays, running):
        """The last episodes of a checkpoint, and those that ran if they go on. Raises native.Error if it is of another number of worlds or terms."""
        sizes = [len(data) // 8 for _, _, data in arrays]
        if sizes[:2] != [self._term_sum.numel(), self._length.numel()] or len(sizes) != 4:
            raise native.Error("saved statistics are of another number of worlds or terms; load them where they are the same")
        if running:
            self._term_sum.copy_(from_bytes(arrays[0][2], self._term_sum).view_as(self._term_sum))
            self._length.copy_(from_bytes(arrays[1][2], self._length.long()))
        rows = torch.stack([from_bytes(data, self._recent) for _, _, data in arrays[2:]], 1)
        self._recent[: len(rows)] = rows
        self._ended.fill_(len(rows))
        self.recent = [tuple(row) for row in rows.tolist()]


class Stopwatch:
    """Where time goes, by part: by the clock on the processor, by events of the stream on a GPU."""

    def __init__(self, device):
        self._on_gpu = device.type == "cuda"
        self._marks = []

    def mark(self, part=None):
        """Ends a part; None: begins."""
        now = time.perf_counter()
        if self._on_gpu:
            now = torch.cuda.Event(enable_timing=True)
            now.record()
        self._marks.append((part, now))

    def take(self):
        """Seconds by part since the last call; on a GPU once all that was marked has run."""
        seconds = {}
        for (_, begin), (part, end) in pairwise(self._marks):
            if part is not None:
                seconds[part] = seconds.get(part, 0.0) + (begin.elapsed_time(end) * 1e-3 if self._on_gpu else end - begin)
        self._marks = []
        return seconds
