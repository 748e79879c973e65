"""OSQP on exported problems:  python -m tandem.osqp_reference FOLDER [--head N] [--repeat R]

FOLDER holds qp_*.json as src/qp/expand.cpp writes them. Each is solved with the settings of the Residual MPC paper (25 iterations, refactorised, Ruiz
equilibration, rho 0.1, relaxation 1.6, cold), timed by OSQP's own clock, and once more to convergence. Prints one JSON object:

  version   of OSQP
  us        time of new data, scaling, numeric factorisation and 25 iterations, median of R runs [us]  (problems)
  paper     first N variables after 25 iterations  (problems, N)
  exact     first N variables at convergence; null where OSQP found no solution  (problems, N)
"""

import json
import sys
from pathlib import Path

import numpy as np

from .program import Parser, run_program
from .trajectory import Error

PAPER = {
    "max_iter": 25,
    "rho": 0.1,
    "alpha": 1.6,
    "sigma": 1e-6,
    "scaling": 10,
    "adaptive_rho": False,
    "check_termination": 0,
    "warm_starting": False,
    "polishing": False,
    "verbose": False,
}
EXACT = {
    "max_iter": 50_000,
    "eps_abs": 1e-8,
    "eps_rel": 1e-8,
    "rho": 0.1,
    "scaling": 10,
    "polishing": True,
    "polish_refine_iter": 10,
    "verbose": False,
}


def read(path):
    """The problem in `path` as the arguments of osqp.OSQP.setup."""
    from scipy import sparse

    data = json.loads(path.read_text())
    n, m = data["variables"], data["rows"]

    def matrix(name, shape):
        entries = data[name]
        return sparse.csc_matrix((entries["value"], (entries["row"], entries["col"])), shape=shape)

    vectors = {name: np.array(data[name], dtype=float) for name in "qlu"}
    return {"P": sparse.triu(matrix("P", (n, n)), format="csc"), "A": matrix("A", (m, n)), **vectors}


def paper_run(osqp, problem, repeat):
    """Time [us] and answer of the paper's 25 iterations."""
    solver = osqp.OSQP()
    solver.setup(**problem, **PAPER)
    times = []
    for _ in range(repeat):
        # new matrices make OSQP scale and factorise again, as every control step does; the symbolic analysis is kept
        solver.update(q=problem["q"], l=problem["l"], u=problem["u"], Px=problem["P"].data, Ax=problem["A"].data)
        info = (answer := solver.solve()).info
        times.append(1e6 * (info.update_time + info.solve_time))
    return float(np.median(times)), answer.x


def exact_run(osqp, problem):
    """The converged answer, or None."""
    solver = osqp.OSQP()
    solver.setup(**problem, **EXACT)
    answer = solver.solve()
    return answer.x if answer.info.status == "solved" else None


def run(options):
    try:
        import osqp
    except ImportError:
        raise Error("OSQP is not installed; ./tandem bench installs it") from None
    paths = sorted(options.folder.glob("qp_*.json"))
    if not paths:
        raise Error(f"{options.folder}: no qp_*.json")
    result = {"version": osqp.__version__, "us": [], "paper": [], "exact": []}
    for path in paths:
        problem = read(path)
        us, x = paper_run(osqp, problem, options.repeat)
        exact = exact_run(osqp, problem)
        result["us"].append(us)
        result["paper"].append(x[: options.head].tolist())
        result["exact"].append(None if exact is None else exact[: options.head].tolist())
    return result


def main(argv=None):
    parser = Parser(prog="tandem.osqp_reference", description="OSQP on exported problems.")
    parser.add_argument("folder", type=Path, help="folder with qp_*.json")
    parser.add_argument("--head", type=int, default=None, help="how many variables of an answer to print; default: all")
    parser.add_argument("--repeat", type=int, default=5, help="timed runs of a problem; default 5")
    options = parser.parse_args(argv)
    return run_program("tandem.osqp_reference", lambda: json.dump(run(options), sys.stdout, allow_nan=False))


if __name__ == "__main__":
    sys.exit(main())
