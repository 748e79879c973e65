"""Writes a policy as ONNX: normalised, clipped observations through the network, batch first, with the policy file's metadata.

    python -m tandem.onnx_export POLICY OUT.onnx

The model's input is `obs` (batch, nobs) as docs/training.md, eq. (1) lays it out, its output `action` (batch, naction): the mean action. How actions become
torques is in the metadata: blend.name, blend.lambda, blend.scale and the gains. It is checked with onnxruntime before it is written.
"""

import os
import sys
from pathlib import Path

import numpy as np

from . import policy as policies
from .program import Parser, run_program
from .trajectory import Error

OPSET = 17
IR_VERSION = 8  # read by every onnxruntime since 1.14
TOLERANCE = 1e-5
SAMPLES = 256


def make_model(policy):
    """The policy as an onnx.ModelProto."""
    from onnx import TensorProto, helper, numpy_helper

    constants = {"mean": policy.mean, "std": policy.std, "low": np.float32(-policy.clip), "high": np.float32(policy.clip)}
    nodes = [
        helper.make_node("Sub", ["obs", "mean"], ["centred"]),
        helper.make_node("Div", ["centred", "std"], ["normalised"]),
        helper.make_node("Clip", ["normalised", "low", "high"], ["x0"]),
    ]
    last = len(policy.layers) - 1
    for i, (weight, bias) in enumerate(policy.layers):
        constants |= {f"actor.{i}.weight": weight, f"actor.{i}.bias": bias}
        out = "action" if i == last else f"y{i}"
        nodes.append(helper.make_node("Gemm", [f"x{i}", f"actor.{i}.weight", f"actor.{i}.bias"], [out], transB=1))
        if i != last:
            nodes.append(helper.make_node("Elu", [out], [f"x{i + 1}"]))

    def batch_of(name, size):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", size])

    graph = helper.make_graph(
        nodes,
        "policy",
        [batch_of("obs", len(policy.mean))],
        [batch_of("action", len(policy.layers[-1][1]))],
        [numpy_helper.from_array(np.array(value, np.float32), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, producer_name="tandem", opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    helper.set_model_props(model, policy.metadata)
    return model


def check_model(model, policy):
    """Largest difference between onnxruntime and NumPy over random observations, some of them clipped. Raises Error if it is above TOLERANCE."""
    import onnx
    import onnxruntime

    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    spread = policy.clip * np.linspace(0.01, 1, SAMPLES)[:, None]
    obs = (policy.mean + policy.std * spread * np.random.default_rng(0).standard_normal((SAMPLES, len(policy.mean)))).astype(np.float32)
    expected = policies.act(policy, obs)
    (got,) = session.run(["action"], {"obs": obs})
    error = float(np.max(np.abs(got - expected) / np.maximum(1, np.abs(expected))))
    if not error <= TOLERANCE:
        raise Error(f"the ONNX model differs from the policy by {error:.1e}, expected at most {TOLERANCE:.0e}; it was not written")
    return error


def export(policy_path, out):
    """Writes the policy file as the ONNX model `out`, whole or not at all; returns the largest difference between the two."""
    policy = policies.read(policy_path)
    model = make_model(policy)
    error = check_model(model, policy)
    part = Path(f"{out}.part{os.getpid()}")
    try:
        part.write_bytes(model.SerializeToString())
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
    return error


def main(arguments=None):
    parser = Parser(prog="tandem.onnx_export", description=__doc__.splitlines()[0])
    parser.add_argument("policy", metavar="POLICY", help="a policy.safetensors of a training run or of policies/")
    parser.add_argument("out", metavar="OUT.onnx")
    options = parser.parse_args(arguments)

    def body():
        error = export(options.policy, options.out)
        print(f"{options.out}: differs from {options.policy} by at most {error:.1e} over {SAMPLES} observations")

    return run_program("onnx_export", body)


if __name__ == "__main__":
    sys.exit(main())
