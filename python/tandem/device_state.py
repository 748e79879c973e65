"""What a learner on a device remembers besides its network: the normaliser of its observations and Adam; their bytes in checkpoints, its seeds."""

import hashlib
import math

import torch

_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-8
_DEVIATION_OFFSET = 0.01
_TYPES = {torch.float32: "F32", torch.float64: "F64", torch.int64: "I64"}


def derived_seed(*parts):
    """A seed of 63 bits from numbers and names."""
    return int.from_bytes(hashlib.blake2b(repr(parts).encode(), digest_size=8).digest(), "little") >> 1


def to_bytes(named):
    """[(name, type, bytes)], as checkpoints take them, of [(name, tensor)]."""
    return [(name, _TYPES[tensor.dtype], tensor.cpu().numpy().tobytes()) for name, tensor in named]


def from_bytes(data, tensor):
    """The numbers in `data`, of the type and on the device of `tensor`."""
    return torch.frombuffer(bytearray(data), dtype=tensor.dtype).to(tensor.device) if data else tensor.new_empty(0)


class Mirror:
    """The image of a tensor: image[i] = sign[i] x[index[i]], which undoes itself. Without indices there is none. docs/training.md, "Left and right"."""

    def __init__(self, indices, signs, device):
        self.index = torch.tensor(indices, dtype=torch.int64, device=device)
        self.sign = torch.tensor(signs, device=device)

    def symmetrise(self, x, signed=True):
        """Replaces x by the mean of itself and its image, which is then its own image to the last bit."""
        if len(self.index):
            image = x[self.index]
            x.add_(self.sign.to(x.dtype) * image if signed else image).div_(2)


class Normaliser:
    """Observations by the mean and variance of all that were seen up to the last fold(), eq. (26)."""

    def __init__(self, nobs, clip, device, mirror=((), ())):
        """mirror: (indices, signs) of observations that are seen together with their images."""
        self._mirror = Mirror(*mirror, device)
        self.mean = torch.zeros(nobs, dtype=torch.float64, device=device)
        self.variance = torch.ones_like(self.mean)
        self.count = torch.zeros(1, dtype=torch.float64, device=device)
        self.clip = clip
        self._sum, self._squares, self._collected = torch.zeros_like(self.mean), torch.zeros_like(self.mean), 0
        self.refresh()

    def refresh(self):
        """To be called after mean and variance were written from outside."""
        self._centre, self._deviation = self.mean.float(), (self.variance.sqrt() + _DEVIATION_OFFSET).float()

    def apply(self, observation):
        return ((observation - self._centre) / self._deviation).clamp(-self.clip, self.clip)

    def collect(self, observation):
        """Keeps the moments of observations (n, nobs) about the mean for the next fold()."""
        d = observation.double() - self.mean
        self._sum += d.sum(0)
        self._squares += d.square().sum(0)
        self._collected += len(observation)

    def fold(self):
        """Makes what was collected part of mean and variance."""
        if self._collected == 0:
            return
        self._mirror.symmetrise(self._sum)
        self._mirror.symmetrise(self._squares, signed=False)
        total = self.count + self._collected
        shift, second = self._sum / total, (self.variance * self.count + self._squares) / total
        self.mean += shift
        self.variance.copy_((second - shift.square()).clamp_min(0))
        self.count.copy_(total)
        self._sum.zero_(), self._squares.zero_()
        self._collected = 0
        self.refresh()


class Adam:
    """Eq. (27) on one array, and the sum of what it was moved by."""

    def __init__(self, parameters):
        self.parameters = parameters
        self.m, self.v = torch.zeros_like(parameters), torch.zeros_like(parameters)
        self.updates = 0

    def step(self, gradient, rate, weight_decay):
        """gradient (n), already shortened; rate: 0-d float64."""
        self.updates += 1
        if weight_decay:
            gradient = gradient + weight_decay * self.parameters
        self.m.mul_(_BETA_1).add_(gradient, alpha=1 - _BETA_1)
        self.v.mul_(_BETA_2).addcmul_(gradient, gradient, value=1 - _BETA_2)
        root = self.v.sqrt().mul_(1 / math.sqrt(1 - _BETA_2**self.updates)).add_(_EPSILON)
        self.parameters.sub_((rate / (1 - _BETA_1**self.updates)).float() * self.m / root)
