"""A general batched solver on exported problems:  python -m tandem.kkt_baseline FOLDER [--device cuda] [--robots 64,1000] [--iterations 10,25]

FOLDER holds qp_*.json as src/qp/expand.cpp writes them. What a solver without our structure would do with them on the same device: Torch's dense batched
factorisation (cuSOLVER on a GPU) of the matrix of ADMM's x-update, once, and one solve with the factor per iteration. `cholesky` factors the condensed matrix
P + sigma I + A' rho A, `lu` the whole KKT matrix [P + sigma I, A'; A, -1/rho]. Projections and updates of the duals are left out, in the baseline's favour.

Before a way is timed its answer is held against an exact solve of the KKT matrix in double precision; one that misses by more than 1e-3 of the largest entry
is not timed. Robots beyond the number of problems repeat them, in memory of their own; a batch that does not fit into --memory goes through in pieces.
Prints one JSON object:

  device, torch     what ran it
  variables, rows   of a problem
  results           per way, precision, robots and iterations: method, dtype, robots, iterations, piece (robots at once), check, us (of all robots; null: not
                    timed)
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

from .program import Parser, run_program
from .qp_export import read_qp
from .trajectory import Error

RHO, EQUALITY, SIGMA = 0.1, 1e3, 1e-6  # of OSQP and the Residual MPC paper
LIMIT = 1e-3  # of the check
REPEAT = 5


def penalties(qp):
    """rho of every row: 1000 times as much for equalities."""
    return np.where(qp.u - qp.l < 1e-4, EQUALITY * RHO, RHO)


def kkt_matrix(qp):
    """[P + sigma I, A'; A, -1/rho], dense  (n + m, n + m)."""
    n = len(qp.q)
    A = qp.A.toarray()
    return np.block([[qp.P.toarray() + SIGMA * np.eye(n), A.T], [A, -np.diag(1 / penalties(qp))]])


def condensed_matrix(qp):
    """P + sigma I + A' rho A, dense  (n, n)."""
    A = qp.A.toarray()
    return qp.P.toarray() + SIGMA * np.eye(len(qp.q)) + A.T @ (penalties(qp)[:, None] * A)


def exact_answer(qp):
    """x of [P + sigma I, A'; A, -1/rho] [x; y] = [-q; targets] in double precision: the x-update from zero duals  (n)."""
    n = len(qp.q)
    return np.linalg.solve(kkt_matrix(qp), np.concatenate([-qp.q, row_targets(qp)]))[:n]


def row_targets(qp):
    """Where the rows are pulled to: the finite bound nearest to zero  (m)."""
    return np.clip(0.0, qp.l, qp.u)


def cholesky(torch):
    """(matrix, right-hand side, factor, solve) of the condensed system."""

    def right_hand_side(qp):
        return -qp.q + qp.A.T @ (penalties(qp) * row_targets(qp))

    return condensed_matrix, right_hand_side, torch.linalg.cholesky, lambda rhs, factor: torch.cholesky_solve(rhs, factor)


def lu(torch):
    """The same of the whole KKT system."""

    def right_hand_side(qp):
        return np.concatenate([-qp.q, row_targets(qp)])

    return kkt_matrix, right_hand_side, torch.linalg.lu_factor, lambda rhs, factor: torch.linalg.lu_solve(*factor, rhs)


METHODS = {"cholesky": cholesky, "lu": lu}


class Way:
    """One method in one precision on the problems, on a device."""

    def __init__(self, torch, method, dtype, device, problems):
        self.torch, self.device = torch, torch.device(device)
        matrix, rhs, self.factor, self.solve = METHODS[method](torch)
        real = getattr(torch, dtype)
        self.matrices = torch.tensor(np.stack([matrix(qp) for qp in problems]), dtype=real, device=self.device)
        self.rhs = torch.tensor(np.stack([rhs(qp) for qp in problems])[:, :, None], dtype=real, device=self.device)

    def error(self, exact):
        """Largest difference to the exact answers over their largest entry; infinite where it could not be factored."""
        try:
            x = self.solve(self.rhs, self.factor(self.matrices)).cpu().numpy()[:, : exact.shape[1], 0]
        except self.torch.linalg.LinAlgError:
            return np.inf
        error = np.max(np.abs(x - exact)) / np.max(np.abs(exact))
        return float(error) if np.isfinite(error) else np.inf

    def piece(self, robots, memory):
        """How many robots fit at once: matrix and factor of each."""
        each = 2 * self.matrices[0].numel() * self.matrices.element_size()
        return max(1, min(robots, int(memory // each)))

    def synchronise(self):
        if self.device.type == "cuda":
            self.torch.cuda.synchronize()

    def time(self, robots, iterations, piece):
        """Median time of a factorisation and `iterations` solves of all robots [us]."""
        index = self.torch.arange(piece, device=self.device) % len(self.matrices)
        matrices, rhs = self.matrices[index], self.rhs[index]
        times = []
        for _ in range(REPEAT + 1):  # the first one warms up
            self.synchronise()
            start = time.perf_counter()
            for _ in range(-(-robots // piece)):
                factor = self.factor(matrices)
                for _ in range(iterations):
                    self.solve(rhs, factor)
            self.synchronise()
            times.append(1e6 * (time.perf_counter() - start))
        return float(np.median(times[1:]))


def measure(torch, options, problems):
    """The results of one method and precision after the other."""
    exact = np.stack([exact_answer(qp) for qp in problems])
    results = []
    for method in options.methods:
        for dtype in options.dtypes:
            way = Way(torch, method, dtype, options.device, problems)
            error = way.error(exact)
            for robots in options.robots:
                piece = way.piece(robots, options.memory * 2**30)
                for iterations in options.iterations:
                    us = way.time(robots, iterations, piece) if error < LIMIT else None
                    row = {"method": method, "dtype": dtype, "robots": robots, "iterations": iterations, "piece": piece}
                    results.append({**row, "check": error if np.isfinite(error) else None, "us": us})
            del way
    return results


def run(options):
    try:
        import torch
    except ImportError:
        raise Error("Torch is not installed; ./tandem train installs it") from None
    if options.device == "cuda" and not torch.cuda.is_available():
        raise Error("Torch finds no CUDA device; use --device cpu")
    paths = sorted(options.folder.glob("qp_*.json"))
    if not paths:
        raise Error(f"{options.folder}: no qp_*.json")
    problems = [read_qp(path) for path in paths]
    # switching rows on and off changes their number, not that of the variables
    rows = max(len(qp.l) for qp in problems)
    if "lu" in options.methods:
        problems = [qp for qp in problems if len(qp.l) == rows]
    name = torch.cuda.get_device_name() if options.device == "cuda" else "cpu"
    results = measure(torch, options, problems)
    return {"device": name, "torch": torch.__version__, "variables": len(problems[0].q), "rows": rows, "results": results}


def main(argv=None):
    def integers(text):
        return [int(word) for word in text.split(",")]

    def words(text):
        return text.split(",")

    parser = Parser(prog="tandem.kkt_baseline", description="Torch's batched factorisations on exported problems.")
    parser.add_argument("folder", type=Path, help="folder with qp_*.json")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--robots", type=integers, default=[64], help="robots at once, comma-separated; default 64")
    parser.add_argument("--iterations", type=integers, default=[10, 25], help="solves per factorisation, comma-separated; default 10,25")
    parser.add_argument("--methods", type=words, default=["cholesky"], help="cholesky, lu; default cholesky")
    parser.add_argument("--dtypes", type=words, default=["float32", "float64"], help="default float32,float64")
    parser.add_argument("--memory", type=float, default=8.0, help="for matrices and factors of a piece [GiB]; default 8")
    options = parser.parse_args(argv)
    unknown = set(options.methods) - set(METHODS)
    if unknown:
        parser.error(f"--methods {','.join(sorted(unknown))}: expected {' or '.join(METHODS)}")
    return run_program("tandem.kkt_baseline", lambda: json.dump(run(options), sys.stdout, allow_nan=False))


if __name__ == "__main__":
    sys.exit(main())
