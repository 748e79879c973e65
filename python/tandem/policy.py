"""Reads the policy file that src/policy/policy_file.cpp writes (docs/training.md, "The policy file") and evaluates its network in NumPy."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .trajectory import Error

FORMAT = "tandem-policy"
VERSION = 1


@dataclass
class Policy:
    metadata: dict  # texts by key: robot, controller, observation.groups, blend.name, ...
    mean: np.ndarray  # of the observations  (nobs)
    std: np.ndarray  # (nobs)
    clip: float  # bound of the normalised observations
    layers: list  # (weight (rows, columns), bias (rows)) of each, with ELU after all but the last


def read(path):
    """The Policy in the file at `path`. Raises Error if it is none, cut off, damaged or of a newer format."""
    data = Path(path).read_bytes()
    header, numbers = _split(path, data)
    metadata = header.pop("__metadata__")
    if metadata.get("format") != FORMAT:
        raise Error(f"{path}: its format is {metadata.get('format')!r}, expected {FORMAT!r}")
    try:
        if int(metadata["format_version"]) > VERSION:
            raise Error(f"{path}: is of format {metadata['format_version']}, this program reads up to {VERSION}; update the program")
        tensors = {name: _tensor(path, name, entry, numbers) for name, entry in header.items()}
        count = sum(name.startswith("actor.") and name.endswith(".weight") for name in tensors)
        layers = [(tensors[f"actor.{i}.weight"], tensors[f"actor.{i}.bias"]) for i in range(count)]
        policy = Policy(metadata, tensors["normaliser.mean"], tensors["normaliser.std"], float(metadata["observation.clip"]), layers)
    except (KeyError, TypeError, ValueError) as error:
        raise Error(f"{path}: its header is damaged ({error}); export the policy again") from None
    width = len(policy.mean)
    for weight, bias in layers:
        if weight.ndim != 2 or weight.shape != (len(bias), width):
            raise Error(f"{path}: its layers do not fit together; export the policy again")
        width = len(bias)
    if not layers or policy.std.shape != policy.mean.shape or not all(np.isfinite(t).all() for t in tensors.values()):
        raise Error(f"{path}: its network is incomplete or holds numbers that are not finite; take an earlier checkpoint")
    return policy


def act(policy, obs):
    """Mean actions (n, naction) of observations (n, nobs), in double precision."""
    x = np.clip((obs.astype(float) - policy.mean) / policy.std, -policy.clip, policy.clip)
    for weight, bias in policy.layers[:-1]:
        x = x @ weight.astype(float).T + bias
        x = np.where(x > 0, x, np.expm1(np.minimum(x, 0)))
    weight, bias = policy.layers[-1]
    return x @ weight.astype(float).T + bias


def _split(path, data):
    """The header as a dictionary, and the bytes of the numbers."""
    cut_off = f"{path}: it is cut off or no policy; give a policy.safetensors that training wrote"
    if len(data) < 8 or len(data) - 8 < int.from_bytes(data[:8], "little"):
        raise Error(cut_off)
    end = 8 + int.from_bytes(data[:8], "little")
    try:
        header = json.loads(data[8:end])
        if not isinstance(header, dict) or not isinstance(header["__metadata__"], dict):
            raise ValueError
    except (ValueError, KeyError, RecursionError):
        raise Error(cut_off) from None
    return header, data[end:]


def _tensor(path, name, entry, numbers):
    """The array of one entry of the header."""
    begin, end = entry["data_offsets"]
    if entry["dtype"] != "F32" or not 0 <= begin <= end:
        raise ValueError(name)
    if end > len(numbers):
        raise Error(f"{path}: it is cut off within {name}; copy it again")
    return np.frombuffer(numbers[begin:end], "<f4").reshape(entry["shape"])
