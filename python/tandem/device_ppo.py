"""Proximal policy optimisation on Torch tensors that stay on one device: act, process_step, compute_returns, update. docs/training.md, eq. (19)-(27).

The state is that of src/learn/ppo.cpp, array by array, so that checkpoints of one are those of the other. Nothing waits for the device before the end of
update(), which reads one small tensor.
"""

import math

import torch
import torch.nn.functional as F

from . import native
from .device_state import Adam, Mirror, Normaliser, derived_seed, from_bytes

_LOG_2PI = math.log(2 * math.pi)


def log_probability(action, mean, log_sigma):
    """log pi(action) of normal distributions with independent components  (rows)."""
    return (-0.5 * ((action - mean) * (-log_sigma).exp()).square() - log_sigma - 0.5 * _LOG_2PI).sum(-1)


def divergence(old_mean, old_log_sigma, mean, log_sigma):
    """KL(old || new), mean over the rows."""
    spread = log_sigma - old_log_sigma + 0.5 * (2 * (old_log_sigma - log_sigma)).exp() - 0.5
    return (0.5 * ((old_mean - mean) * (-log_sigma).exp()).square().sum(-1)).mean() + spread.sum()


def losses(settings, old, mean, log_sigma, value):
    """Surrogate, value loss and entropy of eq. (21). old: "action", "log_prob", "advantage", "value", "returns" of the samples."""
    clip = settings["ppo.clip"]
    ratio = (log_probability(old["action"], mean, log_sigma) - old["log_prob"]).exp()
    surrogate = torch.maximum(-ratio * old["advantage"], -ratio.clamp(1 - clip, 1 + clip) * old["advantage"]).mean()
    clipped = old["value"] + (value - old["value"]).clamp(-clip, clip)
    value_loss = torch.maximum((value - old["returns"]).square(), (clipped - old["returns"]).square()).mean()
    return surrogate, value_loss, (log_sigma + 0.5 * (1 + _LOG_2PI)).sum()


def generalised_advantages(settings, reward, done, value):
    """Eq. (19) and the first half of (20).   reward of time-outs with the value added, done (steps, nworld); value (steps + 1, nworld)"""
    gamma, decay = settings["ppo.gamma"], settings["ppo.gamma"] * settings["ppo.lambda"]
    advantage, after = torch.empty_like(reward), torch.zeros_like(reward[0])
    for t in range(len(reward) - 1, -1, -1):
        go_on = 1 - done[t]
        after = reward[t] + gamma * value[t + 1] * go_on - value[t] + decay * go_on * after
        advantage[t] = after
    return advantage


class Ppo:
    """For every iteration: for every step act(), the worlds advance, process_step(); then compute_returns() and update()."""

    def __init__(self, settings, shape, nworld, *, zero_last_layer, seed, device, mirrored_observation=((), ())):
        """settings: ppo.* by name. shape: native.NetworkShape. device: torch.device. mirrored_observation: (indices, signs), where the shape is symmetric."""
        self.settings, self.seed, self.device, self.nworld = settings, seed, device, nworld
        self.parameters = torch.from_numpy(shape.initial(settings["ppo.sigma"], zero_last_layer, seed)).to(device, copy=True)
        self.gradient = torch.zeros_like(self.parameters)
        self.mirror = Mirror(*shape.mirror, device)
        self.adam = Adam(self.parameters)
        self._leaves, self._gradients = [], []  # views of the arrays, in pairs
        self.actor, self.critic = ([self._layer(*layer) for layer in layers] for layers in (shape.actor, shape.critic))
        nobs, naction = shape.actor[0][0], shape.actor[-1][1]
        self.log_sigma = self._leaf(lambda flat: flat[shape.log_sigma : shape.log_sigma + naction])
        self.rate = torch.tensor(settings["ppo.learning_rate"], dtype=torch.float64, device=device)
        self.normaliser = Normaliser(nobs, settings["ppo.observation_clip"], device, mirrored_observation)
        self.counter = [0, 0]  # control steps of every world, passes over the samples
        self.generator = torch.Generator(device)
        self.t = 0  # steps since the last update

        steps = settings["ppo.steps"]
        zeros = lambda *sizes: torch.zeros(*sizes, device=device)  # noqa: E731
        self.observation = zeros(steps + 1, nworld, nobs)  # normalised
        self.action, self.mean = zeros(steps, nworld, naction), zeros(steps, nworld, naction)
        self.reward, self.done, self.time_out = zeros(steps, nworld), zeros(steps, nworld), zeros(steps, nworld)
        self.samples = {}  # what minibatches are taken from, flat over steps and worlds

    def _leaf(self, view):
        leaf = view(self.parameters).detach().requires_grad_()
        self._leaves.append(leaf)
        self._gradients.append(view(self.gradient))
        return leaf

    def _layer(self, inputs, outputs, ld, weight, bias):
        matrix = self._leaf(lambda flat: flat[weight : weight + inputs * ld].view(inputs, ld)[:, :outputs])
        return matrix, self._leaf(lambda flat: flat[bias : bias + outputs])

    @staticmethod
    def forward(layers, x):
        """Eq. (22)."""
        for weight, bias in layers[:-1]:
            x = F.elu(torch.addmm(bias, x, weight))
        weight, bias = layers[-1]
        return torch.addmm(bias, x, weight)

    @torch.no_grad()
    def act(self, observation):
        """Draws the actions of all worlds and keeps them with the observation.   (nworld, nobs) to (nworld, naction), valid until the next iteration"""
        t = self.t
        if t == 0:  # random numbers are functions of the seed and of how far the training is, so that going on equals not having stopped
            self.generator.manual_seed(derived_seed(self.seed, self.counter[0]))
        self.normaliser.collect(observation)
        self.observation[t] = self.normaliser.apply(observation)
        self.mean[t] = self.forward(self.actor, self.observation[t])
        noise = torch.randn(self.mean[t].shape, generator=self.generator, device=self.device)
        self.action[t] = self.mean[t] + self.log_sigma.exp() * noise
        return self.action[t]

    def process_step(self, reward, done, time_out):
        """Keeps what came of the actions.   each (nworld)"""
        self.reward[self.t], self.done[self.t], self.time_out[self.t] = reward, done, time_out
        self.t += 1
        self.counter[0] += 1

    @torch.no_grad()
    def compute_returns(self, observation):
        """After ppo.steps steps, with the observation (nworld, nobs) that the last one led to."""
        steps = self.settings["ppo.steps"]
        if self.t != steps:
            raise native.Error(f"compute_returns() after {self.t} steps, expected ppo.steps = {steps}")
        self.observation[steps] = self.normaliser.apply(observation)
        value = self.forward(self.critic, self.observation.flatten(0, 1)).view(steps + 1, self.nworld)
        # a time-out is not a failure: what would have followed is worth as much as the state before it
        reward = self.reward + self.settings["ppo.gamma"] * value[:-1] * self.time_out
        advantage = generalised_advantages(self.settings, reward, self.done, value)
        action, mean, log_sigma = self.action.flatten(0, 1), self.mean.flatten(0, 1), self.log_sigma.detach().clone()
        self.samples = {
            "observation": self.observation[:-1].flatten(0, 1),
            "action": action,
            "mean": mean,
            "log_prob": log_probability(action, mean, log_sigma),
            "advantage": ((advantage - advantage.mean()) / (advantage.std() + 1e-8)).flatten(),
            "value": value[:-1].flatten(),
            "returns": (advantage + value[:-1]).flatten(),
        }
        self.old_log_sigma = log_sigma

    def _minibatch(self, index):
        """One step along the gradient of eq. (21). Surrogate, value loss, divergence and norm of the gradient, on the device."""
        s = self.settings
        old = {name: samples[index] for name, samples in self.samples.items()}
        mean, value = self.forward(self.actor, old["observation"]), self.forward(self.critic, old["observation"]).squeeze(1)
        surrogate, value_loss, entropy = losses(s, old, mean, self.log_sigma, value)
        loss = surrogate + s["ppo.value_coefficient"] * value_loss - s["ppo.entropy_coefficient"] * entropy
        gradients = torch.autograd.grad(loss, self._leaves)
        with torch.no_grad():
            for part, gradient in zip(self._gradients, gradients):
                part.copy_(gradient)
            self.mirror.symmetrise(self.gradient)
            kl = divergence(old["mean"], self.old_log_sigma, mean, self.log_sigma).double()
            norm = torch.linalg.vector_norm(self.gradient, dtype=torch.float64)
            self._adapt(kl)
            bound = s["ppo.max_gradient_norm"]
            shorten = torch.where(norm > bound, bound / (norm + 1e-6), 1.0).float()
            self.adam.step(shorten * self.gradient, self.rate, s["ppo.weight_decay"])
            self.log_sigma.clamp_(min=math.log(s["ppo.min_sigma"]))
            return torch.stack([surrogate.double(), value_loss.double(), kl, norm])

    def _adapt(self, kl):
        """The learning rate follows the divergence of the new from the old policy."""
        desired = self.settings["ppo.desired_kl"]
        if desired == 0:
            return
        rate = torch.where(kl > 2 * desired, self.rate / 1.5, self.rate)
        rate = torch.where(kl < 0.5 * desired, rate * 1.5, rate)
        self.rate.copy_(rate.clamp(self.settings["ppo.min_learning_rate"], self.settings["ppo.max_learning_rate"]))

    def update(self):
        """Improves policy and value; [(scalar, number)]. Raises native.Error if the loss was not finite; the state is of no use then."""
        s, device = self.settings, self.device
        count = s["ppo.steps"] * self.nworld
        size = count // s["ppo.minibatches"]
        parts = []
        for _ in range(s["ppo.epochs"]):
            order = torch.rand(count, dtype=torch.float64, generator=self.generator, device=device).argsort()
            parts += [self._minibatch(order[b * size : (b + 1) * size]) for b in range(s["ppo.minibatches"])]
            self.counter[1] += 1
        if s["ppo.normalise"]:
            self.normaliser.fold()
        self.t = 0
        log_sigma = self.log_sigma.detach()
        ends = torch.stack([(log_sigma + 0.5 * (1 + _LOG_2PI)).sum().double(), log_sigma.exp().mean().double(), self.rate])
        *rows, (entropy, mean_sigma, rate, _) = torch.cat([torch.stack(parts), F.pad(ends, (0, 1))[None]]).tolist()  # the one read of the update
        for surrogate, value, kl, norm in rows:
            if not math.isfinite(surrogate + value + kl + norm):
                raise native.Error(
                    f"the loss or its gradient is not finite: surrogate {surrogate:g}, value {value:g}, divergence {kl:g}, norm of the gradient {norm:g}"
                )
        surrogate, value, kl, norm = (sum(column) / len(rows) for column in zip(*rows))
        return [
            ("Loss/value", value),
            ("Loss/surrogate", surrogate),
            ("Loss/entropy", entropy),
            ("Loss/learning_rate", rate),
            ("Loss/divergence", kl),
            ("Loss/gradient_norm", norm),
            ("Policy/mean_std", mean_sigma),
        ]

    def state(self):
        """Everything that the next iteration depends on, [(name, tensor)] in the order of a checkpoint."""
        return [
            ("ppo.parameters", self.parameters),
            ("adam.m", self.adam.m),
            ("adam.v", self.adam.v),
            ("adam.updates", torch.tensor([self.adam.updates])),
            ("normaliser.mean", self.normaliser.mean),
            ("normaliser.variance", self.normaliser.variance),
            ("normaliser.count", self.normaliser.count),
            ("ppo.counter", torch.tensor(self.counter)),
            ("ppo.learning_rate", self.rate.view(1)),
        ]

    def load(self, arrays, path):
        """Takes over what a checkpoint holds, (name, type, bytes) of each array. Raises native.Error if it is of another network or not finite."""
        state = self.state()
        if len(arrays) != len(state):
            raise native.Error(f"{path}: has {len(arrays)} arrays of a learner, expected {len(state)}")
        for (name, _, data), (expected, tensor) in zip(arrays, state):
            size = tensor.numel() * tensor.element_size()
            if name != expected or len(data) != size:
                raise native.Error(f"{path}: {name} has {len(data)} bytes, expected {expected} with {size}; it is of another network")
            tensor.copy_(from_bytes(data, tensor))
        values = dict(state)
        self.adam.updates, self.counter = values["adam.updates"].item(), values["ppo.counter"].tolist()
        self.normaliser.refresh()
        if not self.parameters.isfinite().all():
            raise native.Error(f"{path}: has parameters that are not finite; take an earlier checkpoint")
